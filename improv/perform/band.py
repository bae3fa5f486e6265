"""Those who perform together: each hears its inputs, and those of the others that it listens to.

A timekeeper stands before them: what is heard reaches them all with the beat of that moment, and nobody keeps another.
To the engine a band is one. Its members go on in the order of their times, so each has heard what was played before it
plays: what a band plays depends on the stamped events alone, as ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Protocol, TypeVar

from improv.core.beats.moment import Moment
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Bookmark, ControlChange, Event, Learned, NoteOff, NoteOn, Setting
from improv.core.improviser import Improviser
from improv.core.meter import Meter

Note = NoteOn | NoteOff | ControlChange
E = TypeVar("E", bound=Event)


class Performer(Protocol):
    """Who performs: see `core.improviser.Improviser`."""

    @property
    def done(self) -> float: ...  # when it last played something, in seconds
    @property
    def due(self) -> float | None: ...
    def advance(self, now: float, heard: Sequence[Moment] = ()) -> list[Event]: ...
    def silence(self, now: float) -> list[Event]: ...


@dataclass
class Slot:
    """A performer's place in a band.

    part: its number. hears: those of the others that it listens to, by number. inputs: the inputs that it listens to, by
    number; None for all.
    """

    performer: Performer
    part: int = 0
    hears: frozenset[int] = frozenset()
    inputs: frozenset[int] | None = None
    waiting: list[Moment] = field(default_factory=list)
    due: float = -math.inf  # when it has something to do, as of when it was last asked; infinity: not before something is heard

    def look(self) -> None:
        """Ask the performer when it has something to do. What waits to be heard comes first."""
        due = self.performer.due
        self.due = self.waiting[0].time if self.waiting else math.inf if due is None else due

    def tell(self, moment: Moment) -> None:
        """Something is heard, and waits until it is this performer's turn. What is for others is left out, but not what it did
        to the beat."""
        event = moment.event
        if isinstance(event, Note):
            mine = self.inputs is None or event.part < 0 or event.part in self.inputs
        else:
            mine = not isinstance(event, Setting | Learned | Bookmark) or event.part in (None, self.part)
        if not mine:
            moment = moment._replace(event=None)
        if not self.waiting:
            self.due = moment.time
        self.waiting.append(moment)


_due = attrgetter("due")


class Band:
    """Performers, as one, behind one timekeeper.

    overheard: is told what a member hears of another: the member's number, and the event with the stamp that it acts on.
    The part of such an event is negative: -1 - the other's number.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        timekeeper: Timekeeper,
        overheard: Callable[[int, Event], None] = lambda part, event: None,
    ):
        self.timekeeper = timekeeper
        self.slots = slots
        self._overheard = overheard

    @property
    def meter(self) -> Meter:
        """Where the beat is. To be asked from any thread."""
        return self.timekeeper.meter

    @property
    def done(self) -> float:
        return max(slot.performer.done for slot in self.slots)

    @property
    def due(self) -> float | None:
        for slot in self.slots:
            slot.look()
        due = min(slot.due for slot in self.slots)
        return None if due == math.inf else due

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        """What is to be done up to `now`, or up to the next note-on, which is not to wait for more."""
        for event in heard:
            moment = self.timekeeper.hear(event, event.time)
            for slot in self.slots:
                slot.tell(moment)
        played: list[Event] = []
        while (slot := min(self.slots, key=_due)).due <= now:
            batch, slot.waiting, before = slot.waiting, [], slot.due
            said = slot.performer.advance(now, batch)
            slot.look()
            if not said and not batch and slot.due == before:
                break  # it thinks, and says when it is ready
            played += [self._from(slot, event) for event in said]
            if any(isinstance(event, NoteOn) for event in said):
                break
        return played

    def silence(self, now: float) -> list[Event]:
        return [_numbered(event, slot.part) for slot in self.slots for event in slot.performer.silence(now)]

    def _from(self, slot: Slot, event: Event) -> Event:
        """A performer's event with its number, which the others may hear."""
        if not isinstance(event, Note):
            return event
        event = _numbered(event, slot.part)
        for other in self.slots:
            if other is not slot and slot.part in other.hears:
                taken = replace(event, time=max(event.time, math.nextafter(other.performer.done, math.inf)), part=-1 - slot.part)
                self._overheard(other.part, taken)
                other.tell(Moment(taken, taken.time, self.meter))
        return event


def _numbered(event: E, part: int) -> E:
    return replace(event, part=part) if isinstance(event, Note) and event.part != part else event


def alone(improviser: Improviser, part: int = 0) -> Band:
    """An improviser by itself, with a timekeeper for it alone, as nobody has performed yet."""
    return Band([Slot(improviser, part)], Timekeeper(improviser.settings, improviser.meter.metres))
