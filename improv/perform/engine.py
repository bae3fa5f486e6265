"""The only loop. Live, offline, replayed or tested, a performance runs through here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from improv.core.events import Event, NoteOff, NoteOn, Ready, Stop, moved
from improv.core.flood import NoteLimit
from improv.core.note_book import NoteBook, key_of
from improv.perform.clock import EventQueue

LATE = 0.05  # seconds: a note-on that is later than this would only disturb


class Ensemble(Protocol):
    """Those who perform, as one: see `improv.perform.band.Band`."""

    @property
    def done(self) -> float: ...  # when they last played something, in seconds
    @property
    def due(self) -> float | None: ...
    def advance(self, now: float, heard: Sequence[Event] = ()) -> list[Event]: ...
    def silence(self, now: float) -> list[Event]: ...


class Clock(Protocol):
    """What tells the time and waits: see `improv.perform.clock`."""

    def now(self) -> float: ...
    def wait(self, inbox: EventQueue[Event], until: float | None) -> list[Event]: ...


def asked(time: float, early: float, heard: float) -> float:
    """When an event of a time was to be handed over, in seconds: early, but not before what it may answer was heard."""
    return max(time - early, min(time, heard))


def perform(
    band: Ensemble,
    clock: Clock,
    inbox: EventQueue[Event],
    send: Callable[[Event], None],
    heard: Callable[[Event], None] = lambda event: None,
    dropped: Callable[[Event, float], None] = lambda event, late: None,
    early: float = 0.0,
    allowed: Callable[[NoteOn], float] = lambda event: math.inf,
    closed: Callable[[NoteOff], None] = lambda event: None,
    book: NoteBook | None = None,
    limit: NoteLimit | None = None,
    rounded: Callable[[], None] = lambda: None,
) -> Stop:
    """Play until a Stop is heard, which is returned. However this ends, everything that sounds is closed.

    send: takes each played event at its time. heard: is told each event as the band takes it.
    dropped: is told what is not sent, with its lateness in seconds: a note-on that is more than LATE late, as after the
    machine froze, and its note-off. The note-off of a note that sounds is always sent. The band isn't told: what it plays never
    depends on how fast the machine is, so what was sent and what was dropped are together what a replay gives.
    early: seconds by which what is played is handed over before its time, for a slow synth; what answers a key at once can't be.
    allowed: for how many seconds a note may sound, asked as it begins; what sounds longer is closed, and `closed` is told.
    book: an empty note book of the performance: what sounds, with the times by which each note is closed; None: its own.
    limit: of note-ons, whoever asks for them; what it holds back is dropped, 0 s late. rounded: is called after each round.
    An event that arrives after later music was already played counts as heard just after that: the stamp that `heard` is given
    is the one that the band acts on, so a record of them replays.
    """
    reached = 0.0  # the latest stamp
    out = _Outlet(clock, send, dropped, early, allowed, NoteBook() if book is None else book, limit or NoteLimit())
    try:
        while True:
            due = min(math.inf if band.due is None else band.due, out.book.soonest)
            taken = []
            for event in clock.wait(inbox, None if due == math.inf else due - early):
                if isinstance(event, Ready):
                    continue
                out.arrived = max(out.arrived, event.time)
                time = event.time if event.time > band.done else math.nextafter(band.done, math.inf)
                if time > event.time or reached > event.time:
                    event = moved(event, max(time, reached))
                reached = event.time
                taken.append(event)
                heard(event)
            for event in band.advance(clock.now() + early, taken):
                out.put(event)
            for (part, channel, pitch), end in out.book.over(clock.now() + early):
                off = NoteOff(end, pitch, channel, part)
                out.put(off)
                closed(off)
            rounded()
            for event in taken:
                if isinstance(event, Stop):
                    return event
    finally:
        try:
            for event in band.silence(clock.now()):
                out.put(event)
        finally:
            for event in out.book.close_all(clock.now()):
                send(event)


class _Outlet:
    """Where events leave a performance: what is too late is dropped, and what sounds is in the book. See `perform`."""

    def __init__(
        self,
        clock: Clock,
        send: Callable[[Event], None],
        dropped: Callable[[Event, float], None],
        early: float,
        allowed: Callable[[NoteOn], float],
        book: NoteBook,
        limit: NoteLimit,
    ):
        self.arrived = 0.0  # when something was last heard
        self.book, self._limit = book, limit
        self._clock, self._send, self._dropped, self._early, self._allowed = clock, send, dropped, early, allowed
        self._lost = NoteBook()  # what was dropped and not yet closed

    def put(self, event: Event) -> None:
        late = self._clock.now() - asked(event.time, self._early, self.arrived)
        if isinstance(event, NoteOn):
            held = late <= LATE and not self._limit.passes(event.time)
            if held or late > LATE:
                self._lost.begin(event)
                self._dropped(event, 0.0 if held else late)
                return
            self.book.begin(event, event.time + self._allowed(event))
        elif isinstance(event, NoteOff) and self._lost.end(key_of(event)) and key_of(event) not in self.book:
            self._dropped(event, late)
            return
        self._send(event)
        if isinstance(event, NoteOff):
            self.book.end(key_of(event))
