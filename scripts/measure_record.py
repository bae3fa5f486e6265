"""What recording costs: how long the disk takes to confirm, what it does to the music's lateness, and bytes an hour.

    python scripts/measure_record.py [FOLDER] [--seconds 20]

FOLDER: on the disk to be measured. The music is 200 events a second on a live clock, a player's and a half. Rounds with and
without a record alternate, so that what else the machine does falls on all alike.
"""

from __future__ import annotations

import argparse
import math
import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

import improv.session.disk as disk
from improv.core.events import Event, NoteOff, NoteOn, Pulse, Stop
from improv.perform.clock import LiveClock
from improv.perform.engine import perform
from improv.session import Recorder, prune, sessions

STEP = 0.005  # seconds between events
ROUNDS = 4


class Steady:
    """Plays a note-on or a note-off each STEP."""

    done = -math.inf

    def __init__(self) -> None:
        self.count = 1

    @property
    def due(self) -> float | None:
        return self.count * STEP

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        played: list[Event] = []
        while self.count * STEP <= now:
            kind = NoteOn(self.count * STEP, 60, 80) if self.count % 2 else NoteOff(self.count * STEP, 60)
            played.append(kind)
            self.count += 1
        return played

    def silence(self, now: float) -> list[Event]:
        return []


def lateness(path: Path | None, seconds: float, confirm: Callable[[int], None]) -> list[float]:
    """Seconds from each event's time until it was sent."""
    disk.os = type("os", (), {**vars(os), "fsync": staticmethod(confirm)})  # type: ignore[misc, assignment]
    clock, inbox, late = LiveClock(), queue.SimpleQueue[Event](), list[float]()
    recorder = Recorder(path, {}) if path else None

    def send(event: Event) -> None:
        late.append(clock.now() - event.time)
        if recorder:
            recorder.played(event, late[-1])

    timer = threading.Timer(seconds, lambda: inbox.put(Stop(clock.now())))
    timer.start()
    clock.begin()
    perform(Steady(), clock, inbox, send)
    if recorder:
        recorder.ended({})
    return late


def told(name: str, found: list[float]) -> None:
    p50, p99, most = np.percentile(np.array(found) * 1e3, [50, 99, 100])
    print(f"  {name:34} {p50:8.3f} {p99:8.3f} {most:8.3f} {len(found):8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=None)
    parser.add_argument("--seconds", type=float, default=20.0, help="of music for each kind (default: 20)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        took: list[float] = []

        def timed(number: int) -> None:
            began = time.perf_counter()
            os.fsync(number)
            took.append(time.perf_counter() - began)

        def stuck(number: int) -> None:
            os.fsync(number)
            time.sleep(1.0)

        kinds: dict[str, Callable[[int], None] | None] = {
            "no record": None,
            "recorded, the disk not asked": lambda number: None,
            "recorded, confirmed by the disk": timed,
            "recorded, the disk stuck for 1 s": stuck,
        }
        late: dict[str, list[float]] = {kind: [] for kind in kinds}
        for turn in range(ROUNDS):
            for i, (kind, confirm) in enumerate(kinds.items()):
                path = None if confirm is None else folder / f"{turn}-{i}.jsonl"
                late[kind] += lateness(path, args.seconds / ROUNDS, confirm or os.fsync)
        disk.os = os
        print(f"  {'milliseconds':34} {'p50':>8} {'p99':>8} {'max':>8} {'n':>8}")
        told("the disk confirms in", took)
        for kind, found in late.items():
            told(f"lateness, {kind}", found)
        recorder = Recorder(folder / "pulses.jsonl", {})
        start = time.perf_counter()
        rng = np.random.default_rng(1)
        for i in range(200):  # 48 a second, in what the writer takes together, at a time of 100,000 s since the machine started
            recorder.heard(Pulse((1e5 + i / 48 + float(rng.normal(0, 5e-4))) - 1e5 + 3600.0))
            time.sleep(1 / 48)
        recorder.ended({})
        size = (folder / "pulses.jsonl").stat().st_size
        print(f"MIDI Clock at 120: {size / 200 * 48 * 3600 / 1e6:.1f} MB an hour; took {time.perf_counter() - start:.0f} s to measure")
        many = folder / "many"
        many.mkdir()
        blob = (folder / "0-2.jsonl").read_bytes()
        for i in range(1000):
            (many / f"{i}.jsonl").write_bytes(blob)
        start = time.perf_counter()
        count = len(sessions(many))
        print(f"{count} sessions of {len(blob) / 1e3:.0f} kB listed in {time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        gone = len(prune(many, None, 0.0, time.time()))
        print(f"{gone} pruned in {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
