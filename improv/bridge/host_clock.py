"""The clock of a take in a host: it knows no other time than the host's frames, so it runs live, in bursts and offline alike.

What is heard comes out of the ring as a script that grows. Time goes on to whatever comes next, as offline, but never to where
something may still be heard. Where more must be heard first, the clock looks ahead, tells the host how far it has come, and waits.
A take is over where the host's transport starts, where the plugin is activated, or where the project is restored: the next one
begins there, from the seed.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from improv.bridge.foresight import Foresight
from improv.bridge.library import EngineSide, Flags, Life, Record, RecordKind, Why
from improv.bridge.records import Zero, events_in, host_time, record_of
from improv.core.events import Event, HostTime, Setting, Stop
from improv.perform.clock import EventQueue, OfflineClock

AHEAD, BLOCKS = 0.15, 3  # seconds, and blocks, by which planned notes are announced at the least: what a busy machine may stand still
LEAST, LONGEST = 0.002, 0.25  # seconds between two looks for what the host has done
SETTLED = 0.004  # seconds, or the block if that is longer, within which a note can't be moved any more
QUIET = 0.05  # seconds without anything heard, after which a transport that stands is taken to stay there
LOOKS = 64  # of which the host's bursts are known
MOST_BURST = 0.5  # seconds
NEXT, GONE, LEFT = "the next take", "the plugin was taken out", "stopped"


class Wake(Protocol):
    """What the plugin rings when something is to be heard."""

    def wait(self, seconds: float) -> None: ...


class Feed:
    """What comes from the host, in order: one for all takes of an engine.

    known: all that was heard before this frame is here. records: those that are no take's yet. now: of the wall, in seconds.
    """

    def __init__(self, side: EngineSide, wake: Wake, now: Callable[[], float] = time.monotonic):
        self.side, self._wake, self._wall = side, wake, now
        self.records: deque[Record] = deque()
        self.known = 0
        self.generation = side.take_back()  # that of an engine before us is none of ours
        self._leads: deque[float] = deque(maxlen=LOOKS)  # seconds by which the host's frames lie ahead of the time, plus a constant

    def look(self) -> None:
        """Take what the host has written."""
        known = self.side.heard_to  # first: what is in the ring then is all that was heard before it
        self.records += self.side.take()
        self.known = max(known, self.known)

    def wait(self, seconds: float) -> None:
        self._wake.wait(seconds)
        self.look()

    def burst(self, rate: float) -> float:
        """Seconds by which the host lately ran ahead of the time: some render in bursts."""
        self._leads.append(self.known / rate - self._wall())
        return min(max(self._leads) - min(self._leads), MOST_BURST)


class HostClock(OfflineClock):
    """See the module's first lines. origin: where the take begins. ends: whether a record is the next take's. now: of the wall.

    foresight: to be set before the take begins. prepare: is told each setting before it is heard, as a model must be loaded.
    note: is told each record as it comes.
    """

    def __init__(self, feed: Feed, zero: Zero, epoch: int, flags: int, prepare: Callable[[Setting], bool], note: Callable[[Record], None]):
        super().__init__()
        self._feed, self._prepare, self._note = feed, prepare, note
        self.origin, self.epoch, self._flags = zero, epoch, flags
        self.foresight: Foresight | None = None
        self.rests: Callable[[], None] = lambda: None  # called once the transport stands and nothing more is heard
        self.gives_way: Callable[[], bool] = lambda: False  # whether a key that goes down takes back what is planned
        self._growing: deque[tuple[Event, Record]] = deque()
        self._turn: HostTime | None = None  # the jump at the loop's end, as was announced
        self._next: int | None = None  # the frame at which the next take begins
        self._block = 0  # frames of the latest
        self._rested = False  # since something was last heard

    def begin_with(self, event: HostTime, record: Record) -> None:
        """The take's first event: where the host is."""
        self._growing.append((event, record))

    @property
    def offline(self) -> bool:
        return bool(self._flags & Flags.OFFLINE)

    def wait(self, inbox: EventQueue[Event], until: float | None) -> list[Event]:
        """Go on to the next thing heard, or to `until`, as soon as it is sure that nothing is heard before."""
        while True:
            if not inbox.empty():
                return self._told([replace(inbox.get(), time=self._now)])
            self._grow()
            coming = self._growing[0][0].time if self._growing else None
            if coming is not None and (until is None or coming <= until):
                self._now = max(self._now, coming)
                return self._told(self._together(coming))
            end = self._feed.known if self._next is None else self._next
            if until is not None and until < self.origin.time(end):
                self._now = max(self._now, until)
                return []
            if self._next is not None:
                self._now = max(self._now, self.origin.time(self._next))
                return [Stop(self._now, NEXT)]
            if self._feed.side.life == Life.GONE:
                return [Stop(self._now, GONE)]
            self._more(inbox)

    def _told(self, heard: list[Event]) -> list[Event]:
        self._rested = False
        if self.foresight:
            self.foresight.heard()
        return heard

    def _together(self, time: float) -> list[Event]:
        """What is heard at one moment."""
        heard: list[Event] = []
        while self._growing and self._growing[0][0].time == time:
            event, record = self._growing.popleft()
            if isinstance(event, HostTime):
                self.epoch, self._flags = record.epoch, record.size
                self._turn = turn_of(record, self.origin)
            if not isinstance(event, Setting) or self._prepare(event):
                heard.append(event)
        return heard

    def _grow(self) -> None:
        """Take over the records of this take."""
        records = self._feed.records
        while records and self._next is None:
            if begins_a_take(records[0]):
                self._next = records[0].frame
                return
            record = records.popleft()
            self._note(record)
            self._rested = False
            self._growing.extend((event, record) for event in events_in(record, self.origin))

    def _more(self, inbox: EventQueue[Event]) -> None:
        """Nothing more can be done before more was heard: announce what is planned, say how far it is, and wait."""
        feed = self._feed
        seconds = LONGEST
        if self.foresight and not self.offline:
            known, block = self.origin.time(feed.known), feed.side.look()
            self._block = block.block if block else 0
            reach = known + max(AHEAD, BLOCKS * self._block / self.origin.rate) + feed.burst(self.origin.rate)
            self.foresight.look(reach, self._turn)
            coming = [self.foresight.due, self._turn.time if self._turn else None]
            most = LEAST if self.foresight.postponed else LONGEST
            seconds = min([most, *(max(time - reach, LEAST) for time in coming if time is not None and time > reach)])
        feed.side.planned_to(feed.known)
        if self._rested or self._flags & (Flags.PLAYING | Flags.OFFLINE):
            feed.wait(seconds)
            return
        feed.wait(min(seconds, QUIET))
        if not feed.records and inbox.empty():
            self._rested = True
            self.rests()

    # For what is played

    def put(self, event: Event, ahead: bool, planned: bool = False) -> None:
        """Tell the host what is played. ahead: after the end of its loop. planned: a key that goes down may take it back."""
        record = record_of(event, self.frame_of(event.time), self.epoch + ahead, self._feed.generation)
        if record is not None:
            record.value[0] = float(planned and self.gives_way())
            self._feed.side.put([record])

    def frame_of(self, time: float) -> int:
        return self.origin.frame_of(time)

    def reached(self) -> int:
        return self._feed.side.heard_to

    def settled(self) -> int:
        return self._feed.known + max(self._block, round(SETTLED * self.origin.rate))

    def take_back(self) -> None:
        self._feed.generation = self._feed.side.take_back()


def begins_a_take(record: Record) -> bool:
    started = record.kind == RecordKind.TRANSPORT and record.bytes[2] == Why.STARTED
    return started or record.kind in (RecordKind.ACTIVATED, RecordKind.RESTORED)


def turn_of(record: Record, zero: Zero) -> HostTime | None:
    """The jump at the end of the loop that a transport record announces; None where there is none."""
    if record.size & (Flags.PLAYING | Flags.LOOPING) != Flags.PLAYING | Flags.LOOPING:
        return None
    here = host_time(record, 0.0)
    start, end = record.value[3], record.value[4]
    if not (here.playing and math.isfinite(start) and math.isfinite(end) and start < end and here.position < end):
        return None
    a_frame = here.tempo / 60.0 / zero.rate  # quarter notes
    frames = math.ceil((end - here.position) / a_frame - 1e-3)
    over = here.position + frames * a_frame - end
    return replace(here, time=zero.time(record.frame + frames), position=start + over, bar_start=None)
