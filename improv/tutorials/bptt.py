"""RNN and LSTM by hand, in NumPy: forward over a sequence with caches, and back-propagation through time.

A batch of m sequences of T steps is x (n_x, m, T); activations a and cells c are (n_a, m, T), their starts (n_a, m);
distributions y are (n_y, m, T). Weights act from the left; biases are columns (n, 1). Everything keeps the type of x:
float64 to check gradients, float32 to work.

    a, y, caches = rnn_forward(x, a0, parameters)
    loss, dz = softmax_cross_entropy(y, classes)
    readout = readout_backward(dz, a, parameters["Wya"])            W, b, a
    gradients = rnn_backward(readout["a"], caches)                  x, a0, Wax, Waa, ba

The gradient that a step hands to the one before it (da_prev, and dc_prev of the LSTM) is kept throughout; the test against
numerical gradients fails without it.
Source: Werbos 1990, Backpropagation through time; Hochreiter and Schmidhuber 1997; Gers et al. 2000 for the forget gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from improv.core.line.sampler import softmax

Weights = Mapping[str, np.ndarray]
GATES = ("f", "i", "c", "o")  # forget, update (input), candidate, output


class RnnCaches(NamedTuple):
    """What `rnn_backward` needs of a forward pass: x (n_x, m, T), a0 (n_a, m), a (n_a, m, T), the weights."""

    x: np.ndarray
    a0: np.ndarray
    a: np.ndarray
    parameters: Weights


class LstmCaches(NamedTuple):
    """What `lstm_backward` needs: x, a0, c0, a, c as in the module's first lines; gates (4, n_a, m, T) in the order of GATES."""

    x: np.ndarray
    a0: np.ndarray
    c0: np.ndarray
    a: np.ndarray
    c: np.ndarray
    gates: np.ndarray
    parameters: Weights


def rnn_forward(x: np.ndarray, a0: np.ndarray, parameters: Weights) -> tuple[np.ndarray, np.ndarray, RnnCaches]:
    """a<t> = tanh(Wax x<t> + Waa a<t-1> + ba), y<t> = softmax(Wya a<t> + by). Returns a, y and caches.

    parameters: Wax (n_a, n_x), Waa (n_a, n_a), ba (n_a, 1), Wya (n_y, n_a), by (n_y, 1).
    """
    p = parameters
    a = np.empty((*a0.shape, x.shape[2]), x.dtype)
    before = a0
    for t in range(x.shape[2]):
        before = a[:, :, t] = np.tanh(p["Wax"] @ x[:, :, t] + p["Waa"] @ before + p["ba"])
    return a, softmax(readout(a, p["Wya"], p["by"])), RnnCaches(x, a0, a, parameters)


def rnn_backward(da: np.ndarray, caches: RnnCaches) -> dict[str, np.ndarray]:
    """Gradients of a loss by x, a0, Wax, Waa and ba. da (n_a, m, T): its gradient by each a<t> directly, not through later steps."""
    x, a0, a, p = caches
    grad = {"x": np.empty_like(x)} | {name: np.zeros_like(p[name]) for name in ("Wax", "Waa", "ba")}
    da_prev = np.zeros_like(a0)  # by a<t>, through the steps after t
    for t in reversed(range(x.shape[2])):
        before = a[:, :, t - 1] if t else a0
        dz = (da[:, :, t] + da_prev) * (1.0 - a[:, :, t] ** 2)
        grad["Wax"] += dz @ x[:, :, t].T
        grad["Waa"] += dz @ before.T
        grad["ba"] += dz.sum(axis=1, keepdims=True)
        grad["x"][:, :, t] = p["Wax"].T @ dz
        da_prev = p["Waa"].T @ dz
    return grad | {"a0": da_prev}


def lstm_forward(
    x: np.ndarray, a0: np.ndarray, parameters: Weights, c0: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, LstmCaches]:
    """An LSTM over a sequence: returns a, y, c and caches. c0 (n_a, m): zeros if not given.

    Every gate sees [a<t-1>; x<t>]: f, i and o = sigmoid(W . + b), candidate = tanh(Wc . + bc); c<t> = f c<t-1> + i candidate,
    a<t> = o tanh(c<t>), y<t> = softmax(Wy a<t> + by).
    parameters: Wf, Wi, Wc, Wo (n_a, n_a + n_x), bf, bi, bc, bo (n_a, 1), Wy (n_y, n_a), by (n_y, 1); without Wy, y is empty.
    """
    p = parameters
    units, batch, steps = *a0.shape, x.shape[2]
    weights, bias = _stacked(p)
    a, c = np.empty((units, batch, steps), x.dtype), np.empty((units, batch, steps), x.dtype)
    gates = np.empty((4, units, batch, steps), x.dtype)
    c0 = np.zeros_like(a0) if c0 is None else c0
    before, cells = a0, c0
    for t in range(steps):
        z = (weights @ np.concatenate([before, x[:, :, t]]) + bias).reshape(4, units, batch)
        candidate = np.tanh(z[2])
        z = sigmoid(z)
        z[2] = candidate
        gates[..., t] = z
        cells = c[:, :, t] = z[0] * cells + z[1] * candidate
        before = a[:, :, t] = z[3] * np.tanh(cells)
    y = softmax(readout(a, p["Wy"], p["by"])) if "Wy" in p else np.empty((0, batch, steps), x.dtype)
    return a, y, c, LstmCaches(x, a0, c0, a, c, gates, parameters)


