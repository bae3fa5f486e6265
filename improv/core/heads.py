"""A model's output layers that learn from a player: what says when the next note comes, and which pitch it has.

They read the networks' state and never write it; so a model whose heads have moved goes on from any state of its base.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from improv.core.vocabulary import INTERVALS

PARTS = INTERVALS + 12 + 12  # of a pitch: its interval, its degree in the chord, its degree in the coming one


class Heads(NamedTuple):
    """Weights, or differences of weights. ioi (activations, 49), ioi_bias (49,): when. parts (hidden, PARTS), parts_bias
    (PARTS,), register (128,): which pitch."""

    ioi: np.ndarray
    ioi_bias: np.ndarray
    parts: np.ndarray
    parts_bias: np.ndarray
    register: np.ndarray

    @staticmethod
    def zeros(like: Heads) -> Heads:
        return Heads(*(np.zeros_like(a) for a in like))

    def plus(self, other: Heads, share: float = 1.0) -> Heads:
        """With a share of what another adds, in the type of these."""
        return Heads(*(a + np.asarray(share * b, a.dtype) for a, b in zip(self, other, strict=True)))
