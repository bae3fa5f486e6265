"""What a model tells the improviser, and is told by it: the protocols that `improv.models` implements.

    state = model.start()                                 nothing was heard yet
    state = model.step(state, value, last, at)            one more note
    said = model.read(state)                              when the next note comes, whether the phrase is over
    model.pitch(said, last, ioi, at)                      which pitch, given when
    model.articulation(said, pitch, last, ioi, at)        how long and how far off the grid, given both

A state is a value: `step` returns a new one and leaves the old as it was. Only the model looks inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from improv.core.errors import ImprovError
from improv.core.harmony import Chord
from improv.core.heads import Heads
from improv.core.line.critic import Critic
from improv.core.line.loudness import AccentModel
from improv.core.line.quotations import Quotations
from improv.core.vocabulary import Context, Value, Vocabulary


class CannotSpeakError(ImprovError):
    """A model from which no note can be drawn: what it foretells is no number, or more notes than anybody plays."""


ModelState = Any  # what a model remembers of all that was heard and played


class Said(NamedTuple):
    """What a state says. ioi: logits (49,) of when the next note comes. end: probability that the last note ended its phrase.

    state: the state that was read.
    """

    ioi: np.ndarray
    end: float
    state: ModelState


class NoteModel(Protocol):
    """A model that foretells the next note. Logits are float32; `line.sampler.probabilities` makes a distribution of them."""

    card: Mapping[str, Any]  # what it is, as its folder says
    vocabulary: Vocabulary
    quotations: Quotations | None  # the figures of the solos that it learned from, where they are known
    critic: Critic | None  # what chooses among the phrases that it plays, where somebody does
    accents: AccentModel | None  # what says how loud its notes are beside one another; None: the rule does

    @property
    def entry_classes(self) -> tuple[int, ...]:
        """How many classes each field of an entry of its memory has, for a snapshot to check."""

    @property
    def bytes_a_note(self) -> int:
        """Bytes that it reads from memory for one note."""

    @property
    def heads(self) -> Heads | None:
        """Its output layers that learn from a player; None where nothing learns."""

    def with_heads(self, heads: Heads) -> NoteModel:
        """This model with other heads; a state of one is a state of the other."""

    def start(self) -> ModelState:
        """The state before anything was heard."""

    def step(self, state: ModelState, value: Value, last: int | None, at: Context, trust: float = 1.0) -> ModelState:
        """The state after one more note, heard or played. last: the pitch before it, or None.

        trust: 0 to 1, how much of a say the note gets when it is recalled; at 0 it is not remembered.
        """

    def read(self, state: ModelState, recall: float = 1.0) -> Said:
        """When the next note comes, and whether the phrase is over.

        recall: how much what was heard in this performance has a say; 0 nothing, 1 as learned.
        """

    def pitch(self, said: Said, last: int, ioi: int, at: Context, recall: float = 1.0) -> np.ndarray:
        """Logits (128,) of the next pitch, which comes `ioi` (a class) after `last`, at `at`."""

    def articulation(self, said: Said, pitch: int, last: int, ioi: int, at: Context) -> tuple[np.ndarray, np.ndarray]:
        """Logits of the next note's length (21,) and of its lag off the grid (13,)."""

    def expected_microtiming(self, logits: np.ndarray) -> float:
        """The mean lag in beats that logits (13,) say."""


class ChordVoicer(Protocol):
    """What voices chords as it learned to."""

    def draw(self, chord: Chord, before: Sequence[int], low: int, high: int, under: int | None = None, seed: int = 0) -> tuple[int, ...]:
        """Ascending pitches for a chord; none for no chord. The arguments are those of `harmony.voicing.voicing`; seed: of the draw."""
