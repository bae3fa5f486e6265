"""An LSTM over the characters of texts, by hand: Adam, dropout, the weights that foretell held-out texts best.

Mathematics: `bptt.py`. Adam: Kingma and Ba 2015. Dropout of recurrent weights: Merity, Keskar, Socher 2018.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from improv.core.line.sampler import softmax
from improv.titles.characters import END, Alphabet, CharacterError, CharacterModel, card_head, nats
from improv.tutorials.bptt import (
    clipped,
    from_kernel,
    lstm_backward,
    lstm_forward,
    readout,
    readout_backward,
    softmax_cross_entropy,
)
from improv.tutorials.names import one_hot

ORDER = ("i", "f", "c", "o")  # of the gates, where the run-time and Keras store them
RECURRENT = ("Wf", "Wi", "Wc", "Wo")
Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How to train. rate: of Adam at the start; it falls to 0 as a cosine does. clip: the most that an element of a gradient,
    in nats a character, may be. drop: share of activations that the readout does not see; drop_recurrent: share of recurrent
    weights that a batch does without."""

    units: int = 128
    epochs: int = 30
    batch: int = 32
    rate: float = 0.004
    drop: float = 0.3
    drop_recurrent: float = 0.0
    clip: float = 0.1
    seed: int = 0


class Epoch(NamedTuple):
    """After an epoch: nats a character on what was learned from, with dropout, and on held-out texts. best: none before was as good."""

    number: int
    learned: float
    held: float
    best: bool


