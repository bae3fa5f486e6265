"""What a performance counts and keeps of itself: notes, how late they were, the take. See `core.observer`."""

from __future__ import annotations

from array import array
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

    def status(self) -> dict[str, Any]:
        return dict(self.counts)


class LatenessLog(Observer):
    """How late notes were handed over: all of them, and those since one last looked; of each the last MOST at the most."""

    def __init__(self) -> None:
        self._late = array("d", bytes(8 * MOST))  # seconds, of note n at n % MOST
        self._count = self._told = 0
        self._spread: dict[str, float] = {}
        self._histogram = [0] * (len(BOUNDS) + 1)

    def played(self, event: Event, late: float, filled: bool) -> None:
        if isinstance(event, NoteOn):
            self._late[self._count % MOST] = late
            self._count += 1

    def lately(self) -> dict[str, Any]:
        """How late those were since this was last asked, as `spread`, and how many `notes`; empty where there were none."""
        count, told = self._count, self._told
        self._told = count
        lately = self._last(count - told, count)
        if not lately:
            return {}
        self._spread = spread(lately)
        for ms in (1000 * late for late in lately):
            self._histogram[next((i for i, bound in enumerate(BOUNDS) if ms <= bound), len(BOUNDS))] += 1
        return self._spread | {"notes": len(lately)}

    def all(self) -> dict[str, float]:
        return spread(self._last(self._count, self._count))

    def _last(self, many: int, count: int) -> Sequence[float]:
        """The last so many of the first `count`."""
        first = count - min(many, MOST)
        return [self._late[n % MOST] for n in range(first, count)]

    def status(self) -> dict[str, Any]:
        return {"lateness_ms": self._spread, "lateness_histogram": {"le": list(BOUNDS), "count": list(self._histogram)}}


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
