"""Which input gives the clock, where several send one."""

from __future__ import annotations

from improv.core.events import Event, Pulse

LOST = 1.0  # seconds without a pulse after which another input may give the clock


class ClockGiver:
    """Of several inputs that send clock, the first is followed, as long as it goes on."""

    def __init__(self) -> None:
        self._number, self._latest = -1, -1e9  # the input that gives the clock, and its latest pulse, in seconds

    def gives(self, number: int, event: Event) -> bool:
        """Whether clock, start or stop from an input is listened to. number: the input's."""
        if self._number not in (-1, number) and event.time - self._latest < LOST:
            return False
        if isinstance(event, Pulse):
            self._number, self._latest = number, event.time
        return True
