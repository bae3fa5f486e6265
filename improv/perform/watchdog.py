"""A sign of life for the service manager (systemd), as long as the threads that perform and think go on."""

from __future__ import annotations

from improv.core.events import Ready
from improv.perform.clock import LiveClock
from improv.perform.performing import Performing
from improv.perform.sd_notify import notify, watchdog

STUCK = 30.0  # seconds after which a thought is taken for lost


class Watchdog:
    """A chore: says that it is ready, fed, and stopping."""

    def __init__(self) -> None:
        self._within = watchdog()
        self._woken = -1  # how often the thread that performs had waited, at the last look
        self._thinking = 0.0  # since when somebody is behind with thinking, in seconds

    def start(self, performance: Performing) -> None:
        notify("READY=1\nSTATUS=performing")

    def look(self, performance: Performing, now: float) -> None:
        if self._alive(performance, now) and self._within:
            notify("WATCHDOG=1")

    def close(self, performance: Performing) -> None:
        notify("STOPPING=1")

    def _alive(self, performance: Performing, now: float) -> bool:
        """Whether the thread that performs has woken since the last look, and no thought goes on for ever."""
        clock = performance.clock
        assert isinstance(clock, LiveClock)
        woke, self._woken = clock.waits != self._woken, clock.waits
        performance.put(Ready(now))  # it wakes, if it can
        if all(p.deadline is None or p.deadline.unknown_since is None for p in performance.performers):
            self._thinking = now
        return bool(woke and now - self._thinking < STUCK)
