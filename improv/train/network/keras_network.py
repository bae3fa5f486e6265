"""The network in Keras: two LSTMs, or two TCNs, that hear the same notes, and the heads that read them.

One keeps the rhythm (heads: inter-onset interval, phrase end), the other the line (heads: pitch,
length, lag). They are apart because rhythm overfits long before pitch stops gaining, so each has
strengths, and a best epoch, of its own. The pitch head adds logits for the interval from the last
pitch, for the pitch class above either chord's root and for the register, which makes it nearly
independent of the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from improv.core.vocabulary import ARTICULATION_TABLES, INTERVALS, ONSET_TABLES, REACH, STEP_TABLES
from improv.models.cells import kind_of
from improv.train.network.initial import Steady
from improv.train.quiet import keras, layers, ops


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes and strengths of regularisation. Stored in the card.

    units in cells; *_dropout as shares of inputs, recurrent and output units.
    """

    embedding: int = 96
    rhythm_units: int = 128
    line_units: int = 224
    pitch_hidden: int = 160
    touch_hidden: int = 64
    input_dropout: float = 0.05
    rhythm_dropout: float = 0.4
    line_dropout: float = 0.4
    recurrent_dropout: float = 0.2


@dataclass(frozen=True)
class TcnConfig(NetworkConfig):
    """The same heads over two stacks of dilated causal convolutions (`improv.models.tcn`), which hear the last 2**layers notes.

    channels: of every layer. rhythm_units, line_units: outputs of the stacks. embedding: not used, an input row has
    the channels. recurrent_dropout: as a share of the channels that go on from each layer.
    """

    embedding: int = 0
    rhythm_units: int = 96
    line_units: int = 160
    pitch_hidden: int = 128
    touch_hidden: int = 48
    recurrent_dropout: float = 0.1
    kind: str = "tcn"
    channels: int = 80
    layers: int = 6


SIZES = {
    "laptop": NetworkConfig(),
    "pocket": NetworkConfig(
        embedding=64, rhythm_units=64, line_units=96, pitch_hidden=96, touch_hidden=32,
        rhythm_dropout=0.25, line_dropout=0.25, recurrent_dropout=0.1,
    ),
}  # fmt: skip
TCN_SIZES = {
    "laptop": TcnConfig(),
    "pocket": TcnConfig(
        channels=48, rhythm_units=64, line_units=96, pitch_hidden=96, touch_hidden=32,
        rhythm_dropout=0.25, line_dropout=0.25, recurrent_dropout=0.05,
    ),
}  # fmt: skip
NETWORKS: dict[str, Mapping[str, NetworkConfig]] = {"lstm": SIZES, "tcn": TCN_SIZES}


def config_of(sizes: Mapping[str, Any]) -> NetworkConfig:
    """The configuration that a card's network tells of; what else the card says is left out."""
    kind = TcnConfig if kind_of(sizes) == "tcn" else NetworkConfig
    return kind(**{f.name: sizes[f.name] for f in fields(kind) if f.name in sizes})


