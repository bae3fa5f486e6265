"""An ear without a file: templates of chords, and a hidden Markov model over beats. It stands in where no network is there.

What sounds is compared with the tones of every chord; the chord before is likelier than any other (forward algorithm,
L. Rabiner, A tutorial on hidden Markov models, 1989). The key is that of the chords of the last while.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from improv.core.harmony.ear import QUALITIES, Hearing
from improv.core.harmony.frames import Frame
from improv.core.harmony.spelling import Key

_TONES = {
    "": (0, 4, 7), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11), "m": (0, 3, 7), "m7": (0, 3, 7, 10), "m7b5": (0, 3, 6, 10),
    "dim": (0, 3, 6), "sus4": (0, 5, 7), "sus2": (0, 2, 7), "+": (0, 4, 8), "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9),
}  # fmt: skip
_RARE = {"dim": 0.7, "+": 0.7, "sus2": 0.7, "m7b5": 0.7, "6": 1.0, "m6": 1.0}  # nats that they are less likely
_NEVER = -30.0
STAYS = 0.72  # the chance that the next beat has the same chord
FORGETS = 0.97  # a beat, of what the key is told by
STRENGTH = 3.0  # how much a full beat says


class TemplateState(NamedTuple):
    """chords: log-probabilities, (12 * qualities,), or None at first. scale: (12,) how much of each pitch class was heard of late."""

    chords: np.ndarray | None
    scale: np.ndarray


def _table() -> tuple[np.ndarray, np.ndarray]:
    """Log-weights (12 pitch classes, 12 * qualities) of what sounds; and whether a pitch class is the chord's."""
    weights, inside = np.full((12, 12, len(QUALITIES)), np.log(1 / 12)), np.zeros((12, 12, len(QUALITIES)), bool)
    for q, quality in enumerate(QUALITIES):
        for root in range(12):
            template = np.full(12, 0.06)
            tones = [(root + step) % 12 for step in _TONES.get(quality, ())]
            template[tones] = 1.0
            template[root] *= 1.25
            weights[:, root, q] = np.log(template / template.sum())
            inside[tones, root, q] = True
    return weights.reshape(12, -1), inside.reshape(12, -1)


_WEIGHTS, _INSIDE = _table()
_PRIOR = np.tile([-_RARE.get(q, 0.0) if q in _TONES else _NEVER for q in QUALITIES], 12)
_KEYS = np.stack([[float((p in Key(t, m).scale) + (p == t) * 0.3) for p in range(12)] for t in range(12) for m in (False, True)])


class Templates:
    """Hears chords by templates."""

    def begin(self) -> TemplateState:
        return TemplateState(None, np.zeros(12))

    def step(self, state: TemplateState, frame: Frame) -> tuple[TemplateState, Hearing]:
        tones, low = frame.tones[:, :4].sum(1) + 0.5 * frame.tones[:, 8], frame.tones[:, 6:8].sum(1)
        before = np.full(_PRIOR.shape, -np.log(len(_PRIOR))) if state.chords is None else _moved(state.chords)
        if frame.silent:
            chords = before
        else:
            said = STRENGTH * tones / max(float(tones.sum()), 1.0)
            chords = before + said @ _WEIGHTS + _PRIOR
            if low.any():
                bass = int(low.argmax())
                chords = chords + np.where(np.arange(len(chords)) // len(QUALITIES) == bass, 1.0, 0.0) - np.where(_INSIDE[bass], 0.0, 1.0)
            chords = _normal(chords)
        scale = state.scale * FORGETS + tones
        keys = np.exp(_normal(40.0 * (_KEYS / _KEYS.sum(1, keepdims=True)) @ (scale / max(float(scale.max()), 1e-6))))
        none = 1.0 if state.chords is None and frame.silent else 0.0
        shape = 12, len(QUALITIES)
        hearing = Hearing(
            (np.exp(chords) * (1 - none)).reshape(shape), none, keys.reshape(12, 2), np.exp(_moved(chords)).reshape(shape), 0.0
        )
        return TemplateState(None if none else chords, scale), hearing


def _normal(logits: np.ndarray) -> np.ndarray:
    top = logits.max()
    normal: np.ndarray = logits - top - np.log(np.exp(logits - top).sum())
    return normal


def _moved(chords: np.ndarray) -> np.ndarray:
    """A beat later."""
    p = np.exp(chords)
    moved: np.ndarray = np.log(STAYS * p + (1 - STAYS) / (len(p) - 1) * (p.sum() - p))
    return moved
