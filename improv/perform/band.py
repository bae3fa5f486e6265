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


class Performer(Protocol):
    """Who performs: see `core.improviser.Improviser`."""

    @property
    def done(self) -> float: ...  # when it last played something, in seconds
    @property
    def due(self) -> float | None: ...
    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]: ...
    def silence(self, now: float) -> list[Event]: ...


@dataclass
class Slot:
    """A member's place: its number, and the members that it listens to, by number."""

    player: Performer
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

    def __init__(self, slots: Sequence[Slot], overheard: Callable[[int, Event], None] = lambda part, event: None):
        self._slots = slots
        self._overheard = overheard

    @property
    def done(self) -> float:
        return max(slot.player.done for slot in self._slots)

    @property
    def due(self) -> float | None:
        due = min(slot.due for slot in self._slots)
        return None if due == math.inf else due

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        """What is to be done up to `now`, or up to the next note-on, which is not to wait for more."""
        for event in heard:
            for slot in self._slots:
                if not isinstance(event, Setting | Learned) or event.part in (None, slot.part):
                    slot.waiting.append(event)
        played: list[Event] = []
        while not any(isinstance(event, NoteOn) for event in played):
            slot = min(self._slots, key=lambda s: s.due)
            time = slot.due
            if time > now:
                break
            batch, slot.waiting = slot.waiting, []
            before = slot.player.due
            said = slot.player.advance(now, batch)
            played += [self._from(slot, event) for event in said]
            if not said and not batch and slot.player.due == before:
                break  # it thinks, and says when it is ready
        return played

    def silence(self, now: float) -> list[Event]:
        return [self._numbered(slot, event) for slot in self._slots for event in slot.player.silence(now)]

    def _from(self, slot: Slot, event: Event) -> Event:
        """A member's event, which the others may hear."""
        event = self._numbered(slot, event)
        if isinstance(event, Note):
            for other in self._slots:
                if other is not slot and slot.part in other.hears:
                    taken = replace(event, time=max(event.time, math.nextafter(other.player.done, math.inf)), part=-1 - slot.part)
                    self._overheard(other.part, taken)
                    other.waiting.append(taken)
        return event

    @staticmethod
    def _numbered(slot: Slot, event: Event) -> Event:
        return replace(event, part=slot.part) if isinstance(event, Note) and event.part != slot.part else event
