"""How surprising a note is: bits of what the model foretold, of when it comes and of which pitch it has, given all before.

That is its information content (Pearce 2005): 0 for a note that had to come. Settings that bend what is drawn do not bend it.
"""

from __future__ import annotations

import math

import numpy as np

MOST = 16.0  # bits that a controller at 127 means
PER_BIT = 127 / MOST


def bits(logits: np.ndarray, chosen: int) -> float:
    """Bits of one class, by its logits (classes,)."""
    high = float(logits.max())
    return (high + math.log(float(np.exp(logits - high).sum())) - float(logits[chosen])) / math.log(2.0)


def as_controller(surprise: float) -> int:
    """Bits as a controller's value, 0 to 127."""
    return round(min(max(surprise, 0.0), MOST) * PER_BIT)
