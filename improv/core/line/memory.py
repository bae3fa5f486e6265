"""What a performance has left in a performer's mind, and the note that comes next. Beats and positions are those of the meter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from improv.core.line.dynamics import Shape
from improv.core.line.quotations import Quoting
from improv.core.line.traits import Noted
from improv.core.note_model import ModelState, Said
from improv.core.vocabulary import Context, Value


class Memory(NamedTuple):
    """What the whole performance so far has left: the state, what it says, the last note's pitch, place and shape."""

    state: ModelState
    said: Said
    last: int | None  # MIDI pitch
    position: int | None  # in 1/12 beat from beat 0
    shape: Shape | None
    told: tuple[tuple[Value, int | None, Context, float], ...] = ()  # the latest notes, as `NoteModel.step` takes them
    sway: float = 0.0  # of our latest note's lag, see microtiming.py
    quoting: Quoting = Quoting()  # how our line stands to the solos that the model learned from
    line: tuple[Noted, ...] = ()  # the latest notes, whosever they are
    louds: tuple[float | None, ...] = ()  # how far the latest stood out, see loudness.py; None: the player's, or by rule


@dataclass(frozen=True, slots=True)
class Plan:
    """The next note, drawn ahead, so that at its time there is nothing left to compute. Beats."""

    onset: float
    duration: float
    value: Value
    position: int
    accent: float  # how far it stands out, see dynamics.py
    on_chord: bool  # a chord tone, or no chord is known
    then: Memory  # the memory that it will leave
    opens: bool  # the first note of an answer
    surprise: float | None = None  # bits, of its time and its pitch
