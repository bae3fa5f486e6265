"""A week on stage, without waiting for it: a busy player, the performance as `improv jam` has it, and what it costs to keep on.
Or some days of a band of several performers, who hear the player and one another.

    python scripts/simulate_week.py                       # 3 million events, about half an hour
    python scripts/simulate_week.py --events 200000
    python scripts/simulate_week.py --days 1 --performers 3 --events 400000

The clock is offline, so a week passes as fast as notes can be thought of. Memory and open files are read every so often;
what grows is said, and the exit code is 1 where it does. The session is recorded to disk, as on stage.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Setting, Stop
from improv.core.harmony import parse_changes
from improv.core.observer import Observer
from improv.core.settings import MODES, Settings
from improv.models.loader import load_model
from improv.perform.clock import EventQueue, OfflineClock
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.session import Recorder
from improv.session.header import header_of

DAY = 24 * 3600.0  # seconds
BAND = ("trade", "comp", "solo")  # modes of the first, the second, the third
CHANGES = "Dm7 | G7 | Cmaj7 | A7"
LOOKS = 40  # at memory and files


class Endless(OfflineClock):
    """An offline clock whose script is made as it is heard."""

    def __init__(self, script: Iterator[Event]):
        super().__init__()
        self._coming = script

    def wait(self, inbox: EventQueue[Event], until: float | None) -> list[Event]:
        if not self._script and (event := next(self._coming, None)):
            self._script.append(event)
        return super().wait(inbox, until)


def player(events: int, days: float, rng: random.Random) -> Iterator[Event]:
    """Phrases, chords, pedals, rests, changes of the first one's mode, tempo and settings: so many events, over so many days."""
    time, count = 0.0, 0
    pace = days * DAY / events  # seconds an event, on average
    modes = itertools.cycle(MODES)
    while count < events:
        phrase = rng.randint(4, 40)
        step = rng.choice((0.09, 0.125, 0.17, 0.25))
        for _ in range(phrase):
            pitches = rng.sample(range(36, 96), rng.choice((1, 1, 1, 1, 2, 4)))
            yield from (NoteOn(time, p, rng.randint(20, 120)) for p in pitches)
            yield from (NoteOff(time + 0.8 * step, p) for p in pitches)
            count += 2 * len(pitches)
            time += step
        if rng.random() < 0.2:
            yield ControlChange(time, 64, rng.choice((0, 127)))
        if rng.random() < 0.02:
            yield Setting(time, "mode", next(modes), 0)
            yield Setting(time, "tempo", float(rng.randint(60, 260)))
            count += 2
        time = max(time + rng.uniform(0.3, 4.0), count * pace)
    yield Stop(time + 60.0, "over")


def resident() -> int:
    """Bytes of memory that this process holds now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


class Looks(Observer):
    """Counts, follows what sounds, and looks at memory and files now and then: `rows` of events heard, MB, open files."""

    def __init__(self, events: int):
        self.rows: list[tuple[int, float, int]] = []
        self.sounding: set[tuple[int, int, int]] = set()
        self._every, self._heard, self._played = max(events // LOOKS, 1), 0, 0
        self._began = time.perf_counter()

    def heard(self, event: Event) -> None:
        self._heard += 1
        if self._heard % self._every == 0:
            self.look(event.time)

    def played(self, event: Event, late: float, filled: bool) -> None:
        self._played += 1
        if isinstance(event, NoteOn):
            self.sounding.add((event.part, event.channel, event.pitch))
        elif isinstance(event, NoteOff):
            self.sounding.discard((event.part, event.channel, event.pitch))

    def look(self, time_now: float) -> None:
        memory, files = resident() / 2**20, len(os.listdir("/proc/self/fd"))
        self.rows.append((self._heard, memory, files))
        spent, days = time.perf_counter() - self._began, time_now / 86400
        print(f"{self._heard:<10} {self._played:<10} {days:5.2f} days  {memory:6.1f} MB  {files:<12} {spent:.0f} s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=3_000_000, help="how many the player makes (default: 3,000,000)")
    parser.add_argument("--days", type=float, default=7.0, help="that they are spread over (default: 7)")
    parser.add_argument("--performers", type=int, choices=range(1, 4), default=1, help="who hear the player and one another (default: 1)")
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    others = [frozenset(range(args.performers)) - {n} for n in range(args.performers)]
    setups = [
        PerformerSetup(f"improv {n}", load_model(args.model), Settings(mode=BAND[n]), args.seed + n, channel=n, hears=hears)
        for n, hears in enumerate(others)
    ]
    song = Song(parse_changes(CHANGES), CHANGES)
    clock, looks = Endless(player(args.events, args.days, random.Random(args.seed))), Looks(args.events)
    print("heard      played     simulated   memory    open files   elapsed", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "week.jsonl", header_of(song, setups))
        end = Performance(PerformanceConfig(setups, song), clock, observers=[recorder, looks]).run()
    if "error" in end:
        print(end["error"])
        return 1
    looks.look(clock.now())
    rows, sounding = looks.rows, looks.sounding
    settled = rows[len(rows) // 4 :]
    first, last = settled[0], settled[-1]
    print(f"from a quarter on: memory {first[1]:.1f} to {last[1]:.1f} MB, files {first[2]} to {last[2]}; {len(sounding)} notes hang")
    grown = last[1] > first[1] * 1.05 + 1 or last[2] > first[2] or bool(sounding)
    print("not flat" if grown else "flat: nothing grew, nothing hangs")
    return int(grown)


if __name__ == "__main__":
    sys.exit(main())
