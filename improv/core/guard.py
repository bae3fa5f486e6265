"""How long a played note may sound. Nothing should ever reach it; what does is closed, counted and told."""

from __future__ import annotations

import math
from collections.abc import Callable

from improv.core.events import Event, NoteOff, NoteOn
from improv.core.meter import Meter

BARS = 4  # what a line's or a chord's note may last at the longest
LEAST = 24.0  # beats, in the shortest of metres
RING = 2  # bars that the last note of an answer may ring on
HELD = 3600.0  # seconds: as long as a key may be down

Key = tuple[int, int, int]  # (part, channel, pitch)


def longest(mode: str, meter: Meter) -> float:
    """Seconds for which a note of a mode may sound: of an echo as long as its key, of others some bars of the tempo."""
    return HELD if mode == "echo" else meter.seconds(max((BARS + RING) * meter.bar, LEAST))


class Ledger:
    """What was sent and not yet closed. allowed: for how many seconds a note may sound; it is asked as the note begins."""

    def __init__(self, allowed: Callable[[NoteOn], float] = lambda event: math.inf):
        self._allowed = allowed
        self._ends: dict[Key, float] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._ends

    def send(self, event: Event) -> None:
        """Tell of what was sent."""
        if isinstance(event, NoteOn):
            self._ends[event.part, event.channel, event.pitch] = event.time + self._allowed(event)
        elif isinstance(event, NoteOff):
            self._ends.pop((event.part, event.channel, event.pitch), None)

    @property
    def due(self) -> float:
        """When the first note has sounded for as long as it may, in seconds."""
        return min(self._ends.values(), default=math.inf)

    def overdue(self, now: float) -> list[NoteOff]:
        """Note-offs for those that have."""
        if self.due > now:
            return []
        return [NoteOff(end, pitch, channel, part) for (part, channel, pitch), end in sorted(self._ends.items()) if end <= now]

    def close(self, now: float) -> list[NoteOff]:
        """Note-offs for all that sounds."""
        return [NoteOff(now, pitch, channel, part) for part, channel, pitch in sorted(self._ends)]
