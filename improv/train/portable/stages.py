"""The mathematics of one note, once for every format; `improv.core.model` is what it must equal.

Three stages, since a note is drawn in three: the step says when the next note comes; its pitch depends on
that; its length and lag depend on both. A stage reads the weights under the names of `core.model.shapes`, so
a head that changes there changes here and nowhere else.

Shapes: B streams, U units of both LSTMs together, the rhythm's first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from improv.core.model import REACH, table_offsets
from improv.core.values import ONSET_TABLES, STEP_TABLES, TOUCH_TABLES, Vocabulary

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
class Input:
    """One input of a stage. columns: its width, () for one class a stream. kind: int32 or float32."""

    width: tuple[int, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One graph: its inputs in order, the widths of its outputs in order, and how it is built."""

    inputs: Mapping[str, Input]
    outputs: Mapping[str, int]
    build: Callable[[Operations, Weights, Mapping[str, Any]], dict[str, Any]]


def stages(weights: Weights) -> dict[str, Stage]:
    """The stages of a network with these weights."""
    units = sum(_units(weights))
    state, one, vocabulary = Input((units,), "float32"), Input((), "int32"), Vocabulary()

    def classes(tables: Mapping[str, int]) -> Input:
        return Input((len(tables),), "int32")

    return {
        "step": Stage(
            {"note": classes(STEP_TABLES), "a": state, "c": state},
            {"a_next": units, "c_next": units, "ioi": vocabulary.iois, "end": 1},
            _step,
        ),
        "pitch": Stage(
            {"a": state, "onset": classes(ONSET_TABLES), "last": one, "root": one, "coming": one},
            {"pitch": vocabulary.pitches},
            _pitch,
        ),
        "touch": Stage(
            {"a": state, "struck": classes(TOUCH_TABLES)},
            {"duration": len(vocabulary.durations), "lag": len(vocabulary.lags)},
            _touch,
        ),
    }


def _units(w: Weights) -> list[int]:
    return [w[f"{cell}.recurrent"].shape[0] for cell in ("rhythm", "line")]


def _step(g: Operations, w: Weights, x: Mapping[str, Any]) -> dict[str, Any]:
    """The state after one more note, and what it says of the next: ioi as logits, end as a probability."""
    units = _units(w)
    state = zip(("rhythm", "line"), g.split(x["a"], units), g.split(x["c"], units), strict=True)
    after = [_cell(g, w, cell, x["note"], a, c) for cell, a, c in state]
    rhythm = after[0][0]
    return {
        "a_next": g.join([a for a, _ in after]),
        "c_next": g.join([c for _, c in after]),
        "ioi": g.dense("ioi_head", rhythm, w["ioi.kernel"], w["ioi.bias"]),
        "end": g.sigmoid(g.dense("end_head", rhythm, w["end.kernel"], w["end.bias"])),
    }


def _cell(g: Operations, w: Weights, cell: str, columns: Any, a: Any, c: Any) -> tuple[Any, Any]:
    """An LSTM with Keras's gates i, f, candidate, o."""
    heard = g.rows(f"{cell}_heard", w[f"{cell}.kernel"], columns, table_offsets(STEP_TABLES))
    gates = g.add(heard, g.dense(f"{cell}_recurrent", a, w[f"{cell}.recurrent"], w[f"{cell}.bias"]))
    i, f, candidate, o = g.split(gates, [w[f"{cell}.recurrent"].shape[0]] * 4)
    c = g.add(g.multiply(g.sigmoid(f), c), g.multiply(g.sigmoid(i), g.tanh(candidate)))
    return g.multiply(g.sigmoid(o), g.tanh(c)), c


def _pitch(g: Operations, w: Weights, x: Mapping[str, Any]) -> dict[str, Any]:
    """Logits of the next pitch, from the interval, the pitch class above either chord's root, and the register."""
    line = g.split(x["a"], _units(w))[1]
    hidden = _hidden(g, w, "pitch_hidden", "onset", line, x["onset"], ONSET_TABLES)
    # A last part that is always 0 is where a pitch looks when there is no root.
    kernel, bias = np.pad(w["pitch_parts.kernel"], [(0, 0), (0, 1)]), np.pad(w["pitch_parts.bias"], (0, 1))
    parts = g.dense("pitch_parts", hidden, kernel, bias)
    pitches, intervals, nothing = np.arange(128), 2 * REACH + 1, kernel.shape[1] - 1
    reach = np.clip(pitches - pitches[:, None], -REACH, REACH) + REACH  # (last, pitch)
    above = np.vstack([(pitches - np.arange(12)[:, None]) % 12, np.full((1, 128), -1)])  # (root, pitch)
    logits = g.pick("by_interval", parts, reach, x["last"])
    for name, first, root in (("above_root", intervals, x["root"]), ("above_coming", intervals + 12, x["coming"])):
        logits = g.add(logits, g.pick(name, parts, np.where(above < 0, nothing, first + above), root))
    return {"pitch": g.add(logits, w["register"])}


def _touch(g: Operations, w: Weights, x: Mapping[str, Any]) -> dict[str, Any]:
    """Logits of the next note's length and lag."""
    line = g.split(x["a"], _units(w))[1]
    hidden = _hidden(g, w, "touch_hidden", "touch", line, x["struck"], TOUCH_TABLES)
    parts = g.dense("touch_parts", hidden, w["touch_parts.kernel"], w["touch_parts.bias"])
    lags = len(Vocabulary().lags)
    duration, lag = g.split(parts, [w["touch_parts.bias"].shape[0] - lags, lags])
    return {"duration": duration, "lag": lag}


def _hidden(g: Operations, w: Weights, name: str, columns: str, line: Any, classes: Any, tables: Mapping[str, int]) -> Any:
    known = g.rows(f"{name}_{columns}", w[f"{name}.{columns}"], classes, table_offsets(tables))
    return g.relu(g.add(known, g.dense(f"{name}_line", line, w[f"{name}.line"], w[f"{name}.bias"])))
