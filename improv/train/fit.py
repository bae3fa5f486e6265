"""Training: averaged weights, a best epoch for each of the two LSTMs, a checkpoint after every epoch.

Every step moves a running average of the weights (Polyak and Juditsky 1992); it is the average that is
validated and kept. The rhythm's part of the network and the line's share no weights, so the best of each is
kept from the epoch in which it was best.
"""

from __future__ import annotations

import io
import json
import math
import time
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from improv.atomic import atomic_write
from improv.core.errors import ImprovError
from improv.train.dataset import Columns, Windows
from improv.train.network.keras_network import NetworkConfig, build
from improv.train.quiet import keras
from improv.train.workers import ALONE, Alone, Together

HEADS = {"rhythm": ("ioi", "end"), "line": ("pitch", "duration", "lag")}
LOSS_WEIGHTS = {"ioi": 1.0, "end": 0.5, "pitch": 1.0, "duration": 0.3, "lag": 0.2}
CHOSEN_BY = {"rhythm": "ioi", "line": "pitch"}
CHECKPOINT = "training.npz"


@dataclass(frozen=True)
class FitConfig:
    """How to train. Stored in the card.

    epochs: at the most. patience: epochs without a better validation of either part, then it ends.
    rate: peak learning rate, on a cosine down to a fiftieth. average: momentum of the averaged weights.
    """

    epochs: int = 32
    patience: int = 10
    batch: int = 16
    length: int = 128
    rate: float = 2e-3
    weight_decay: float = 0.02
    average: float = 0.995
    seed: int = 1


@dataclass
class Progress:
    """One finished epoch: losses in nats a note, on the averaged weights."""

    epoch: int
    epochs: int
    train: dict[str, float]
    valid: dict[str, float]
    seconds: float
    better: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One batch of an epoch is done: `done` of `of`; loss is the epoch's mean so far, of all heads as weighted."""

    epoch: int
    done: int
    of: int
    loss: float


@dataclass(frozen=True)
class Start:
    """Where fine-tuning starts: weights in the order of the network's variables, and the name of what they are of."""

    weights: Sequence[np.ndarray]
    name: str


class FitError(ImprovError):
    """Training can't start or go on; the message says why and what to do."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C. network: the best so far, None before the first epoch is over. history: the finished epochs."""

    def __init__(self, network: keras.Model | None, history: list[Progress]):
        super().__init__()
        self.network, self.history = network, history


def fit(
    train: Sequence[Columns],
    valid: Sequence[Columns],
    network: NetworkConfig,
    config: FitConfig,
    folder: Path,
    report: Callable[[Progress], None],
    *,
    weights: Sequence[float] | None = None,
    start: Start | None = None,
    each: Callable[[Step], None] = lambda step: None,
    workers: Alone | Together = ALONE,
) -> tuple[keras.Model, list[Progress]]:
    """Train, or go on from the checkpoint in `folder`. Returns the best network and its history.

    weights: how many times an epoch each training piece is seen, once if None. start: fine-tune these weights;
    they are validated first, as epoch 0, and kept if no epoch is better. each: told of every batch.
    The checkpoint is replaced whole after every epoch; an interruption costs the epoch under way.
    workers: who else trains; then the chief's checkpoint is the one that counts, and it alone writes one.
    Raises FitError when the losses are no numbers any more, or the checkpoint is of another training;
    Stopped, with the best so far, on Ctrl-C.
    """
    fitting = _Fit(train, valid, network, config, folder, weights, start, workers)
    try:
        return fitting.run(report, each)
    except KeyboardInterrupt:
        raise Stopped(fitting.best_network() if fitting.history else None, fitting.history) from None


