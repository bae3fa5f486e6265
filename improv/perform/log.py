"""What a performer without a screen says: one line a time, for journald or a file, as text or as JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from improv.core.events import NoteOff
from improv.core.observer import MODEL_FAILED, Observer

LEVELS = {"error": 3, "warning": 4, "notice": 5, "info": 6}  # as in syslog


class Log:
    """Lines on standard error; where systemd reads them, with their level. Never raises: a full disk stops no music."""

    def __init__(self, as_json: bool = False):
        self._json = as_json
        self._journal = "JOURNAL_STREAM" in os.environ
        self._lock = threading.Lock()

    def __call__(self, text: str, level: str = "info", **fields: Any) -> None:
        line = self.line(text, level, **fields)
        with self._lock:
            try:
                print(line, file=sys.stderr, flush=True)
            except (OSError, ValueError):  # nobody reads
                return

    def line(self, text: str, level: str = "info", **fields: Any) -> str:
        if self._json:
            line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "level": level, "text": text} | fields, default=str)
        else:
            more = " ".join(f"{name}={value}" for name, value in fields.items())
            line = f"improv: {text}{' (' + more + ')' if more else ''}"
        return f"<{LEVELS[level]}>{line}" if self._journal else line

    def warn(self, text: str) -> None:
        self(text.removeprefix("improv: "), "warning")


class Logged(Observer):
    """What a log is told of a performance. names: the performers'; record: where it is written, as far as it is."""

    def __init__(self, log: Log, names: Sequence[str], record: Path | None):
        self._log, self._names, self._record = log, names, record

    def began(self, priority: str) -> None:
        self._log(f"performing: {', '.join(self._names)}", priority=priority, session=self._record)

    def closed(self, event: NoteOff) -> None:
        self._log(f"note {event.pitch} sounded longer than it may, and was closed", "warning")

    def changed(self, text: str, fact: Mapping[str, Any], warning: bool = False) -> None:
        if warning:
            self._log(text, "warning", **{k: v for what in fact.values() for k, v in what.items()})
        elif not fact:  # what is no record's is for people
            self._log(text, "notice")

    def ended(self, end: Mapping[str, Any]) -> None:
        if end["reason"] == MODEL_FAILED:
            self._log(f"{end['error']}; all notes closed", "error")
        elif "error" in end:
            self._log(f"internal error, all notes closed: {end['error']}", "error")
