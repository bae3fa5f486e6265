"""The networks that play, written plainly, as tutorials write them: what the step that plays is measured against."""

from __future__ import annotations

import numpy as np

from improv.bench.spread import CHANGES
from improv.core.note_model import NoteModel
from improv.core.vocabulary import STEP_TABLES, Context, Value, step_columns
from improv.models.card import member_shapes, table_offsets
from improv.models.cells import STACKS, kind_of
from improv.models.tcn import convolved


class PlainLstm:
    """An LSTM: a product a gate. w: its weights, by name."""

    def __init__(self, w: dict[str, np.ndarray]):
        both = np.vstack([w["recurrent"], w["kernel"]]).T
        self.gates = [np.ascontiguousarray(g) for g in np.split(both, 4)]
        self.a, self.c = np.zeros((2, len(w["recurrent"])), np.float32)

    def step(self, x: np.ndarray) -> np.ndarray:
        heard = np.concatenate([self.a, x])
        update, forget, candidate, output = (g @ heard for g in self.gates)
        self.c = _sigmoid(forget) * self.c + _sigmoid(update) * np.tanh(candidate)
        self.a = _sigmoid(output) * np.tanh(self.c)
        return self.a


class PlainTcn:
    """A stack of convolutions that convolves all that it can hear anew for every note. w: its weights, by name."""

    def __init__(self, w: dict[str, np.ndarray]):
        self.w, self.heard = w, np.zeros((2 ** len(w["past"]), len(w["kernel"])), np.float32)

    def step(self, x: np.ndarray) -> np.ndarray:
        self.heard = np.vstack([self.heard[1:], x])
        a: np.ndarray = convolved(self.w, self.heard)[-1]
        return a


class Plain:
    """The same networks as tutorials write them: [a; x] one-hot, a product a gate, a softmax, a draw; of a TCN, all that it
    can hear convolved anew for every note. Nothing is recalled."""

    def __init__(self, model: NoteModel):
        rng = np.random.default_rng(1)
        network = model.card["network"]
        self.rng, self.at = rng, table_offsets(STEP_TABLES)
        self.members = []
        for _ in range(network["members"]):
            weight = {k: rng.standard_normal(s).astype(np.float32) * 0.05 for k, s in member_shapes(network).items()}
            cell = PlainTcn if kind_of(network) == "tcn" else PlainLstm
            parts = [{k.partition(".")[2]: w for k, w in weight.items() if k.startswith(f"{part}.")} for part in STACKS]
            self.members.append((weight, [cell(part) for part in parts]))
        self.context = Context(CHANGES.harmony(0.0), 0, 0, 160.0, "swing")

    def note(self) -> None:
        columns = step_columns(Value(6, 62, 4, 6), 60, self.context)
        said: list[list[np.ndarray]] = []
        for w, cells in self.members:
            x = np.zeros(w["line.kernel"].shape[0], np.float32)
            x[np.array(columns) + self.at] = 1.0
            rhythm, line = (cell.step(x) for cell in cells)
            logits = [rhythm @ w["ioi.kernel"]]
            for name, field, parts in (("pitch_hidden", "onset", "pitch_parts"), ("touch_hidden", "touch", "touch_parts")):
                known = np.zeros(w[f"{name}.{field}"].shape[0], np.float32)
                known[:11] = 1.0
                hidden = np.maximum(line @ w[f"{name}.line"] + known @ w[f"{name}.{field}"], 0)
                both = hidden @ w[f"{parts}.kernel"]
                logits += [both] if name == "pitch_hidden" else [both[:21], both[21:]]
            said.append(logits)
        for logits in zip(*said, strict=True):
            self._draw(np.mean(logits, axis=0))

    def _draw(self, logits: np.ndarray) -> int:
        p = np.exp(logits - logits.max()).astype(float)
        return int(self.rng.choice(len(p), p=p / p.sum()))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    result: np.ndarray = 1 / (1 + np.exp(-x))
    return result
