"""The page's keys as a MIDI input among the others: stamped, kept account of, and let go when the page is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.keys import Keys

OLDEST = 0.25  # seconds by which a stamp may lie before its arrival; an older one counts as that old
NAME = "page"


class PageKeyboard:
    """number: the `part` of what is heard from it. now: the performance's clock, in seconds. heard: takes each event."""

    def __init__(self, number: int, now: Callable[[], float], heard: Callable[[Event], None]) -> None:
        self.number = number
        self._now, self._heard = now, heard
        self._keys = Keys()

    def play(self, rows: Sequence[Any]) -> None:
        """Rows of the server's, which has checked them: ["on", time, pitch, velocity], ["off", time, pitch], ["cc", time, control, value].

        A stamp is believed as far as it is of this moment.
        """
        now = self._now()
        for kind, stamp, *rest in rows:
            time = min(max(float(stamp), now - OLDEST, 0.0), now)
            if kind == "on":
                event: Event = NoteOn(time, rest[0], rest[1], 0, self.number)
            elif kind == "off":
                event = NoteOff(time, rest[0], 0, self.number)
            else:
                event = ControlChange(time, rest[0], rest[1], 0, self.number)
            self._keys.hear(event)
            self._heard(event)

    def look(self) -> None:
        """Let go what has been down for longer than any music explains."""
        self._let_go(self._keys.overdue(self._now()))

    def release(self) -> None:
        """Let go all: nobody is there any more to do it."""
        self._let_go(self._keys.release(self._now()))

    def _let_go(self, up: list[Event]) -> None:
        for event in up:
            self._heard(event)
