"""Learns a player from his phrases: a few clipped gradient steps a phrase, on the output layers of a model.

What it knows is a pure function of the base model, the profile that it begins with, and the lessons, in order. The base model
never changes: what is learned is a difference, added to its heads.

Several learners go side by side, one that learns nothing, one that learns slowly, one faster; each foretells every phrase before
it learns from it, and what that cost decides how far each is trusted. So a player who is foretold no better by what was learned
is soon played to by the model as it is. Each step is on the latest MEMORY notes of the player's, new and old.
Sources: Krause et al. 2018, Dynamic evaluation of neural sequence models; Dawid 1984 and Vovk 1990 for trust by what was
foretold; the gradients are those of `bptt.readout_backward`, through the mixture with what is recalled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from improv.core.heads import PARTS, Heads
from improv.core.line.lessons import Note, players
from improv.core.line.sampler import softmax
from improv.core.vocabulary import INTERVALS, REACH
from improv.models.model import Model

MEMORY = 256  # notes of the player's that a step is taken on
SPEEDS = (0.0, 1.0, 3.0)  # of the learners side by side; the first is the model as it is
RATES = (2e-4, 6e-4, 1.5e-4, 0.0, 6e-3)  # of each of Heads: the step for a gradient summed over notes, at speed 1
LARGEST_STEP = 0.05  # of any weight in one lesson
PATIENCE = 0.2  # how much a nat that was lost costs of the trust, as an exponent
FURTHEST = 50.0  # nats that costs may lie apart, so that nobody is distrusted for ever
OPEN = 5.0  # nats that costs may lie apart as a session begins: today it may be another who plays, or another tune
_PITCHES = np.arange(128)


@dataclass(frozen=True, slots=True)
class Rows:
    """What the heads saw of n notes, and what came. when: activations for the rhythm; which: the pitch head's hidden layer.

    from_ours: whether the note before was ours, so that its distance is nobody's rhythm. degrees: where its degree in the chord
    is among the parts, for each pitch, PARTS where there is no chord. share, votes: what was recalled.
    """

    when: np.ndarray  # (n, activations)
    ioi: np.ndarray  # (n,)
    ioi_share: np.ndarray  # (n, 1)
    ioi_votes: np.ndarray  # (n, 49)
    from_ours: np.ndarray  # (n,) bool
    which: np.ndarray  # (n, hidden)
    pitch: np.ndarray  # (n,)
    parts: np.ndarray  # (3, n, 128)
    share: np.ndarray  # (n, 1)
    votes: np.ndarray  # (n, 128)
    pitch_factors: np.ndarray  # (n, 128) by the pitch-class bias

    def __len__(self) -> int:
        return len(self.ioi)

    def then(self, later: Rows, most: int) -> Rows:
        """These and later ones, the latest `most` of them."""
        joined = {}
        for field in fields(Rows):
            axis = 1 if field.name == "parts" else 0
            both = np.concatenate([getattr(self, field.name), getattr(later, field.name)], axis=axis)
            joined[field.name] = both[:, -most:] if axis else both[-most:]
        return Rows(**joined)


class Foretold(NamedTuple):
    """nats: of each note's ioi and pitch, (2, n). The rest is what the gradients need."""

    nats: np.ndarray
    ioi: np.ndarray  # (n, 49) by the network alone
    ioi_mixed: np.ndarray
    pitch: np.ndarray  # (n, 128) likewise
    pitch_mixed: np.ndarray
    total: np.ndarray  # (n, 1) of the mixture, with the pitch-class bias


class Profile(NamedTuple):
    """All that a learner keeps: what each of SPEEDS but the first has moved the heads by; what each foretold the player's ioi
    and pitch at, (2, SPEEDS) in nats, the best at 0; lessons, notes: how many it was learned from."""

    moved: tuple[Heads, ...]
    costs: np.ndarray
    lessons: int = 0
    notes: int = 0

    @staticmethod
    def new(model: Model) -> Profile:
        return Profile((Heads.zeros(model.heads),) * (len(SPEEDS) - 1), np.zeros((2, len(SPEEDS))))

    def rested(self) -> Profile:
        """As a session begins with it: no learner is trusted so little that it could not soon be trusted again."""
        return self._replace(costs=np.minimum(self.costs, OPEN))

    @property
    def heads(self) -> Heads:
        """What is to be added to the model's heads: of each learner as much as it is trusted."""
        trust = np.exp(-PATIENCE * (self.costs - self.costs.min(axis=1, keepdims=True)))
        trust /= trust.sum(axis=1, keepdims=True)
        of_field = (0, 0, 1, 1, 1)  # which trust each array of Heads goes by
        sums = [np.zeros_like(a) for a in self.moved[0]]
        for k, moved in enumerate(self.moved, start=1):
            for total, row, array in zip(sums, of_field, moved, strict=True):
                total += np.float32(trust[row, k]) * array
        return Heads(*sums)


