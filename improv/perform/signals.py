"""Signals that end a program, told instead of obeyed: so a performance ends as music ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # a closed terminal is SIGHUP, on Windows SIGBREAK


@contextmanager
def told_signals(stop: Callable[[str], object], names: Sequence[str] = ENDING) -> Iterator[None]:
    """Until the block is left, each of these signals calls stop with its name. A second Ctrl-C ends at once.

    In a thread other than the program's first, which no signal reaches, nothing changes.
    """
    before: dict[int, Any] = {}

    def told(number: int, frame: object) -> None:
        stop(signal.Signals(number).name)
        if number == signal.SIGINT:  # a second Ctrl-C means at once; a terminal that closes may say so twice
            signal.signal(number, before[number])

    if threading.current_thread() is threading.main_thread():
        for name in names:
            if hasattr(signal, name):
                before[getattr(signal, name)] = signal.signal(getattr(signal, name), told)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
