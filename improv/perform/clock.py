"""Clocks: what time it is, and waiting. Times are seconds since the clock was made, monotonic.

`wait(inbox, until)` is the one operation: it returns what was heard as soon as something is heard, or nothing when
`until` has come. Either clock can also be given a script: events, sorted by time, that are heard at their times
(a MIDI file that plays the human). When a script is over and nothing is due, or at its `limit` in seconds, it
ends with a Stop.
"""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from improv.core.events import Event, Stop

T = TypeVar("T")
SPIN = 0.0002  # seconds: a sleep ends late by about so much; spinning longer costs more than it gains on a busy machine


class EventQueue(Protocol[T]):
    """What ports put stamped events into: `queue.SimpleQueue`, or `improv.perform.inbox.Inbox`, which has bounds."""

    def put(self, item: T, /) -> None: ...
    def get(self, *, timeout: float | None = None) -> T: ...
    def get_nowait(self) -> T: ...
    def empty(self) -> bool: ...


class LiveClock:
    """Real time on the monotonic clock. script: None for none.

    spin: for how many seconds before `until` to look at the clock instead of sleeping; must be 0 for a thread with
    real-time priority, which is woken on time anyway and would keep all others from its core.
    """

    def __init__(self, script: Iterable[Event] | None = None, limit: float = math.inf) -> None:
        self._script = None if script is None else deque(script)
        self._limit = limit
        self.spin = SPIN
        self.waits = 0  # how often `wait` was called: a sign of life
        self._start = time.perf_counter()

    def begin(self) -> None:
        """Now is 0 s: nothing that was opened since this clock was made counts."""
        self._start = time.perf_counter()

    def now(self) -> float:
        return time.perf_counter() - self._start

    @property
    def zero(self) -> float:
        """0 s as `time.perf_counter` counts, which is one clock for all processes of a machine."""
        return self._start

    def wait(self, inbox: EventQueue[Event], until: float | None) -> list[Event]:
        """Sleep until something is heard or `until` has come; returns all that was heard, in order of time."""
        self.waits += 1
        script = self._script
        if script:
            until = script[0].time if until is None else min(until, script[0].time)
        elif script is not None and (until is None or until > self._limit):
            return [Stop(self.now(), "over")]
        heard: list[Event] = []
        try:
            if until is None:
                heard.append(inbox.get())
            elif (sleep := until - self.now() - self.spin) > 0:
                heard.append(inbox.get(timeout=sleep))
            while True:
                heard.append(inbox.get_nowait())
        except queue.Empty:
            if not heard and until is not None:  # the last moment; a timed sleep may also end early
                while inbox.empty() and self.now() < until:
                    pass
                while not inbox.empty():  # ours alone to take from
                    heard.append(inbox.get())
            now = self.now()
            while script and script[0].time <= now:
                heard.append(script.popleft())
            return sorted(heard, key=lambda e: e.time)


class OfflineClock:
    """Time that jumps to whatever comes next; it never waits."""

    def __init__(self, script: Iterable[Event] = (), limit: float = math.inf):
        self._script = deque(script)
        self._now = 0.0
        self._limit = limit

    def now(self) -> float:
        return self._now

    @property
    def zero(self) -> float:
        return time.perf_counter() - self._now

    def wait(self, inbox: EventQueue[Event], until: float | None) -> list[Event]:
        """Jump to the next thing heard or to `until`, whichever is first."""
        if not inbox.empty():  # Ctrl-C
            return [replace(inbox.get(), time=self._now)]
        coming = self._script[0].time if self._script else None
        if coming is not None and (until is None or coming <= until):
            self._now = max(self._now, coming)
            heard = []
            while self._script and self._script[0].time == coming:  # together, as they come live
                heard.append(self._script.popleft())
            return heard
        if until is None or until > self._limit:
            return [Stop(self._now, "over")]
        self._now = max(self._now, until)
        return []
