"""The only loop. Live, offline, replayed or tested, a performance runs through here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from improv.clock import Inbox
from improv.core.events import Event, NoteOff, NoteOn, Stop


class Player(Protocol):
    """What performs: see `core.improviser.Improviser`."""

    done: float  # when it last played something, in seconds

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
) -> Stop:
    """Play until a Stop is heard, which is returned. However this ends, everything that sounds is closed.

    send: takes each played event at its time. heard: is told each event as the player takes it.
    An event that arrives after later music was already played counts as heard just after that: the
    stamp that `heard` is given is the one that the player acts on, so a record of them replays.
    """
    reached = 0.0  # the latest stamp
    sounding: set[int] = set()  # the ledger: what was sent and not yet closed, whatever the player thinks

    def out(event: Event) -> None:
        if isinstance(event, NoteOn):
            sounding.add(event.pitch)
        send(event)
        if isinstance(event, NoteOff):
            sounding.discard(event.pitch)

    try:
        while True:
            arrived = clock.wait(inbox, player.due)
            taken = []
            for event in arrived:
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
