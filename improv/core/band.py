"""Several who perform together: each hears its inputs, and those of the others that it listens to.

To the engine a band is one player. Its members go on in the order of their times, so each has heard what was played before
it plays: what a band plays depends on the stamped events alone, as ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from improv.core.events import ControlChange, Event, Learned, NoteOff, NoteOn, Setting

Note = NoteOn | NoteOff | ControlChange


class Player(Protocol):
    """Who performs: see `core.improviser.Improviser`."""

    @property
    def done(self) -> float: ...  # when it last played something, in seconds
    @property
    def due(self) -> float | None: ...
    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]: ...
    def silence(self, now: float) -> list[Event]: ...


@dataclass
class Seat:
    """A member's place: its number, and the members that it listens to, by number."""

    player: Player
    part: int = 0
    hears: frozenset[int] = frozenset()
    waiting: list[Event] = field(default_factory=list)

    @property
    def due(self) -> float:
        if self.waiting:
            return self.waiting[0].time
        due = self.player.due
        return math.inf if due is None else due


class Band:
    """Players, as one. What comes from outside reaches them all, but for settings that are for one.

    overheard: is told what a member hears of another: the member's number, and the event with the stamp that it acts on.
    The part of such an event is negative: -1 - the other's number.
    """

    def __init__(self, seats: Sequence[Seat], overheard: Callable[[int, Event], None] = lambda part, event: None):
        self._seats = seats
        self._overheard = overheard

    @property
    def done(self) -> float:
        return max(seat.player.done for seat in self._seats)

    @property
    def due(self) -> float | None:
        due = min(seat.due for seat in self._seats)
        return None if due == math.inf else due

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        """What is to be done up to `now`, or up to the next note-on, which is not to wait for more."""
        for event in heard:
            for seat in self._seats:
                if not isinstance(event, Setting | Learned) or event.part in (None, seat.part):
                    seat.waiting.append(event)
        played: list[Event] = []
        while not any(isinstance(event, NoteOn) for event in played):
            seat = min(self._seats, key=lambda s: s.due)
            time = seat.due
            if time > now:
                break
            batch, seat.waiting = seat.waiting, []
            before = seat.player.due
            said = seat.player.advance(now, batch)
            played += [self._from(seat, event) for event in said]
            if not said and not batch and seat.player.due == before:
                break  # it thinks, and says when it is ready
        return played

    def silence(self, now: float) -> list[Event]:
        return [self._numbered(seat, event) for seat in self._seats for event in seat.player.silence(now)]

    def _from(self, seat: Seat, event: Event) -> Event:
        """A member's event, which the others may hear."""
        event = self._numbered(seat, event)
        if isinstance(event, Note):
            for other in self._seats:
                if other is not seat and seat.part in other.hears:
                    taken = replace(event, time=max(event.time, math.nextafter(other.player.done, math.inf)), part=-1 - seat.part)
                    self._overheard(other.part, taken)
                    other.waiting.append(taken)
        return event

    @staticmethod
    def _numbered(seat: Seat, event: Event) -> Event:
        return replace(event, part=seat.part) if isinstance(event, Note) and event.part != seat.part else event
