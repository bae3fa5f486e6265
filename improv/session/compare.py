"""A session played again: each performer alone hears what it heard, with the stamps of the record, and plays.

What an improviser plays depends on the stamped events alone. So what it plays now, what it played then and what was
dropped then are to be the same, bit for bit; what filled in for a slow model is not its own, and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from improv.core.events import Bookmark, ControlChange, Event, Learned, NoteOff, NoteOn, Renewed, Setting, Stop
from improv.session.lines import GUARDED, Line

UNSENT = 0.05  # seconds before the end in which a slow model's note may not have been sent any more
Key = tuple[int, int]  # channel, pitch


@dataclass(slots=True)
class RecordedPart:
    """What the record has of one performer."""

    heard: list[Event] = field(default_factory=list)  # and overheard, in the order in which they were taken
    played: list[Event] = field(default_factory=list)  # or dropped, and its own
    filled: list[Event] = field(default_factory=list)
    closing: int | None = None  # from which on `played` is of the end: all that sounds is closed, whenever that is
    renewals: list[tuple[Renewed, int, int]] = field(default_factory=list)  # each with how much was played and filled in by then


class Difference(NamedTuple):
    """The first place at which a part is not as it was. then, now: None where there was nothing."""

    time: float  # seconds
    then: Event | None
    now: Event | None


def parts_of(lines: Iterable[Line], count: int, shared: bool = False) -> tuple[list[RecordedPart], float, float | None]:
    """What each of so many performers heard and played; the latest stamp; and when it was stopped, if it was.

    shared: what was for another is among what was heard, since it may have moved the beat that they share.
    """
    parts = [RecordedPart() for _ in range(count)]
    latest, stopped = 0.0, None
    for line in lines:
        event = line.event
        latest = max(latest, event.time)
        if isinstance(event, Renewed):
            if 0 <= event.part < count:
                part = parts[event.part]
                part.renewals.append((event, len(part.played), len(part.filled)))
        elif line.side == "heard":
            if isinstance(event, Stop):
                stopped = event.time
                for part in parts:
                    part.closing = len(part.played)
            for number, part in enumerate(parts):
                if shared or not isinstance(event, Setting | Learned | Bookmark) or event.part in (None, number):
                    part.heard.append(event)
        elif line.side == "overheard":
            if line.by is not None and 0 <= line.by < count:
                parts[line.by].heard.append(event)
        else:
            number = getattr(event, "part", 0)
            if not 0 <= number < count:
                continue
            part = parts[number]
            if line.side == GUARDED:
                if part.played[-1:] == [event]:
                    part.filled.append(part.played.pop())
            else:
                own = line.side != "filled" and not line.filled
                (part.played if own else part.filled).append(event)
    return parts, latest, stopped


def known_until(number: int, stopped: float | None, end: Mapping[str, Any] | None) -> float:
    """Up to when all that a performer's music asked for is in the record, in seconds: not where the recording was cut off, nor
    what a model that was behind had not yet thought of in the end."""
    if stopped is None:
        return -math.inf
    behind = (end or {}).get("behind")
    since = behind.get(str(number)) if isinstance(behind, dict) else None
    return min(stopped - UNSENT, since) if isinstance(since, int | float) else stopped - UNSENT


def difference(part: RecordedPart, now: Sequence[Event], part_number: int, known: float, begun: Sequence[int] = ()) -> Difference | None:
    """Where a part that was played again first differs, or None. known: see `known_until`. begun: how much had been played again at
    each of its renewals; what a model that failed would have played after that is not known.

    A note that was closed for the model, by what filled in for it or as all ends, need not end at the same time.
    """
    played = filled = first = 0
    for (event, played_then, filled_then), many in zip(part.renewals, begun, strict=False):
        before = RecordedPart([], part.played[played:played_then], part.filled[filled:filled_then], played_then - played)
        if found := _difference(before, now[first:many], part_number, event.since):
            return found
        played, filled, first = played_then, filled_then, many
    closing = None if part.closing is None else part.closing - played
    return _difference(RecordedPart([], part.played[played:], part.filled[filled:], closing), now[first:], part_number, known)


def _difference(part: RecordedPart, now: Sequence[Event], part_number: int, known: float) -> Difference | None:
    closing = part.closing
    if closing is None:  # it was cut off, or broke
        closing = max((i for i, e in enumerate(part.played) if not isinstance(e, NoteOff)), default=-1) + 1
    again = as_of(now, part_number)
    filled = closed_for_the_model(part.filled)
    began: dict[Key, float] = {}  # what sounds, as it is played again
    coming = next(again, None)
    for i, then in enumerate(part.played):
        while isinstance(coming, NoteOff) and coming != then and _closed_for_it(coming, began, filled):
            coming = next(again, None)
        if coming == then:
            _sound(coming, began)
            coming = next(again, None)
        elif isinstance(then, NoteOff) and i >= closing and (then.channel, then.pitch) in began:
            began.pop((then.channel, then.pitch))  # the silence at the end
        else:
            return Difference(min(then.time, coming.time if coming else math.inf), then, coming)
    while coming is not None and coming.time < known:
        if not (isinstance(coming, NoteOff) and _closed_for_it(coming, began, filled)):
            return Difference(coming.time, None, coming)
        coming = next(again, None)
    return None


def as_of(events: Iterable[Event], number: int) -> Iterator[Event]:
    """The notes and controllers among what a performer played, as those of its number."""
    for event in events:
        if isinstance(event, NoteOn):
            yield NoteOn(event.time, event.pitch, event.velocity, event.channel, number)
        elif isinstance(event, NoteOff):
            yield NoteOff(event.time, event.pitch, event.channel, number)
        elif isinstance(event, ControlChange):
            yield ControlChange(event.time, event.control, event.value, event.channel, number)


def _sound(event: Event | None, began: dict[Key, float]) -> None:
    if isinstance(event, NoteOn):
        began[event.channel, event.pitch] = event.time
    elif isinstance(event, NoteOff):
        began.pop((event.channel, event.pitch), None)


def closed_for_the_model(filled: Iterable[Event]) -> list[NoteOff]:
    """Of what filled in for a slow model: the note-offs of the model's notes."""
    own: set[Key] = set()
    found = []
    for event in filled:
        if isinstance(event, NoteOn):
            own.add((event.channel, event.pitch))
        elif isinstance(event, NoteOff):
            if (event.channel, event.pitch) in own:
                own.discard((event.channel, event.pitch))
            else:
                found.append(event)
    return found


def _closed_for_it(off: NoteOff, began: dict[Key, float], filled: list[NoteOff]) -> bool:
    """Whether a note was closed while the model was too slow to do so. That is used up."""
    key = off.channel, off.pitch
    since = began.get(key)
    if since is None:
        return False
    for closed in filled:
        if (closed.channel, closed.pitch) == key and closed.time >= since:
            filled.remove(closed)
            del began[key]
            return True
    return False
