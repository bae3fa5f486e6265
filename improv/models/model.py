"""An exported model: card and weights in, distributions out, one step a note.

    state = model.step(state, value, last, at)      what has been heard, `(a, c)`
    said = model.read(state)                        when the next note comes, whether the phrase is over
    model.pitch(said, last, ioi, at)                which pitch, given when
    model.articulation(said, pitch, last, ioi, at)         how long and how far off the grid, given both

Logits are float32; `probabilities` in sampler.py turns them into a distribution.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from improv.core.heads import Heads
from improv.core.line.critic import Critic
from improv.core.line.loudness import AccentModel
from improv.core.line.quotations import Quotations
from improv.core.note_model import Said
from improv.core.vocabulary import (
    ARTICULATION_TABLES,
    INTERVALS,
    ONSET_TABLES,
    REACH,
    STEP_TABLES,
    Context,
    Value,
    Vocabulary,
    articulation_columns,
    degree_class,
    interval_class,
    onset_columns,
    step_columns,
)
from improv.models.card import check, table_offsets
from improv.models.cells import cells_of
from improv.models.recall import SPAN, Past, PitchClassBias, Projection, Recall, Votes, mixed, one_plus_exp, pitch_votes

_CLASSES = np.arange(128) % 12  # of each pitch


class State(NamedTuple):
    """All that was heard and played so far: activations a (units,) of all networks; c, what they keep beside them (LSTMs
    their cells (units,), a TCN the last inputs of its layers); what is recalled: how it went on before, as (ioi, interval,
    degree) under the keys of rhythm and line; running counts of pitch classes (12,)."""

    a: np.ndarray
    c: np.ndarray
    past: Past
    pitch_classes: np.ndarray


@dataclass(slots=True)
class _Seen:
    """Worked out of a state: its share in the pitch and touch heads; the key of the rhythm, once it was asked for."""

    state: State
    hidden: np.ndarray
    key: np.ndarray | None = None


@dataclass(slots=True)
class Met:
    """Worked out of a state and a coming onset: the pitch head's hidden layer; the key of the line, once it was asked for."""

    state: State
    onset: tuple[int, ...]
    hidden: np.ndarray
    key: np.ndarray | None = None


