"""The record of a performance: one JSON line an event, as it happens; and its replay.

The first line is the header: what is needed to play the same again. Then each event heard, played, filled in while
the model was too slow, or dropped because its time was over, with the stamp that the improviser acted on.
Written by a thread of its own, so that a slow disk never stops the music; flushed at least every FLUSH seconds.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from improv.core.errors import ImprovError
from improv.core.events import KINDS, Event, NoteOn

FLUSH = 0.2
VERSION = 1
SIDES = ("heard", "played", "filled", "dropped")  # filled: played while the model was too slow
WARN_AGAIN = 5.0  # seconds between warnings of dropped notes


class SessionError(ImprovError):
    """A session file that can't be read."""


def to_line(side: str, event: Event, late: float | None = None) -> str:
    """An event as one line of JSON; side: one of SIDES; late: seconds from its time to the port."""
    record = {side: type(event).__name__, **asdict(event)}
    if late is not None:
        record["late"] = round(late, 7)
    return json.dumps(record, separators=(",", ":"))


def from_record(record: dict[str, Any], side: str) -> Event:
    """The event of a line. Raises SessionError."""
    try:
        fields = {k: v for k, v in record.items() if k != side and k != "late"}
        event: Event = KINDS[record[side]](**fields)
        return event
    except (KeyError, TypeError) as e:
        raise SessionError(f"not an event: {record} ({e})") from None


class Recorder:
    """Takes what is heard and played, in memory for the take and on disk for good.

    path: the session file, or None for none. show: is called with (side, event) in the writer's thread.
    keep: keep all events in `heard` and `played` (for a MIDI file at the end).
    A disk that fills up or vanishes stops the recording with a warning, and never the music.
    """

    def __init__(
        self,
        path: Path | None,
        header: dict[str, Any],
        show: Callable[[str, Event], None] | None = None,
        keep: bool = False,
        warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
    ):
        self.path = path
        self.heard: list[Event] = []
        self.played: list[Event] = []
        self._keep, self._show, self._warn = keep, show, warn
        self._lines: queue.SimpleQueue[tuple[str, Event, float | None] | str | None] = queue.SimpleQueue()
        self._file: TextIO | None = None
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(path, "x", encoding="utf-8")  # noqa: SIM115 - closed by the writer's thread
                self._file.write(json.dumps({"session": VERSION} | header) + "\n")
            except OSError as e:
                self._give_up(e)
        self._thread = threading.Thread(target=self._write, name="record", daemon=True)
        self._thread.start()

    def hear(self, event: Event) -> None:
        if self._keep:
            self.heard.append(event)
        self._lines.put(("heard", event, None))

    def play(self, event: Event, late: float | None = None, filled: bool = False) -> None:
        """filled: not the model's choice, see `improv.ladder`."""
        if self._keep:
            self.played.append(event)
        self._lines.put(("filled" if filled else "played", event, late))

    def drop(self, event: Event, late: float) -> None:
        """An event that was due but was not sent, since it was too late."""
        self._lines.put(("dropped", event, late))

    def note(self, line: dict[str, Any]) -> None:
        """A line of another kind, which a replay passes over."""
        self._lines.put(json.dumps(line, separators=(",", ":")))

    def close(self, end: dict[str, Any]) -> None:
        """Write the last line and wait until all is on disk."""
        self._lines.put(json.dumps({"end": end}))
        self._lines.put(None)
        self._thread.join()

    def _write(self) -> None:
        flushed = time.perf_counter()
        warned = -WARN_AGAIN
        while True:
            try:
                item = self._lines.get(timeout=FLUSH)
            except queue.Empty:
                item = ""
            if item is None:
                break
            try:
                if self._file and item:
                    self._file.write((item if isinstance(item, str) else to_line(*item)) + "\n")
                if self._file and (not item or time.perf_counter() - flushed > FLUSH):
                    self._file.flush()
                    flushed = time.perf_counter()
            except OSError as e:
                self._give_up(e)
            if isinstance(item, tuple) and item[0] == "dropped":
                if isinstance(item[1], NoteOn) and item[2] and time.perf_counter() - warned > WARN_AGAIN:
                    self._warn(f"improv: a note came {1000 * item[2]:.0f} ms too late and was dropped")
                    warned = time.perf_counter()
            elif self._show and isinstance(item, tuple):
                try:
                    self._show("heard" if item[0] == "heard" else "played", item[1])
                except OSError:  # the terminal is gone; nobody looks
                    self._show = None
        if self._file:
            try:
                self._file.close()
            except OSError as e:
                self._give_up(e)

    def _give_up(self, e: OSError) -> None:
        self._warn(f"improv: recording stopped: {self.path}: {e.strerror}; the music goes on")
        file, self._file = self._file, None
        if file:
            try:
                file.close()
            except OSError:
                return  # what is written is written; the warning is out


def read_session(path: str | Path) -> tuple[dict[str, Any], Iterator[tuple[str, Event]]]:
    """A session's header, and its events as (side, event). A last line cut short is left out.

    Raises SessionError for what is no session.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
        header = json.loads(lines[0])
        if header.get("session") != VERSION:
            raise ValueError(f"session version {header.get('session')!r}, expected {VERSION}")
    except (OSError, ValueError, IndexError, AttributeError) as e:
        raise SessionError(f"{path}: not a session file ({e})") from None

    def events() -> Iterator[tuple[str, Event]]:
        for number, line in enumerate(lines[1:], 2):
            if number == len(lines) and not line.endswith("\n"):
                return
            try:
                record = json.loads(line)
            except ValueError:
                raise SessionError(f"{path}, line {number}: not JSON") from None
            for side in SIDES:
                if side in record:
                    yield side, from_record(record, side)

    return header, events()
