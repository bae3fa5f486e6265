"""A stack of dilated causal convolutions in NumPy, for one stream: its state `(a, c)` is a value that `step` never changes.

Layer l of L has kernel 2 and dilation d = 2**l: it sees its input x_l at notes t and t - d.

    x_0   = embedded note + bias
    z_l   = tanh(f) * sigmoid(g)            f, g = halves of [x_l(t - d); x_l(t)] . gates_l + gates_bias_l
    x_l+1 = x_l + z_l . residual_l
    a     = relu(sum over l of z_l . skip_l + skip_bias)

So a hears the last 2**L notes. In streaming, each layer keeps its last d inputs in a ring, and a note costs a few
small products whatever the reach.
Sources: van den Oord et al. 2016, WaveNet (gates, residuals, skips); Paine et al. 2016, Fast WaveNet (the rings);
Bai, Kolter and Koltun 2018, An empirical evaluation of generic convolutional and recurrent networks (the name).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from improv.models.network_kind import NetworkKind, Weights

MOST_LAYERS = 12  # 4,096 notes
MOST_CACHED = 2**18  # numbers that it may keep of what it heard; each step copies them


def stack_shapes(inputs: int, channels: int, layers: int, units: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of one stack. `past` and `now` are the halves of the gates' kernel."""
    return {
        "kernel": (inputs, channels), "bias": (channels,),
        "past": (layers, channels, 2 * channels), "now": (layers, channels, 2 * channels), "gates_bias": (layers, 2 * channels),
        "residual": (layers - 1, channels, channels),
        "skip": (layers, channels, units), "skip_bias": (units,),
    }  # fmt: skip


def cached(channels: int, layers: int) -> int:
    """Numbers that one stack keeps of the notes before: each layer's last inputs, as many as its dilation."""
    return int(channels * (2**layers - 1))


def convolved(stack: Weights, x: np.ndarray) -> np.ndarray:
    """The stack over a whole sequence, as the equations say it, from silence: x (T, inputs) to a (T, units)."""
    x, skipped = x @ stack["kernel"] + stack["bias"], stack["skip_bias"]
    for layer, (past, now, bias, skip) in enumerate(zip(*(stack[k] for k in ("past", "now", "gates_bias", "skip")), strict=True)):
        before = np.concatenate([np.zeros((2**layer, x.shape[1]), x.dtype), x])[: len(x)]
        f, g = np.split(before @ past + x @ now + bias, 2, axis=1)
        z = np.tanh(f) / (1 + np.exp(-g))
        skipped = skipped + z @ skip
        if layer < len(stack["residual"]):
            x = x + z @ stack["residual"][layer]
    return np.maximum(skipped, 0)


