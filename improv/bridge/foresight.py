"""What is planned goes to the host ahead of its time, though the band plays no note before all that precedes it was heard.

A second band, a fork of the first, plays on as if nothing more were heard. What it plays within reach is announced. If something is
heard, the fork is void: a new one says what is planned now, and where that differs, all that was announced is taken back by a new
generation. So the notes are those of a band that hears everything at once and plays at once: they depend on no block size, no delay
and no reach, and a record of them replays.

What was announced for a frame that the host has come to is taken as played, and is not announced again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from improv.bridge.forked import forked
from improv.core.events import Event, HostTime, NoteOff, NoteOn
from improv.perform.band import Band

NEAR = 0.02  # seconds: a note that can't be moved any more is the one that is planned so near to it
MOST = 64  # events that are announced at once at the most


class Outlet(Protocol):
    """Where events go to the host. epoch: of the host's transport; with a new one, all that was announced for those before is void."""

    epoch: int

    def put(self, event: Event, ahead: bool, planned: bool = False) -> None:
        """ahead: it comes after the end of the loop. planned: it may be taken back."""

    def frame_of(self, time: float) -> int: ...
    def reached(self) -> int:
        """The frame up to which the host has played by now."""

    def settled(self) -> int:
        """The frame up to which nothing can be moved any more: it would come too late."""

    def take_back(self) -> None:
        """All note-ons that wait are void."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A note-on or note-off that the host was told, with its frame, and the epoch for which it was planned."""

    event: NoteOn | NoteOff
    frame: int
    epoch: int

    def like(self, event: Event) -> bool:
        """The same but for its time."""
        mine = self.event
        if isinstance(mine, NoteOn):
            return isinstance(event, NoteOn) and (mine.pitch, mine.velocity, mine.channel) == (event.pitch, event.velocity, event.channel)
        return isinstance(event, NoteOff) and (mine.pitch, mine.channel) == (event.pitch, event.channel)

    def near(self, event: Event) -> bool:
        return self.like(event) and abs(self.event.time - event.time) <= NEAR


class Foresight:
    """band: the one that plays. outlet: to the host. now: how far the band has come, in seconds."""

    def __init__(self, band: Band, outlet: Outlet, now: Callable[[], float]):
        self._band, self._outlet, self._now = band, outlet, now
        self._fork: Band | None = None
        self._void = False  # something was heard since the fork was made
        self._waits: list[Announced] = []  # announced, and not yet played by the band
        self._turn: HostTime | None = None  # the jump to the loop's start, which the fork was told
        self.postponed = False  # it has to look again soon
        self._held: list[NoteOn] = []  # played by the band while something announced may have to be taken back

    def expect(self, announced: list[Announced]) -> None:
        """The host has these already: they were prepared before the take began."""
        self._waits = announced

    @property
    def due(self) -> float | None:
        """When there is more to be announced, in seconds."""
        return (self._fork or self._band).due

    def heard(self) -> None:
        """The band was told something: what was foreseen may not come."""
        self._void = True
        self._waits = [known for known in self._waits if known.epoch >= self._outlet.epoch]

    def sent(self, event: Event) -> None:
        """The band plays: the host is told, if it doesn't know yet. What was announced may have to be taken back first."""
        for known in self._waits:
            if known.near(event):
                self._waits.remove(known)
                return
        if isinstance(event, NoteOn) and self._void and self._may_be_taken_back():
            self._held.append(event)
        else:
            self._outlet.put(event, False)

    def look(self, until: float, turn: HostTime | None = None) -> None:
        """Announce what is planned up to a time in seconds. turn: a jump that the host has announced."""
        if self._void or (self._turn is not None and turn != self._turn):
            self._fork, self._turn = None, None
        self._void = self.postponed = False
        until = max([until, *(known.event.time for known in self._waits)])  # of what is announced already, no more is to be taken back
        due = self._band.due
        planned: list[NoteOn | NoteOff] = []
        if self._fork is not None:
            planned = self._play(until, turn)
        elif self._waits or (due is not None and due <= until) or (turn is not None and turn.time <= until):
            self._fork = forked(self._band)
            planned = self._renewed(self._play(until, turn))
        for held in self._held:
            self._outlet.put(held, False)
        self._held.clear()
        for event in planned:
            self._announce(event)

    def over(self, epoch: int) -> None:
        """The take is over: nothing of it is played any more. epoch: of the host now; what was planned for one before is void already."""
        self._waits = [known for known in self._waits if known.epoch >= epoch]
        if self._may_be_taken_back():
            self._outlet.take_back()
        self._waits.clear()
        self._held.clear()

    def _may_be_taken_back(self) -> bool:
        return any(isinstance(known.event, NoteOn) for known in self._waits)

    def _play(self, until: float, turn: HostTime | None) -> list[NoteOn | NoteOff]:
        """What the fork plays up to a time."""
        fork = self._fork
        assert fork is not None
        played: list[NoteOn | NoteOff] = []
        while len(played) < MOST:
            due = fork.due
            if turn is not None and self._turn is None and turn.time <= until and (due is None or due >= turn.time):
                self._turn = turn
                said = fork.advance(turn.time, [turn])
            elif due is None or due > until:
                break
            else:
                said = fork.advance(due)
                if not said and fork.due == due:
                    break
            played += [event for event in said if isinstance(event, NoteOn | NoteOff)]
        return played

    def _renewed(self, planned: list[NoteOn | NoteOff]) -> list[NoteOn | NoteOff]:
        """What has to be told, now that something was heard. Takes back what was announced if any of that is not to come."""
        settled, waits = self._outlet.settled(), self._waits
        stays: list[tuple[NoteOn | NoteOff, Announced]] = []
        gone: list[Announced] = []
        new = list(planned)
        for known in waits:
            fits = known.near if known.frame < settled else lambda e, k=known: k.like(e) and self._outlet.frame_of(e.time) == k.frame
            event = next((e for e in new if fits(e)), None)
            if event is None:
                gone.append(known)
            else:
                new.remove(event)
                stays.append((event, known))
        if not gone:
            return new
        if any(known.frame < settled for _, known in stays) and all(any(known.near(e) for e in new) for known in gone):
            self._void = self.postponed = True  # some only move a little, and what is about to be played is not to be risked for that
            return [event for event in new if not any(known.near(event) for known in gone)]
        self._outlet.take_back()
        reached, now = self._outlet.reached(), self._now()
        for known in gone:
            if known.frame < reached:  # it was played, before this was known
                event = next((e for e in new if known.near(e)), None)
                if event is not None:
                    new.remove(event)
                    stays.append((event, known))
                elif isinstance(known.event, NoteOn):
                    self._outlet.put(NoteOff(now, known.event.pitch, known.event.channel), False)
        self._waits = [known for _, known in stays if known.frame < reached]
        kept = {id(event) for event, known in stays if known.frame < reached}
        return [event for event in planned if id(event) not in kept]

    def _announce(self, event: NoteOn | NoteOff) -> None:
        ahead = self._turn is not None and event.time >= self._turn.time
        self._outlet.put(event, ahead, planned=True)
        self._waits.append(Announced(event, self._outlet.frame_of(event.time), self._outlet.epoch + ahead))
