"""A thread that is fit to perform in time, until it is done."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from improv.perform.clock import SPIN, LiveClock
from improv.perform.priority import Priority, priority

SWITCH = 0.0001  # seconds: the other threads only pass things on


@contextmanager
def in_time(clock: LiveClock) -> Iterator[Priority]:
    """This thread has what priority it is granted, the clock spins where that pays, and nothing made so far is looked for as garbage."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()
    try:
        with priority() as granted:
            clock.spin = SPIN if granted.spins else 0.0
            yield granted
    finally:
        gc.unfreeze()
        sys.setswitchinterval(interval)
