"""The small networks of bass and drums: their gradients are those of their losses."""

import numpy as np
import pytest

from improv.models.small_net import PARTS, SmallNet
from improv.train.small_net import SmallFit, _gradient, begun, fit_small, rows_of, said_of

SIGNS, A, B, OUT, ROWS = 7, 6, 5, 3, 12
HOW = SmallFit(drop_signs=0.0, drop=0.0)


def made() -> tuple[SmallNet, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    net = begun(SIGNS, A, B, OUT, rng, 3)
    net = SmallNet(**{part: (getattr(net, part) + 0.1 * rng.standard_normal(getattr(net, part).shape)) for part in PARTS})
    there = rng.integers(0, SIGNS + 1, (ROWS, 3))  # the last sign is none
    return net, there, rng.standard_normal((ROWS, OUT))


def test_gradients_are_those_of_the_loss() -> None:
    net, there, wanted = made()

    def loss(rows: np.ndarray, out: np.ndarray) -> tuple[float, np.ndarray]:
        return float(((out - wanted[rows]) ** 2).sum()), 2 * (out - wanted[rows])

    rows = np.arange(ROWS)
    _, by = _gradient(net, there, rows, loss, np.random.default_rng(0), HOW)
    for part in PARTS:
        weights = getattr(net, part)
        for at in list(np.ndindex(weights.shape))[::3]:
            said = []
            for step in (1e-4, -1e-4):
                moved = weights.copy()
                moved[at] += step
                other = SmallNet(**{p: moved if p == part else getattr(net, p) for p in PARTS})
                said.append(_gradient(other, there, rows, loss, np.random.default_rng(0), HOW)[0] / ROWS)
            assert by[part][at] == pytest.approx((said[0] - said[1]) / 2e-4, abs=2e-3)


def test_many_rows_say_what_single_ones_do() -> None:
    net, there, _ = made()
    whole = said_of(net, there, batch=5)
    for row, said in zip(there.tolist(), whole, strict=True):
        assert net.said(sorted({s for s in row if s < SIGNS})) == pytest.approx(said, abs=1e-5)
    assert rows_of(np.array([[1, 7, 7]]), SIGNS).tolist() == [[0, 1, 0, 0, 0, 0, 0]]


def test_it_learns_what_depends_on_two_signs_at_once() -> None:
    there = np.array([[a, 2 + b] for a in (0, 1) for b in (0, 1)] * 16)
    wanted = (there[:, 0] != there[:, 1] - 2).astype(float)[:, None]

    def loss(rows: np.ndarray, out: np.ndarray) -> tuple[float, np.ndarray]:
        return float(((out - wanted[rows]) ** 2).sum()), 2 * (out - wanted[rows])

    rng = np.random.default_rng(0)
    how = SmallFit(epochs=60, batch=16, rate=0.02, drop_signs=0.0, drop=0.0, average=0.9)
    net = fit_small(begun(4, 8, 8, 1, rng, 2), there, loss, rng, how)
    assert said_of(net, there) == pytest.approx(wanted, abs=0.1)


def test_who_looks_on_may_keep_the_network_of_an_epoch() -> None:
    net, there, wanted = made()

    def loss(rows: np.ndarray, out: np.ndarray) -> tuple[float, np.ndarray]:
        return float(((out - wanted[rows]) ** 2).sum()), 2 * (out - wanted[rows])

    kept: list[SmallNet] = []
    then: list[np.ndarray] = []

    def look(epoch: int, net: SmallNet, cost: float) -> None:
        kept.append(net)
        then.append(said_of(net, there))

    fit_small(net, there, loss, np.random.default_rng(0), SmallFit(epochs=3, batch=4), look)
    assert [said_of(net, there).tolist() for net in kept] == [said.tolist() for said in then]
