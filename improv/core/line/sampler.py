"""Logits to a choice: temperature, top-p, masks. The generator is an argument."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray, axis: int = 0) -> np.ndarray:
    """Logits to shares that add up to one along an axis, in the logits' own type."""
    raised = np.exp(logits - logits.max(axis=axis, keepdims=True))
    shares: np.ndarray = raised / raised.sum(axis=axis, keepdims=True)
    return shares


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax in float64, for a draw: logits (n,) to probabilities (n,)."""
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
    if bias is not None:
        logits = logits + bias
    if top_p < 1.0:
        logits = logits + _nucleus(logits, temperature, top_p)
    noisy = rng.gumbel(size=len(logits))  # argmax(logits / T + Gumbel noise) is a draw from the softmax (Gumbel 1954)
    noisy *= max(temperature, 1e-3)
    noisy += logits
    return int(noisy.argmax())


def _nucleus(logits: np.ndarray, temperature: float, top_p: float) -> np.ndarray:
    """A bias that leaves the likeliest classes that together reach top_p."""
    weights = np.exp((logits - logits.max()) / max(temperature, 1e-3))
    order = weights.argsort()[::-1]
    running = weights[order].cumsum()
    bias = np.full(len(logits), -np.inf)
    kept = order[: int(running.searchsorted(top_p * running[-1])) + 1]
    bias[kept] = 0.0
    return bias


def mask(size: int, low: int, high: int) -> np.ndarray:
    """A bias (size,) that allows the classes low to high alone."""
    bias = np.full(size, -np.inf)
    bias[low : high + 1] = 0.0
    return bias
