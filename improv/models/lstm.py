"""The LSTM cell in NumPy, for one stream: its state `(a, c)` is a value that `step` never changes.

Gates in the order input, forget, output, candidate; the first three weights are halved on the way
in, so that one tanh serves all four: sigmoid(x) = tanh(x / 2) / 2 + 1 / 2.
Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from improv.models.network_kind import NetworkKind, Weights


class Cells:
    """Several LSTM cells side by side that hear the same input, as one.

    kernels: for each cell, input weights (inputs, 4 u) in Keras's gate order i, f, candidate, o;
    recurrents: (u, 4 u); biases: (4 u,). Inputs are sums of `summed` rows, given by their numbers; so each
    row carries its share of the bias.
    Buffers are made once: a Cells serves one thread.
    """

    def __init__(self, kernels: list[np.ndarray], recurrents: list[np.ndarray], biases: list[np.ndarray], summed: int):
        units = [r.shape[0] for r in recurrents]
        self.units = sum(units)
        edges = [0, *np.cumsum(units).tolist()]
        self.spans = [slice(a, b) for a, b in itertools.pairwise(edges)]  # each cell's share of a and c
        rows = _side_by_side(kernels)
        rows += _side_by_side([b[None] for b in biases]) / summed
        self.rows = np.ascontiguousarray(rows, np.float32)
        self.recurrents = [np.ascontiguousarray(_halved(r), np.float32) for r in recurrents]
        gates = self._gates = np.empty((4, self.units), np.float32)
        self._row = gates.reshape(-1)  # the same memory as one row of inputs
        self._gate_of = tuple(gates)
        self._ones = np.ones(summed, np.float32)
        self._sigmoids = gates[:3]
        self._cells = []  # each with its span of the state, weights, their product, the same by gates, its share of the gates
        for span, weights in zip(self.spans, self.recurrents, strict=True):
            product = np.empty(weights.shape[1], np.float32)
            self._cells.append((span, weights, product, product.reshape(4, -1), gates[:, span]))

    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """The state before anything was heard: activations a and cells c, (units,) each, float32."""
        return np.zeros(self.units, np.float32), np.zeros(self.units, np.float32)

    def step(self, before: np.ndarray, cells: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One step from a and c on the sum of input rows (numbers, (summed,)). Returns a new a and c."""
        gates = self._gates
        np.dot(self._ones, self.rows.take(rows, axis=0), out=self._row)  # their sum, by BLAS
        for span, weights, product, by_gates, share in self._cells:
            np.dot(before[span], weights, out=product)
            share += by_gates
        np.tanh(gates, out=gates)
        sigmoids = self._sigmoids
        sigmoids *= 0.5
        sigmoids += 0.5
        update, forget, output, candidate = self._gate_of
        c = forget * cells
        candidate *= update
        c += candidate
        a = np.tanh(c)
        a *= output
        return a, c


def _side_by_side(weights: list[np.ndarray]) -> np.ndarray:
    """Each cell's (n, 4 u) as one (n, 4 U): gate after gate, in each the cells' units side by side."""
    return np.concatenate([_halved(w).reshape(len(w), 4, -1) for w in weights], axis=2).reshape(len(weights[0]), -1)


def _halved(weights: np.ndarray) -> np.ndarray:
    """Keras's gates i, f, candidate, o as i/2, f/2, o/2, candidate."""
    i, f, g, o = np.split(weights.astype(np.float64), 4, axis=-1)
    return np.concatenate([i / 2, f / 2, o / 2, g], axis=-1)


def _shapes(network: Mapping[str, Any], inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    return {"kernel": (inputs, 4 * units), "recurrent": (units, 4 * units), "bias": (4 * units,)}


def _cells(weights: Sequence[Weights], summed: int) -> Cells:
    kernels, recurrents, biases = ([w[name] for w in weights] for name in ("kernel", "recurrent", "bias"))
    return Cells(kernels, recurrents, biases, summed)


NETWORK_KIND = NetworkKind(sizes=(), shapes=_shapes, too_much=lambda network, count: None, cells=_cells)
