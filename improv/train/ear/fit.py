"""Train the ear: all heads at once, on stretches of takes, with Adam. TensorFlow, as `models/ear.py` says in NumPy.

The same weights see every stretch from all twelve roots, so no key is rarer than another. What counts: the chord when a beat is
over and at a moment within it, the chord a beat later, the key; and with all of a stretch, the chord and the key again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from improv.core.harmony.ear import QUALITIES
from improv.core.harmony.frames import CHANNELS, WHOLE
from improv.models.ear import INPUTS, ear_shapes
from improv.train.ear.examples import Example
from improv.train.ear.songs import UNKNOWN

LENGTH = 64  # beats of a stretch
SHARES = {"over": 1.0, "yet": 0.7, "coming": 0.3, "key": 0.2, "whole": 1.0, "whole_key": 0.2}  # of the loss
LAST = 0.85  # of the training, after which its weights are averaged
NO_BAR = 0.25  # share of stretches whose place in the bar is not told
_ROUND = (np.arange(12)[:, None] + np.arange(12)) % 12


@dataclass(frozen=True, slots=True)
class EarRecipe:
    """How an ear is trained. Sources are drawn by `shares`, stretches of a source evenly by beats.

    minutes: it ends by then, and the rate falls with the time that has passed rather than with the updates; None: it takes its time.
    """

    first: int = 64
    units: int = 64
    batch: int = 24
    updates: int = 6000
    rate: float = 2e-3
    dropout: float = 0.2
    decay: float = 1e-4
    seed: int = 0
    minutes: float | None = None


def initial(recipe: EarRecipe, head: dict[str, Any], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights to begin with: kernels by Glorot's rule, recurrent ones orthogonal, biases 0."""
    weights = {}
    for name, shape in ear_shapes(head).items():
        if name.endswith("recurrent"):
            parts = [np.linalg.qr(rng.standard_normal((shape[0], shape[0])))[0] for _ in range(3)]
            weights[name] = np.concatenate(parts, 1).astype(np.float32)
        elif name.endswith("kernel"):
            spread = math.sqrt(6 / (shape[0] + shape[1]))
            weights[name] = rng.uniform(-spread, spread, shape).astype(np.float32)
        else:
            weights[name] = np.zeros(shape, np.float32)
    return weights


