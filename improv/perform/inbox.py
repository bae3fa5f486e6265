"""What is heard waits here until the performance takes it, and never more of it than can be worked off soon.

A queue as `queue.SimpleQueue` is, and as fast where little waits; it may be put to from any thread and from a signal's
handler, for it takes no lock of its own. Where MOST events wait, it is crowded until all of them are taken:
- controllers that move are merged: of each number, the latest value is kept;
- note-ons are dropped; note-offs and the latest value of each setting are kept, one of each;
- clock still waits in order, up to FAR events, and is dropped beyond that; of starts and stops the latest of each is kept;
- whatever else there is, as Stop, always waits.
What was kept so comes out in no order; its time tells.
"""

from __future__ import annotations

import queue
from collections.abc import Callable

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Ready, Setting, Sync, Tap, Transport

MOST = 512  # events: more than a hundred keys down and up at once; a second's work at the most on a slow machine
FAR = 4 * MOST


class Inbox:
    """See the module's first lines.

    behind: how many events were taken and are still to be thought about; they count as waiting.
    """

    def __init__(self, most: int = MOST, far: int = FAR, behind: Callable[[], int] = lambda: 0):
        self.behind = behind
        self.dropped = {"notes": 0, "controllers": 0, "clock": 0}  # controllers: merged into later ones
        self._most, self._far = most, far
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._beside: dict[tuple[object, ...], Event] = {}  # what came while it was crowded, one of each

    def put(self, event: Event) -> None:
        if self._beside or self._queue.qsize() + self.behind() >= self._most:
            self._crowded(event)
        else:
            self._queue.put(event)

    def get(self, timeout: float | None = None) -> Event:
        """The next event; waits for it, at most so many seconds. Raises queue.Empty."""
        if self._beside and not self.empty():
            return self.get_nowait()
        return self._queue.get(timeout=timeout)

    def get_nowait(self) -> Event:
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            if self._beside and self.behind() < self._most:
                return self._beside.popitem()[1]
            raise

    def empty(self) -> bool:
        return self._queue.empty() and not (self._beside and self.behind() < self._most)

    def qsize(self) -> int:
        """How many events wait, those included that were taken and not yet thought about."""
        return self._queue.qsize() + len(self._beside) + self.behind()

    def _crowded(self, event: Event) -> None:
        key: tuple[object, ...]
        if isinstance(event, NoteOn):
            self.dropped["notes"] += 1
            return
        far = self._queue.qsize() + self.behind() >= self._far
        if isinstance(event, Pulse | Sync | Tap) and far:
            self.dropped["clock"] += 1
            return
        if isinstance(event, ControlChange):
            key = ControlChange, event.part, event.channel, event.control
            self.dropped["controllers"] += key in self._beside
        elif isinstance(event, NoteOff):
            key = NoteOff, event.part, event.channel, event.pitch
        elif isinstance(event, Setting):
            key = Setting, event.part, event.name
        elif isinstance(event, Transport) and far:
            key = Transport, event.kind
        else:
            self._queue.put(event)
            return
        self._beside[key] = event
        if self._queue.empty():  # whoever waits for the queue is to look here
            self._queue.put(Ready(event.time))


class Tally:
    """Says, not too often, what a crowded inbox has dropped since it last said so."""

    def __init__(self, inbox: Inbox, again: float = 60.0):
        self._inbox, self._again = inbox, again
        self._told = dict(inbox.dropped)
        self._time = float("-inf")

    def news(self, now: float) -> str | None:
        """One line, or None. now: in seconds."""
        dropped = dict(self._inbox.dropped)
        if dropped == self._told or now - self._time < self._again:
            return None
        new = {kind: count - self._told[kind] for kind, count in dropped.items() if count != self._told[kind]}
        self._told, self._time = dropped, now
        return "more arrives than can be worked off: dropped " + ", ".join(f"{count:,} {kind}" for kind, count in new.items())
