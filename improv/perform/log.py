"""What a performer without a screen says: one line a time, for journald or a file, as text or as JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

LEVELS = {"error": 3, "warning": 4, "notice": 5, "info": 6}  # as in syslog


class Log:
    """Lines on standard error; where systemd reads them, with their level. Never raises: a full disk stops no music."""

    def __init__(self, as_json: bool = False):
        self._json = as_json
        self._journal = "JOURNAL_STREAM" in os.environ
        self._lock = threading.Lock()

    def __call__(self, text: str, level: str = "info", **fields: Any) -> None:
        if self._json:
            line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "level": level, "text": text} | fields, default=str)
        else:
            more = " ".join(f"{name}={value}" for name, value in fields.items())
            line = f"improv: {text}{' (' + more + ')' if more else ''}"
        if self._journal:
            line = f"<{LEVELS[level]}>{line}"
        with self._lock:
            try:
                print(line, file=sys.stderr, flush=True)
            except (OSError, ValueError):  # nobody reads
                return

    def warn(self, text: str) -> None:
        self(text.removeprefix("improv: "), "warning")
