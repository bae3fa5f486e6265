"""The sessions of a plugin's takes. A take begins in no time, so its file is made by a thread, and only once a note sounds."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from improv.core.events import Event, NoteOff, NoteOn
from improv.core.observer import Observer
from improv.perform.performers import PerformerSetup, Song
from improv.session import Recorder
from improv.session.header import header_of
from improv.titles.draw import titled

TITLE = 30  # characters, so that the number of the take can follow
MOST = 10_000  # events that wait for the first note; then the file is made without one
CLOSING = 5.0  # seconds for which a take that is being written is waited for as the engine ends


class Records:
    """folder: where sessions go. instance: the plugin's. warn: takes what goes wrong with a file."""

    def __init__(self, folder: Path, instance: str, warn: Callable[[str], None]):
        self._folder, self._instance, self._warn = folder, instance, warn
        self._title = titled(int.from_bytes(os.urandom(4))).get("title", "")[:TITLE]
        self._count = 0
        self._open: list[TakeRecord] = []

    def begun(self, song: Song, setup: PerformerSetup) -> Sequence[Observer]:
        self._count = number = self._count + 1
        path = self._folder / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}-{self._count}.jsonl"
        started = time.strftime("%Y-%m-%dT%H:%M:%S%z")

        def make() -> Recorder:
            title = {"title": f"{self._title}, take {number}"} if self._title else {}
            return Recorder(path, header_of(song, [setup]) | {"started": started, "plugin": self._instance} | title, warn=self._warn)

        self._open = [record for record in self._open if record.writes]
        self._open.append(TakeRecord(make))
        return self._open[-1:]

    def close(self) -> None:
        """Wait until all takes that are over are on disk; not for ever."""
        for record in self._open:
            record.join()


class TakeRecord(Observer):
    """Hands on to a recorder what it is told, once there is a note. make: makes the recorder."""

    def __init__(self, make: Callable[[], Recorder]):
        self._make = make
        self._queue: queue.SimpleQueue[tuple[str, tuple[Any, ...]]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="take", daemon=True)
        self._thread.start()

    @property
    def writes(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        self._thread.join(CLOSING)

    # For the performance

    def heard(self, event: Event) -> None:
        self._queue.put(("heard", (event,)))

    def overheard(self, by: int, event: Event) -> None:
        self._queue.put(("overheard", (by, event)))

    def played(self, event: Event, late: float, filled: bool) -> None:
        self._queue.put(("played", (event, late, filled)))

    def dropped(self, event: Event, late: float, filled: bool) -> None:
        self._queue.put(("dropped", (event, late, filled)))

    def closed(self, event: NoteOff) -> None:
        self._queue.put(("closed", (event,)))

    def ended(self, end: Mapping[str, Any]) -> None:
        self._queue.put(("ended", (end,)))

    # In the thread

    def _write(self) -> None:
        waits: list[tuple[str, tuple[Any, ...]]] = []
        while True:
            what, given = self._queue.get()
            waits.append((what, given))
            if any(isinstance(item, NoteOn) for item in given) or len(waits) > MOST:
                break
            if what == "ended":
                return
        recorder = self._make()
        while True:
            for what, given in waits:
                getattr(recorder, what)(*given)
            if what == "ended":
                return
            waits = [self._queue.get()]
