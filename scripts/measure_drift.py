"""Is the last note of a long performance as punctual as the first? improv plays alone, live, and its record is read.

    python scripts/measure_drift.py --minutes 10          # over real MIDI ports, where there are any

Prints how late the notes of each minute were handed to the port, and the last minute's median as a ratio to the first's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from improv.core.events import NoteOn
from improv.session import Session

TEMPO = 120  # beats a minute


def minutes_of(path: Path) -> list[list[float]]:
    """How late the notes of each minute were, in ms."""
    late: list[list[float]] = []
    for line in Session(path).lines():
        if line.side == "played" and isinstance(line.event, NoteOn) and line.late is not None:
            minute = int(line.event.time // 60)
            late += [[] for _ in range(minute + 1 - len(late))]
            late[minute].append(1000 * line.late)
    return late


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--model", default="jazz")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drift.jsonl"
        command = ["jam", "--mode", "solo", "--tempo", str(TEMPO), "--changes", "Dm7 | G7 | Cmaj7 | A7", "--model", args.model]
        jam = subprocess.Popen([sys.executable, "-m", "improv", *command, "--session", str(path)], stdout=subprocess.DEVNULL)
        try:
            jam.wait(60 * args.minutes)
        except subprocess.TimeoutExpired:
            jam.terminate()
            jam.wait()
        late = minutes_of(path)
    print("minute    n   p50 ms   p99 ms   max ms")
    for number, times in enumerate(late, 1):
        p50, p99 = np.percentile(times, [50, 99]) if times else (0.0, 0.0)
        print(f"{number:>6} {len(times):>4} {p50:>8.2f} {p99:>8.2f} {max(times, default=0.0):>8.2f}")
    first, last = (float(np.median(times)) for times in (late[0], late[-1]))
    print(f"median of the last minute to that of the first: {last / first:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
