"""The one interface of all modes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from improv.core.events import Event, NoteOn

if TYPE_CHECKING:
    from improv.core.improviser import Improviser


class Mode:
    """A mode that does nothing: what each may do. improviser: whose mode it is. Times are in seconds."""

    timeless = False  # whether it plays where no beat runs, too
    pending = False  # `prepare` is to be called at once: something is to be worked out before there is anything to play

    def __init__(self, improviser: Improviser):
        self.improviser = improviser

    def start(self, time: float) -> None:
        """It was chosen, the performance begins, or the beat runs (again)."""

    def jumped(self) -> None:
        """The song goes on from elsewhere: what was planned is over other chords."""

    def struck(self, event: NoteOn, time: float, played: list[Event]) -> None:
        """A key went down, and was heard."""

    def released(self, time: float, played: list[Event]) -> None:
        """A key or the pedal came up, or the pedal went down."""

    def next(self) -> float:
        """When it wants to play; infinity: not before something is heard."""
        return math.inf

    def play(self, time: float, played: list[Event]) -> bool:
        """Do what was wanted at this time. Returns whether a note was struck, which is to be handed over now."""
        return False

    def prepare(self) -> None:
        """Work out what comes next, after a note was handed over."""

    def drop(self) -> None:
        """Forget what was planned; what sounds is being closed."""
