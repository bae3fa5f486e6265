"""The streaming step against the textbook's equations and against what Keras said."""

import numpy as np
import pytest
from made_up import NETWORK, random_weights

from improv.core.lstm import Cells
from improv.core.model import Model, ModelError, card_head, check
from improv.core.values import Context, Value
from improv.loader import load_model, stored_vector
from improv.train.example import example_piece, largest_difference, said_of


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def textbook_step(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, x: np.ndarray, a: np.ndarray, c: np.ndarray):  # type: ignore[no-untyped-def]
    i, f, g, o = np.split(x @ kernel + a @ recurrent + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def test_two_cells_side_by_side_are_two_textbook_cells() -> None:
    rng = np.random.default_rng(3)
    sizes, inputs = (3, 5), 11
    weights = [[rng.standard_normal(s) for s in ((inputs, 4 * u), (u, 4 * u), (4 * u,))] for u in sizes]
    cells = Cells(*(list(group) for group in zip(*weights, strict=True)), summed=3)
    state = cells.start()
    expected = [(np.zeros(u), np.zeros(u)) for u in sizes]
    for _ in range(50):
        rows = rng.choice(inputs, 3, replace=False)
        x = np.zeros(inputs)
        x[rows] = 1
        state = cells.step(state, rows)
        expected = [textbook_step(*w, x, *ac) for w, ac in zip(weights, expected, strict=True)]
        np.testing.assert_allclose(state.a, np.concatenate([a for a, _ in expected]), atol=1e-5)
        np.testing.assert_allclose(state.c, np.concatenate([c for _, c in expected]), atol=1e-5)


def test_a_state_is_a_value_that_steps_leave_alone(model: Model) -> None:
    before = model.step(model.start(), Value(6, 60, 4, 6), None, Context())
    kept = (before.a.copy(), before.c.copy())
    for pitch in (61, 72, 40):
        model.step(before, Value(6, pitch, 4, 6), 60, Context())
    np.testing.assert_array_equal(before.a, kept[0])
    np.testing.assert_array_equal(before.c, kept[1])


def test_the_shipped_model_says_what_keras_said() -> None:
    vector = stored_vector("jazz")
    assert len(vector["end"]) == 499
    assert largest_difference(load_model("jazz"), vector) < 1e-5


def test_distributions_are_distributions_and_depend_on_the_past(model: Model) -> None:
    piece = example_piece(40)
    said = said_of(model, piece)
    for name in ("ioi", "pitch", "duration", "lag"):
        np.testing.assert_allclose(said[name].sum(1), 1, atol=1e-9)
        assert np.abs(said[name][5] - said[name][25]).max() > 1e-4


@pytest.mark.parametrize(
    ("card", "weights", "says"),
    [
        ({"format": 2}, {}, "format 2"),
        ({"vocabulary_hash": "other"}, {}, "another vocabulary"),
        ({"network": None}, {}, "no network"),
        ({"network": NETWORK | {"line_units": -1}}, {}, "line_units"),
        ({"network": NETWORK | {"line_units": 10**9}}, {}, "line_units"),
        ({}, {"ioi.kernel": None}, "ioi.kernel is missing"),
        ({}, {"ioi.kernel": np.zeros((2, 49), np.float32)}, "the card promises"),
        ({}, {"ioi.bias": np.full(49, np.nan, np.float32)}, "no numbers"),
        ({}, {"ioi.bias": np.zeros(49, np.float64)}, "float64"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(card: dict[str, object], weights: dict[str, np.ndarray | None], says: str) -> None:
    mixed = random_weights() | weights
    with pytest.raises(ModelError, match=says):
        check(card_head("x", NETWORK) | card, {k: v for k, v in mixed.items() if v is not None})
