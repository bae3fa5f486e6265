"""A critic is taught: phrases are cut as they are drawn, trees say what scikit-learn's say, and two critics say the sum."""

from __future__ import annotations

import numpy as np
import pytest

from improv.core.line.phrase import MOST
from improv.core.line.traits import NAMES, Noted
from improv.train.criticism import both, grown, phrases_of, real_line, rows_of
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
    assert both(None, critic) is critic
    assert both(critic, critic).odds(rows) == pytest.approx(2 * critic.odds(rows), abs=1e-5)