class Model:
    """The networks of a card with their weights, both already checked by `check`. One thread's at a time."""

    entry_classes: tuple[int, ...] = (49, INTERVALS, 13)  # of what is recalled: ioi, interval, degree

    def __init__(self, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]):
        check(card, weights)
        self.card = card
        self.quotations: Quotations | None = None
        self.critic: Critic | None = None
        self.accents: AccentModel | None = None
        self.vocabulary = Vocabulary()
        self._lags = np.column_stack([self.vocabulary.lags, np.ones(len(self.vocabulary.lags))]).astype(np.float32)
        w, network = weights, card["network"]
        members = self._members = network["members"]
        self._pitch_units, self._lines_from = network["pitch_hidden"], members * network["rhythm_units"]

        def each(name: str) -> list[np.ndarray]:
            return [w[f"{k}.{name}"] for k in range(members)]

        self.cells = cells_of(network, w, summed=len(STEP_TABLES))
        # The members' logits are averaged: their heads, side by side, divided by their number.
        self._ioi, self._ioi_bias = _contiguous(np.vstack(each("ioi.kernel")) / members), _mean(each("ioi.bias"))
        self._end_hidden, self._end_hidden_bias = _contiguous(w["end_hidden.kernel"]), w["end_hidden.bias"]
        self._end, self._end_bias = _contiguous(w["end.kernel"][:, 0]), float(w["end.bias"][0])
        self._hidden = [_contiguous(np.hstack(pair)) for pair in zip(each("pitch_hidden.line"), each("touch_hidden.line"), strict=True)]
        self._hidden_of = list(zip(self.cells.spans[members:], self._hidden, strict=True))
        # Each row carries its share of the bias, since one row of each table is summed.
        self._onset_rows = _contiguous(np.hstack(each("pitch_hidden.onset")) + np.hstack(each("pitch_hidden.bias")) / len(ONSET_TABLES))
        self._articulation_rows = _contiguous(
            np.hstack(each("touch_hidden.touch")) + np.hstack(each("touch_hidden.bias")) / len(ARTICULATION_TABLES)
        )
        # Interval logits are padded so that every pitch finds one; pitch classes are repeated up the keyboard.
        reach = np.clip(np.arange(-127, 128), -REACH, REACH) + REACH
        classes = np.arange(140) % 12
        self._across = np.concatenate([reach, INTERVALS + classes, INTERVALS + 12 + classes])
        self._parts, self._parts_bias = _contiguous(np.vstack(each("pitch_parts.kernel")) / members), _mean(each("pitch_parts.bias"))
        self._register = _mean(each("register"))
        self._articulation_parts, self._articulation_bias = (
            _contiguous(np.vstack(each("touch_parts.kernel")) / members),
            _mean(each("touch_parts.bias")),
        )
        self._step_at, self._onset_at, self._articulation_at = map(table_offsets, (STEP_TABLES, ONSET_TABLES, ARTICULATION_TABLES))
        self._rhythm_key, self._rhythm_recall = _recall(card, w, "rhythm_key")
        self._line_key, self._line_recall = _recall(card, w, "line_key")
        self._class_bias = PitchClassBias.of(card["recall"]["colour"]) if "colour" in (card.get("recall") or {}) else None
        self._rhythm_part, self._line_part = slice(0, network["rhythm_key"]), slice(network["rhythm_key"], None)
        self._key_width = network["rhythm_key"] + network["line_key"]
        keys = [k.weight for k in (self._rhythm_key, self._line_key) if k]
        arrays = [self._ioi, self._end_hidden, *self._hidden, self._parts, self._articulation_parts, *self.cells.recurrents, *keys]
        table_rows = len(STEP_TABLES) * self.cells.rows[0].nbytes
        # Bytes of weights and of what is recalled that one note reads, from all fields together.
        self.bytes_a_note = sum(a.nbytes for a in arrays) + table_rows + sum(4 * SPAN * k.shape[1] for k in keys)
        # What was worked out last, since reading, drawing and the step each need it.
        self._seen: _Seen | None = None
        self._met: Met | None = None

    def start(self) -> State:
        """The state before anything was heard."""
        a, c = self.cells.start()
        return State(a, c, Past.empty(self._key_width, fields=3), np.zeros(12, np.float32))

    def step(self, state: State, value: Value, last: int | None, at: Context, trust: float = 1.0) -> State:
        """The state after one more note, heard or played. `last`: the pitch before it, or None.

        trust: 0 to 1, how much of a say the note gets when it is recalled; at 0 it is not remembered.
        """
        past = state.past
        if last is not None and trust > 0 and self._key_width:
            keys = [] if self._rhythm_key is None else [self._key_of_rhythm(state)]
            keys += [] if self._line_key is None else [self._key_of_line(self.met(state, last, value.ioi, at))]
            entry = value.ioi, interval_class(last, value.pitch), degree_class(value.pitch, at.harmony.chord.root)
            past = past.and_then(np.concatenate(keys), entry, trust)
        a, c = self.cells.step(state.a, state.c, np.array(step_columns(value, last, at)) + self._step_at)
        return State(
            a, c, past, self._class_bias.heard(state.pitch_classes, value.pitch, trust) if self._class_bias else state.pitch_classes
        )

    def read(self, state: State, recall: float = 1.0) -> Said:
        """When the next note comes, and whether the phrase is over.

        recall: how much what was heard in this performance has a say; 0 nothing, 1 as learned.
        """
        ioi = self.rhythm_of(state) @ self._ioi
        ioi += self._ioi_bias
        if votes := self.rhythm_votes(state, recall):
            ioi = mixed(ioi, *votes)
        end = state.a @ self._end_hidden
        end += self._end_hidden_bias
        np.maximum(end, 0.0, out=end)
        return Said(ioi, 1.0 / one_plus_exp(-float(end @ self._end) - self._end_bias), state)

    def pitch(self, said: Said, last: int, ioi: int, at: Context, recall: float = 1.0) -> np.ndarray:
        """Logits (128,) of the next pitch, which comes `ioi` (a class) after `last`, at `at`.

        recall: as in `read`.
        """
        met = self.met(said.state, last, ioi, at)
        parts = met.hidden @ self._parts
        parts += self._parts_bias
        parts = parts.take(self._across)
        logits: np.ndarray = parts[127 - last : 255 - last] + self._register
        for first, root in ((255, at.harmony.chord.root), (395, at.harmony.coming.root)):
            if root is not None:
                start = first + (12 - root) % 12
                logits += parts[start : start + 128]
        if votes := self.line_votes(met, last, at, recall):
            logits = mixed(logits, *votes)
        if (bias := self.pitch_class_bias(said.state, recall)) is not None:
            logits += bias
        return logits

    # What is recalled

    def rhythm_votes(self, state: State, recall: float = 1.0) -> Votes | None:
        """What is recalled of when the next note comes, (49,); None where nothing is."""
        if self._rhythm_key is None or recall <= 0 or not state.past.notes:
            return None
        vote = self._rhythm_recall.vote(state.past, self._key_of_rhythm(state), recall, self._rhythm_part)
        return Votes(vote.share, vote.of(0, len(self._ioi_bias)))

    def line_votes(self, met: Met, last: int, at: Context, recall: float = 1.0) -> Votes | None:
        """What is recalled of which pitch comes, (128,); None where nothing is."""
        past = met.state.past
        if self._line_key is None or recall <= 0 or not past.notes:
            return None
        vote = self._line_recall.vote(past, self._key_of_line(met), recall, self._line_part)
        return Votes(vote.share, pitch_votes(vote.of(1, INTERVALS), vote.of(2, 13), last, at.harmony.chord.root))

    def pitch_class_bias(self, state: State, recall: float = 1.0) -> np.ndarray | None:
        """What the pitch classes that were heard add to the logits of the pitches, (128,); None where they add nothing."""
        if not self._class_bias or recall <= 0:
            return None
        return (recall * self._class_bias.bias(state.pitch_classes)).take(_CLASSES)

    # What learns

    @property
    def heads(self) -> Heads:
        """The output layers that learn from a player."""
        return Heads(self._ioi, self._ioi_bias, self._parts, self._parts_bias, self._register)

    def with_heads(self, heads: Heads) -> Model:
        """This model with other heads; all else is shared, so a state of one is a state of the other."""
        model = copy.copy(self)
        model._ioi, model._ioi_bias, model._parts, model._parts_bias, model._register = map(_contiguous, heads)
        return model

    def rhythm_of(self, state: State) -> np.ndarray:
        """The share of the activations that the head of the rhythm reads."""
        return state.a[: self._lines_from]

    def articulation(self, said: Said, pitch: int, last: int, ioi: int, at: Context) -> tuple[np.ndarray, np.ndarray]:
        """Logits of the next note's length (21,) and lag (13,)."""
        hidden = np.add.reduce(
            self._articulation_rows.take(np.array(articulation_columns(pitch, last, ioi, at)) + self._articulation_at, axis=0), axis=0
        )
        hidden += self._see(said.state).hidden[:, self._pitch_units :].ravel()
        np.maximum(hidden, 0.0, out=hidden)
        logits = hidden @ self._articulation_parts
        logits += self._articulation_bias
        return logits[:21], logits[21:]

    def met(self, state: State, last: int, ioi: int, at: Context) -> Met:
        """A state and the onset that comes next, before its pitch."""
        met, onset = self._met, onset_columns(last, ioi, at)
        if met is None or met.state is not state or met.onset != onset:
            hidden = np.add.reduce(self._onset_rows.take(np.array(onset) + self._onset_at, axis=0), axis=0)
            hidden += self._see(state).hidden[:, : self._pitch_units].ravel()
            np.maximum(hidden, 0.0, out=hidden)
            met = self._met = Met(state, onset, hidden)
        return met

    def _see(self, state: State) -> _Seen:
        seen = self._seen
        if seen is None or seen.state is not state:
            hidden = np.empty((self._members, self._hidden[0].shape[1]), np.float32)
            for row, (span, weights) in zip(hidden, self._hidden_of, strict=True):
                np.dot(state.a[span], weights, out=row)
            seen = self._seen = _Seen(state, hidden)
        return seen

    def _key_of_rhythm(self, state: State) -> np.ndarray:
        seen = self._see(state)
        if seen.key is None:
            assert self._rhythm_key is not None
            seen.key = self._rhythm_key(state.a[: self._lines_from])
        return seen.key

    def _key_of_line(self, met: Met) -> np.ndarray:
        if met.key is None:
            assert self._line_key is not None
            met.key = self._line_key(met.state.a[self._lines_from :], met.hidden)
        return met.key

    def expected_microtiming(self, logits: np.ndarray) -> float:
        """The mean lag in beats that logits (13,) say."""
        weighted, total = (np.exp(logits - logits.max()) @ self._lags).tolist()
        return float(weighted / total)


def _recall(card: Mapping[str, Any], weights: Mapping[str, np.ndarray], key: str) -> tuple[Projection | None, Recall]:
    """How keys are made and how they vote; no keys where their width is 0."""
    if not card["network"][key]:
        return None, Recall(1.0, 0.0, 0.0)
    return Projection(weights[f"{key}.kernel"], weights[f"{key}.mean"]), Recall.of(card["recall"][key])


def _mean(arrays: list[np.ndarray]) -> np.ndarray:
    return _contiguous(np.mean(arrays, axis=0))


def _contiguous(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)
