"""Teaches a critic: phrases of real solos against those that a model plays over the same changes. See `core.line.critic`."""

from __future__ import annotations

import math
import queue
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from improv.core.events import Event, NoteOn
from improv.core.line.critic import Critic
from improv.core.line.generator import OWN_TRUST
from improv.core.line.memory import Memory
from improv.core.line.phrase import MOST, TAKE_UP, Ways, stands
from improv.core.line.phrasing import Turn
from improv.core.line.traits import NAMES, WENT_BEFORE, Before, Noted, traits
from improv.core.modes.line import LONG_REST_ENDS
from improv.core.note_model import NoteModel
from improv.core.vocabulary import GRID, Vocabulary
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.train.evaluation.playing import alone
from improv.train.evaluation.takes import real_take
from improv.train.piece import Piece


def real_line(piece: Piece) -> list[Noted]:
    """The notes of a real solo; of two on one place the first."""
    notes: list[Noted] = []
    for position, value, at in zip(piece.onsets, piece.values, piece.contexts, strict=True):
        if not notes or position > notes[-1].position:
            notes.append(Noted.of(position, value, at))
    return notes


def our_line(model: NoteModel, piece: Piece, seed: int) -> list[Noted]:
    """What a model plays alone over a piece's changes, as `takes.our_take` does. Beat 0 of the piece must begin a bar."""
    band, improviser = alone(model, piece, "solo", seed, real_take(piece).bars)
    notes: list[Noted] = []

    def sent(event: Event) -> None:
        if isinstance(event, NoteOn):
            notes.append(improviser.generator.memory.line[-1])

    perform(band, OfflineClock(()), queue.SimpleQueue(), sent)
    return notes


def proposals(model: NoteModel, piece: Piece, rng: np.random.Generator) -> list[list[float]]:
    """The traits of phrases as a model would go on after each phrase of a real solo, one for each; it hears the solo as if it played
    it itself. Beat 0 of the piece must begin a bar.

    Of them as many take up a figure as of the ways among which the critic chooses: so what a critic learns from these is how much
    likelier a phrase is in a real solo than among its ways (noise-contrastive estimation, Gutmann and Hyvärinen 2010).
    """
    _, improviser = alone(model, piece, "solo", int(rng.integers(2**31)))
    generator, found, real = improviser.generator, [], real_line(piece)
    told = iter(_one_line(piece))

    def when(memory: Memory, turn: Turn, wanted: int | None = None) -> int | None:
        assert memory.position is not None
        last = len(memory.said.ioi) - 1
        ioi = wanted or generator.draw_time(memory, 1, last)
        return memory.position + ioi + (GRID * (int(rng.geometric(LONG_REST_ENDS)) - 1) if ioi == last else 0)

    for first, after, _ in phrases_of(real):
        memory = generator.memory
        if first:
            rested = real[first - 1].rests_until(real[first].position)
            # where it rested, the time of the next note was drawn with the phrase before, as it really was
            since = stands(memory, Turn(0.0, math.inf), False, real[first].position if rested else None, 0)
            ways = Ways(since, real[first - 1].position / GRID, 1, False, int(rng.random() < TAKE_UP))
            while not ways.go_on(generator, when):
                pass
            way = ways.ways[0]
            if way.notes:
                phrase = [note.plan.then.line[-1] for note in way.notes]
                found.append(traits(Before(memory.line), phrase, way.after.then))
        for _ in range(first, after):
            generator.take(*next(told), trust=OWN_TRUST)
    return found


def _one_line(piece: Piece) -> Iterator[tuple[int, int, float, float]]:
    """Pitch, position, duration and lag of each note of a solo, as a generator takes them; of two on one place the first."""
    durations, lags = Vocabulary().durations, Vocabulary().lags
    latest = -1
    for position, value in zip(piece.onsets, piece.values, strict=True):
        if position > latest:
            yield value.pitch, position, durations[value.duration] / GRID, lags[value.lag]
        latest = max(latest, position)