class _Fit:
    def __init__(
        self,
        train: Sequence[Columns],
        valid: Sequence[Columns],
        network: NetworkConfig,
        config: FitConfig,
        folder: Path,
        weights: Sequence[float] | None,
        start: Start | None,
        workers: Alone | Together,
    ):
        self.workers = workers
        keras.utils.set_random_seed(config.seed)
        self.config, self.network, self.path, self.start = config, network, folder / CHECKPOINT, start
        self.windows = Windows(list(train), config.seed, config.length, config.batch, weights=weights)
        self.check = Windows(list(valid), 0, 4096, 8, augment=False)
        self.model = _new_network(network)
        self.rate = _rate(config, len(self.windows))
        optimizer = keras.optimizers.AdamW(config.rate, weight_decay=config.weight_decay, clipnorm=1.0)
        cross_entropy = {h: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for h in LOSS_WEIGHTS if h != "end"}
        losses = {**cross_entropy, "end": keras.losses.BinaryCrossentropy(from_logits=True)}
        compiled = keras.backend.backend() == "jax"  # the others are faster without: a graph, or step by step
        self.model.compile(optimizer, losses, loss_weights=LOSS_WEIGHTS, jit_compile=compiled)
        optimizer.build(self.model.trainable_variables)
        if start:
            _assign(self.model, start.weights)
        self.average = [v.numpy() for v in self.model.trainable_variables]
        self.best = {part: (math.inf, 0, [a.copy() for a in self.average]) for part in HEADS}
        self.history: list[Progress] = []
        self.steps = 0
        if workers.chief and self.path.exists():
            self._restore(self.path)
        if workers.count > 1:
            self._start_alike(train)

    def run(self, report: Callable[[Progress], None], each: Callable[[Step], None]) -> tuple[keras.Model, list[Progress]]:
        config = self.config
        if self.start and not self.history:
            started = time.perf_counter()
            valid = self.workers.figures(self._validate)
            self.best = {part: (valid[head], -1, [a.copy() for a in self.average]) for part, head in CHOSEN_BY.items()}
            self.history.append(Progress(0, config.epochs, {}, valid, time.perf_counter() - started, ()))
            report(self.history[-1])
        while (epoch := self.history[-1].epoch if self.history else 0) < config.epochs and not self._out_of_patience():
            started = time.perf_counter()
            self.windows.rng = np.random.default_rng([config.seed, epoch])
            self.windows.on_epoch_end()
            train = self._epoch(epoch, each)
            valid = self.workers.figures(self._validate)
            better = tuple(part for part, head in CHOSEN_BY.items() if valid[head] < self.best[part][0])
            for part in better:
                self.best[part] = (valid[CHOSEN_BY[part]], epoch, [a.copy() for a in self.average])
            seconds = time.perf_counter() - started
            self.history.append(Progress(epoch + 1, config.epochs, train, valid, seconds, better))
            if self.workers.chief:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                atomic_write({self.path: self._packed()})
            report(self.history[-1])
        return self.best_network(), self.history

    def _out_of_patience(self) -> bool:
        if not self.history or self.history[-1].epoch == 0:
            return False
        return self.history[-1].epoch - 1 - max(best[1] for best in self.best.values()) >= self.config.patience

    def best_network(self) -> keras.Model:
        """The network with each part as it was in its best epoch."""
        rhythm, line = self.best["rhythm"][2], self.best["line"][2]
        chosen = [r if _is_rhythm(v) else n for v, r, n in zip(self.model.trainable_variables, rhythm, line, strict=True)]
        _assign(self.model, chosen)
        return self.model

    def _epoch(self, epoch: int, each: Callable[[Step], None]) -> dict[str, float]:
        sums: Counter[str] = Counter()
        variables = self.model.trainable_variables
        for i in range(len(self.windows)):
            self.model.optimizer.learning_rate.assign(self.rate(self.steps))
            self.steps += 1
            sums.update(self.workers.train(self.model, self.windows[i]))
            momentum = min(self.config.average, self.steps / (self.steps + 10))
            for mean, variable in zip(self.average, variables, strict=True):
                mean *= momentum
                mean += (1 - momentum) * variable.numpy()
            each(Step(epoch + 1, i + 1, len(self.windows), sums["loss"] / (i + 1)))
        losses = {name: total / len(self.windows) for name, total in sums.items()}
        if not math.isfinite(losses["loss"]):
            raise FitError(f"the loss is {losses['loss']} after {self.steps} steps; train again with a lower rate (--rate)")
        return {head: float(losses[f"{head}_loss"]) for head in LOSS_WEIGHTS if f"{head}_loss" in losses}

    def _validate(self) -> dict[str, float]:
        """Nats a note of the averaged weights on whole solos."""
        current = [v.numpy() for v in self.model.trainable_variables]
        _assign(self.model, self.average)
        sums, counts = dict.fromkeys(LOSS_WEIGHTS, 0.0), dict.fromkeys(LOSS_WEIGHTS, 0.0)
        for i in range(len(self.check)):
            inputs, targets, weights = self.check[i]
            said = self.model.predict_on_batch(inputs)  # compiled: of few takes, validation would take longer than training
            for head in LOSS_WEIGHTS:
                if head == "end":
                    loss = keras.losses.binary_crossentropy(targets[head], said[head], from_logits=True)
                else:
                    loss = keras.losses.sparse_categorical_crossentropy(targets[head], said[head], from_logits=True)
                sums[head] += float((keras.ops.convert_to_numpy(loss) * weights[head]).sum())
                counts[head] += float(weights[head].sum())
        _assign(self.model, current)
        return {head: sums[head] / max(counts[head], 1.0) for head in LOSS_WEIGHTS}

    # The checkpoint

    def _identity(self) -> str:
        identity = {"network": asdict(self.network), "fit": asdict(self.config) | {"epochs": 0, "patience": 0}}
        return json.dumps(identity | ({"start": self.start.name} if self.start else {}), sort_keys=True)

    def _start_alike(self, train: Sequence[Columns]) -> None:
        """Every worker from where the chief starts. Raises FitError where its settings or corpus are not the chief's."""
        corpus = str([zlib.crc32(piece.step.tobytes() + piece.pitch.tobytes()) for piece in train]).encode()
        if self.workers.from_chief(lambda: corpus) != corpus:
            raise FitError("this worker read another corpus than worker 0; give all of them the same")
        packed = self.workers.from_chief(self._packed)
        if not self.workers.chief:
            self._restore(io.BytesIO(packed))

    def _packed(self) -> bytes:
        """All that a checkpoint holds."""
        arrays: dict[str, np.ndarray] = {}
        groups = {
            "now": [v.numpy() for v in self.model.trainable_variables],
            "average": self.average,
            "optimizer": [v.numpy() for v in self.model.optimizer.variables],
            **{f"best_{part}": best[2] for part, best in self.best.items()},
        }
        for group, values in groups.items():
            arrays |= {f"{group}/{i}": value for i, value in enumerate(values)}
        about = {
            "identity": self._identity(),
            "steps": self.steps,
            "best": {part: best[:2] for part, best in self.best.items()},
            "history": [asdict(p) for p in self.history],
        }
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        blob = io.BytesIO()
        np.savez(blob, allow_pickle=False, **arrays)
        return blob.getvalue()

    def _restore(self, checkpoint: Path | io.BytesIO) -> None:
        with np.load(checkpoint, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            if about["identity"] != self._identity() and not self.workers.chief:
                raise FitError("this worker was started with other settings than worker 0; give all of them the same")
            if about["identity"] != self._identity():
                raise FitError(f"{self.path} is of a training with other settings; delete it to start afresh, or use its settings")

            def group(name: str) -> list[np.ndarray]:
                return [stored[f"{name}/{i}"] for i in range(sum(k.startswith(f"{name}/") for k in stored.files))]

            _assign(self.model, group("now"))
            self.average = group("average")
            for variable, value in zip(self.model.optimizer.variables, group("optimizer"), strict=True):
                variable.assign(value)
            self.best = {part: (*about["best"][part], group(f"best_{part}")) for part in HEADS}
        self.steps = about["steps"]
        self.history = [Progress(**p | {"better": tuple(p["better"])}) for p in about["history"]]


def _new_network(config: NetworkConfig) -> keras.Model:
    try:
        return build(config)
    except Exception as e:
        if "converge" in str(e):  # the orthogonal initialiser's decomposition
            raise FitError(
                f"the initial weights could not be drawn ({e}); update numpy and tensorflow, or train with another --seed"
            ) from e
        raise


def _rate(config: FitConfig, steps_an_epoch: int) -> Callable[[int], float]:
    total, warm = config.epochs * steps_an_epoch, min(200, steps_an_epoch)

    def rate(step: int) -> float:
        if step < warm:
            return config.rate * (step + 1) / warm
        done = (step - warm) / max(total - warm, 1)
        return config.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))

    return rate


def _is_rhythm(variable: keras.Variable) -> bool:
    return variable.path.split("/")[0] in {"rhythm", "rhythm_embedding", "ioi", "end"}


def _assign(model: keras.Model, values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(model.trainable_variables, values, strict=True):
        variable.assign(value)
