"""The jazz LSTM of the tutorial: a network that learns one solo's terminals, cut into windows, and goes on by itself.

It is built as tutorials build it, one shared LSTM and one shared softmax called anew for every step of the window, and
beside it as one LSTM layer that is scanned over the window: the same mathematics, see `compare`.
Source: the exercise "Improvise a jazz solo with an LSTM network", which grew out of J. Kim's deepjazz; shapes are those
of the exercise: m windows, Tx = Ty steps, n_values terminals, n_a units.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from improv.train.network.initial import Steady
from improv.train.quiet import keras, layers, ops
from improv.tutorials.windows import STEPS, Corpus

UNITS = 64  # n_a
GENERATED = 50  # Ty of the inference model
RATE, DECAY, BETAS = 0.01, 0.01, (0.9, 0.999)


@dataclass(frozen=True, slots=True)
class Shared:
    """The two layers that every model here calls: an LSTM and a softmax over the values."""

    cell: Any
    densor: Any
    values: int

    @staticmethod
    def of(values: int, units: int = UNITS, seed: int | None = None) -> Shared:
        """Layers with weights. seed: of their beginning."""
        keras.utils.set_random_seed(0 if seed is None else seed)
        cell = layers.LSTM(units, return_state=True, recurrent_initializer=Steady(keras.initializers.Orthogonal(seed)), name="lstm")
        densor = layers.Dense(values, activation="softmax", name="values")
        cell.build((None, None, values))
        densor.build((None, units))
        return Shared(cell, densor, values)

    @property
    def units(self) -> int:
        return int(self.cell.units)


def djmodel(shared: Shared, steps: int = STEPS) -> keras.Model:
    """The training model, unrolled: inputs X, a0, c0; outputs a list of `steps` tensors (m, n_values)."""
    X = keras.Input((steps, shared.values))
    a = a0 = keras.Input((shared.units,))
    c = c0 = keras.Input((shared.units,))
    outputs = []
    for t in range(steps):
        x = layers.Reshape((1, shared.values))(X[:, t, :])
        a, _, c = shared.cell(x, initial_state=[a, c])
        outputs.append(shared.densor(a))
    return keras.Model([X, a0, c0], outputs)


def scanned(shared: Shared, steps: int = STEPS) -> keras.Model:
    """The same as one layer: output (m, Tx, n_values). It has layers of its own, with the weights of `shared`."""
    X, a0, c0 = keras.Input((steps, shared.values)), keras.Input((shared.units,)), keras.Input((shared.units,))
    lstm = layers.LSTM(shared.units, return_sequences=True, recurrent_initializer="zeros", name="lstm")
    densor = layers.Dense(shared.values, activation="softmax", name="values")
    model = keras.Model([X, a0, c0], densor(lstm(X, initial_state=[a0, c0])))
    lstm.set_weights(shared.cell.get_weights())
    densor.set_weights(shared.densor.get_weights())
    return model


def compiled(model: keras.Model, steps: int = STEPS) -> keras.Model:
    """With the exercise's optimizer; the loss is the sum over the steps of cross-entropies, in nats, for either form."""
    rate = keras.optimizers.schedules.InverseTimeDecay(RATE, decay_steps=1, decay_rate=DECAY)
    unrolled = len(model.outputs) > 1
    weights = None if unrolled else float(steps)  # Keras averages over the steps of one output, and sums over outputs
    model.compile(keras.optimizers.Adam(rate, *BETAS), "categorical_crossentropy", loss_weights=weights)
    return model


@dataclass(frozen=True, slots=True)
class TrainedExercise:
    """losses: nats a window, one an epoch; accuracy: share of values that are foretold in the end. build: seconds until the first
    epoch was over; epoch: seconds of a later one, the median."""

    losses: list[float]
    accuracy: float
    build: float
    epoch: float


class _Stopwatch(keras.callbacks.Callback):
    """Notes the loss and the time at the end of every epoch, and tells `tell`."""

    def __init__(self, tell: Callable[[int, float], None]):
        super().__init__()
        self.losses: list[float] = []
        self.times: list[float] = []
        self._tell = tell

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.losses.append(float(logs["loss"]))
        self.times.append(time.perf_counter())
        self._tell(epoch, self.losses[-1])