class DroppedLSTMCell(layers.LSTMCell):
    """An LSTM cell whose recurrent weights are dropped for a whole batch (Merity et al. 2018, AWD-LSTM)."""

    recurrent_initializer: Any

    def __init__(self, units: int, weight_dropout: float, **kwargs: Any):
        super().__init__(units, **kwargs)
        self.recurrent_initializer = Steady(self.recurrent_initializer)
        self.weight_dropout, self.kept = weight_dropout, None

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        a, c = states
        gates = ops.matmul(inputs, self.kernel) + ops.matmul(a, self.kept) + self.bias
        i, f, g, o = ops.split(gates, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        a = ops.sigmoid(o) * ops.tanh(c)
        return a, [a, c]


class DroppedLSTM(layers.RNN):
    """The layer of that cell: the mask is drawn once a batch, outside the loop over time."""

    def __init__(self, units: int, weight_dropout: float, **kwargs: Any):
        super().__init__(DroppedLSTMCell(units, weight_dropout), return_sequences=True, **kwargs)
        self.seed = keras.random.SeedGenerator()

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        kernel = ops.convert_to_tensor(self.cell.recurrent_kernel)
        rate = self.cell.weight_dropout
        self.cell.kept = keras.random.dropout(kernel, rate, seed=self.seed) if training and rate else kernel * 1.0
        return super().call(sequences, initial_state=initial_state, mask=mask, training=training)


class GatedStack(layers.Layer):
    """Dilated causal convolutions, gated, with residuals and skips: the equations are in `improv.models.tcn`.

    Whole channels of what goes on from a layer are dropped, for a whole window.
    """

    def __init__(self, channels: int, depth: int, units: int, dropout: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.channels, self.depth, self.units = channels, depth, units
        self.dropped = [layers.Dropout(dropout, noise_shape=(None, 1, channels)) for _ in range(depth)]

    def build(self, shape: Any) -> None:
        n, depth = self.channels, self.depth

        def each(name: str, count: int, *shape: int, initializer: str = "glorot_uniform") -> list[Any]:
            return [self.add_weight(shape=shape, initializer=initializer, name=f"{name}_{k}") for k in range(count)]

        self.gates = each("gates", depth, 2 * n, 2 * n)  # rows of the input d notes ago, then of the present one
        self.gates_bias = each("gates_bias", depth, 2 * n, initializer="zeros")
        self.residual = each("residual", depth - 1, n, n)
        self.skip = each("skip", depth, n, self.units)
        self.skip_bias = self.add_weight(shape=(self.units,), initializer="zeros", name="skip_bias")

    def call(self, x: Any, training: bool = False) -> Any:
        skipped = self.skip_bias
        for layer in range(self.depth):
            before = ops.pad(x, [[0, 0], [2**layer, 0], [0, 0]])[:, : -(2**layer)]
            f, g = ops.split(ops.matmul(ops.concatenate([before, x], axis=-1), self.gates[layer]) + self.gates_bias[layer], 2, axis=-1)
            z = self.dropped[layer](ops.tanh(f) * ops.sigmoid(g), training=training)
            skipped = skipped + ops.matmul(z, self.skip[layer])
            if layer < self.depth - 1:
                x = x + ops.matmul(z, self.residual[layer])
        return ops.relu(skipped)


class PitchLogits(layers.Layer):
    """Adds interval, two pitch-class and register logits up to 128 pitches."""

    def build(self, shapes: Any) -> None:
        self.register = self.add_weight(shape=(128,), initializer="zeros", name="register")

    def call(self, parts: Any) -> Any:
        interval, above, above_coming, last, root, coming = parts
        pitches = ops.arange(128)
        at = ops.clip(pitches - last[..., None], -REACH, REACH) + REACH
        logits = ops.take_along_axis(interval, at, axis=-1) + self.register
        for classes, base in ((above, root), (above_coming, coming)):
            known = ops.cast(base < 12, logits.dtype)[..., None]
            logits += known * ops.take_along_axis(classes, (pitches - base[..., None]) % 12, axis=-1)
        return logits


def build(config: NetworkConfig) -> keras.Model:
    """The training network over windows; inputs and targets as `dataset.Windows` gives them."""
    step = keras.Input((None, sum(STEP_TABLES.values())), name="step")
    onset = keras.Input((None, sum(ONSET_TABLES.values())), name="onset")
    touch = keras.Input((None, sum(ARTICULATION_TABLES.values())), name="touch")
    last, root, coming = (keras.Input((None,), dtype="int32", name=n) for n in ("last", "root", "coming"))

    def cell(name: str, units: int, dropout: float) -> Any:
        heard = layers.Dropout(config.input_dropout)(step)
        if isinstance(config, TcnConfig):
            heard = layers.Dense(config.channels, name=f"{name}_embedding")(heard)
            a = GatedStack(config.channels, config.layers, units, config.recurrent_dropout, name=name)(heard)
        else:
            heard = layers.Dense(config.embedding, use_bias=False, name=f"{name}_embedding")(heard)
            a = DroppedLSTM(units, config.recurrent_dropout, name=name)(heard)
        return layers.Dropout(dropout, noise_shape=(None, 1, units), name=f"{name}_out")(a)

    rhythm = cell("rhythm", config.rhythm_units, config.rhythm_dropout)
    line = cell("line", config.line_units, config.line_dropout)

    ioi = layers.Dense(49, name="ioi")(rhythm)
    end = layers.Dense(1, name="end")(rhythm)

    seen = layers.Dense(config.pitch_hidden, activation="relu", name="pitch_hidden")(layers.Concatenate()([line, onset]))
    seen = layers.Dropout(config.line_dropout / 2)(seen)
    parts = [layers.Dense(n, name=name)(seen) for name, n in (("interval", INTERVALS), ("above", 12), ("above_coming", 12))]
    pitch = PitchLogits(name="pitch")([*parts, last, root, coming])

    felt = layers.Dense(config.touch_hidden, activation="relu", name="touch_hidden")(layers.Concatenate()([line, touch]))
    felt = layers.Dropout(config.line_dropout / 2)(felt)
    duration = layers.Dense(21, name="duration")(felt)
    lag = layers.Dense(13, name="lag")(felt)

    return keras.Model(
        {"step": step, "onset": onset, "touch": touch, "last": last, "root": root, "coming": coming},
        {"ioi": ioi, "pitch": pitch, "duration": duration, "lag": lag, "end": end},
    )
