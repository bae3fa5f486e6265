"""The streaming step against the textbook's equations and against what Keras said."""

import numpy as np
import pytest
from made_up import NETWORK, RECALL, random_weights, small_card

from improv.core.vocabulary import Context, Value
from improv.models.card import FORMAT, ModelError, check
from improv.models.loader import load_model, stored_vector
from improv.models.lstm import Cells
from improv.models.model import Model
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
    a, c = cells.start()
    expected = [(np.zeros(u), np.zeros(u)) for u in sizes]
    for _ in range(50):
        rows = rng.choice(inputs, 3, replace=False)
        x = np.zeros(inputs)
        x[rows] = 1
        a, c = cells.step(a, c, rows)
        expected = [textbook_step(*w, x, *ac) for w, ac in zip(weights, expected, strict=True)]
        np.testing.assert_allclose(a, np.concatenate([e for e, _ in expected]), atol=1e-5)
        np.testing.assert_allclose(c, np.concatenate([e for _, e in expected]), atol=1e-5)


def test_a_state_is_a_value_that_steps_leave_alone(model: Model) -> None:
    before = model.step(model.start(), Value(6, 60, 4, 6), None, Context())
    kept = (before.a.copy(), before.c.copy())
    for pitch in (61, 72, 40):
        model.step(before, Value(6, pitch, 4, 6), 60, Context())
    np.testing.assert_array_equal(before.a, kept[0])
    np.testing.assert_array_equal(before.c, kept[1])


def test_two_members_vote_with_their_mean() -> None:
    piece, weights = example_piece(12), random_weights()
    alone = []
    for k in range(2):
        own = {name.replace(f"{k}.", "0."): w for name, w in weights.items() if name.startswith(f"{k}.")}
        ends = {name: w for name, w in random_weights().items() if name.startswith("end")}
        ends["end_hidden.kernel"] = ends["end_hidden.kernel"][: NETWORK["rhythm_units"] + NETWORK["line_units"]]
        network = NETWORK | {"members": 1, "rhythm_key": 0, "line_key": 0}
        alone.append(said_of(Model(small_card() | {"network": network}, own | ends), piece))
    together = said_of(Model(small_card(), weights), piece)
    for name in ("ioi", "pitch", "duration", "lag"):
        mean = np.sqrt(alone[0][name] * alone[1][name])
        np.testing.assert_allclose(together[name], mean / mean.sum(1, keepdims=True), atol=1e-6)


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
        ({"format": FORMAT + 1}, {}, f"format {FORMAT + 1}"),
        ({"vocabulary_hash": "other"}, {}, "another vocabulary"),
        ({"network": None}, {}, "no network"),
        ({"network": NETWORK | {"line_units": -1}}, {}, "line_units"),
        ({"network": NETWORK | {"line_units": 10**9}}, {}, "line_units"),
        ({"network": NETWORK | {"members": 0}}, {}, "members"),
        ({"recall": {"rhythm_key": RECALL["rhythm_key"]}}, {}, "recall.line_key"),
        ({"recall": RECALL | {"line_key": RECALL["line_key"] | {"sharpness": "much"}}}, {}, "recall.line_key"),
        ({}, {"1.ioi.kernel": None}, "1.ioi.kernel is missing"),
        ({}, {"0.ioi.kernel": np.zeros((2, 49), np.float32)}, "the card promises"),
        ({}, {"0.ioi.bias": np.full(49, np.nan, np.float32)}, "no numbers"),
        ({}, {"0.ioi.bias": np.zeros(49, np.float64)}, "float64"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(card: dict[str, object], weights: dict[str, np.ndarray | None], says: str) -> None:
    mixed = random_weights() | weights
    with pytest.raises(ModelError, match=says):
        check(small_card() | card, {k: v for k, v in mixed.items() if v is not None})
