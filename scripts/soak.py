"""Hours of a daemon on real ports, with a player ten times as busy as people are: does anything grow, is anything late?

    python scripts/soak.py --minutes 60        # needs a JACK server that runs

Prints a row a minute: memory and open files of the daemon and of its control process, notes, lateness. Exit code 1 if memory grew by
more than a tenth between the first quarter and the end, or a file was left open.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from improv.midi.binding import rtmidi

CONFIG = """
model = "pocket"
[music]
changes = "Dm7 | G7 | Cmaj7 | A7"
tempo = 180
[record]
folder = "sessions"
[control]
socket = "{folder}/ctl"
[[input]]
name = "in"
[[performer]]
name = "sax"
"""


def connect(port: rtmidi.MidiOut) -> None:
    """To the daemon's input, as soon as it is there."""
    for _ in range(100):
        for i, name in enumerate(port.get_ports()):
            if name.startswith("improv") and name.endswith(":in"):
                port.open_port(i)
                return
        time.sleep(0.1)
    raise SystemExit("the daemon's input does not appear")


def play(over: threading.Event, density: float, count: list[int]) -> None:
    """Phrases and rests; density: notes a second in a phrase."""
    port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="soak")
    connect(port)
    rng = random.Random(1)
    while not over.is_set():
        for _ in range(rng.randint(50, 400)):
            pitch = rng.randint(48, 84)
            port.send_message([0x90, pitch, rng.randint(40, 120)])
            over.wait(0.5 / density)
            port.send_message([0x80, pitch, 0])
            over.wait(0.5 / density)
            count[0] += 1
        over.wait(rng.uniform(0.2, 3.0))
    port.close_port()


def held(pid: int) -> tuple[float, int]:
    """Memory in MB, and open files, of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return rss / 1024, len(os.listdir(f"/proc/{pid}/fd"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--density", type=float, default=80.0, help="notes a second (default: 80, ten times a busy player's)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "improv.toml"
        config.write_text(CONFIG.format(folder=folder))
        daemon = subprocess.Popen([sys.executable, "-m", "improv", "daemon", "--config", str(config)])
        over, count = threading.Event(), [0]
        player = threading.Thread(target=play, args=(over, args.density, count))
        player.start()
        rows: list[tuple[float, int]] = []
        try:
            for minute in range(1, args.minutes + 1):
                time.sleep(60)
                memory, files = held(daemon.pid)
                rows.append((memory, files))
                ctl = [sys.executable, "-m", "improv", "ctl", "--socket", f"{folder}/ctl", "--json", "status"]
                said = json.loads(subprocess.run(ctl, capture_output=True, text=True, check=True).stdout)["status"]
                late = said["lateness_ms"]
                print(
                    f"{minute:4} min  {memory:6.1f} MB  {files} files  sent {count[0]}  heard {said['heard']}  played {said['played']}"
                    f"  filled {said['filled']}  dropped {said['dropped']}  inbox {said['inbox_dropped']}"
                    f"  late p99 {late.get('p99', '-')} ms",
                    flush=True,
                )
        finally:
            over.set()
            player.join()
            daemon.terminate()
            daemon.wait(20)
    first, last = rows[len(rows) // 4], rows[-1]
    grown = last[0] > 1.1 * first[0] or last[1] > first[1]
    told = f"memory {first[0]:.1f} to {last[0]:.1f} MB, files {first[1]} to {last[1]}"
    print(f"{told}: {'grown' if grown else 'flat'}; exit code {daemon.returncode}")
    return int(grown)


if __name__ == "__main__":
    sys.exit(main())
