"""Logits to a choice: temperature, top-p, masks. The generator is an argument."""

from __future__ import annotations

import numpy as np


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax in float64: logits (n,) to probabilities (n,)."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max()
    np.exp(shifted, out=shifted)
    shifted /= shifted.sum()
    return shifted


def sample(
    logits: np.ndarray,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_p: float = 1.0,
    bias: np.ndarray | None = None,
) -> int:
    """Draw a class from logits (n,).

    temperature: above 0; towards 0 the likeliest always wins. top_p: share of probability, of the
    likeliest classes, that stays in the draw (Holtzman et al. 2020). bias (n,): added to the logits;
    -inf forbids a class (`mask` makes one), and must leave one allowed.
    """
    scaled = logits.astype(np.float64)
    if bias is not None:
        scaled += bias
    scaled -= scaled.max()
    scaled *= 1.0 / max(temperature, 1e-3)
    np.exp(scaled, out=scaled)
    draw = rng.random()
    if top_p >= 1.0:
        running = scaled.cumsum()
        return min(int(running.searchsorted(draw * running[-1], side="right")), len(scaled) - 1)
    order = scaled.argsort()[::-1]
    running = scaled[order].cumsum()
    kept = int(running.searchsorted(top_p * running[-1])) + 1
    return int(order[min(int(running[:kept].searchsorted(draw * running[kept - 1], side="right")), kept - 1)])


def mask(size: int, low: int, high: int) -> np.ndarray:
    """A bias (size,) that allows the classes low to high alone."""
    bias = np.full(size, -np.inf)
    bias[low : high + 1] = 0.0
    return bias
