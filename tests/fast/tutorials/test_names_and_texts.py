"""The RNN that learns names and the LSTM that learns texts, by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from improv.titles.characters import Alphabet, nats, write
from improv.tutorials.names import NameWriter, begin, gradients, learn
from improv.tutorials.texts import Epoch, TrainingPlan, fit, from_runtime, model_of, to_runtime
from improv.tutorials.texts import begin as begin_lstm
from improv.tutorials.texts import gradients as lstm_gradients

LETTERS = Alphabet("\nabcdefghijklmnopqrstuvwxyz")
NAMES = ["anos", "bavi", "celtor", "dryos"]


def numerical(loss: Callable[[], float], w: np.ndarray, step: float = 1e-5) -> np.ndarray:
    found = np.empty_like(w)
    for i in np.ndindex(w.shape):
        kept = w[i]
        w[i] = kept + step
        above = loss()
        w[i] = kept - step
        found[i] = (above - loss()) / (2 * step)
        w[i] = kept
    return found


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6), st.text("ab", min_size=1, max_size=6))
def test_the_gradients_of_a_name_are_the_numerical_ones(seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    weights = {k: w + 0.5 * rng.standard_normal(w.shape) for k, w in begin(Alphabet("\nab"), 4, rng).items()}
    values, a0 = Alphabet("\nab").numbers(name + "\n"), rng.standard_normal((4, 1))
    _, found, _ = gradients(weights, values, a0)
    for k, w in weights.items():
        np.testing.assert_allclose(found[k], numerical(lambda: gradients(weights, values, a0)[0], w), atol=1e-7)


def test_names_are_learned_from_the_loss_that_chance_has_down_to_their_own_choice() -> None:
    learned = list(learn(NAMES, LETTERS, 30, 0.05, 1200, np.random.default_rng(0), carry=False))
    assert learned[0].loss == pytest.approx(7 * math.log(27))  # 23.07
    writer = NameWriter(LETTERS, learned[-1].weights)
    # Which name comes costs log 4 nats, and a little uncertainty is left; the smoothed loss trails behind.
    assert nats(writer, NAMES) * sum(len(n) + 1 for n in NAMES) / 4 == pytest.approx(math.log(4), abs=0.5)
    assert 1.4 < learned[-1].loss < 12.0
    rng = np.random.default_rng(1)
    drawn = [write(writer, rng) for _ in range(40)]
    assert set(NAMES) <= set(drawn)
    assert sum(name in NAMES for name in drawn) >= 30


def test_the_name_that_is_learned_and_the_one_that_is_written_have_one_mathematics() -> None:
    weights = {k: w * 30 for k, w in begin(LETTERS, 8, np.random.default_rng(3)).items()}
    loss, _, _ = gradients(weights, LETTERS.numbers("celtor\n"), np.zeros((8, 1)))
    assert nats(NameWriter(LETTERS, weights), ["celtor"]) == pytest.approx(loss / 7, rel=1e-9)


def test_carried_activations_are_those_the_name_before_ended_with() -> None:
    """Two names in turn: with carrying, the loss of the second is that of both in one row."""
    carried, fresh = (list(learn(NAMES[:2], LETTERS, 8, 0.0, 2, np.random.default_rng(0), carry)) for carry in (True, False))
    assert carried[1].loss == fresh[1].loss
    assert carried[2].loss != fresh[2].loss
    first, second = (LETTERS.numbers(NAMES[i] + "\n") for i in np.random.default_rng(0).permutation(2))
    weights = carried[0].weights
    loss, _, last = gradients(weights, first, np.zeros((8, 1)))
    assert carried[1].loss == pytest.approx(0.999 * carried[0].loss + 0.001 * loss, rel=1e-12)
    assert carried[2].loss == pytest.approx(0.999 * carried[1].loss + 0.001 * gradients(weights, second, last)[0], rel=1e-12)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6))
def test_the_gradients_of_a_batch_of_texts_are_the_numerical_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = {k: w.astype(np.float64) for k, w in begin_lstm(3, 4, rng).items()}
    values = np.array([[1, 2, 2, 0], [2, 0, -1, -1]])
    _, found = lstm_gradients(weights, values)
    for k, w in weights.items():
        np.testing.assert_allclose(found[k], numerical(lambda: lstm_gradients(weights, values)[0], w), atol=1e-7)


def test_the_same_with_dropout_for_one_and_the_same_draw() -> None:
    weights = {k: w.astype(np.float64) for k, w in begin_lstm(3, 6, np.random.default_rng(0)).items()}
    values, plan = np.array([[1, 2, 2, 0], [2, 0, -1, -1]]), TrainingPlan(6, drop=0.4, drop_recurrent=0.4)
    _, found = lstm_gradients(weights, values, plan, np.random.default_rng(5))
    assert (found["Wf"][:, :6] == 0).any()  # a weight that the batch did without
    for k, w in weights.items():
        near = numerical(lambda: lstm_gradients(weights, values, plan, np.random.default_rng(5))[0], w)
        np.testing.assert_allclose(found[k], near, atol=1e-7)


def test_what_is_trained_is_what_plays() -> None:
    weights = begin_lstm(len(LETTERS), 7, np.random.default_rng(0))
    there = from_runtime(to_runtime(weights))
    assert sorted(there) == sorted(weights)
    for name, w in weights.items():
        np.testing.assert_array_equal(there[name], w)
    texts = ["celtor", "an"]
    batch = np.full((2, 7), -1)
    batch[0], batch[1, :3] = LETTERS.numbers("celtor\n"), LETTERS.numbers("an\n")
    loss, _ = lstm_gradients(weights, batch)
    assert nats(model_of("x", LETTERS, to_runtime(weights)), texts) == pytest.approx(loss / 10, rel=1e-5)


def test_texts_are_learned_and_the_best_of_all_epochs_is_kept() -> None:
    told: list[Epoch] = []
    texts = [f"{a} {b}" for a in ("old", "red") for b in ("hen", "jug", "mill")]
    plan = TrainingPlan(units=24, epochs=60, batch=3, rate=0.02, drop=0.1, drop_recurrent=0.1)
    weights, best = fit(texts[:-1], texts[-1:], LETTERS_AND_SPACE, plan, told.append)
    model = model_of("x", LETTERS_AND_SPACE, weights)
    assert best == min(epoch.held for epoch in told) == nats(model, texts[-1:])
    assert [e.best for e in told] == [e.held < min([math.inf, *(b.held for b in told[:i])]) for i, e in enumerate(told)]
    assert told[0].learned > 2.0 > 0.6 > min(e.learned for e in told)
    assert write(model, np.random.default_rng(0), "old h", temperature=0.1) == "old hen"


LETTERS_AND_SPACE = Alphabet("\n abcdefghijklmnopqrstuvwxyz")