class TrainedEar:
    """Weights as TensorFlow's variables, and the loss of a batch."""

    def __init__(self, weights: dict[str, np.ndarray], dropout: float):
        self.w = {name: tf.Variable(value, name=name.replace(".", "_")) for name, value in weights.items()}
        self.dropout = dropout

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: variable.numpy() for name, variable in self.w.items()}

    def _first(self, tones: Any, whole: Any) -> Any:
        """(batch * 12, beats, first), from (batch, beats, 12, CHANNELS) and (batch, beats, WHOLE)."""
        batch, beats = tf.shape(tones)[0], tf.shape(tones)[1]
        x = tf.gather(tones, _ROUND, axis=2)  # (batch, beats, 12, 12, CHANNELS)
        x = tf.transpose(tf.reshape(x, (batch, beats, 12, 12 * CHANNELS)), (0, 2, 1, 3))
        all_roots = tf.broadcast_to(whole[:, None], (batch, 12, beats, WHOLE))
        x = tf.reshape(tf.concat([x, all_roots], -1), (batch * 12, beats, INPUTS))
        e = tf.nn.relu(x @ self.w["first.kernel"] + self.w["first.bias"])
        return tf.nn.dropout(e, self.dropout) if self.dropout else e

    def _gru(self, way: str, a: Any, h: Any) -> Any:
        """One step: a, what comes from the inputs (rows, 3 units); h (rows, units)."""
        n = h.shape[-1]
        b = h @ self.w[f"{way}.recurrent"] + self.w[f"{way}.bias"][1]
        z, r = tf.sigmoid(a[:, :n] + b[:, :n]), tf.sigmoid(a[:, n : 2 * n] + b[:, n : 2 * n])
        return z * h + (1 - z) * tf.tanh(a[:, 2 * n :] + r * b[:, 2 * n :])

    def _run(self, way: str, e: Any, backwards: bool = False) -> Any:
        """The states over all beats, (rows, LENGTH, units)."""
        a = e @ self.w[f"{way}.kernel"] + self.w[f"{way}.bias"][0]
        steps = tf.unstack(a, LENGTH, axis=1)
        h, states = tf.zeros((tf.shape(e)[0], self.w[f"{way}.recurrent"].shape[0])), []
        for step in reversed(steps) if backwards else steps:
            h = self._gru(way, step, h)
            states.append(h)
        return tf.stack(states[::-1] if backwards else states, 1)

    def _logits(self, head: str, both: Any) -> Any:
        """(batch, beats, 12 * qualities + 1), from (batch * 12, beats, inputs)."""
        beats, width = tf.shape(both)[1], both.shape[-1]
        each = both @ self.w[f"{head}.kernel"] + self.w[f"{head}.bias"]
        each = tf.reshape(tf.transpose(tf.reshape(each, (-1, 12, beats, len(QUALITIES))), (0, 2, 1, 3)), (-1, beats, 12 * len(QUALITIES)))
        mean = tf.reduce_mean(tf.reshape(both, (-1, 12, beats, width)), 1)
        none = tf.einsum("btw,w->bt", mean, self.w[f"{head}.none"]) + self.w[f"{head}.none_bias"]
        return tf.concat([each, none[..., None]], -1)

    def _keys(self, head: str, h: Any) -> Any:
        beats = tf.shape(h)[1]
        each = h @ self.w[f"{head}.kernel"] + self.w[f"{head}.bias"]
        return tf.reshape(tf.transpose(tf.reshape(each, (-1, 12, beats, 2)), (0, 2, 1, 3)), (-1, beats, 24))

    def losses(self, tones: Any, whole: Any, tones_yet: Any, whole_yet: Any, chords: Any, keys: Any) -> dict[str, Any]:
        """Nats a beat of each head, over the beats whose answer is known."""
        e, e_yet = self._first(tones, whole), self._first(tones_yet, whole_yet)
        onwards, backwards = self._run("onwards", e), self._run("backwards", e, backwards=True)
        before = tf.concat([tf.zeros_like(onwards[:, :1]), onwards[:, :-1]], 1)
        units, first = onwards.shape[-1], e.shape[-1]
        a = tf.reshape(e_yet, (-1, first)) @ self.w["onwards.kernel"] + self.w["onwards.bias"][0]
        yet = tf.reshape(self._gru("onwards", a, tf.reshape(before, (-1, units))), tf.shape(onwards))
        both, two = tf.concat([e, onwards], -1), tf.concat([onwards, backwards], -1)
        later = tf.concat([chords[:, 1:], tf.fill(tf.shape(chords[:, :1]), UNKNOWN)], 1)
        return {
            "over": _nats(self._logits("chord", both), chords),
            "yet": _nats(self._logits("chord", tf.concat([e_yet, yet], -1)), chords),
            "coming": _nats(self._logits("coming", both), later),
            "key": _nats(self._keys("key", onwards), keys),
            "whole": _nats(self._logits("whole", tf.concat([e, two], -1)), chords),
            "whole_key": _nats(self._keys("whole_key", two), keys),
        }


def _nats(logits: Any, wanted: Any) -> Any:
    known = tf.cast(wanted >= 0, tf.float32)
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.maximum(wanted, 0), logits=logits)
    return tf.reduce_sum(nats * known) / tf.maximum(tf.reduce_sum(known), 1.0)


