"""A restricted Boltzmann machine: visible and hidden bits, joined by weights, none joined to its own kind.

    E(v, h) = - v.b - h.c - v.W.h        p(v, h) = exp(-E) / Z

Given the one side, all bits of the other are independent, so a Gibbs step draws them at once. Some visible bits can be
clamped: then the others are drawn given them. P. Smolensky, Information processing in dynamical systems: foundations of
harmony theory, 1986; G. Hinton, Training products of experts by minimizing contrastive divergence, 2002.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Rbm:
    """weights W (visible, hidden), visible biases b (visible,), hidden biases c (hidden,). Rows of bits are (rows, visible)."""

    weights: np.ndarray
    visible: np.ndarray
    hidden: np.ndarray

    def hidden_given(self, v: np.ndarray) -> np.ndarray:
        """Probability that each hidden bit is 1, (rows, hidden)."""
        return sigmoid(v @ self.weights + self.hidden)

    def visible_given(self, h: np.ndarray) -> np.ndarray:
        """Probability that each visible bit is 1, (rows, visible)."""
        return sigmoid(h @ self.weights.T + self.visible)

    def free_energy(self, v: np.ndarray) -> np.ndarray:
        """-log of the sum over all h of exp(-E(v, h)), (rows,): so p(v) = exp(-F(v)) / Z."""
        energy: np.ndarray = -(v @ self.visible) - np.logaddexp(0.0, v @ self.weights + self.hidden).sum(-1)
        return energy

    def given(self, clamped: np.ndarray) -> Rbm:
        """The machine of the visible bits after the first ones, given those: clamped (visible,) or shorter. It is one as well."""
        n = len(clamped)
        return Rbm(self.weights[n:], self.visible[n:], self.hidden + clamped @ self.weights[:n])

    def gibbs(self, v: np.ndarray, rng: np.random.Generator, steps: int = 1, clamped: int = 0) -> np.ndarray:
        """Visible bits after so many Gibbs steps from v (rows, visible): hidden bits are drawn, then visible ones.

        clamped: how many visible bits, the first ones, stay as they are.
        """
        for _ in range(steps):
            h = drawn(self.hidden_given(v), rng)
            free = drawn(self.visible_given(h)[:, clamped:], rng)
            v = np.concatenate([v[:, :clamped], free], axis=1) if clamped else free
        return v


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow at either end."""
    p = np.tanh(0.5 * x)
    p *= 0.5
    p += 0.5
    return p


def drawn(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bits that are 1 with these probabilities, as floats of the same kind."""
    return (rng.random(p.shape, dtype=np.float32) < p).astype(p.dtype)
