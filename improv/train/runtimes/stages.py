"""The mathematics of one note, once for every format; `improv.models.model` is what it must equal.

Three stages, since a note is drawn in three: the step says when the next note comes; its pitch depends on
that; its length and lag depend on both. A stage reads the weights under the names of `core.model.shapes`, so
a head that changes there changes here and nowhere else.

A model's members are side by side, and their heads averaged. What is recalled from earlier in a performance is
no part of a graph, and stays with improv.

Shapes: B streams, U units of all LSTMs or TCNs together, the rhythms' first. Of LSTMs the state's c is as wide as a; of
TCNs it is, for each layer, a queue of the inputs that it is to hear again, the oldest first. (A graph can't write into a
ring; where a queue starts and ends is the one thing in which these states differ from those of `improv.models.tcn`.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from improv.core.vocabulary import ARTICULATION_TABLES, INTERVALS, ONSET_TABLES, REACH, STEP_TABLES, Vocabulary
from improv.models.card import table_offsets
from improv.models.cells import STACKS
from improv.models.tcn import cached, stack_shapes

Weights = Mapping[str, np.ndarray]
NO_ROOT = 12  # what `root` and `coming` say where there is no chord


class Operations(Protocol):
    """What the stages are written in. Tensors are of the library's own kind; weights are arrays."""

    def rows(self, name: str, table: np.ndarray, columns: Any, first: np.ndarray) -> Any:
        """The sum of one row for each column: classes (B, n), each counted from its table's `first` row, to (B, width)."""

    def dense(self, name: str, x: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
        """x @ kernel + bias."""

    def pick(self, name: str, x: Any, places: np.ndarray, which: Any) -> Any:
        """x (B, n) at the places (m,) of row which (B,) of `places` (rows, m), whole numbers: (B, m)."""

    def split(self, x: Any, sizes: Sequence[int]) -> Sequence[Any]:
        """(B, sum of sizes) to one (B, size) each."""

    def join(self, xs: Sequence[Any]) -> Any:
        """The inverse of split."""

    def add(self, x: Any, y: Any) -> Any:
        """x + y; y may be an array."""

    def multiply(self, x: Any, y: Any) -> Any:
        """x * y."""

    def sigmoid(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""

    def tanh(self, x: Any) -> Any:
        """Hyperbolic tangent."""

    def relu(self, x: Any) -> Any:
        """max(x, 0)."""


@dataclass(frozen=True, slots=True)
class StageInput:
    """One input of a stage. columns: its width, () for one class a stream. kind: int32 or float32."""

    width: tuple[int, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class ExportStage:
    """One graph: its inputs in order, the widths of its outputs in order, and how it is built."""

    inputs: Mapping[str, StageInput]
    outputs: Mapping[str, int]
    build: Callable[[Operations, Weights, Mapping[str, Any]], dict[str, Any]]


def stages(weights: Weights) -> dict[str, ExportStage]:
    """The stages of a network with these weights."""
    units, kept = sum(_units(weights)), sum(_kept(weights))
    one, vocabulary = StageInput((), "int32"), Vocabulary()
    state, beside = StageInput((units,), "float32"), StageInput((kept,), "float32")

    def classes(tables: Mapping[str, int]) -> StageInput:
        return StageInput((len(tables),), "int32")

    return {
        "step": ExportStage(
            {"note": classes(STEP_TABLES), "a": state, "c": beside},
            {"a_next": units, "c_next": kept, "ioi": vocabulary.iois, "end": 1},
            _step,
        ),
        "pitch": ExportStage(
            {"a": state, "onset": classes(ONSET_TABLES), "last": one, "root": one, "coming": one},
            {"pitch": vocabulary.pitches},
            _pitch,
        ),
        "touch": ExportStage(
            {"a": state, "struck": classes(ARTICULATION_TABLES)},
            {"duration": len(vocabulary.durations), "lag": len(vocabulary.lags)},
            _articulation,
        ),
    }


def _members(w: Weights) -> int:
    return sum(name.endswith(".register") for name in w)


def _each(w: Weights, name: str) -> list[np.ndarray]:
    """That weight of each LSTM or TCN, in the order of the state: the rhythms of all members, then their lines."""
    return [w[f"{k}.{part}.{name}"] for part in STACKS for k in range(_members(w))]


def _is_tcn(w: Weights) -> bool:
    return "0.line.skip_bias" in w


def _units(w: Weights) -> list[int]:
    """Numbers of each in the state's a."""
    return [len(bias) for bias in _each(w, "skip_bias")] if _is_tcn(w) else [len(r) for r in _each(w, "recurrent")]


def _kept(w: Weights) -> list[int]:
    """Numbers of each in the state's c."""
    return [cached(past.shape[1], len(past)) for past in _each(w, "past")] if _is_tcn(w) else _units(w)


def _mean_head(w: Weights, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias, from all members' activations side by side, of the mean of their heads."""
    members = range(_members(w))
    kernel = np.vstack([w[f"{k}.{name}.kernel"] for k in members]) / len(members)
    bias = sum(w[f"{k}.{name}.bias"] for k in members) / np.float32(len(members))
    return kernel.astype(np.float32), np.asarray(bias, np.float32)


def _step(g: Operations, w: Weights, x: Mapping[str, Any]) -> dict[str, Any]:
    """The state after one more note, and what it says of the next: ioi as logits, end as a probability."""
    units, members = _units(w), _members(w)
    cells = [(part, k) for part in STACKS for k in range(members)]
    state = zip(cells, g.split(x["a"], units), g.split(x["c"], _kept(w)), strict=True)
    cell = _stack if _is_tcn(w) else _cell
    after = [cell(g, w, part, k, x["note"], a, c) for (part, k), a, c in state]
    a_next = g.join([a for a, _ in after])
    end = g.relu(g.dense("end_hidden", a_next, w["end_hidden.kernel"], w["end_hidden.bias"]))
    return {
        "a_next": a_next,
        "c_next": g.join([c for _, c in after]),
        "ioi": g.dense("ioi_head", g.join([a for a, _ in after[:members]]), *_mean_head(w, "ioi")),
        "end": g.sigmoid(g.dense("end_head", end, w["end.kernel"], w["end.bias"])),
    }


def _cell(g: Operations, w: Weights, part: str, member: int, columns: Any, a: Any, c: Any) -> tuple[Any, Any]:
    """An LSTM with Keras's gates i, f, candidate, o."""
    kernel, recurrent, bias = (w[f"{member}.{part}.{name}"] for name in ("kernel", "recurrent", "bias"))
    heard = g.rows(f"{part}_heard_{member}", kernel, columns, table_offsets(STEP_TABLES))
    gates = g.add(heard, g.dense(f"{part}_recurrent_{member}", a, recurrent, bias))
    i, f, candidate, o = g.split(gates, [recurrent.shape[0]] * 4)
    c = g.add(g.multiply(g.sigmoid(f), c), g.multiply(g.sigmoid(i), g.tanh(candidate)))
    return g.multiply(g.sigmoid(o), g.tanh(c)), c


def _stack(g: Operations, w: Weights, part: str, member: int, columns: Any, a: Any, c: Any) -> tuple[Any, Any]:
    """A TCN. The a before is not needed; c is the layers' queues side by side."""
    stack = {name: w[f"{member}.{part}.{name}"] for name in stack_shapes(0, 1, 1, 1)}
    layers, channels = stack["past"].shape[:2]
    gates, nothing = np.concatenate([stack["past"], stack["now"]], axis=1), np.zeros(channels, np.float32)
    heard = g.rows(f"{part}_heard_{member}", stack["kernel"], columns, table_offsets(STEP_TABLES))
    x, queues, skipped = g.add(heard, stack["bias"]), [], None
    for layer, queue in enumerate(g.split(c, [channels * 2**k for k in range(layers)]) if layers > 1 else [c]):
        before, *later = g.split(queue, [channels, channels * (2**layer - 1)]) if layer else [queue]
        queues.append(g.join([*later, x]) if layer else x)
        said = g.dense(f"{part}_gates_{member}_{layer}", g.join([before, x]), gates[layer], stack["gates_bias"][layer])
        f, gate = g.split(said, [channels] * 2)
        z = g.multiply(g.tanh(f), g.sigmoid(gate))
        bias = np.zeros_like(stack["skip_bias"]) if layer else stack["skip_bias"]
        skip = g.dense(f"{part}_skip_{member}_{layer}", z, stack["skip"][layer], bias)
        skipped = g.add(skipped, skip) if layer else skip
        if layer < layers - 1:
            x = g.add(x, g.dense(f"{part}_residual_{member}_{layer}", z, stack["residual"][layer], nothing))
    return g.relu(skipped), g.join(queues) if layers > 1 else queues[0]


def _pitch(g: Operations, w: Weights, x: Mapping[str, Any]) -> dict[str, Any]:
    """Logits of the next pitch, from the interval, the pitch class above either chord's root, and the register."""
    hidden = _hidden(g, w, "pitch_hidden", "onset", x["a"], x["onset"], ONSET_TABLES)
    # A last part that is always 0 is where a pitch looks when there is no root.
    kernel, bias = _mean_head(w, "pitch_parts")
    kernel, bias = np.pad(kernel, [(0, 0), (0, 1)]), np.pad(bias, (0, 1))
    parts = g.dense("pitch_parts", hidden, kernel, bias)
    pitches, intervals, nothing = np.arange(128), INTERVALS, kernel.shape[1] - 1
    reach = np.clip(pitches - pitches[:, None], -REACH, REACH) + REACH  # (last, pitch)
    above = np.vstack([(pitches - np.arange(12)[:, None]) % 12, np.full((1, 128), -1)])  # (root, pitch)
    logits = g.pick("by_interval", parts, reach, x["last"])
    for name, first, root in (("above_root", intervals, x["root"]), ("above_coming", intervals + 12, x["coming"])):
        logits = g.add(logits, g.pick(name, parts, np.where(above < 0, nothing, first + above), root))
    register = np.mean([w[f"{k}.register"] for k in range(_members(w))], axis=0, dtype=np.float32)
    return {"pitch": g.add(logits, register)}


def _articulation(g: Operations, w: Weights, x: Mapping[str, Any]) -> dict[str, Any]:
    """Logits of the next note's length and lag."""
    hidden = _hidden(g, w, "touch_hidden", "touch", x["a"], x["struck"], ARTICULATION_TABLES)
    parts = g.dense("touch_parts", hidden, *_mean_head(w, "touch_parts"))
    vocabulary = Vocabulary()
    duration, lag = g.split(parts, [len(vocabulary.durations), len(vocabulary.lags)])
    return {"duration": duration, "lag": lag}


def _hidden(g: Operations, w: Weights, name: str, columns: str, a: Any, classes: Any, tables: Mapping[str, int]) -> Any:
    """The hidden layers of a head, those of all members side by side."""
    lines = g.split(a, _units(w))[_members(w) :]
    return g.join([_hidden_of(g, w, name, columns, k, line, classes, tables) for k, line in enumerate(lines)])


def _hidden_of(g: Operations, w: Weights, name: str, columns: str, member: int, line: Any, classes: Any, tables: Mapping[str, int]) -> Any:
    known = g.rows(f"{name}_{columns}_{member}", w[f"{member}.{name}.{columns}"], classes, table_offsets(tables))
    return g.relu(g.add(known, g.dense(f"{name}_line_{member}", line, w[f"{member}.{name}.line"], w[f"{member}.{name}.bias"])))
