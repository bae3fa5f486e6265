"""Send fuzzed OSC messages and lines for the local socket to a daemon that plays on JACK, beside a daemon left in peace.

    python scripts/fuzz_doors.py --messages 10000 --rate 200

Prints how late notes were before and during each storm, how many replies said yes, no, or nothing that can be read, the memory of
the daemon and of its server, and at the end what the log says that it should not and the notes left sounding. Exits with 1 where
one was, where there is a traceback, or where the daemon ended. `tests/fast/perform/test_fuzzed_doors.py` runs a short round.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from improv.midi.binding import rtmidi

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from door_messages import osc_packet, socket_line
from ears import Ears
from jack_server import serving
from rig import opened

CONFIG = """
model = "pocket"
[music]
changes = "Dm7 | G7 | Cmaj7 | A7"
tempo = 160
[record]
on = true
folder = "sessions"
[control]
socket = "{folder}/ctl"
[control.osc]
port = {port}
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
PEACE = 20.0  # seconds
ASKERS = 16


class Synth:
    def __init__(self) -> None:
        self.sounds: Counter[tuple[int, int]] = Counter()
        self.notes = 0
        self.port = opened(rtmidi.MidiIn, "synth")
        self.port.open_virtual_port("midi")
        self.ears = Ears(self.port, self._take)

    def _take(self, message: list[int]) -> None:
        key = message[0] & 0x0F, message[1] if len(message) > 1 else 0
        if message[0] & 0xF0 == 0x90 and message[2]:
            self.sounds[key] = 1
            self.notes += 1
        elif message[0] & 0xF0 in (0x80, 0x90):
            self.sounds[key] = 0


class Socket:
    """The daemon's local socket."""

    def __init__(self, path: str):
        self.path = path
        self._connect()

    def _connect(self) -> None:
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.settimeout(15.0)
        self._sock.connect(self.path)
        self._file = self._sock.makefile("rb")

    def say(self, line: bytes) -> str:
        """What came back: yes, no, or nothing that can be read."""
        try:
            self._sock.sendall(line)
            reply = json.loads(self._file.readline() if line.strip() else b'{"ok": false}')
            return "yes" if reply["ok"] else "no"
        except (OSError, ValueError, KeyError):  # closed, as after a line that is too long
            self._connect()
            return "closed"

    def status(self) -> dict[str, Any]:
        self._sock.sendall(b'{"do": "status"}\n')
        found: dict[str, Any] = json.loads(self._file.readline())["status"]
        return found


def memory(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def lateness(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Of the notes between two statuses, by the histogram: shares up to 1, 2.5 and 10 ms."""
    bounds, then, now = after["lateness_histogram"]["le"], before["lateness_histogram"]["counts"], after["lateness_histogram"]["counts"]
    counts = [b - a for a, b in zip(then, now, strict=True)]
    total = sum(counts) or 1
    shares = {limit: sum(c for c, bound in zip(counts, bounds, strict=False) if bound <= limit) / total for limit in (1.0, 2.5, 10.0)}
    return f"{total} notes, " + ", ".join(f"{share:.1%} at most {limit:g} ms late" for limit, share in shares.items())


def storm(kind: str, messages: int, rate: float, port: int, door: Socket) -> Counter[str]:
    """To one door. Over the socket several ask, each one line after another."""
    r, said = random.Random(1), Counter[str]()
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def ask() -> None:
        own = Socket(door.path)
        while line := lines.get():
            said[own.say(line)] += 1

    askers = [threading.Thread(target=ask) for _ in range(ASKERS if kind == "socket" else 0)]
    for asker in askers:
        asker.start()
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    began = time.perf_counter()
    for i in range(messages):
        if kind == "osc":
            wire.sendto(osc_packet(r), ("127.0.0.1", port))
        else:
            lines.put(socket_line(r))
        time.sleep(max(0.0, began + (i + 1) / rate - time.perf_counter()))
    wire.close()
    for _ in askers:
        lines.put(b"")
    for asker in askers:
        asker.join()
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000, help="to each door (default: 10,000)")
    parser.add_argument("--rate", type=float, default=200.0, help="messages a second (default: 200)")
    parser.add_argument("--port", type=int, default=9117, help="of OSC, on 127.0.0.1 (default: 9117)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serving(f"improv-doors-{os.getpid()}") as server:
        os.environ["JACK_DEFAULT_SERVER"] = server.name
        folder, synth = Path(name), Synth()
        (folder / "improv.toml").write_text(CONFIG.format(folder=folder, port=args.port))
        with open(folder / "log", "wb") as log:
            command = [sys.executable, "-m", "improv", "daemon", "--config", str(folder / "improv.toml")]
            daemon = subprocess.Popen(command, stderr=log, env=os.environ | {"XDG_RUNTIME_DIR": name})
        while not (folder / "ctl").exists() or not synth.notes:
            time.sleep(0.1)
        door = Socket(str(folder / "ctl"))
        time.sleep(PEACE / 4)
        before = door.status()
        time.sleep(PEACE)
        after = door.status()
        print(f"in peace: {lateness(before, after)}; memory {memory(daemon.pid):.0f} MB", flush=True)
        for kind in ("osc", "socket"):
            before, played = door.status(), synth.notes
            said = storm(kind, args.messages, args.rate, args.port, door)
            door.say(b'{"do": "preset", "name": "none"}\n')
            for line in (b'{"do": "set", "name": "tempo", "value": 160}\n', b'{"do": "play"}\n'):
                door.say(line)
            time.sleep(1.0)
            after = door.status()
            replies = ", ".join(f"{word} {many}" for word, many in sorted(said.items())) or "none asked for"
            print(f"{args.messages} over {kind}: {lateness(before, after)}; {synth.notes - played} reached the synth; replies {replies}; "
                  f"memory {memory(daemon.pid):.0f} MB", flush=True)  # fmt: skip
        alive = daemon.poll() is None
        door.say(b'{"do": "stop"}\n')
        code = daemon.wait(30)
        time.sleep(0.5)
        text = (folder / "log").read_text(errors="replace")
        wrong = [line for line in text.splitlines() if "Traceback" in line or "internal error" in line or "server has ended" in line]
        hanging = sum(synth.sounds.values())
        synth.ears.close()
    print(f"exit {code}; {len(text.splitlines())} lines of log, {len(wrong)} that should not be; {hanging} notes left sounding")
    for line in wrong[:5]:
        print(f"  {line[:200]}")
    return 0 if alive and code == 0 and not wrong and not hanging else 1


if __name__ == "__main__":
    raise SystemExit(main())
