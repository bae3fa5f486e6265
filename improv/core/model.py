"""An exported model: card and weights in, distributions out, one step a note.

    state = model.step(state, value, last, at)      what has been heard, `(a, c)`
    said = model.read(state)                        when the next note comes, whether the phrase is over
    model.pitch(said, last, ioi, at)                which pitch, given when
    model.touch(said, pitch, last, ioi, at)         how long and how far off the grid, given both

Logits are float32; `probabilities` in sampler.py turns them into a distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from improv.core.errors import ImprovError
from improv.core.lstm import Cells, State
from improv.core.values import (
    ONSET_TABLES,
    STEP_TABLES,
    TOUCH_TABLES,
    Context,
    Value,
    Vocabulary,
    onset_columns,
    step_columns,
    touch_columns,
)

FORMAT = 1
REACH = 36  # the interval logits span this many semitones either way


class ModelError(ImprovError):
    """A model that can't be used; the message says what was wrong and what to do."""


class Reading(NamedTuple):
    """What the state says. ioi: logits (49,). end: probability that the last note ended its phrase.

    line: the share of the state in the pitch and touch heads, (pitch_hidden + touch_hidden,).
    """

    ioi: np.ndarray
    end: float
    line: np.ndarray


def table_offsets(tables: Mapping[str, int]) -> np.ndarray:
    """The first row of each table where they are stacked, (tables,)."""
    return np.concatenate([[0], np.cumsum(list(tables.values()))[:-1]]).astype(np.intp)


