"""Teaches a critic: phrases of real solos against those that a model plays over the same changes. See `core.line.critic`."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from improv.core.events import Event, NoteOn
from improv.core.line.critic import Critic
from improv.core.line.phrase import MOST
from improv.core.line.traits import REST, Before, Noted, traits
from improv.core.note_model import NoteModel
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


def phrases_of(line: Sequence[Noted]) -> Iterator[tuple[int, int, int]]:
    """First note, the note after the last, and where that comes, of each phrase of a line but the last; as phrases are drawn."""
    first = 0
    for k in range(1, len(line)):
        if k - first >= MOST or line[k].position - line[k - 1].position - line[k - 1].length >= REST:
            yield first, k, line[k].position
            first = k


def rows_of(line: Sequence[Noted]) -> list[list[float]]:
    """The traits of each phrase of a line."""
    return [traits(Before(line[:first]), line[first:after], then) for first, after, then in phrases_of(line)]


def learn(real: np.ndarray, ours: np.ndarray, rounds: int = 150) -> Critic:
    """A critic that tells real rows from ours, (phrases, traits) each."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, said = np.vstack([real, ours]), np.arange(len(real) + len(ours)) < len(real)
    weights = np.where(said, len(ours) / len(real), 1.0)
    trees = HistGradientBoostingClassifier(
        max_iter=rounds, learning_rate=0.06, max_leaf_nodes=10, l2_regularization=5.0, min_samples_leaf=40, random_state=0
    ).fit(rows, said, sample_weight=weights)
    return grown(trees)


def both(one: Critic | None, other: Critic) -> Critic:
    """A critic that says what two say together: the odds against what the first has chosen, on top of its own."""
    if one is None:
        return other
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
