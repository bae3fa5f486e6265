"""Training a small network (`models.small_net`): Adam, dropout, averaged weights; the rate falls to 0. In NumPy, as what plays is.

An epoch is some hundred products of small matrices, less than TensorFlow takes to be imported. D. Kingma and J. Ba, Adam, 2015; N.
Srivastava et al., Dropout, 2014; B. Polyak and A. Juditsky, Acceleration of stochastic approximation by averaging, 1992.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from improv.models.small_net import PARTS, SmallNet

# Of a batch's row numbers and what comes out (rows, outputs): the sum of the losses, and their gradient for what comes out.
Loss = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]
Step = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class SmallFit:
    """How it is trained. drop: share of the signs, and of each hidden layer, that is left out; decay: of the weights, a step.
    draws: rows of an epoch, None for as many as there are."""

    epochs: int = 20
    batch: int = 256
    rate: float = 2e-3
    drop_signs: float = 0.1
    drop: float = 0.3
    decay: float = 1e-4
    average: float = 0.999
    draws: int | None = None


def begun(signs: int, a: int, b: int, outputs: int, rng: np.random.Generator, there: int = 25) -> SmallNet:
    """A network to train. there: about how many signs are there at once."""

    def layer(rows: int, columns: int, into: float) -> np.ndarray:
        found: np.ndarray = (rng.standard_normal((rows, columns)) * np.sqrt(2.0 / into)).astype(np.float32)
        return found

    zero = [np.zeros(n, np.float32) for n in (a, b, outputs)]
    return SmallNet(layer(signs, a, there), zero[0], layer(a, b, a), zero[1], 0.1 * layer(b, outputs, b), zero[2])


def rows_of(there: np.ndarray, signs: int) -> np.ndarray:
    """Signs (rows, at most so many), padded with `signs`, as zeros and ones (rows, signs)."""
    found = np.zeros((len(there), signs + 1), np.float32)
    np.put_along_axis(found, there.astype(np.intp), 1.0, axis=1)
    return np.ascontiguousarray(found[:, :signs])


def said_of(net: SmallNet, there: np.ndarray, batch: int = 2048) -> np.ndarray:
    """What comes out for many rows of padded signs, (rows, outputs)."""
    return np.concatenate(list(_said(net, there, batch)))


def _said(net: SmallNet, there: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    for first in range(0, len(there), batch):
        x = rows_of(there[first : first + batch], len(net.signs))
        a = np.maximum(x @ net.signs + net.first, 0.0)
        yield np.maximum(a @ net.second + net.second_bias, 0.0) @ net.out + net.out_bias


def fit_small(
    net: SmallNet,
    there: np.ndarray,
    loss: Loss,
    rng: np.random.Generator,
    how: SmallFit,
    look: Callable[[int, SmallNet, float], None] = lambda epoch, net, loss: None,
    weights: np.ndarray | None = None,
) -> SmallNet:
    """The network after training, its weights averaged over the last steps.

    there: the rows' signs, padded; loss: what the rows cost; weights (rows,): how often each is drawn, None for alike. look: is told
    after each epoch its number, the averaged network and the mean loss of a row.
    """
    now: Step = {part: getattr(net, part).copy() for part in PARTS}
    first, second = ({part: np.zeros_like(w) for part, w in now.items()} for _ in range(2))
    mean = {part: w.copy() for part, w in now.items()}
    chance = None if weights is None else weights / weights.sum()
    draws = how.draws or len(there)
    steps, done = how.epochs * (draws // how.batch), 0
    for epoch in range(how.epochs):
        order = rng.permutation(len(there))[:draws] if chance is None else rng.choice(len(there), draws, p=chance)
        lost = 0.0
        for at in range(0, len(order) - how.batch + 1, how.batch):
            rows = order[at : at + how.batch]
            cost, by = _gradient(SmallNet(**now), there[rows], rows, loss, rng, how)
            lost += cost
            done += 1
            rate = how.rate * 0.5 * (1.0 + np.cos(np.pi * done / max(steps, 1)))
            _adam(now, by, first, second, done, rate, how.decay)
            kept = min(how.average, done / (done + 9.0))
            for part, w in mean.items():
                w += (1.0 - kept) * (now[part] - w)
        look(epoch, SmallNet(**{part: w.copy() for part, w in mean.items()}), lost / max(len(order), 1))
    return SmallNet(**mean)


def _adam(now: Step, by: Step, first: Step, second: Step, done: int, rate: float, decay: float) -> None:
    for part, g in by.items():
        first[part] += 0.1 * (g - first[part])
        second[part] += 0.001 * (g * g - second[part])
        step = (first[part] / (1 - 0.9**done)) / (np.sqrt(second[part] / (1 - 0.999**done)) + 1e-8)
        now[part] -= np.float32(rate) * (step + (np.float32(decay) * now[part] if now[part].ndim == 2 else 0.0))


def _gradient(
    net: SmallNet, there: np.ndarray, rows: np.ndarray, loss: Loss, rng: np.random.Generator, how: SmallFit
) -> tuple[float, Step]:
    """The loss of a batch, summed, and the gradient of its mean, with dropout."""
    size = np.float32(1.0 / len(rows))
    x = rows_of(there, len(net.signs))
    if how.drop_signs:
        x *= rng.random(x.shape, np.float32) >= how.drop_signs
    a = np.maximum(x @ net.signs + net.first, 0.0)
    keep_a = (rng.random(a.shape, np.float32) >= how.drop) / np.float32(1.0 - how.drop)
    a *= keep_a
    b = np.maximum(a @ net.second + net.second_bias, 0.0)
    keep_b = (rng.random(b.shape, np.float32) >= how.drop) / np.float32(1.0 - how.drop)
    b *= keep_b
    cost, d_out = loss(rows, b @ net.out + net.out_bias)
    d_out = d_out.astype(np.float32) * size
    d_b = (d_out @ net.out.T) * (b > 0) * keep_b
    d_a = (d_b @ net.second.T) * (a > 0) * keep_a
    by = {"out": b.T @ d_out, "out_bias": d_out.sum(0), "second": a.T @ d_b, "second_bias": d_b.sum(0)}
    return cost, by | {"signs": x.T @ d_a, "first": d_a.sum(0)}