class Tcn:
    """Several stacks side by side that hear the same input, as one. All have the same channels and layers.

    stacks: the weights of each, as `stack_shapes` names them. Inputs are sums of `summed` rows, given by their
    numbers; so each row carries its share of the bias.
    The state: a (units,), all stacks' outputs; c, all layers' rings, then the place in them of the oldest inputs.
    Buffers are made once: a Tcn serves one thread.
    """

    def __init__(self, stacks: Sequence[Weights], summed: int):
        count, (layers, channels, _) = len(stacks), stacks[0]["past"].shape
        edges = [0, *np.cumsum([len(w["skip_bias"]) for w in stacks]).tolist()]
        self.units = edges[-1]
        self.spans = [slice(a, b) for a, b in itertools.pairwise(edges)]  # each stack's share of a
        self.rows = _contiguous(np.hstack([w["kernel"] + w["bias"] / summed for w in stacks]))
        # sigmoid(g) = (tanh(g / 2) + 1) / 2: the inner half is in the gates' weights, the outer one in what reads z.
        half = np.repeat([1.0, 0.5], channels)
        past, now = (_contiguous(np.stack([w[k] * half for w in stacks], axis=1)) for k in ("past", "now"))  # (L, S, R, 2 R)
        residual = _contiguous(np.stack([w["residual"] / 2 for w in stacks], axis=1))  # (L - 1, S, R, R)
        skips = [_contiguous(w["skip"].reshape(layers * channels, -1) / 2) for w in stacks]
        self.recurrents = [past, now, residual, *skips]
        self._past, self._skip_bias = past, _contiguous(np.concatenate([w["skip_bias"] for w in stacks]))
        self._gates_bias = _contiguous(np.stack([w["gates_bias"] * half for w in stacks], axis=1))[:, :, None]  # (L, S, 1, 2 R)

        self._width = count * channels
        self._rings = 2**layers - 1
        self._around = 2 ** (layers - 1)  # after so many notes every ring's place is where it was
        # Layer l's ring is the rows from 2**l - 1 on, 2**l of them.
        self._slots = [np.array([d - 1 + t % d for d in 2 ** np.arange(layers)]) for t in range(self._around)]
        self._ones = np.ones(summed, np.float32)
        self._x = np.empty((layers, count, 1, channels), np.float32)
        self._before = np.empty((layers, count, 1, channels), np.float32)
        self._z = np.empty((count, layers, 1, channels), np.float32)
        self._gates = np.empty((layers, count, 1, 2 * channels), np.float32)
        self._now, self._more = np.empty((count, 1, 2 * channels), np.float32), np.empty((count, 1, channels), np.float32)
        # The same memory in the shapes that `step` needs.
        self._first = self._x[0].reshape(-1)
        self._flat_x, self._flat_before = (array.reshape(layers, self._width) for array in (self._x, self._before))
        onwards = [*zip(residual, self._x[1:], strict=True), (None, None)]  # the last layer's sum is read by none
        self._layers = [
            (self._x[k], now[k], gates, gates[..., :channels], gates[..., channels:], self._z[:, k], *onwards[k])
            for k, gates in enumerate(self._gates)
        ]
        self._read = [(z.reshape(-1), skip, span) for z, skip, span in zip(self._z, skips, self.spans, strict=True)]

    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """The state before anything was heard: a (units,), c (numbers kept + 1,), float32."""
        return np.zeros(self.units, np.float32), np.zeros(self._rings * self._width + 1, np.float32)

    def step(self, before: np.ndarray, cells: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One step from c on the sum of input rows (numbers, (summed,)). Returns a new a and c; the old a is not needed."""
        place = int(cells[-1]) % self._around
        slots = self._slots[place]
        c = cells.copy()  # tens of kilobytes: a microsecond or two
        rings = c[:-1].reshape(self._rings, self._width)
        rings.take(slots, axis=0, out=self._flat_before, mode="clip")  # the input d notes ago; 'clip' takes no copy
        gates, now, more = self._gates, self._now, self._more
        np.matmul(self._before, self._past, out=gates)
        gates += self._gates_bias
        np.dot(self._ones, self.rows.take(rows, axis=0), out=self._first)
        for x, weights, layer, f, g, z, residual, following in self._layers:
            np.matmul(x, weights, out=now)
            layer += now
            np.tanh(layer, out=layer)
            g += 1.0
            np.multiply(f, g, out=z)
            if residual is not None:
                np.matmul(z, residual, out=more)
                np.add(x, more, out=following)
        rings[slots] = self._flat_x  # where the oldest was
        c[-1] = (place + 1) % self._around
        a = np.empty(self.units, np.float32)
        for z, skip, span in self._read:
            np.dot(z, skip, out=a[span])
        a += self._skip_bias
        np.maximum(a, 0.0, out=a)
        return a, c


def _contiguous(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)


def _shapes(network: Mapping[str, Any], inputs: int, units: int) -> dict[str, tuple[int, ...]]:
    return stack_shapes(inputs, network["channels"], network["layers"], units)


def _too_much(network: Mapping[str, Any], count: int) -> str | None:
    if network["layers"] > MOST_LAYERS:
        return f"network.layers is {network['layers']}, at most {MOST_LAYERS} can be"
    kept = count * cached(network["channels"], network["layers"])
    return f"its layers would keep {kept:,} numbers, at most {MOST_CACHED:,} can be" if kept > MOST_CACHED else None


NETWORK_KIND = NetworkKind(sizes=("channels", "layers"), shapes=_shapes, too_much=_too_much, cells=Tcn)