def phrases_of(line: Sequence[Noted]) -> Iterator[tuple[int, int, int]]:
    """First note, the note after the last, and where that comes, of each phrase of a line but the last; as phrases are drawn."""
    first = 0
    for k in range(1, len(line)):
        if k - first >= MOST or line[k - 1].rests_until(line[k].position):
            yield first, k, line[k].position
            first = k


def rows_of(line: Sequence[Noted]) -> list[list[float]]:
    """The traits of each phrase of a line."""
    return [traits(Before(line[:first]), line[first:after], then) for first, after, then in phrases_of(line)]


def learn(real: np.ndarray, ours: np.ndarray, rounds: int = 400, taken: np.ndarray | None = None, alone: bool = False) -> Critic:
    """A critic that tells real rows from ours, (phrases, traits) each, by so many trees.

    taken (phrases,): how often each of ours counts; None: once. alone: each tree asks one thing, and none asks what only tells how it
    went before the phrase: of few solos, more would be learned by heart.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, said = np.vstack([real, ours]), np.arange(len(real) + len(ours)) < len(real)
    counts = np.ones(len(ours)) if taken is None else taken
    weights = np.concatenate([np.full(len(real), counts.sum() / len(real)), counts])
    if alone:
        rows[:, [NAMES.index(name) for name in WENT_BEFORE]] = 0.0
    trees = HistGradientBoostingClassifier(
        max_iter=rounds,
        learning_rate=0.07,
        max_leaf_nodes=4 if alone else 10,
        interaction_cst="no_interactions" if alone else None,
        l2_regularization=10.0 if alone else 5.0,
        min_samples_leaf=60 if alone else 40,
        early_stopping=False,
        random_state=0,
    ).fit(rows, said, sample_weight=weights / weights.mean())
    return grown(trees)


def taken(critic: Critic, rows: np.ndarray, draws: int = 40) -> np.ndarray:
    """How often each of some ways (ways, traits) is taken when a critic chooses among as many as it is asked about, (ways,); 1 is as
    often as any. draws: of the others."""
    odds, rng, total = critic.odds(rows), np.random.default_rng(0), np.zeros(len(rows))
    real = np.exp(odds - odds.max())
    for _ in range(draws):
        others = real[rng.integers(0, len(rows), (len(rows), critic.ways - 1))].sum(axis=1)
        total += critic.ways * real / (real + others)
    found: np.ndarray = total / draws
    return found


def both(one: Critic, other: Critic) -> Critic:
    """A critic that says what two say together: the odds against what the first has chosen, on top of its own."""
    shift = len(one.trait)
    left, right = (np.concatenate([getattr(one, name), getattr(other, name) + shift]) for name in ("left", "right"))
    whole = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in ("trait", "threshold", "value")}
    roots = np.concatenate([one.roots, other.roots + shift])
    return Critic(**whole, left=left, right=right, roots=roots, deepest=max(one.deepest, other.deepest), ways=one.ways)


def grown(trees: Any) -> Critic:
    """Trees of scikit-learn's as ours."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("trait", "threshold", "left", "right", "value")}
    roots, count, deepest = [], 0, 0
    for (tree,) in trees._predictors:
        nodes, leaf = tree.nodes, tree.nodes["is_leaf"].astype(bool)
        columns["trait"].append(np.where(leaf, -1, nodes["feature_idx"]))
        columns["threshold"].append(nodes["num_threshold"])
        columns["left"].append(nodes["left"].astype(int) + count)
        columns["right"].append(nodes["right"].astype(int) + count)
        columns["value"].append(np.where(leaf, nodes["value"], 0.0))
        roots.append(count)
        count += len(nodes)
        deepest = max(deepest, int(nodes["depth"].max()))
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    value = whole["value"].astype(np.float32)
    whole["threshold"] = np.nan_to_num(whole["threshold"], posinf=1e9, neginf=-1e9).astype(np.float32)
    return Critic(whole["trait"], whole["threshold"], whole["left"], whole["right"], value, np.array(roots), deepest)
