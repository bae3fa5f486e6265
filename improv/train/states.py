"""What a model goes through on a piece, by the streaming step: what is fitted on top of the networks is fitted to that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from improv.core.line.sampler import probabilities
from improv.core.vocabulary import Vocabulary
from improv.models.model import Model
from improv.train.piece import Piece

REST = 12  # 1/12 beat: where no phrases are annotated, a rest of a beat ends one


@dataclass(frozen=True)
class States:
    """What a model goes through on one piece of N notes; row t is between notes t and t + 1, N - 1 rows.

    a (rows, units), hidden (rows, members * pitch_hidden): activations. ioi, pitch (rows,): of note t + 1; last
    (rows,): pitch t; root (rows,): of the chord at note t + 1, or 12. said_ioi, said_pitch (rows,): the probability
    that the networks gave it. end (rows,): note t ends its phrase.
    """

    a: np.ndarray
    hidden: np.ndarray
    ioi: np.ndarray
    pitch: np.ndarray
    last: np.ndarray
    root: np.ndarray
    said_ioi: np.ndarray
    said_pitch: np.ndarray
    end: np.ndarray


def states_of(model: Model, piece: Piece) -> States:
    """The streaming step over a piece, without recall."""
    rows: list[tuple[Any, ...]] = []
    state, last = model.start(), None
    for value, at in zip(piece.values, piece.contexts, strict=True):
        if last is not None:
            said = model.read(state, recall=0.0)
            foretold = probabilities(model.pitch(said, last, value.ioi, at, recall=0.0))
            hidden = model.met(state, last, value.ioi, at).hidden
            chord = at.harmony.chord
            known = (value.ioi, value.pitch, last, 12 if chord.root is None else chord.root)
            rows.append((state.a, hidden, *known, probabilities(said.ioi)[value.ioi], foretold[value.pitch]))
        state = model.step(state, value, last, at)
        last = value.pitch
    a, hidden, ioi, pitch, before, root, said_ioi, said_pitch = (np.array(column) for column in zip(*rows, strict=True))
    return States(a.astype(np.float16), hidden.astype(np.float16), ioi, pitch, before, root, said_ioi, said_pitch, _ends(piece))


def _ends(piece: Piece) -> np.ndarray:
    """Whether each note but the last ends its phrase: as annotated, or by the rests."""
    if piece.ends is not None:
        return np.array(piece.ends[:-1], np.float32)
    durations = Vocabulary().durations
    rests = [b.ioi - durations[a.duration] for a, b in zip(piece.values, piece.values[1:], strict=False)]
    return np.array([rest >= REST for rest in rests], np.float32)
