"""Microtiming: drawn from what the model foretells, alike from note to note; and times that slip beside the beat."""

from __future__ import annotations

import numpy as np
import pytest

from improv.core.line.draw import slips
from improv.core.line.microtiming import SWAY, drawn_lag, swayed
from improv.core.vocabulary import Vocabulary

LAGS = Vocabulary().lags


def test_lags_have_the_distribution_that_is_foretold() -> None:
    shares = np.array([0.02, 0.03, 0.05, 0.05, 0.1, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0.03, 0.02])
    rng = np.random.default_rng(0)
    drawn = [drawn_lag(np.log(shares), float(z), LAGS) for z in rng.standard_normal(20_000)]
    classes = [Vocabulary().nearest_lag(lag) for lag in drawn]
    assert np.bincount(classes, minlength=13) / len(drawn) == pytest.approx(shares, abs=0.01)
    assert len(set(drawn)) > 19_000  # on no raster


def test_a_model_that_knows_one_lag_keeps_to_it() -> None:
    certain = np.full(13, -30.0)
    certain[8] = 0.0
    assert {drawn_lag(certain, z, LAGS) for z in (-5.0, -1.0, 0.0, 2.0, 5.0)} == {LAGS[8]}


def test_the_furthest_deviates_stay_within_the_lags() -> None:
    assert LAGS[0] - 1 / 48 <= drawn_lag(np.zeros(13), -40.0, LAGS) < drawn_lag(np.zeros(13), 40.0, LAGS) <= LAGS[-1] + 1 / 48


def test_one_deviate_is_like_the_next() -> None:
    rng, sway, run = np.random.default_rng(0), 0.0, []
    for _ in range(20_000):
        sway = swayed(sway, rng)
        run.append(sway)
    assert np.std(run) == pytest.approx(1.0, abs=0.03)
    assert np.corrcoef(run[1:], run[:-1])[0, 1] == pytest.approx(SWAY, abs=0.03)


def test_what_slips_beside_the_beat_is_left_out_unless_it_is_meant() -> None:
    logits = np.full(49, -2.0)
    logits[6], logits[7] = 0.0, -3.0  # after an off-beat: the beat, and a slip behind it
    found = slips(logits, 6)
    assert np.flatnonzero(found).tolist() == [7]
    logits[7] = -1.0  # now it is meant
    assert not slips(logits, 6).any()
    assert not slips(logits, 3)[[2, 4, 6]].any()  # elsewhere than beside the beat nothing slips