def shapes(network: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights that a network of these sizes has."""
    rhythm, line = network["rhythm_units"], network["line_units"]
    pitch, touch = network["pitch_hidden"], network["touch_hidden"]
    step, onset, touched = (sum(t.values()) for t in (STEP_TABLES, ONSET_TABLES, TOUCH_TABLES))
    parts = 2 * REACH + 1 + 12 + 12
    return {
        "rhythm.kernel": (step, 4 * rhythm), "rhythm.recurrent": (rhythm, 4 * rhythm), "rhythm.bias": (4 * rhythm,),
        "line.kernel": (step, 4 * line), "line.recurrent": (line, 4 * line), "line.bias": (4 * line,),
        "ioi.kernel": (rhythm, 49), "ioi.bias": (49,), "end.kernel": (rhythm, 1), "end.bias": (1,),
        "pitch_hidden.line": (line, pitch), "pitch_hidden.onset": (onset, pitch), "pitch_hidden.bias": (pitch,),
        "pitch_parts.kernel": (pitch, parts), "pitch_parts.bias": (parts,), "register": (128,),
        "touch_hidden.line": (line, touch), "touch_hidden.touch": (touched, touch), "touch_hidden.bias": (touch,),
        "touch_parts.kernel": (touch, 34), "touch_parts.bias": (34,),
    }  # fmt: skip


class Model:
    """The network of a card with its weights, both already checked by `check`."""

    def __init__(self, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]):
        check(card, weights)
        self.card = card
        self.vocabulary = Vocabulary()
        self._lags = np.column_stack([self.vocabulary.lags, np.ones(len(self.vocabulary.lags))]).astype(np.float32)
        w = weights
        self.cells = Cells(
            [w["rhythm.kernel"], w["line.kernel"]],
            [w["rhythm.recurrent"], w["line.recurrent"]],
            [w["rhythm.bias"], w["line.bias"]],
            summed=len(STEP_TABLES),
        )
        self._rhythm, self._line = self.cells.spans
        self._rhythm_heads = _contiguous(np.hstack([w["ioi.kernel"], w["end.kernel"]]))
        self._rhythm_bias = _contiguous(np.concatenate([w["ioi.bias"], w["end.bias"]]))
        self._hidden = _contiguous(np.hstack([w["pitch_hidden.line"], w["touch_hidden.line"]]))
        self._pitch_units = w["pitch_hidden.bias"].shape[0]
        # Each row carries its share of the bias, since one row of each table is summed.
        self._onset_rows = _contiguous(w["pitch_hidden.onset"] + w["pitch_hidden.bias"] / len(ONSET_TABLES))
        self._touch_rows = _contiguous(w["touch_hidden.touch"] + w["touch_hidden.bias"] / len(TOUCH_TABLES))
        # Interval logits are padded so that every pitch finds one; pitch classes are repeated up the keyboard.
        reach = np.clip(np.arange(-127, 128), -REACH, REACH) + REACH
        classes = np.arange(140) % 12
        across = np.concatenate([reach, 2 * REACH + 1 + classes, 2 * REACH + 13 + classes])
        self._across = across
        self._parts, self._parts_bias = _contiguous(w["pitch_parts.kernel"]), _contiguous(w["pitch_parts.bias"])
        self._register = _contiguous(w["register"])
        self._touch_parts, self._touch_bias = _contiguous(w["touch_parts.kernel"]), _contiguous(w["touch_parts.bias"])
        self._step_at, self._onset_at, self._touch_at = map(table_offsets, (STEP_TABLES, ONSET_TABLES, TOUCH_TABLES))
        arrays = [self._rhythm_heads, self._hidden, self._parts, self._touch_parts, *self.cells.recurrents]
        table_rows = len(STEP_TABLES) * self.cells.rows[0].nbytes
        # Bytes of weights that one note reads, from all fields together.
        self.bytes_a_note = sum(a.nbytes for a in arrays) + table_rows

    def start(self) -> State:
        """The state before anything was heard."""
        return self.cells.start()

    def step(self, state: State, value: Value, last: int | None, at: Context) -> State:
        """The state after one more note, heard or played. `last`: the pitch before it, or None."""
        return self.cells.step(state, np.array(step_columns(value, last, at)) + self._step_at)

    def read(self, state: State) -> Reading:
        """When the next note comes, and whether the phrase is over."""
        said = state.a[self._rhythm] @ self._rhythm_heads
        said += self._rhythm_bias
        line = state.a[self._line] @ self._hidden
        return Reading(said[:49], 1.0 / (1.0 + math.exp(-float(said[49]))), line)

    def pitch(self, said: Reading, last: int, ioi: int, at: Context) -> np.ndarray:
        """Logits (128,) of the next pitch, which comes `ioi` (a class) after `last`, at `at`."""
        hidden = np.add.reduce(self._onset_rows.take(np.array(onset_columns(last, ioi, at)) + self._onset_at, axis=0), axis=0)
        hidden += said.line[: self._pitch_units]
        np.maximum(hidden, 0.0, out=hidden)
        parts = hidden @ self._parts
        parts += self._parts_bias
        parts = parts.take(self._across)
        logits: np.ndarray = parts[127 - last : 255 - last] + self._register
        for first, root in ((255, at.outlook.chord.root), (395, at.outlook.coming.root)):
            if root is not None:
                start = first + (12 - root) % 12
                logits += parts[start : start + 128]
        return logits

    def touch(self, said: Reading, pitch: int, last: int, ioi: int, at: Context) -> tuple[np.ndarray, np.ndarray]:
        """Logits of the next note's length (21,) and lag (13,)."""
        hidden = np.add.reduce(self._touch_rows.take(np.array(touch_columns(pitch, last, ioi, at)) + self._touch_at, axis=0), axis=0)
        hidden += said.line[self._pitch_units :]
        np.maximum(hidden, 0.0, out=hidden)
        logits = hidden @ self._touch_parts
        logits += self._touch_bias
        return logits[:21], logits[21:]

    def expected_lag(self, logits: np.ndarray) -> float:
        """The mean lag in beats that logits (13,) say."""
        weighted, total = (np.exp(logits - logits.max()) @ self._lags).tolist()
        return float(weighted / total)


def _contiguous(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)


def check(card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> None:
    """Raise ModelError unless this version of improv can play this card with these weights."""
    if card.get("format") != FORMAT:
        raise ModelError(f"card says format {card.get('format')!r}, this improv reads format {FORMAT}; export the model again")
    if card.get("vocabulary_hash") != Vocabulary().hash:
        raise ModelError("card was made for another vocabulary; train or export the model again with this improv")
    network = card.get("network")
    if not isinstance(network, Mapping):
        raise ModelError("card has no network")
    sizes = ("rhythm_units", "line_units", "pitch_hidden", "touch_hidden")
    for name in sizes:
        if type(network.get(name)) is not int or not 1 <= network[name] <= 4096:
            raise ModelError(f"card: network.{name} is {network.get(name)!r}, expected a whole number from 1 to 4096")
    for name, shape in shapes(network).items():
        if name not in weights:
            raise ModelError(f"weights: {name} is missing")
        if weights[name].shape != shape or weights[name].dtype != np.float32:
            got = f"{weights[name].dtype} {weights[name].shape}"
            raise ModelError(f"weights: {name} is {got}, the card promises float32 {shape}")
        if not np.isfinite(weights[name]).all():
            raise ModelError(f"weights: {name} has values that are no numbers")


def card_head(name: str, network: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a card that `check` reads."""
    return {
        "format": FORMAT,
        "name": name,
        "vocabulary": asdict(Vocabulary()),
        "vocabulary_hash": Vocabulary().hash,
        "network": dict(network),
    }
