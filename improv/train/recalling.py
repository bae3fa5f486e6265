"""How networks recall: the keys that their activations make, and the share that what is recalled gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from improv.core.vocabulary import INTERVALS, degree_class, interval_class
from improv.models.recall import SPAN, Recall, pitch_votes
from improv.train.states import States

KEY_ROWS = 40_000  # rows of the training set that the axes of the keys are found on
# What large corpora led to (`jazz`, `pocket`): a fit to few notes stays near it.
USUAL_RECALL = Recall(14.0, -6.0, 6.0)


class Prior(NamedTuple):
    """Standard deviations around what is usual: of bias and slope, and of the logarithm of the sharpness."""

    width: float
    sharpness: float


LOOSE = Prior(3.0, 0.5)
NEAR = Prior(0.1, 0.02)  # around what the model has that is fine-tuned: one or two takes tell less than its corpus did
FAR = 0.05  # nats a note that a fit far from there must save: other takes of a jazz player save 0.013, twenty pop songs 0.3


def rhythm_parts(states: States, rhythms: int) -> list[np.ndarray]:
    return [unit(states.a[:, :rhythms])]


def line_parts(states: States, rhythms: int) -> list[np.ndarray]:
    return [unit(states.a[:, rhythms:]), unit(states.hidden)]


def unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float32)
    unit: np.ndarray = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)
    return unit


def principal_axes(parts: Sequence[list[np.ndarray]], width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Principal axes of the keys' parts: kernel (inputs, width), mean (width,).

    Each axis is divided by the square root of its spread, half-way to whitening, so that the few axes with
    most of the spread do not decide alone. The pitch head's layer, the last part, counts twice.
    """
    scale = np.concatenate([np.full(p.shape[1], 2**0.5 if i else 1.0) for i, p in enumerate(parts[0])]).astype(np.float32)
    total = sum(len(p[0]) for p in parts)
    rng = np.random.default_rng(seed)
    sample = np.vstack([np.hstack(p)[rng.random(len(p[0])) < KEY_ROWS / total] for p in parts]) * scale
    if len(sample) < 2:
        raise ValueError("the training set has too few notes")
    spread, axes = np.linalg.eigh(np.cov(sample.T))
    width = min(width, len(spread))
    kernel = (scale[:, None] * axes[:, ::-1][:, :width] / np.maximum(spread[::-1][:width], 1e-9) ** 0.25).astype(np.float32)
    return kernel, (sample / scale).mean(0) @ kernel


def fit_recall(
    keys: Sequence[np.ndarray],
    votes: Sequence[Callable[[np.ndarray], np.ndarray]],
    said: np.ndarray,
    usual: Recall = USUAL_RECALL,
    prior: Prior = LOOSE,
) -> Recall:
    """The sharpness, bias and slope with which what is recalled foretells best.

    keys: of each piece (rows, width), of length one. votes: for each piece, from each row's weights of the others
    (rows, rows) to the share of the votes that its own entry gets (rows,). said: what the networks gave each entry.
    usual: where the fit stays without evidence, by a normal `prior` (maximum a posteriori). Without a prior, notes that
    the vote tells apart without fail would send bias and slope to infinity.
    """
    best = (np.inf, usual)
    for sharpness in (8.0, 11.0, 14.0, 18.0, 24.0, 32.0):
        weighed = [_weights(k, sharpness) for k in keys]
        own = np.concatenate([of(w) for of, (w, _) in zip(votes, weighed, strict=True)])
        nearest = np.concatenate([n for _, n in weighed])
        sharp = np.log(sharpness / usual.sharpness) / prior.sharpness

        def cost(point: np.ndarray, own: np.ndarray = own, nearest: np.ndarray = nearest, sharp: float = sharp) -> float:
            off = (point - usual[1:]) / prior.width
            return (_mixed(point, own, nearest, said) + 0.5 * float(off @ off + sharp**2)) / max(len(said), 1)

        point = _descend(cost, np.array(usual[1:]))
        best = min(best, (cost(point), Recall(sharpness, *point.tolist())))
    return best[1]


def fit_again(keys: Sequence[np.ndarray], votes: Sequence[Callable[[np.ndarray], np.ndarray]], said: np.ndarray, begun: Recall) -> Recall:
    """As `fit_recall`, of a model that is fine-tuned: near what it has, unless the music recalls in quite another way."""
    near, far = (fit_recall(keys, votes, said, begun, prior) for prior in (NEAR, LOOSE))
    costs = [_nats(keys, votes, said, found) / max(len(said), 1) for found in (near, far)]
    return far if costs[0] - costs[1] > FAR else near


def _nats(keys: Sequence[np.ndarray], votes: Sequence[Callable[[np.ndarray], np.ndarray]], said: np.ndarray, recall: Recall) -> float:
    """What all entries cost by networks and recall together."""
    weighed = [_weights(k, recall.sharpness) for k in keys]
    own = np.concatenate([of(w) for of, (w, _) in zip(votes, weighed, strict=True)])
    return _mixed(np.array(recall[1:]), own, np.concatenate([n for _, n in weighed]), said)


def _mixed(gate: np.ndarray, own: np.ndarray, nearest: np.ndarray, said: np.ndarray) -> float:
    """Nats of all entries. gate: bias and slope. own: the votes' shares. nearest: cosines. said: the networks' shares."""
    share = np.where(nearest < -1, 0.0, 1 / (1 + np.exp(-(gate[0] + gate[1] * nearest))))
    return float(-np.log((1 - share) * said + share * own + 1e-9).sum())


def _weights(keys: np.ndarray, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """For each row, the weights (rows, rows) of the SPAN rows before it, and the nearest cosine; -2 where none is."""
    rows = np.arange(len(keys))
    before = (rows[:, None] > rows) & (rows[:, None] - rows <= SPAN)
    cosines = np.where(before, keys @ keys.T, -2.0)
    nearest = cosines.max(1)
    weights = np.exp(sharpness * (cosines - nearest[:, None])) * before
    return weights / np.maximum(weights.sum(1, keepdims=True), 1e-9), nearest


def rhythm_votes(states: States, weights: np.ndarray) -> np.ndarray:
    votes: np.ndarray = (weights * (states.ioi[:, None] == states.ioi)).sum(1)
    return votes


def line_votes(states: States, weights: np.ndarray) -> np.ndarray:
    steps = list(zip(states.pitch.tolist(), states.last.tolist(), states.root.tolist(), strict=True))
    intervals = np.eye(INTERVALS)[[interval_class(last, pitch) for pitch, last, _ in steps]]
    degrees = np.eye(13)[[degree_class(pitch, None if root == 12 else root) for pitch, _, root in steps]]
    voted = zip(steps, weights @ intervals, weights @ degrees, strict=True)
    return np.array([pitch_votes(i, d, last, None if root == 12 else root)[pitch] for (pitch, last, root), i, d in voted])


def _descend(loss: Callable[[np.ndarray], float], point: np.ndarray) -> np.ndarray:
    """A local minimum by steps along the axes that halve when none gets lower (pattern search, Hooke and Jeeves 1961)."""
    lowest, size = loss(point), 2.0
    while size > 0.02:
        trials = [point + size * np.array(step) for step in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))]
        losses = [loss(t) for t in trials]
        k = int(np.argmin(losses))
        if losses[k] < lowest:
            point, lowest = trials[k], losses[k]
        else:
            size /= 2
    return point
