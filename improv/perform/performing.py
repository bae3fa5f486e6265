"""What a performance shows to those who look after it: its monitor, its chores, its control."""

from __future__ import annotations

from typing import Protocol

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event
from improv.core.flood import NoteLimit
from improv.core.note_book import NoteBook
from improv.core.observer import Observer
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.ends import Ends
from improv.perform.harmony_news import HarmonyNews
from improv.perform.inbox import Inbox
from improv.perform.observers import Counters, LatenessLog
from improv.perform.performers import PerformerAtWork
from improv.perform.waiting import Waiting


class Performing(Protocol):
    """See `perform.performance.Performance`."""

    clock: LiveClock | OfflineClock
    ends: Ends
    inbox: Inbox
    lateness: LatenessLog
    observers: tuple[Observer, ...]
    performers: tuple[PerformerAtWork, ...]
    priority: str
    counters: Counters

    limit: NoteLimit
    sounding: NoteBook
    timekeeper: Timekeeper
    waiting: Waiting
    harmony: HarmonyNews

    def put(self, event: Event) -> None: ...
    def changed(self, text: str, fact: dict[str, object], warning: bool = False) -> None: ...


class Chore(Protocol):
    """Something that is looked after while a performance goes on: a watchdog, a state on disk, a control process."""

    def start(self, performance: Performing) -> None:
        """It begins: in the performance's thread."""

    def look(self, performance: Performing, now: float) -> None:
        """Twice a second, now in seconds, in the monitor's thread."""

    def close(self, performance: Performing) -> None:
        """It is over: in the performance's thread, when no look goes on."""
