"""The restricted Boltzmann machine against what counting all its states gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from improv.models.rbm import Rbm

VISIBLE, HIDDEN = 5, 3


def bits(n: int) -> np.ndarray:
    """All rows of n bits, (2**n, n)."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=n)))


ALL_V, ALL_H = bits(VISIBLE), bits(HIDDEN)


def some(seed: int) -> Rbm:
    rng = np.random.default_rng(seed)
    return Rbm(rng.normal(size=(VISIBLE, HIDDEN)), rng.normal(size=VISIBLE), rng.normal(size=HIDDEN))


def joint(rbm: Rbm) -> np.ndarray:
    """p(v, h) of all states, (2**visible, 2**hidden), by their energies, one by one."""
    energy = [
        [-(v @ rbm.visible) - (h @ rbm.hidden) - sum(v[i] * rbm.weights[i] @ h for i in range(VISIBLE)) for h in ALL_H] for v in ALL_V
    ]
    weight = np.exp(-np.array(energy))
    return weight / weight.sum()


seeds = st.integers(0, 10_000)


@settings(deadline=None)
@given(seeds)
def test_the_free_energy_is_minus_the_log_of_how_likely_it_is(seed: int) -> None:
    rbm = some(seed)
    p = joint(rbm).sum(1)
    free = rbm.free_energy(ALL_V)
    np.testing.assert_allclose(free[:, None] - free[None], np.log(p)[None] - np.log(p)[:, None], rtol=1e-9, atol=1e-9)


@settings(deadline=None)
@given(seeds)
def test_each_side_given_the_other_is_as_counted(seed: int) -> None:
    rbm = some(seed)
    p = joint(rbm)
    hidden = (p @ ALL_H) / p.sum(1, keepdims=True)
    visible = (p.T @ ALL_V) / p.sum(0)[:, None]
    np.testing.assert_allclose(rbm.hidden_given(ALL_V), hidden, rtol=1e-9)
    np.testing.assert_allclose(rbm.visible_given(ALL_H), visible, rtol=1e-9)


@settings(deadline=None)
@given(seeds, st.integers(1, VISIBLE - 1))
def test_clamped_bits_leave_a_machine_of_the_others(seed: int, n: int) -> None:
    rbm = some(seed)
    p = joint(rbm).sum(1).reshape(2**n, -1)  # the first bits turn slowest
    for clamped, row in zip(bits(n), p, strict=True):
        weight = np.exp(-rbm.given(clamped).free_energy(bits(VISIBLE - n)))
        np.testing.assert_allclose(weight / weight.sum(), row / row.sum(), rtol=1e-9)


@pytest.mark.parametrize("clamped", [0, 2])
def test_gibbs_steps_draw_as_likely_as_counted(clamped: int) -> None:
    rbm, rng, rows = some(4), np.random.default_rng(1), 60_000
    start = np.zeros((rows, VISIBLE))
    start[:, 0] = 1.0
    end = rbm.gibbs(start, rng, 30, clamped)
    p = joint(rbm).sum(1)
    if clamped:
        assert np.array_equal(end[:, :clamped], start[:, :clamped])
        p = np.where((ALL_V[:, :clamped] == start[0, :clamped]).all(1), p, 0)
        p /= p.sum()
    counted = np.bincount((end @ 2 ** np.arange(VISIBLE)[::-1]).astype(int), minlength=2**VISIBLE)
    assert np.abs(counted / rows - p).sum() < 0.02  # by chance 0.013
    assert p.max() > 3 / 2**VISIBLE  # which a generator that ignored the machine would not reach


def test_one_step_from_everywhere_keeps_the_machines_own_distribution() -> None:
    rbm = some(2)
    p_v, p_h = joint(rbm).sum(1), rbm.hidden_given(ALL_V)
    chance_h = np.prod(np.where(ALL_H[None] == 1, p_h[:, None], 1 - p_h[:, None]), axis=2)  # (v, h)
    p_back = rbm.visible_given(ALL_H)
    chance_v = np.prod(np.where(ALL_V[None] == 1, p_back[:, None], 1 - p_back[:, None]), axis=2)  # (h, v)
    np.testing.assert_allclose(p_v @ chance_h @ chance_v, p_v, rtol=1e-9)