def stretches(sources: Sequence[Sequence[Example]], shares: Sequence[float], batch: int, rng: np.random.Generator) -> list[np.ndarray]:
    """A batch: tones, whole, tones_yet, whole_yet, chords, keys, of LENGTH beats; a shorter take is filled up with the unknown."""
    sizes = [np.array([len(e.chords) for e in source], float) for source in sources]
    columns: list[list[np.ndarray]] = [[] for _ in range(6)]
    for which in rng.choice(len(sources), batch, p=np.array(shares) / sum(shares)):
        example = sources[which][int(rng.choice(len(sizes[which]), p=sizes[which] / sizes[which].sum()))]
        many = len(example.chords)
        at = int(rng.integers(-LENGTH // 4, max(many - LENGTH // 2, 1)))
        at = max(min(at, many - LENGTH), 0)
        untold = rng.random() < NO_BAR
        for column, array in zip(columns, example[1:], strict=True):
            part = array[at : at + LENGTH]
            if array.ndim == 2 and untold:
                part = part.copy()
                part[:, 4:] = 0
            if len(part) < LENGTH:
                filling = UNKNOWN if array.ndim == 1 else 0
                part = np.concatenate([part, np.full((LENGTH - len(part), *part.shape[1:]), filling, part.dtype)])
            column.append(part)
    return [np.stack(c).astype(np.int32 if c[0].ndim == 1 else np.float32) for c in columns]


def fit_ear(
    weights: dict[str, np.ndarray],
    sources: Sequence[Sequence[Example]],
    shares: Sequence[float],
    recipe: EarRecipe,
    told: Callable[[int, dict[str, float], TrainedEar], None],
    every: int = 250,
) -> tuple[dict[str, np.ndarray], int]:
    """Train; returns the weights, averaged over the end of the training, and how many updates there were.

    told: is told how it goes, every so many updates.
    """
    rng = np.random.default_rng(recipe.seed)
    tf.random.set_seed(recipe.seed)
    model = TrainedEar(weights, recipe.dropout)
    variables = list(model.w.values())
    moments = [[tf.Variable(tf.zeros_like(v)) for v in variables] for _ in range(2)]
    average = [np.zeros(v.shape, np.float64) for v in variables]
    averaged = 0

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def update(rate: Any, count: Any, *batch: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            losses = model.losses(*batch)
            loss = tf.add_n([SHARES[name] * nats for name, nats in losses.items()])
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), 1.0)
        for variable, gradient, m, v in zip(variables, gradients, *moments, strict=True):  # D. Kingma, J. Ba, Adam, 2015
            m.assign(0.9 * m + 0.1 * gradient)
            v.assign(0.999 * v + 0.001 * gradient**2)
            step = m / (1 - 0.9**count) / (tf.sqrt(v / (1 - 0.999**count)) + 1e-8)
            shrunk = recipe.decay if len(variable.shape) == 2 else 0.0
            variable.assign_sub(rate * (step + shrunk * variable))
        return losses

    sums: dict[str, float] = {}
    began = time.monotonic()
    updates = 0
    for i in range(recipe.updates):
        done = i / recipe.updates
        if recipe.minutes is not None:
            done = max(done, (time.monotonic() - began) / (60 * recipe.minutes))
        if done >= 1:
            break
        updates = i + 1
        rate = recipe.rate * min(1.0, (i + 1) / 200) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        batch = stretches(sources, shares, recipe.batch, rng)
        losses = update(tf.constant(rate, tf.float32), tf.constant(i + 1.0, tf.float32), *batch)
        for name, nats in losses.items():
            sums[name] = sums.get(name, 0.0) + float(nats) / every
        if done >= LAST and i % 10 == 0:
            averaged += 1
            for total, variable in zip(average, variables, strict=True):
                total += variable.numpy()
        if (i + 1) % every == 0:
            told(i + 1, sums, model)
            sums = {}
    if not averaged:
        return model.arrays(), updates
    return {name: (total / averaged).astype(np.float32) for name, total in zip(model.w, average, strict=True)}, updates
