"""A plain RNN over the characters of names, by hand: one name a step, clipped gradients, plain gradient descent.

a<t> = tanh(Wax x<t> + Waa a<t-1> + ba), the next symbol ~ softmax(Wya a<t> + by); x<1> = 0, x<t> = y<t-1>, and the last y is
END. Mathematics: `bptt.py`. Clipping: Pascanu, Mikolov, Bengio 2013.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from improv.titles.characters import END, Alphabet, CharacterError
from improv.tutorials.bptt import Weights, clipped, readout_backward, rnn_backward, rnn_forward, softmax_cross_entropy

CLIP = 5.0
NAMED = 7  # mean length that the first smoothed loss takes for granted, as the tutorial does
KEPT = 0.999  # of the smoothed loss, from one name to the next


class LearnedNames(NamedTuple):
    """After `steps` names: the smoothed loss in nats a name, and the weights as they are then."""

    steps: int
    loss: float
    weights: dict[str, np.ndarray]


class NameWriter:
    """The RNN as `core.characters.write` uses it: its state is a, (n_a, 1)."""

    def __init__(self, alphabet: Alphabet, weights: Weights):
        self.alphabet, self.weights = alphabet, weights

    def start(self) -> np.ndarray:
        return self._after(np.zeros_like(self.weights["ba"]), None)

    def step(self, state: np.ndarray, value: int) -> np.ndarray:
        return self._after(state, value)

    def read(self, state: np.ndarray) -> np.ndarray:
        logits: np.ndarray = (self.weights["Wya"] @ state + self.weights["by"])[:, 0]
        return logits

    def _after(self, a: np.ndarray, value: int | None) -> np.ndarray:
        x = one_hot(np.array([[-1 if value is None else value]]), len(self.alphabet), a.dtype)
        return rnn_forward(x, a, self.weights)[0][:, :, 0]


def one_hot(values: np.ndarray, size: int, kind: np.dtype) -> np.ndarray:
    """Numbers (m, T) as x (size, m, T); below 0: zeros."""
    x = np.zeros((size, *values.shape), kind)
    row, step = np.nonzero(values >= 0)
    x[values[row, step], row, step] = 1.0
    return x


def begin(alphabet: Alphabet, units: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights ~ N(0, 0.01), biases 0, float64."""
    shapes = {"Wax": (units, len(alphabet)), "Waa": (units, units), "Wya": (len(alphabet), units)}
    weights = {name: 0.01 * rng.standard_normal(shape) for name, shape in shapes.items()}
    return weights | {"ba": np.zeros((units, 1)), "by": np.zeros((len(alphabet), 1))}


def gradients(weights: Weights, name: np.ndarray, a0: np.ndarray) -> tuple[float, dict[str, np.ndarray], np.ndarray]:
    """The loss of one name in nats, its gradients by the weights, and the last activations, (n_a, 1).

    name: numbers with END at the end, (T,). a0 (n_a, 1).
    """
    x = one_hot(np.concatenate([[-1], name[:-1]])[None], len(weights["by"]), a0.dtype)
    a, y, caches = rnn_forward(x, a0, weights)
    loss, dz = softmax_cross_entropy(y, name[None])
    out = readout_backward(dz, a, weights["Wya"])
    inner = rnn_backward(out["a"], caches)
    return loss, {k: inner[k] for k in ("Wax", "Waa", "ba")} | {"Wya": out["W"], "by": out["b"]}, a[:, :, -1]


def learn(
    names: Sequence[str], alphabet: Alphabet, units: int, rate: float, steps: int, rng: np.random.Generator, carry: bool = True
) -> Iterator[LearnedNames]:
    """What is known after 0, 1, ... `steps` names. The names are shuffled once and then taken in turn.

    carry: while it learns, a name begins with the activations that the name before ended with, as in the tutorial; else with
    zeros, as when it writes. Raises CharacterError where there are no names.
    """
    if not names:
        raise CharacterError("there are no names to learn from; give a file with one name a line")
    order = [alphabet.numbers(names[i] + END) for i in rng.permutation(len(names))]
    weights = begin(alphabet, units, rng)
    zeros = a0 = np.zeros_like(weights["ba"])
    loss = NAMED * math.log(len(alphabet))
    for step in range(steps + 1):
        yield LearnedNames(step, loss, weights)
        said, grads, last = gradients(weights, order[step % len(order)], a0)
        a0 = last if carry else zeros
        loss = KEPT * loss + (1 - KEPT) * said
        for name, slope in clipped(grads, CLIP).items():
            weights[name] -= rate * slope
