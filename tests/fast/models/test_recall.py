"""What was heard before has a say: the past as a value, its votes, and what they do to the model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.harmony import parse_chord
from improv.core.line.sampler import probabilities
from improv.core.vocabulary import INTERVALS, REACH, Context, Value
from improv.models.model import Model
from improv.models.recall import LARGEST_SHARE, SPAN, Past, Projection, Recall, mixed, pitch_votes
from improv.train.example import example_piece


def rows(count: int, width: int = 4) -> np.ndarray:
    keys = np.random.default_rng(count).standard_normal((count, width)).astype(np.float32)
    return keys / np.linalg.norm(keys, axis=1, keepdims=True)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=40))
def test_a_past_is_a_value_whoever_goes_on_from_it(branches: list[tuple[int, int]]) -> None:
    pasts, told = [Past.empty(2)], [()]
    for from_, entry in branches:
        k = from_ % len(pasts)
        pasts.append(pasts[k].and_then(np.full(2, entry, np.float32), (entry,)))
        told.append((*told[k], entry))
    for past, entries in zip(pasts, told, strict=True):
        keys, remembered, _ = past.latest()
        assert tuple(remembered[:, 0]) == entries
        assert tuple(keys[:, 0]) == entries


def test_the_last_span_of_notes_is_remembered() -> None:
    past = Past.empty(1)
    for i in range(3 * SPAN + 7):
        past = past.and_then(np.zeros(1, np.float32), (i,))
    assert past.latest()[1][:, 0].tolist() == list(range(2 * SPAN + 7, 3 * SPAN + 7))


def test_votes_are_a_softmax_over_cosines_and_the_share_grows_with_the_nearest() -> None:
    keys, recall = rows(20), Recall(9.0, -3.0, 4.0)
    past = Past.empty(4)
    for i, key in enumerate(keys):
        past = past.and_then(key, (i % 5,))
    asked = rows(21)[20]
    weights = np.exp(9.0 * (keys @ asked).astype(float))
    expected = [weights[k::5].sum() / weights.sum() for k in range(5)]
    vote = recall.vote(past, asked)
    np.testing.assert_allclose(vote.of(0, 5), expected, rtol=1e-5)
    assert vote.share == pytest.approx(1 / (1 + np.exp(3.0 - 4.0 * float((keys @ asked).max()))), rel=1e-5)
    assert recall.vote(past, keys[3]).share > vote.share
    assert recall.vote(past, asked, strength=100.0).share == LARGEST_SHARE


def test_notes_that_are_trusted_less_have_less_of_a_say() -> None:
    (key,), recall = rows(1), Recall(9.0, 0.0, 0.0)
    both = Past.empty(4).and_then(key, (0,), 1.0).and_then(key, (1,), 0.5)
    vote = recall.vote(both, key)
    np.testing.assert_allclose(vote.of(0, 2), [2 / 3, 1 / 3], rtol=1e-6)
    assert vote.share == pytest.approx(0.5 * 0.75)


@given(st.integers(0, 127), st.integers(0, 11), st.integers(0, 2**16))
def test_votes_for_pitches_follow_intervals_and_the_degrees_of_the_chord(last: int, root: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    intervals, degrees = rng.dirichlet(np.ones(INTERVALS)), rng.dirichlet(np.ones(13))
    for at in (root, None):
        votes = pitch_votes(intervals, degrees, last, at)
        assert votes.sum() == pytest.approx(1.0)
        for pitch in range(128):
            reachable = abs(pitch - last) <= REACH
            assert (votes[pitch] > 0) == reachable
    a, b = max(0, last - 2), min(127, last + 5)
    ratio = (intervals[b - last + REACH] / intervals[a - last + REACH]) * np.sqrt(
        (degrees[(b - root) % 12] + 0.02) / (degrees[(a - root) % 12] + 0.02)
    )
    votes = pitch_votes(intervals, degrees, last, root)
    assert votes[b] / votes[a] == pytest.approx(ratio)


def test_a_mixture_adds_up_to_one() -> None:
    logits = np.random.default_rng(1).standard_normal(7).astype(np.float32)
    votes = np.array([0, 0, 1, 0, 0, 0, 0.0])
    np.testing.assert_allclose(probabilities(mixed(logits, 0.3, votes)), 0.7 * probabilities(logits) + 0.3 * votes, atol=1e-6)


def test_keys_are_of_length_one_whatever_the_loudness_of_the_activations() -> None:
    rng = np.random.default_rng(2)
    project = Projection(rng.standard_normal((7, 3)), rng.standard_normal(3))
    a, b = rng.standard_normal((2, 4)).astype(np.float32)[:, :4], rng.standard_normal(3).astype(np.float32)
    key = project(a[0], b)
    assert np.linalg.norm(key) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(project(5 * a[0], 0.1 * b), key, atol=1e-4)


def test_a_lick_heard_before_becomes_likelier(model: Model) -> None:
    """After a lick was heard ten times, what follows its beginning is foretold better than without recall."""
    lick, at = [60, 64, 67, 71, 74, 72, 69, 65], Context(example_piece(3).contexts[0].harmony._replace(chord=parse_chord("Cmaj7")))
    state, last, gains = model.start(), None, []
    for k, pitch in enumerate(lick * 10):
        if last is not None and k > 6 * len(lick):
            said, plain = model.read(state), model.read(state, recall=0.0)
            with_it = probabilities(model.pitch(said, last, 6, at))[pitch]
            gains.append(with_it - probabilities(model.pitch(plain, last, 6, at, recall=0.0))[pitch])
            assert probabilities(said.ioi)[6] > probabilities(plain.ioi)[6]
        state = model.step(state, Value(6, pitch, 4, 6), last, at)
        last = pitch
    assert min(gains) > 0.1


def test_what_is_not_trusted_is_not_remembered_and_nothing_else_changes(model: Model) -> None:
    at, states = Context(), []
    for trust in (1.0, 0.0):
        state = model.step(model.start(), Value(0, 60, 4, 6), None, at, trust)
        states.append(model.step(state, Value(6, 62, 4, 6), 60, at, trust))
    remembered, forgotten = states
    assert (remembered.past.notes, forgotten.past.notes) == (1, 0)
    np.testing.assert_array_equal(remembered.a, forgotten.a)
    said = [probabilities(model.read(s, recall=0.0).ioi) for s in states]
    np.testing.assert_array_equal(*said)
    np.testing.assert_array_equal(probabilities(model.read(forgotten).ioi), said[1])
