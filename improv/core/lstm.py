"""The LSTM cell in NumPy, for one stream: its state `(a, c)` is a value that `step` never changes.

Gates in the order input, forget, output, candidate; the first three weights are halved on the way
in, so that one tanh serves all four: sigmoid(x) = tanh(x / 2) / 2 + 1 / 2.
Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np


class State(NamedTuple):
    """Activation a (units,) and cell c (units,), float32."""

    a: np.ndarray
    c: np.ndarray


class Cells:
    """Several LSTM cells side by side that hear the same input, as one.

    kernels: for each cell, input weights (inputs, 4 u) in Keras's gate order i, f, candidate, o;
    recurrents: (u, 4 u); biases: (4 u,). Inputs are sums of rows, given by their numbers.
    Buffers are made once: a Cells serves one thread.
    """

    def __init__(self, kernels: list[np.ndarray], recurrents: list[np.ndarray], biases: list[np.ndarray]):
        units = [r.shape[0] for r in recurrents]
        self.units = sum(units)
        edges = [0, *np.cumsum(units).tolist()]
        self.spans = [slice(a, b) for a, b in itertools.pairwise(edges)]  # each cell's share of a and c
        self.rows = np.ascontiguousarray(np.hstack([_halved(k) for k in kernels]), np.float32)
        self.bias = np.concatenate([_halved(b[None])[0] for b in biases]).astype(np.float32)
        self.recurrents = [np.ascontiguousarray(_halved(r), np.float32) for r in recurrents]
        gates = np.empty(4 * self.units, np.float32)
        shares = [gates[4 * s.start : 4 * s.stop] for s in self.spans]
        self._gates = gates
        self._cells = [
            (span, weights, np.empty_like(share), share, *share.reshape(4, -1))
            for span, weights, share in zip(self.spans, self.recurrents, shares, strict=True)
        ]
        half = [np.repeat(np.array([0.5, 0.5, 0.5, 0.0], np.float32), u) for u in units]
        self._shift = np.concatenate(half)  # undoes the halving: 0.5 + 0.5 tanh for three gates, tanh for the last
        self._scale = np.where(self._shift > 0, self._shift, np.float32(1))

    def start(self) -> State:
        """The state before anything was heard."""
        return State(np.zeros(self.units, np.float32), np.zeros(self.units, np.float32))

    def step(self, state: State, rows: np.ndarray) -> State:
        """One step on the sum of input rows (numbers, (k,)). Returns a new state."""
        gates = self._gates
        np.add.reduce(self.rows.take(rows, axis=0), axis=0, out=gates)
        gates += self.bias
        for span, weights, product, share, *_ in self._cells:
            np.dot(state.a[span], weights, out=product)
            share += product
        np.tanh(gates, out=gates)
        gates *= self._scale
        gates += self._shift
        a, c = np.empty(self.units, np.float32), np.empty(self.units, np.float32)
        for span, _, _, _, update, forget, output, candidate in self._cells:
            mine = c[span]
            np.multiply(forget, state.c[span], out=mine)
            candidate *= update
            mine += candidate
            np.multiply(output, np.tanh(mine), out=a[span])
        return State(a, c)


def _halved(weights: np.ndarray) -> np.ndarray:
    """Keras's gates i, f, candidate, o as i/2, f/2, o/2, candidate."""
    i, f, g, o = np.split(weights.astype(np.float64), 4, axis=-1)
    return np.concatenate([i / 2, f / 2, o / 2, g], axis=-1)
