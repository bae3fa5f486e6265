"""The gradients by hand against numerical ones; the LSTM by hand against the one that plays."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from improv.models.lstm import Cells
from improv.tutorials.bptt import (
    GATES,
    clipped,
    from_kernel,
    lstm_backward,
    lstm_forward,
    readout_backward,
    rnn_backward,
    rnn_forward,
    softmax_cross_entropy,
)

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 4), st.integers(1, 3), st.integers(1, 5), st.integers(0, 10**6))


def drawn(kind: str, n_x: int, n_a: int, n_y: int, m: int, steps: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Everything a loss depends on, by name, and the classes that come."""
    rng = np.random.default_rng(seed)
    if kind == "rnn":
        shapes = {"Wax": (n_a, n_x), "Waa": (n_a, n_a), "ba": (n_a, 1), "Wya": (n_y, n_a), "by": (n_y, 1)}
    else:
        shapes = {f"W{g}": (n_a, n_a + n_x) for g in GATES} | {f"b{g}": (n_a, 1) for g in GATES}
        shapes |= {"Wy": (n_y, n_a), "by": (n_y, 1), "c0": (n_a, m)}
    shapes |= {"x": (n_x, m, steps), "a0": (n_a, m)}
    classes = rng.integers(-1, n_y, (m, steps))  # below 0: a step that is not counted
    return {name: 0.7 * rng.standard_normal(shape) for name, shape in shapes.items()}, classes


def loss_of(kind: str, given: dict[str, np.ndarray], classes: np.ndarray) -> float:
    return softmax_cross_entropy(forward(kind, given)[1], classes)[0]


def forward(kind: str, given: dict[str, np.ndarray]) -> tuple:
    if kind == "rnn":
        return rnn_forward(given["x"], given["a0"], given)
    a, y, _, caches = lstm_forward(given["x"], given["a0"], given, given["c0"])
    return a, y, caches


def by_hand(kind: str, given: dict[str, np.ndarray], classes: np.ndarray) -> dict[str, np.ndarray]:
    a, y, caches = forward(kind, given)
    last = "Wya" if kind == "rnn" else "Wy"
    out = readout_backward(softmax_cross_entropy(y, classes)[1], a, given[last])
    backward = rnn_backward if kind == "rnn" else lstm_backward
    return backward(out["a"], caches) | {last: out["W"], "by": out["b"]}


def numerical(loss: Callable[[], float], array: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Differences of the sixth order (Fornberg 1988), so that they are exact enough to judge by."""
    found = np.empty_like(array)
    for at in np.ndindex(array.shape):
        kept = array[at]

        def moved(by: float, at: tuple[int, ...] = at, kept: float = kept) -> float:
            array[at] = kept + by * step
            return loss()

        found[at] = (45 * (moved(1) - moved(-1)) - 9 * (moved(2) - moved(-2)) + moved(3) - moved(-3)) / (60 * step)
        array[at] = kept
    return found


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(SHAPES)
def test_gradients_are_those_of_the_loss(kind: str, shape: tuple[int, ...]) -> None:
    given, classes = drawn(kind, *shape)
    found = by_hand(kind, given, classes)
    assert set(found) == set(given)
    for name, gradient in found.items():
        true = numerical(lambda: loss_of(kind, given, classes), given[name])
        error = np.linalg.norm(gradient - true) / max(np.linalg.norm(gradient) + np.linalg.norm(true), 1e-3)
        assert error < 1e-7, (name, error)


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_an_early_input_is_blamed_for_a_late_mistake(kind: str) -> None:
    given, classes = drawn(kind, 3, 4, 3, 1, 6, seed=1)
    classes[:] = -1
    classes[0, -1] = 2
    assert np.abs(by_hand(kind, given, classes)["x"][:, 0, 0]).min() > 0


def test_the_lstm_by_hand_is_the_one_that_plays() -> None:
    rng = np.random.default_rng(3)
    inputs, units, steps = 7, 5, 40
    kernel, recurrent = rng.standard_normal((inputs, 4 * units)), rng.standard_normal((units, 4 * units))
    bias = rng.standard_normal(4 * units)
    cells, rows = Cells([kernel], [recurrent], [bias], summed=1), rng.integers(0, inputs, steps)
    a, c = cells.start()
    played = []
    for row in rows:
        a, c = cells.step(a, c, np.array([row]))
        played.append((a, c))
    x = np.eye(inputs)[rows].T[:, None, :]
    a_hand, _, c_hand, _ = lstm_forward(x, np.zeros((units, 1)), from_kernel(kernel, recurrent, bias))
    np.testing.assert_allclose(np.array([a for a, _ in played]), a_hand[:, 0].T, atol=2e-6)
    np.testing.assert_allclose(np.array([c for _, c in played]), c_hand[:, 0].T, atol=5e-6)


def test_a_certain_mistake_costs_much_and_no_number_is_lost() -> None:
    loss, dz = softmax_cross_entropy(np.array([1.0, 0.0]).reshape(2, 1, 1), np.array([[1]]))
    assert loss > 700
    assert dz.ravel().tolist() == [1.0, -1.0]


def test_clipping_is_by_element() -> None:
    assert clipped({"W": np.array([-9.0, 0.5, 7.0])}, 5.0)["W"].tolist() == [-5.0, 0.5, 5.0]
