"""Kill performers in mid-note on a JACK server of our own, start them again, and count what still sounds on the synth.

    python scripts/kill_performers.py --kills 12 --port named|virtual|late

named: the synth stays; virtual: it is connected again once the new performer's port is there; late: it goes with the killed one and
comes back two seconds after the restart. Prints how many notes sounded at the kills, how many of them still sound two seconds
after the port's return, and how long after it the last of them ended.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from improv.midi.binding import rtmidi

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from ears import Ears
from jack_server import serving

CONFIG = """
model = "pocket"
[music]
changes = "Dm7 | G7 | Cmaj7 | A7"
tempo = 160
click = 10
[record]
on = false
folder = "sessions"
[control]
socket = "{folder}/ctl"
[[performer]]
name = "sax"
mode = "solo"
channel = 1
{port}
[[performer]]
name = "piano"
mode = "comp"
channel = 2
hears = ["sax"]
{port}
"""


class Synth:
    """A client that is played to. sounds: (channel, pitch); ended: when each first did, since that was asked last."""

    def __init__(self) -> None:
        self.sounds: set[tuple[int, int]] = set()
        self.ended: dict[tuple[int, int], float] = {}
        self.port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="synth")
        self.port.open_virtual_port("midi")
        self.ears = Ears(self.port, self._take)

    def _take(self, message: list[int]) -> None:
        kind, key = message[0] & 0xF0, (message[0] & 0x0F, message[1] if len(message) > 1 else 0)
        if kind == 0x90 and message[2]:
            self.sounds.add(key)
            self.ended.setdefault(key, time.perf_counter())  # it is struck again, and is the new performer's
        elif kind in (0x80, 0x90):
            self.sounds.discard(key)
            self.ended.setdefault(key, time.perf_counter())


def connected(out: str) -> bool:
    return subprocess.run(["jack_connect", out, "synth:midi"], capture_output=True, check=False).returncode == 0


def ours() -> list[str]:
    said = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=False).stdout.split("\n")
    return [name for name in said if name.startswith("improv") and name.rpartition(":")[2] in ("out", "sax", "piano")]


def begun(folder: Path, virtual: bool) -> tuple[subprocess.Popen[bytes], float]:
    """A daemon that is connected, and since when."""
    log = open(folder / "log", "ab")  # noqa: SIM115 - it is the daemon's
    while ours():  # of the killed one
        time.sleep(0.02)
    command = [sys.executable, "-m", "improv", "daemon", "--config", str(folder / "improv.toml")]
    process = subprocess.Popen(command, stderr=log, env=os.environ | {"XDG_RUNTIME_DIR": str(folder)})
    log.close()
    while len(new := ours()) < (2 if virtual else 1):
        time.sleep(0.02)
    if virtual:
        for name in new:
            while not connected(name):
                time.sleep(0.02)
    return process, time.perf_counter()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=12, metavar="N", help="how many (default: 12)")
    parser.add_argument("--port", choices=["named", "virtual", "late"], default="named", help="what the daemon plays on (default: named)")
    args = parser.parse_args()
    sounded, left, last = 0, 0, 0.0
    with tempfile.TemporaryDirectory() as name, serving(f"improv-kills-{os.getpid()}") as server:
        os.environ["JACK_DEFAULT_SERVER"] = server.name
        folder = Path(name)
        port = "" if args.port == "virtual" else 'output = "synth"'
        (folder / "improv.toml").write_text(CONFIG.format(folder=folder, port=port))
        synth = Synth()
        process, _ = begun(folder, args.port == "virtual")
        for kill in range(args.kills):
            time.sleep(4.0 + 0.137 * kill)
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(0.3)
            hanging = set(synth.sounds)
            sounded += len(hanging)
            if args.port == "late":
                synth.ears.close()
            else:
                synth.ended.clear()
            process, back = begun(folder, args.port == "virtual")
            if args.port == "late":
                time.sleep(2.0)
                synth, back = Synth(), time.perf_counter()
            time.sleep(2.0)
            left += len([key for key in hanging if key not in synth.ended])
            last = max([last, *(synth.ended[key] - back for key in hanging if key in synth.ended)])
        process.kill()
        process.wait()
        synth.ears.close()
    print(
        f"{args.port}: {args.kills} kills, {sounded} notes sounded, {left} still do; the last ended {1000 * last:.0f} ms after the return"
    )
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