def fit(
    model: keras.Model,
    corpus: Corpus,
    epochs: int,
    units: int = UNITS,
    started: float | None = None,
    tell: Callable[[int, float], None] = lambda epoch, loss: None,
) -> TrainedExercise:
    """Train on all windows, from states of zero. tell: is told each epoch, from 0, and its loss.

    started: when the model began to be built, `time.perf_counter`; None for now.
    """
    started = time.perf_counter() if started is None else started
    zeros = np.zeros((len(corpus.X), units), np.float32)
    said: Any = list(corpus.Y) if len(model.outputs) > 1 else np.ascontiguousarray(corpus.Y.swapaxes(0, 1))
    watch = _Stopwatch(tell)
    model.fit([corpus.X, zeros, zeros], said, epochs=epochs, verbose=0, callbacks=[watch])
    hits = foretold(model, corpus, units).argmax(-1) == corpus.Y.swapaxes(0, 1).argmax(-1)
    later = np.diff(watch.times)
    build = watch.times[0] - started
    return TrainedExercise(watch.losses, float(hits.mean()), build, float(np.median(later)) if len(later) else build)


def foretold(model: keras.Model, corpus: Corpus, units: int = UNITS) -> np.ndarray:
    """What a training model of either form says of a corpus: probabilities (m, Tx, n_values)."""
    zeros = np.zeros((len(corpus.X), units), np.float32)
    said = model([corpus.X, zeros, zeros])
    return np.stack([np.asarray(y) for y in said], axis=1) if len(model.outputs) > 1 else np.asarray(said)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Unrolled and scanned side by side. difference: the largest between their outputs, before training. building, training: how many
    times as long the unrolled model takes, until the first epoch is over and for one later."""

    difference: float
    unrolled: TrainedExercise
    scanned: TrainedExercise

    @property
    def building(self) -> float:
        return self.unrolled.build / self.scanned.build

    @property
    def training(self) -> float:
        return self.unrolled.epoch / self.scanned.epoch


def compare(
    shared: Shared,
    corpus: Corpus,
    epochs: int,
    scanned_epochs: int | None = None,
    tell: Callable[[int, float], None] = lambda epoch, loss: None,
) -> Comparison:
    """Build both with the same weights, compare what they say, and train both; `shared` is left trained by the unrolled one.

    epochs: of the unrolled model, whose progress is told; scanned_epochs: of the other, None for as many.
    """
    steps = corpus.X.shape[1]
    started = time.perf_counter()
    one = compiled(scanned(shared, steps), steps)
    first = foretold(one, corpus, shared.units)
    scan = fit(one, corpus, epochs if scanned_epochs is None else scanned_epochs, shared.units, started)
    started = time.perf_counter()
    model = compiled(djmodel(shared, steps), steps)
    second = foretold(model, corpus, shared.units)
    unrolled = fit(model, corpus, epochs, shared.units, started, tell)
    return Comparison(float(np.abs(first - second).max()), unrolled, scan)


def inference_model(shared: Shared, steps: int = GENERATED) -> keras.Model:
    """The same layers fed with what they said: inputs x0 (1, 1, n_values), a0, c0; outputs a list of `steps` tensors (1, n_values)."""
    x = x0 = keras.Input((1, shared.values))
    a = a0 = keras.Input((shared.units,))
    c = c0 = keras.Input((shared.units,))
    outputs = []
    for _ in range(steps):
        a, _, c = shared.cell(x, initial_state=[a, c])
        said = shared.densor(a)
        outputs.append(said)
        x = ops.expand_dims(ops.one_hot(ops.argmax(said, axis=-1), shared.values), 1)
    return keras.Model([x0, a0, c0], outputs)


def predict_and_sample(model: keras.Model, units: int) -> tuple[np.ndarray, np.ndarray]:
    """From nothing heard: results (Ty, n_values), one-hot, and indices (Ty, 1), the likeliest value of each step."""
    values = model.inputs[0].shape[-1]
    zeros = np.zeros((1, units), np.float32)
    said = [np.asarray(y) for y in model([np.zeros((1, 1, values), np.float32), zeros, zeros])]
    indices = np.argmax(np.array(said), axis=-1)  # (Ty, 1)
    return np.eye(values, dtype=np.float32)[indices[:, 0]], indices
