"""A synth and a keyboard that go away and come back while a daemon plays on JACK: what hangs, what grows, what is not found again.

    python scripts/come_and_go.py --times 200

Each time both go at a moment drawn by a seed, the keyboard with a key down, and come back after a while. The synth that comes back is
the one that went: it still holds what sounded, until somebody ends it. Prints how soon ports were found, how soon the last of what
sounded was ended, notes that were not, memory and file handles early and late. Exits with 1 where a note was left sounding or
something grew. `tests/jack/test_come_and_go.py` runs a short round.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from improv.midi.binding import rtmidi

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from ears import Ears
from jack_server import serving
from rig import opened

from improv.midi.ports import close_client

CONFIG = """
model = "pocket"
[music]
changes = "Dm7 | G7 | Cmaj7 | A7"
tempo = 200
click = 10
[record]
folder = "sessions"
[control]
socket = "{folder}/ctl"
[[input]]
name = "keys"
port = "keyboard"
[[performer]]
name = "sax"
mode = "solo"
channel = 1
output = "synth"
[[performer]]
name = "piano"
mode = "comp"
channel = 2
output = "synth"
"""
PATIENCE = 20.0  # seconds
GROWN = 8.0  # MB from the first quarter to the end
EARLY = 0.25  # of all times, after which memory is looked at first


class Synth:
    """What sounds stays with it while it is away."""

    def __init__(self) -> None:
        self.sounds: dict[tuple[int, int], bool] = {}  # whether it began before the synth went
        self.notes = 0
        self.come()

    def come(self) -> None:
        self.port = opened(rtmidi.MidiIn, "synth")
        self.port.open_virtual_port("midi")
        self.ears = Ears(self.port, self._take)

    def go(self) -> None:
        self.ears.close()
        self.sounds = dict.fromkeys(self.sounds, True)

    def _take(self, message: list[int]) -> None:
        key = message[0] & 0x0F, message[1] if len(message) > 1 else 0
        if message[0] & 0xF0 == 0x90 and message[2]:
            self.sounds[key] = False
            self.notes += 1
        elif message[0] & 0xF0 in (0x80, 0x90):
            self.sounds.pop(key, None)

    @property
    def old(self) -> int:
        return sum(self.sounds.copy().values())


def until(true: Callable[[], bool], what: str) -> float:
    """Seconds until something holds."""
    began = time.perf_counter()
    while not true():
        if time.perf_counter() - began > PATIENCE:
            raise TimeoutError(f"after {PATIENCE:g} s: {what}")
        time.sleep(0.002)
    return time.perf_counter() - began


def held(pid: int) -> tuple[float, int]:
    """MB and file handles."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(os.listdir(f"/proc/{pid}/fd"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200, help="how often they go and come back (default: 200)")
    args = parser.parse_args()
    rng = random.Random(1)
    found, closed, sounded, not_closed = [], [0.0], 0, 0
    looks: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as name, serving(f"improv-ports-{os.getpid()}") as server:
        os.environ["JACK_DEFAULT_SERVER"] = server.name
        folder, synth = Path(name), Synth()
        (folder / "improv.toml").write_text(CONFIG.format(folder=folder))
        with open(folder / "log", "wb") as log:
            command = [sys.executable, "-m", "improv", "daemon", "--config", str(folder / "improv.toml")]
            daemon = subprocess.Popen(command, stderr=log, env=os.environ | {"XDG_RUNTIME_DIR": name})
        try:
            until(lambda: synth.notes > 5, "the daemon does not play")
            for turn in range(args.times):
                keys = opened(rtmidi.MidiOut, "keyboard")
                keys.open_virtual_port("out")
                time.sleep(rng.uniform(0.6, 1.2))
                keys.send_message([0x90, 60, 80])
                time.sleep(rng.uniform(0.05, 0.4))
                close_client(keys)
                synth.go()
                sounded += len(synth.sounds)
                time.sleep(rng.choice([0.05, 0.3, 1.0]))
                before = synth.notes
                synth.come()
                found.append(until(lambda before=before: synth.notes > before, "the synth that came back hears nothing"))
                at = time.perf_counter()
                while synth.old and time.perf_counter() - at < 1.0:
                    time.sleep(0.002)
                closed.append(time.perf_counter() - at)
                not_closed += synth.old
                if turn in (int(args.times * EARLY), args.times - 1):
                    looks.append(held(daemon.pid))
        except TimeoutError as e:
            print(f"{e}; the daemon's log:\n{(folder / 'log').read_text()}")
            return 1
        finally:
            daemon.send_signal(signal.SIGTERM)
            code = daemon.wait(30)
        time.sleep(0.3)
        hanging = len(synth.sounds)
        synth.ears.close()
        told = (folder / "log").read_text()
    print(f"gone and back {args.times} times: {sounded} notes sounded as the synth went; "
          f"it heard music again after {statistics.median(found):.2f} s (p50), {max(found):.2f} s at most")  # fmt: skip
    print(f"  {not_closed} of them not ended within a second of that; the last that was took {1000 * max(closed):.0f} ms")
    print(f"  memory {looks[0][0]:.1f} MB early, {looks[-1][0]:.1f} at the end; file handles {looks[0][1]}, {looks[-1][1]}; "
          f"{hanging} notes sound after the end; exit {code}; {told.count('Traceback')} tracebacks")  # fmt: skip
    grown = looks[-1][0] - looks[0][0] > GROWN or looks[-1][1] > looks[0][1]
    return 1 if not_closed or hanging or grown or code not in (0, 143) or "Traceback" in told else 0


if __name__ == "__main__":
    raise SystemExit(main())
