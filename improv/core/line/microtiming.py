"""How far off the grid a note is played: drawn from what the model foretells, and swaying from note to note.

Real lags are alike from one note to the next: a slow sway, an AR(1) of normal deviates, says where in the model's distribution
each lag lies (a Gaussian copula). So every lag keeps the distribution that the model has for it, and the player's own feel with
it. What the model is told of our notes is the expected lag: told the drawn ones, it thinned the line out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from improv.core.line.sampler import probabilities

SWAY = 0.25  # correlation of one note's deviate with the next: r of the lags is then as in real solos; see models/README.md
SURE = 0.999  # probability of one class from which on there is nothing to draw


def swayed(sway: float, rng: np.random.Generator) -> float:
    """The normal deviate of the next note, given the last one's."""
    return SWAY * sway + math.sqrt(1.0 - SWAY * SWAY) * float(rng.standard_normal())


def drawn_lag(logits: np.ndarray, sway: float, lags: Sequence[float]) -> float:
    """The lag in beats that lies where a normal deviate says in the distribution of logits (classes,); lags: of the classes, in
    beats, evenly spaced. Between classes it is interpolated: nobody plays on a raster. A model that knows one lag keeps to it."""
    shares = probabilities(logits)
    likeliest = int(shares.argmax())
    if shares[likeliest] > SURE:
        return lags[likeliest]
    running = shares.cumsum()
    quantile = 0.5 * math.erfc(-sway / math.sqrt(2.0)) * float(running[-1])
    k = min(int(running.searchsorted(quantile)), len(lags) - 1)
    inside = (quantile - (float(running[k - 1]) if k else 0.0)) / max(float(shares[k]), 1e-12)
    return lags[k] + (min(max(inside, 0.0), 1.0) - 0.5) * (lags[1] - lags[0])
