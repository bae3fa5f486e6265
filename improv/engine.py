"""The only loop. Live, offline, replayed or tested, a performance runs through here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from improv.clock import Inbox
from improv.core.events import Event, NoteOff, NoteOn, Ready, Stop

LATE = 0.05  # seconds: a note-on that is later than this would only disturb


class Player(Protocol):
    """What performs: see `core.improviser.Improviser`."""

    @property
    def done(self) -> float: ...  # when it last played something, in seconds
    @property
    def due(self) -> float | None: ...
    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]: ...
    def silence(self, now: float) -> list[Event]: ...


class Clock(Protocol):
    """What tells the time and waits: see `improv.clock`."""

    def now(self) -> float: ...
    def wait(self, inbox: Inbox[Event], until: float | None) -> list[Event]: ...


def perform(
    player: Player,
    clock: Clock,
    inbox: Inbox[Event],
    send: Callable[[Event], None],
    heard: Callable[[Event], None] = lambda event: None,
    dropped: Callable[[Event, float], None] = lambda event, late: None,
) -> Stop:
    """Play until a Stop is heard, which is returned. However this ends, everything that sounds is closed.

    send: takes each played event at its time. heard: is told each event as the player takes it.
    dropped: is told what is not sent, with its lateness in seconds: a note-on that is more than LATE late, as
    after the machine froze, and its note-off. The note-off of a note that sounds is always sent. The player
    isn't told: what it plays never depends on how fast the machine is, so what was sent and what was dropped
    are together what a replay gives.
    An event that arrives after later music was already played counts as heard just after that: the
    stamp that `heard` is given is the one that the player acts on, so a record of them replays.
    """
    reached = 0.0  # the latest stamp
    sounding: set[int] = set()  # the ledger: what was sent and not yet closed, whatever the player thinks

    lost: set[int] = set()  # what was dropped and not yet closed

    def out(event: Event) -> None:
        if isinstance(event, NoteOn):
            late = clock.now() - event.time
            if late > LATE:
                lost.add(event.pitch)
                dropped(event, late)
                return
            sounding.add(event.pitch)
        elif isinstance(event, NoteOff) and event.pitch in lost:
            lost.discard(event.pitch)
            if event.pitch not in sounding:
                dropped(event, clock.now() - event.time)
                return
        send(event)
        if isinstance(event, NoteOff):
            sounding.discard(event.pitch)

    try:
        while True:
            arrived = clock.wait(inbox, player.due)
            taken = []
            for event in arrived:
                if isinstance(event, Ready):
                    continue
                if event.time <= player.done:
                    event = replace(event, time=math.nextafter(player.done, math.inf))
                if event.time < reached:
                    event = replace(event, time=reached)
                reached = event.time
                taken.append(event)
                heard(event)
            for event in player.advance(clock.now(), taken):
                out(event)
            for event in taken:
                if isinstance(event, Stop):
                    return event
    finally:
        try:
            for event in player.silence(clock.now()):
                out(event)
        finally:
            for pitch in sorted(sounding):
                send(NoteOff(clock.now(), pitch))
