"""What a performance gives to learn from: the player's phrases, note by note, with what we played between.

A lesson is over when we answer, when the player rests, or when it is long. It depends on the notes alone, never on the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from improv.core.heads import Heads
from improv.core.vocabulary import GRID, Context, Value

Note = tuple[Value, int | None, Context, float]  # as `NoteModel.step` takes them: value, the pitch before it, context, trust
Lesson = tuple[Note, ...]
FEWEST, MOST = 8, 64  # of the player's notes, in a lesson
REST = 2 * GRID  # in 1/12 beat: the player's phrase is over


def players(note: Note) -> bool:
    """Whether a note is the player's: our own are not trusted wholly."""
    return note[3] >= 1.0


class Learning(Protocol):
    """Where lessons go. Versions are numbered by the lessons that they have learned from, from 1; 0 is what was known before."""

    def give(self, lesson: Lesson) -> None: ...
    def version(self, number: int) -> Heads | None:
        """What was learned, to be added to the model's own heads; None where nothing was, or not this."""


class Lessons:
    """Cuts what is remembered into lessons. give: gets each as it is over."""

    def __init__(self, give: Callable[[Lesson], None]):
        self._give = give
        self._latest: Note | None = None
        self._notes: list[Note] = []
        self._players = 0

    def take(self, told: Sequence[Note]) -> None:
        """The latest notes that are remembered; those are new that follow the one that was taken last."""
        fresh: list[Note] = []
        for note in reversed(told):
            if note is self._latest:
                break
            fresh.append(note)
        for note in reversed(fresh):
            self._add(note)

    def _add(self, note: Note) -> None:
        over = not players(note) or note[0].ioi >= REST or self._players >= MOST
        if over and self._players >= FEWEST:
            self._give(tuple(self._notes))
            self._notes, self._players = [], 0
        self._notes.append(note)
        if len(self._notes) > 4 * MOST:  # it plays alone: what lies further back is left out
            del self._notes[: -2 * MOST]
        self._players += players(note)
        self._latest = note