def begin(symbols: int, units: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights within 1 / sqrt(units), float32; the forget gates are open."""
    reach = 1 / math.sqrt(units)
    weights = {name: rng.uniform(-reach, reach, (units, units + symbols)) for name in RECURRENT}
    weights |= {name.replace("W", "b"): np.zeros((units, 1)) for name in RECURRENT}
    weights["bf"] += 1.0
    weights |= {"Wy": rng.uniform(-reach, reach, (symbols, units)), "by": np.zeros((symbols, 1))}
    return {name: w.astype(np.float32) for name, w in weights.items()}


def gradients(
    weights: Weights, values: np.ndarray, plan: TrainingPlan | None = None, rng: np.random.Generator | None = None
) -> tuple[float, dict[str, np.ndarray]]:
    """The loss of a batch in nats, summed, and its gradients by the weights; divide both by the characters.

    values (m, T): numbers, END at the end of each text, then -1. plan, rng: for dropout; None for none.
    """
    p = dict(weights)
    units, kind = len(p["bf"]), p["bf"].dtype
    masks: dict[str, np.ndarray] = {}
    if plan is not None and rng is not None and plan.drop_recurrent:
        masks = {name: np.ones_like(p[name]) for name in RECURRENT}
        for name, mask in masks.items():
            mask[:, :units] = _kept(rng, (units, units), plan.drop_recurrent, kind)
            p[name] = p[name] * mask
    before = np.pad(values, ((0, 0), (1, 0)))[:, :-1]  # what came before each; END, which is 0, before the first
    cell = {name: w for name, w in p.items() if name != "Wy"}  # so that it works out no distributions
    a, _, _, caches = lstm_forward(one_hot(before, len(p["by"]), kind), np.zeros((units, len(values)), kind), cell)
    seen = _kept(rng, a.shape, plan.drop, kind) if plan is not None and rng is not None and plan.drop else None
    read = a if seen is None else a * seen
    loss, dz = softmax_cross_entropy(softmax(readout(read, p["Wy"], p["by"])), values)
    out = readout_backward(dz, read, p["Wy"])
    inner = lstm_backward(out["a"] if seen is None else out["a"] * seen, caches)
    grads = {name: inner[name] for name in p if name in inner} | {"Wy": out["W"], "by": out["b"]}
    for name, mask in masks.items():
        grads[name] *= mask
    return loss, grads


def _kept(rng: np.random.Generator, shape: tuple[int, ...], drop: float, kind: np.dtype) -> np.ndarray:
    """A mask that leaves out a share `drop`, and makes the rest larger by as much."""
    kept: np.ndarray = (rng.random(shape, np.float32) >= drop).astype(kind) / kind.type(1 - drop)
    return kept


class Adam:
    """Weights, changed in place."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights, self.steps = weights, 0
        self.mean = {name: np.zeros_like(w) for name, w in weights.items()}
        self.square = {name: np.zeros_like(w) for name, w in weights.items()}

    def step(self, grads: Weights, rate: float) -> None:
        self.steps += 1
        rate *= math.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        for name, g in grads.items():
            mean, square = self.mean[name], self.square[name]
            mean += 0.1 * (g - mean)
            square += 0.001 * (g * g - square)
            self.weights[name] -= rate * mean / (np.sqrt(square) + 1e-8)


def fit(
    texts: Sequence[str],
    held: Sequence[str],
    alphabet: Alphabet,
    plan: TrainingPlan,
    told: Callable[[Epoch], None] = lambda epoch: None,
    start: Weights | None = None,
) -> tuple[dict[str, np.ndarray], float]:
    """Train on texts; returns the weights as a `CharacterModel` reads them, those that were best on held-out texts, and how good.

    start: what to go on from, as `begin` or `from_runtime` gives it. Raises CharacterError where there are no texts.
    """
    if not texts or not held:
        raise CharacterError("there are too few texts to learn from and to hold some out")
    rng = np.random.default_rng(plan.seed)
    weights = {k: w.copy() for k, w in start.items()} if start else begin(len(alphabet), plan.units, rng)
    adam, best, kept = Adam(weights), math.inf, to_runtime(weights)
    known = [alphabet.numbers(text + END) for text in texts]
    count = plan.epochs * math.ceil(len(known) / plan.batch)
    for number in range(1, plan.epochs + 1):
        total, characters = 0.0, 0
        for batch in _batches(known, plan.batch, rng):
            loss, grads = gradients(weights, batch, plan, rng)
            size = int((batch >= 0).sum())
            rate = plan.rate * 0.5 * (1 + math.cos(math.pi * adam.steps / count))
            adam.step(clipped({name: g / size for name, g in grads.items()}, plan.clip), rate)
            total, characters = total + loss, characters + size
        now = to_runtime(weights)
        score = nats(model_of("", alphabet, now), held)
        told(Epoch(number, total / characters, score, score < best))
        if score < best:
            best, kept = score, now
    return kept, best


def model_of(name: str, alphabet: Alphabet, weights: Weights) -> CharacterModel:
    return CharacterModel(card_head(name, alphabet, len(weights["recurrent"])), weights)


def _batches(known: Sequence[np.ndarray], size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Texts in a new order, those in a batch of like length: (size, T), -1 after the ends."""
    length = np.array([len(text) for text in known])
    order = np.argsort(length * rng.uniform(0.9, 1.1, len(known)), kind="stable")
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    for i in rng.permutation(len(parts)):
        batch = np.full((len(parts[i]), max(length[parts[i]])), -1, np.intp)
        for row, j in zip(batch, parts[i], strict=True):
            row[: length[j]] = known[j]
        yield batch


def to_runtime(weights: Weights) -> dict[str, np.ndarray]:
    """Wf ... by as kernel, recurrent, bias, out.kernel, out.bias; copies, float32."""
    units = len(weights["bf"])
    both = np.concatenate([weights[f"W{gate}"].T for gate in ORDER], axis=1)
    arrays = {
        "kernel": both[units:], "recurrent": both[:units], "bias": np.concatenate([weights[f"b{gate}"][:, 0] for gate in ORDER]),
        "out.kernel": weights["Wy"].T, "out.bias": weights["by"][:, 0],
    }  # fmt: skip
    return {name: np.array(w, np.float32, order="C") for name, w in arrays.items()}


def from_runtime(weights: Weights) -> dict[str, np.ndarray]:
    """The other way round: what `fit` can go on from."""
    cell = from_kernel(weights["kernel"], weights["recurrent"], weights["bias"])
    both = cell | {"Wy": weights["out.kernel"].T, "by": weights["out.bias"][:, None]}
    return {name: np.array(w, order="C") for name, w in both.items()}
