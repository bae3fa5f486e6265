"""How surprising each note is, for whoever asked to be told by OSC: an observer that notes it down and lets another thread write.

A row is [performer, heard, bits, pitch]: of a performer's own note once it was handed over, of the player's as that performer heard it.
Where nobody takes the rows, the oldest are dropped; the music waits for none of this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from improv.control.steered import SteeredPerformer
from improv.core.events import Event, NoteOn
from improv.core.modes.classes import MODES
from improv.core.observer import Observer

MOST = 256  # rows that wait

Row = list[Any]


class SurpriseTap(Observer):
    """ring: is called, in any thread, when there is something to take."""

    def __init__(self, performers: Sequence[SteeredPerformer]) -> None:
        self.ring: Callable[[], None] = lambda: None
        self._rows: deque[Row] = deque(maxlen=MOST)
        self._names = {performer.number: performer.name for performer in performers}
        for performer in performers:
            if not MODES[performer.settings.mode].accompanies:
                performer.improviser.tell_surprise(partial(self._heard, performer.name))

    def played(self, event: Event, late: float, filled: bool) -> None:
        if isinstance(event, NoteOn) and event.surprise is not None and not filled:
            self._put([self._names.get(event.part, ""), False, event.surprise, event.pitch])

    def _heard(self, name: str, event: NoteOn, bits: float) -> None:
        self._put([name, True, round(bits, 3), event.pitch])

    def _put(self, row: Row) -> None:
        self._rows.append(row)
        self.ring()

    def take(self) -> list[Row]:
        """What there is to tell."""
        rows: list[Row] = []
        while self._rows:
            rows.append(self._rows.popleft())
        return rows