class Learner:
    """Learns from one lesson after the other. model: the base, used by this alone. profile: what was known before."""

    def __init__(self, model: Model, profile: Profile | None = None):
        self.profile = profile or Profile.new(model)
        self._model, self._heads = model, model.heads
        self._state = model.start()
        self._ours = True  # whether the latest note was ours, or there was none
        self._memory: Rows | None = None

    def learn(self, notes: Sequence[Note]) -> Heads:
        """What the profile says after one more lesson: its heads."""
        rows = self.hear(notes)
        if rows is None:
            self.profile = self.profile._replace(lessons=self.profile.lessons + 1)
            return self.profile.heads
        memory = self._memory = rows if self._memory is None else self._memory.then(rows, MEMORY)
        moved, costs = list(self.profile.moved), self.profile.costs.copy()
        costs[:, 0] += foretell(rows, self._heads).nats.sum(axis=1)
        for k, speed in enumerate(SPEEDS[1:]):
            costs[:, k + 1] += foretell(rows, self._heads.plus(moved[k])).nats.sum(axis=1)
            gradient = gradients(memory, self._heads.plus(moved[k]))
            steps = (np.clip(np.float32(speed * rate) * g, -LARGEST_STEP, LARGEST_STEP) for rate, g in zip(RATES, gradient, strict=True))
            moved[k] = moved[k].plus(Heads(*steps), -1.0)
        costs = np.minimum(costs - costs.min(axis=1, keepdims=True), FURTHEST)
        self.profile = Profile(tuple(moved), costs, self.profile.lessons + 1, self.profile.notes + len(rows))
        return self.profile.heads

    def hear(self, notes: Sequence[Note]) -> Rows | None:
        """Go on by these notes; what the heads saw of the player's; None where there are none."""
        seen: list[tuple[object, ...]] = []
        for note in notes:
            value, last, at, trust = note
            if players(note) and last is not None:
                seen.append(self._row(note, last))
            self._state = self._model.step(self._state, value, last, at, trust)
            self._ours = not players(note)
        if not seen:
            return None
        columns = {field.name: np.array(column) for field, column in zip(fields(Rows), zip(*seen, strict=True), strict=True)}
        columns["parts"] = columns["parts"].transpose(1, 0, 2)
        return Rows(**columns)

    def _row(self, note: Note, last: int) -> tuple[object, ...]:
        """One note as a row, in the order of the fields of Rows."""
        model, state, (value, _, at, _) = self._model, self._state, note
        met = model.met(state, last, value.ioi, at)
        rhythm, line, bias = model.rhythm_votes(state), model.line_votes(met, last, at), model.pitch_class_bias(state)
        none = np.full(128, PARTS)
        now, coming = at.harmony.chord.root, at.harmony.coming.root
        parts = (
            np.clip(_PITCHES - last, -REACH, REACH) + REACH,
            none if now is None else INTERVALS + (_PITCHES - now) % 12,
            none if coming is None else INTERVALS + 12 + (_PITCHES - coming) % 12,
        )
        return (
            model.rhythm_of(state).copy(),
            value.ioi,
            np.array([rhythm.share if rhythm else 0.0], np.float32),
            np.float32(rhythm.votes) if rhythm else np.zeros(49, np.float32),
            self._ours,
            met.hidden.copy(),
            value.pitch,
            parts,
            np.array([line.share if line else 0.0], np.float32),
            np.float32(line.votes) if line else np.zeros(128, np.float32),
            np.ones(128, np.float32) if bias is None else np.exp(np.float32(bias)),
        )


def foretell(rows: Rows, heads: Heads) -> Foretold:
    """What heads foretell of notes, with what is recalled; as `Model.read` and `Model.pitch` do, of many at once."""
    n = np.arange(len(rows))
    ioi = softmax(rows.when @ heads.ioi + heads.ioi_bias, axis=1)
    ioi_mixed = (1.0 - rows.ioi_share) * ioi + rows.ioi_share * rows.ioi_votes + np.float32(1e-9)
    parts = np.zeros((len(rows), PARTS + 1), heads.parts.dtype)  # the last one is none
    parts[:, :PARTS] = rows.which @ heads.parts + heads.parts_bias
    pitch = softmax(np.take_along_axis(parts[None], rows.parts, axis=2).sum(axis=0) + heads.register, axis=1)
    pitch_mixed = (1.0 - rows.share) * pitch + rows.share * rows.votes + np.float32(1e-9)
    total = (pitch_mixed * rows.pitch_factors).sum(axis=1, keepdims=True)
    came = pitch_mixed[n, rows.pitch] * rows.pitch_factors[n, rows.pitch] / total[:, 0]
    when = np.where(rows.from_ours, np.float32(1.0), ioi_mixed[n, rows.ioi])
    return Foretold(-np.log(np.array([when, came], np.float64)), ioi, ioi_mixed, pitch, pitch_mixed, total)


def gradients(rows: Rows, heads: Heads) -> Heads:
    """Gradients of the nats that the notes cost, summed, by the heads."""
    n = np.arange(len(rows))
    said = foretell(rows, heads)
    # The network is to blame for as much of a class's probability as is not recalled.
    blame = (1.0 - rows.ioi_share[:, 0]) * said.ioi[n, rows.ioi] / said.ioi_mixed[n, rows.ioi] * ~rows.from_ours
    by_ioi = blame[:, None] * said.ioi
    by_ioi[n, rows.ioi] -= blame
    by_mixed = rows.pitch_factors / said.total
    by_mixed[n, rows.pitch] -= 1.0 / said.pitch_mixed[n, rows.pitch]
    by_mixed *= 1.0 - rows.share
    by_pitch = said.pitch * (by_mixed - (by_mixed * said.pitch).sum(axis=1, keepdims=True))
    wide = PARTS + 1
    places = (rows.parts + (n * wide)[:, None]).ravel()
    by_parts = np.bincount(places, np.broadcast_to(by_pitch, rows.parts.shape).ravel(), len(rows) * wide)
    by_parts = by_parts.reshape(len(rows), wide)[:, :PARTS].astype(heads.parts.dtype)
    return Heads(rows.when.T @ by_ioi, by_ioi.sum(axis=0), rows.which.T @ by_parts, by_parts.sum(axis=0), by_pitch.sum(axis=0))
