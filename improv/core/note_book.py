"""A note book: what sounds, and when each note ends. Whoever begins notes keeps one, and closes by it what was begun.

The performance's own, in its engine, has what was sent, whatever a performer thinks: nothing outlasts it. A performer's has
the notes as the music has them, with their ends in beats: what is played follows from that one alone, never from what a
slow machine sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from improv.core.events import Event, NoteOff, NoteOn

Key = tuple[int, int, int]  # (part, channel, pitch)


def key_of(event: NoteOn | NoteOff) -> Key:
    """Which note begins or ends with an event."""
    return event.part, event.channel, event.pitch


class NoteBook:
    """The notes that sound. An end is a beat, or a time in seconds, as the one who keeps the book says; infinity: none is known."""

    def __init__(self) -> None:
        self._ends: dict[Key, float] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._ends

    def __iter__(self) -> Iterator[Key]:
        return iter(self._ends)

    def __len__(self) -> int:
        return len(self._ends)

    def begin(self, note: NoteOn, end: float = math.inf) -> None:
        """A note sounds from now on; one that sounds already sounds on, up to the new end."""
        self._ends[key_of(note)] = end

    def end(self, key: Key) -> bool:
        """It sounds no more. Returns whether it did."""
        return self._ends.pop(key, None) is not None

    def close(self, keys: Iterable[Key], time: float) -> list[Event]:
        """Note-offs at a time in seconds for notes that sound, which are ended with it."""
        offs: list[Event] = []
        for part, channel, pitch in sorted(keys):
            del self._ends[part, channel, pitch]
            offs.append(NoteOff(time, pitch, channel, part))
        return offs

    def close_all(self, time: float) -> list[Event]:
        """Note-offs for all that sounds."""
        return self.close(self._ends, time) if self._ends else []

    @property
    def soonest(self) -> float:
        """The first of the ends; infinity where nothing sounds."""
        return min(self._ends.values()) if self._ends else math.inf

    def over(self, at: float) -> list[tuple[Key, float]]:
        """What ends up to then, and when, in the order of the ends."""
        return sorted(((key, end) for key, end in self._ends.items() if end <= at), key=lambda item: (item[1], item[0]))

    def lengthen(self, until: float, last: float) -> None:
        """All that sounds ends on `until`, or where it ends now if that is later; but no later than `last`."""
        self._ends = {key: min(max(end, until), last) for key, end in self._ends.items()}

    def shorten(self, until: float) -> None:
        """All that sounds ends on `until`, or where it ends now if that is sooner."""
        self._ends = {key: min(end, until) for key, end in self._ends.items()}

    def copy(self) -> NoteBook:
        """The book as it is now, for another thread: a value that nobody else changes."""
        book = NoteBook()
        book._ends = dict(self._ends)
        return book
