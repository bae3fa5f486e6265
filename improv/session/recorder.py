"""Takes what is heard and played, and has it written by a thread of its own, so that a slow disk never stops the music.

What is taken waits at most EVERY for more, and then goes to the disk together: written, and confirmed by the disk (fsync).
So an event is safe from a crash and from a power cut within 0.2 s, if the disk confirms within 0.05 s; and where nothing
happens, nothing is written. A disk that is stuck costs the record what does not fit into the queue, which is counted and
told; never memory, and never the music.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from improv.core.events import Event, Mark, NoteOff, NoteOn, Pulse
from improv.core.observer import Observer
from improv.session.disk import Disk
from improv.session.lines import GUARDED, MOST_PULSES, Line, encode, pulses_to_line, to_line

EVERY = 0.15  # seconds
WARN_AGAIN = 30.0  # seconds between warnings of one kind
MOST = 50_000  # that wait to be written: about 10 MB
CLOSING = 5.0  # seconds for which a disk that is stuck is waited for at the end


class Recorder(Observer):
    """Takes what is heard and played, and writes it.

    path: the session file, or None for none. show: is called with (side, event) in the writer's thread.
    most: events that may wait for the disk.
    A disk that fills up or vanishes stops the recording with a warning, and never the music; see `disk`.
    """

    def __init__(
        self,
        path: Path | None,
        header: dict[str, Any],
        show: Callable[[str, Event], None] | None = None,
        warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
        most: int = MOST,
    ):
        self.lost = 0  # events that did not fit into the queue
        self.counts = {"heard": 0, "overheard": 0, "played": 0, "filled": 0, "dropped": 0, "marks": 0}  # notes; but for marks
        self._show, self._warn, self._most = show, warn, most
        self._queue: queue.SimpleQueue[Line | str | None] = queue.SimpleQueue()
        self._disk = Disk(path, header, warn)
        self._pulses: list[float] = []  # heard, and not yet a line
        self._lines: list[str] = []
        self._told_lost = 0
        self._end: dict[str, Any] = {}
        self._warned = {"late": -WARN_AGAIN, "lost": -WARN_AGAIN}
        self._thread = threading.Thread(target=self._write, name="record", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path | None:
        """The file that is written; None where there is none."""
        return self._disk.path

    # For the performance

    def heard(self, event: Event) -> None:
        self._put(Line("heard", event))

    def overheard(self, by: int, event: Event) -> None:
        self._put(Line("overheard", event, by=by))

    def played(self, event: Event, late: float | None = None, filled: bool = False) -> None:
        self._put(Line("filled" if filled else "played", event, late))

    def dropped(self, event: Event, late: float, filled: bool = False) -> None:
        self._put(Line("dropped", event, late, filled=filled))

    def closed(self, event: NoteOff) -> None:
        self._put(encode({GUARDED: asdict(event)}))

    def changed(self, text: str, fact: Mapping[str, Any], warning: bool = False) -> None:
        """The fact is a line of another kind, which a replay passes over."""
        if fact:
            self._put(encode(fact))

    def ended(self, end: Mapping[str, Any]) -> None:
        """Write the last line, with what was counted, and wait until all is on disk; not for ever."""
        self._end = dict(end)
        self._queue.put(None)
        self._thread.join(CLOSING)
        if self._thread.is_alive():
            self._warn(f"improv: {self.path}: the disk does not answer; the end of the record may be missing")

    def _put(self, item: Line | str) -> None:
        if self._queue.qsize() < self._most:
            self._queue.put(item)
        else:
            self.lost += 1

    # In the writer's thread

    def _write(self) -> None:
        by: float | None = None  # when what waits is to go to the disk
        while True:
            try:
                item = self._queue.get(timeout=None if by is None else max(by - time.perf_counter(), 0.0))
            except queue.Empty:
                self._sync()
                by = None
                continue
            if item is None:
                break
            self._take(item)
            now = time.perf_counter()
            if by is None:
                by = now + EVERY
            elif now >= by:
                self._sync()
                by = None
        self._sync()
        self._disk.append(encode({"end": self._end | {"notes": self.counts, "lost": self.lost}}) + "\n")
        self._disk.close()

    def _take(self, item: Line | str) -> None:
        if isinstance(item, str):
            self._add(item)
            return
        event = item.event
        if self.path is None:
            pass
        elif isinstance(event, Pulse) and item.side == "heard" and event.arrived is None:
            self._pulses.append(event.time)
            if len(self._pulses) == MOST_PULSES:
                self._end_pulses()
        else:
            self._add(to_line(*item))
        if isinstance(event, NoteOn):
            self.counts[item.side] += 1
        elif isinstance(event, Mark):
            self.counts["marks"] += 1
        self._tell(item)

    def _add(self, line: str) -> None:
        self._end_pulses()
        self._lines.append(line)

    def _end_pulses(self) -> None:
        if self._pulses:
            self._lines.append(pulses_to_line(self._pulses))
            self._pulses.clear()

    def _sync(self) -> None:
        """What waits goes to the disk."""
        self._end_pulses()
        if (lost := self.lost) > self._told_lost:
            self._lines.append(encode({"lost": lost - self._told_lost}))
            self._told_lost = lost
            self._warn_of("lost", f"improv: the disk is too slow: {lost} events are missing from the record; the music goes on")
        if self._lines:
            self._disk.append("\n".join(self._lines) + "\n")
            self._lines.clear()

    def _tell(self, item: Line) -> None:
        if item.side == "dropped":
            if isinstance(item.event, NoteOn) and item.late:
                self._warn_of("late", f"improv: a note came {1000 * item.late:.0f} ms too late and was dropped")
        elif self._show and item.side != "overheard":
            try:
                self._show("heard" if item.side == "heard" else "played", item.event)
            except (OSError, ValueError):  # the terminal is gone, or closed; nobody looks
                self._show = None

    def _warn_of(self, what: str, text: str) -> None:
        if time.perf_counter() - self._warned[what] > WARN_AGAIN:
            self._warned[what] = time.perf_counter()
            self._warn(text)
