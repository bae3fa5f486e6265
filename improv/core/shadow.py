"""What a performer will play if nothing more is heard: a copy of it that plays on, while it itself waits.

What it plays depends on the stamped events alone, so the copy plays just what the performer will, note for note, until the next
event is heard. It shares what is never changed (models, states, changes, settings) and has of its own what goes on: the generator
of random numbers, what sounds, the mode. Nothing is learned from it.
"""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

from improv.core.events import NoteOn
from improv.core.improviser import Improviser

MOST = 64  # notes that are foreseen
STEPS = 32  # things that are done between two notes, at most


class Foreseen(NamedTuple):
    """A note that will be played: start and end in seconds."""

    start: float
    end: float
    pitch: int
    velocity: int


class Shadow:
    """A copy of an improviser, as it is now, which takes half a millisecond on a small machine. until: seconds up to which it plays."""

    def __init__(self, improviser: Improviser, until: float):
        memo: dict[int, object] = {id(value): value for value in improviser.shared()}
        self._improviser = copy.deepcopy(improviser, memo)
        self._improviser.generator.teach_nobody()
        self.until = until
        self.past = float("-inf")  # seconds: what has ended by then is of no use any more
        self.notes: tuple[Foreseen, ...] = ()

    def go_on(self) -> bool:
        """Foresee one more note, or one chord; whether there is more to foresee."""
        improviser = self._improviser
        for _ in range(STEPS):
            due = improviser.due
            if due is None or due > self.until or len(self.notes) >= MOST:
                return False
            struck = [event for event in improviser.advance(due) if isinstance(event, NoteOn)]
            if struck:
                self.notes = (*(n for n in self.notes if n.end > self.past), *(self._foreseen(on) for on in struck))
                return True
        return True

    def _foreseen(self, on: NoteOn) -> Foreseen:
        ends = {key[2]: end for key, end in self._improviser.sounding.over(math.inf)}
        end = self._improviser.meter.end(ends[on.pitch]) if on.pitch in ends else on.time
        return Foreseen(on.time, end if end < math.inf else on.time + 1.0, on.pitch, on.velocity)
