"""What a performance counts and keeps of itself: notes, how late they were, the take. See `core.observer`."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from improv.core.events import Event, NoteOff, NoteOn
from improv.core.observer import Observer

BOUNDS = (0.1, 0.2, 0.4, 0.6, 1.0, 1.5, 2.5, 5.0, 10.0, 50.0)  # ms of the lateness histogram
MOST = 100_000  # notes whose lateness is kept


class Counters(Observer):
    """Counts notes. heard: the player's; played: the models' own; filled: in their place; guarded: closed by the guard."""

    def __init__(self) -> None:
        self.counts = {"heard": 0, "played": 0, "filled": 0, "dropped": 0, "guarded": 0}

    def heard(self, event: Event) -> None:
        self.counts["heard"] += isinstance(event, NoteOn)

    def played(self, event: Event, late: float, filled: bool) -> None:
        if isinstance(event, NoteOn):
            self.counts["filled" if filled else "played"] += 1

    def dropped(self, event: Event, late: float, filled: bool) -> None:
        self.counts["dropped"] += isinstance(event, NoteOn)

    def closed(self, event: NoteOff) -> None:
        self.counts["guarded"] += 1


class LatenessLog(Observer):
    """How late notes were handed over: all of them, and those since one last looked; of each the last MOST at the most."""

    def __init__(self) -> None:
        self._late = array("d", bytes(8 * MOST))  # seconds, of note n at n % MOST
        self._count = self._told = self._before = 0  # notes up to now, when `lately` was last asked, and the time before
        self._counts, self._binned, self._sum = [0] * (len(BOUNDS) + 1), 0, 0.0

    def played(self, event: Event, late: float, filled: bool) -> None:
        if isinstance(event, NoteOn):
            self._late[self._count % MOST] = late
            self._count += 1

    def lately(self) -> dict[str, Any]:
        """How late those were since this was last asked, as `spread`, and how many `notes`; empty where there were none."""
        count, told = self._count, self._told
        self._told, self._before = count, told
        lately = self._last(count - told, count)
        return spread(lately) | {"notes": len(lately)} if lately else {}

    def all(self) -> dict[str, float]:
        return spread(self._last(self._count, self._count))

    def _last(self, many: int, count: int) -> Sequence[float]:
        """The last so many of the first `count`."""
        first = count - min(many, MOST)
        return [self._late[n % MOST] for n in range(first, count)]

    @property
    def spread(self) -> dict[str, float]:
        """Of the notes since `lately` was last asked but one, as `spread`: so it is there from the first note on, and rests on many."""
        return spread(self._last(self._count - self._before, self._count))

    @property
    def histogram(self) -> tuple[tuple[float, ...], tuple[int, ...], float]:
        """Of all notes: BOUNDS; how many were within each alone, and beyond the last; the sum in ms. For one thread alone."""
        count = self._count
        for late in self._last(count - self._binned, count):
            self._counts[bisect_left(BOUNDS, 1000 * late)] += 1
            self._sum += 1000 * late
        self._binned = count
        return BOUNDS, tuple(self._counts), round(self._sum, 3)


class KeptTake(Observer):
    """Keeps all that is heard and played, for a MIDI file at the end."""

    def __init__(self) -> None:
        self.heard_events: list[Event] = []
        self.played_events: list[Event] = []

    def heard(self, event: Event) -> None:
        self.heard_events.append(event)

    def played(self, event: Event, late: float, filled: bool) -> None:
        self.played_events.append(event)


def spread(lateness: Sequence[float]) -> dict[str, float]:
    """Lateness in ms, from seconds: how it is spread; jitter is p99 - p50. Empty where nothing was played."""
    if not lateness:
        return {}
    import numpy as np

    p50, p99, p999, most = (float(x) for x in np.percentile(np.array(lateness) * 1000, [50, 99, 99.9, 100]))
    found = {"p50": p50, "p99": p99, "p999": p999, "max": most, "jitter": p99 - p50}
    return {name: round(ms, 3) for name, ms in found.items()}