def lstm_backward(da: np.ndarray, caches: LstmCaches) -> dict[str, np.ndarray]:
    """Gradients of a loss by x, a0, c0, and Wf, bf, Wi, bi, Wc, bc, Wo, bo. da (n_a, m, T): as in `rnn_backward`."""
    x, a0, c0, a, c, gates, p = caches
    units = len(a0)
    weights, bias = _stacked(p)
    dweights, dbias, dx = np.zeros_like(weights), np.zeros_like(bias), np.empty_like(x)
    da_prev, dc_prev = np.zeros_like(a0), np.zeros_like(c0)  # by a<t> and c<t>, through the steps after t
    for t in reversed(range(x.shape[2])):
        before, cells = (a[:, :, t - 1], c[:, :, t - 1]) if t else (a0, c0)
        forget, update, candidate, output = gates[..., t]
        height = np.tanh(c[:, :, t])
        da_all = da[:, :, t] + da_prev
        dc = dc_prev + da_all * output * (1.0 - height**2)
        dz = np.concatenate(
            [
                dc * cells * forget * (1.0 - forget),
                dc * candidate * update * (1.0 - update),
                dc * update * (1.0 - candidate**2),
                da_all * height * output * (1.0 - output),
            ]
        )
        dweights += dz @ np.concatenate([before, x[:, :, t]]).T
        dbias += dz.sum(axis=1, keepdims=True)
        by_input = weights.T @ dz
        da_prev, dx[:, :, t] = by_input[:units], by_input[units:]
        dc_prev = dc * forget
    grad = {"x": dx, "a0": da_prev, "c0": dc_prev}
    grad |= {f"W{g}": w for g, w in zip(GATES, np.split(dweights, 4), strict=True)}
    return grad | {f"b{g}": b for g, b in zip(GATES, np.split(dbias, 4), strict=True)}


def readout(a: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """weights (n_y, n_a) @ a<t> + bias (n_y, 1), for every step: logits (n_y, m, T)."""
    logits: np.ndarray = np.tensordot(weights, a, axes=1) + bias[:, :, None]
    return logits


def readout_backward(dz: np.ndarray, a: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Gradients by the weights, W (n_y, n_a), the bias, b (n_y, 1), and the activations, a (n_a, m, T); dz (n_y, m, T) by the logits."""
    return {
        "W": np.tensordot(dz, a, axes=([1, 2], [1, 2])),
        "b": dz.sum(axis=(1, 2))[:, None],
        "a": np.tensordot(weights.T, dz, axes=1),
    }


def sigmoid(z: np.ndarray) -> np.ndarray:
    """As a tanh, so that nothing overflows."""
    shares: np.ndarray = 0.5 * np.tanh(0.5 * z) + 0.5
    return shares


def softmax_cross_entropy(y: np.ndarray, classes: np.ndarray) -> tuple[float, np.ndarray]:
    """The loss in nats, summed over all steps, and its gradient by the logits, (n_y, m, T).

    y (n_y, m, T): distributions, as the forward pass gives them. classes (m, T): the class that came; below 0: none, not counted.
    """
    there = classes >= 0
    row, step = np.nonzero(there)
    came = classes[row, step]
    dz = y * there
    loss = -float(np.log(np.maximum(y[came, row, step], np.finfo(y.dtype).tiny)).sum())
    dz[came, row, step] -= 1.0
    return loss, dz


def clipped(gradients: Mapping[str, np.ndarray], limit: float) -> dict[str, np.ndarray]:
    """Every element within [-limit, limit]."""
    return {name: np.clip(g, -limit, limit) for name, g in gradients.items()}


def from_kernel(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> dict[str, np.ndarray]:
    """The parameters Wf to bo of a cell stored as the run-time and Keras have it.

    kernel (n_x, 4 n_a), recurrent (n_a, 4 n_a), bias (4 n_a,), with the gates in the order update, forget, candidate, output.
    """
    weights = np.concatenate([recurrent, kernel]).T
    of = dict(zip(("i", "f", "c", "o"), zip(np.split(weights, 4), np.split(bias[:, None], 4), strict=True), strict=True))
    return {f"W{gate}": w for gate, (w, _) in of.items()} | {f"b{gate}": b for gate, (_, b) in of.items()}


def _stacked(p: Weights) -> tuple[np.ndarray, np.ndarray]:
    """All four gates as one: weights (4 n_a, n_a + n_x), bias (4 n_a, 1)."""
    return np.concatenate([p[f"W{g}"] for g in GATES]), np.concatenate([p[f"b{g}"] for g in GATES])
