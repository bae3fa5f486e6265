"""A critic is taught: phrases are cut as they are drawn, trees say what scikit-learn's say, and two critics say the sum."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import random_weights, small_card

from improv.core.line.critic import Critic
from improv.core.line.phrase import MOST
from improv.core.line.traits import NAMES, Noted
from improv.models.model import Model
from improv.train.criticism import both, grown, phrases_of, proposals, real_line, rows_of, taken
from improv.train.example import example_piece


def test_phrases_are_cut_where_it_rests_and_where_they_are_long() -> None:
    line = [Noted(6 * k, 60, 6, 0, None, None) for k in range(5)]
    line += [Noted(60 + 6 * k, 60, 6, 0, None, None) for k in range(MOST + 4)]
    assert list(phrases_of(line)) == [(0, 5, 60), (5, 5 + MOST, 60 + 6 * MOST)]


def test_a_real_line_has_rows_of_numbers() -> None:
    line = real_line(example_piece(120, 1))
    rows = rows_of(line)
    assert len(rows) == len(list(phrases_of(line))) > 3
    assert {len(row) for row in rows} == {len(NAMES)}


def test_trees_say_what_scikit_learns_say() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, len(NAMES))).astype(np.float32)
    real = rows[:, 3] + rows[:, 7] * rows[:, 8] > 0
    trees = ensemble.HistGradientBoostingClassifier(max_iter=12, max_leaf_nodes=6).fit(rows, real)
    critic = grown(trees)
    apart = trees.decision_function(rows) - critic.odds(rows)
    assert apart == pytest.approx(apart[0], abs=1e-5)  # but for how many there were of each
    assert both(critic, critic).odds(rows) == pytest.approx(2 * critic.odds(rows), abs=1e-5)


def test_ways_on_in_a_real_solo_have_rows_of_numbers() -> None:
    """One for each phrase but the first and the last, where something is played; the same again from the same seed."""
    piece = example_piece(120, 1)
    rows, again = (proposals(Model(small_card(), random_weights()), piece, np.random.default_rng(2)) for _ in range(2))
    assert 0 < len(rows) < len(list(phrases_of(real_line(piece))))
    assert {len(row) for row in rows} == {len(NAMES)}
    assert rows == again


def test_how_often_a_way_is_taken_goes_by_its_odds() -> None:
    ints = [np.array(x, np.int32) for x in ([0, -1, -1], [1, 0, 0], [2, 0, 0], [0])]
    critic = Critic(ints[0], np.array([0.5, 0, 0], np.float32), ints[1], ints[2], np.array([0, 0, 1], np.float32), ints[3], 1, ways=8)
    rows = np.tile(np.array([[0.0], [1.0]]), (400, len(NAMES)))
    often = taken(critic, rows)
    assert often.mean() == pytest.approx(1.0, abs=0.02)
    assert 1.8 < often[1] / often[0] < np.e  # among eight, a little less than the odds
