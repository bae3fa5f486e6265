"""Signals that end a program, told instead of obeyed: so a performance ends as music ends."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

AT_ONCE = 1.0  # seconds in which a performance ends as music ends, however often it is told to
ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # a closed terminal is SIGHUP, on Windows SIGBREAK


@contextmanager
def told_signals(stop: Callable[[str], object], names: Sequence[str] = ENDING, now: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Until the block is left, each of these signals calls stop with its name.

    A second Ctrl-C within AT_ONCE is the same wish, made twice; one after that interrupts whatever does not end.
    now: a clock in seconds. In a thread other than the program's first, which no signal reaches, nothing changes.
    """
    before: dict[int, Any] = {}
    first = math.inf  # when the first Ctrl-C came

    def told(number: int, frame: object) -> None:
        nonlocal first
        if number == signal.SIGINT:
            if now() - first > AT_ONCE:
                raise KeyboardInterrupt
            if first < math.inf:
                return
            first = now()
        stop(signal.Signals(number).name)

    if threading.current_thread() is threading.main_thread():
        for name in names:
            if hasattr(signal, name):
                before[getattr(signal, name)] = signal.signal(getattr(signal, name), told)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
