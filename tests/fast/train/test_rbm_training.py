"""Contrastive divergence against the likelihood's own gradient, by counting all states; and piano rolls."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from improv.core.events import Event, NoteOff, NoteOn
from improv.models.rbm import Rbm
from improv.train.rbm import (
    LOWEST,
    PITCHES,
    STEPS,
    VISIBLE,
    Gradient,
    begin,
    contrastive_divergence,
    error_of,
    fit_songs,
    generate,
    notes_of_roll,
    stepped,
    windows_of,
)

SMALL, HIDDEN = 4, 3
ALL = np.array(list(itertools.product((0.0, 1.0), repeat=SMALL)))
SONG = np.array([[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 1, 0], [1, 1, 0, 0]], float)


def some(seed: int = 3) -> Rbm:
    rng = np.random.default_rng(seed)
    return Rbm(rng.normal(size=(SMALL, HIDDEN)), rng.normal(size=SMALL), rng.normal(size=HIDDEN))


def log_likelihood(rbm: Rbm, v: np.ndarray, clamped: int = 0) -> float:
    """Mean over rows of log p(v), or of log p(the others | the clamped ones), by counting."""
    said = 0.0
    for row in v:
        alike = ALL[(ALL[:, :clamped] == row[:clamped]).all(1)]
        said += float(-rbm.free_energy(row[None])[0] - np.log(np.exp(-rbm.free_energy(alike)).sum()))
    return said / len(v)


def numerical(rbm: Rbm, v: np.ndarray, clamped: int = 0, by: float = 1e-5) -> Gradient:
    """The gradient of the log-likelihood, by differences."""
    parts = [rbm.weights, rbm.visible, rbm.hidden]
    found = [np.zeros_like(part) for part in parts]
    for k, part in enumerate(parts):
        for at in np.ndindex(part.shape):
            up, down = ([p.copy() for p in parts] for _ in range(2))
            up[k][at] += by
            down[k][at] -= by
            found[k][at] = (log_likelihood(Rbm(*up), v, clamped) - log_likelihood(Rbm(*down), v, clamped)) / (2 * by)
    return Gradient(*found)


def flat(gradient: Gradient) -> np.ndarray:
    return np.concatenate([gradient.weights.ravel(), gradient.visible, gradient.hidden])


@pytest.mark.parametrize("clamped", [0, 2])
def test_a_long_chain_gives_the_gradient_of_the_likelihood(clamped: int) -> None:
    rbm, rng = some(), np.random.default_rng(0)
    found = flat(contrastive_divergence(rbm, np.tile(SONG, (20_000, 1)), rng, 40, clamped))
    right = flat(numerical(rbm, SONG, clamped))
    if clamped:
        right_bias = right[SMALL * HIDDEN : SMALL * HIDDEN + clamped]
        np.testing.assert_allclose(right_bias, 0, atol=1e-9)  # what is given says nothing of itself
    np.testing.assert_allclose(found, right, atol=0.006)  # of 80,000 rows; by chance 0.002
    assert np.abs(right).max() > 0.2


def test_one_step_gives_what_one_step_is_expected_to() -> None:
    """The chance of going from any v to any other in one step, written out, instead of drawn."""
    rbm = some()
    every_h = np.array(list(itertools.product((0.0, 1.0), repeat=HIDDEN)))

    def chance(p: np.ndarray, all_bits: np.ndarray) -> np.ndarray:
        return np.prod(np.where(all_bits[None] == 1, p[:, None], 1 - p[:, None]), axis=2)

    after = chance(rbm.hidden_given(SONG), every_h) @ chance(rbm.visible_given(every_h), ALL)  # (rows, all v)
    h, h_all = rbm.hidden_given(SONG), rbm.hidden_given(ALL)
    weights = (SONG.T @ h - np.einsum("rv,vi,vj->ij", after, ALL, h_all)) / len(SONG)
    expected = Gradient(weights, (SONG - after @ ALL).mean(0), (h - after @ h_all).mean(0))
    found = contrastive_divergence(rbm, np.tile(SONG, (20_000, 1)), np.random.default_rng(0))
    np.testing.assert_allclose(flat(found), flat(expected), atol=0.006)
    exact = flat(numerical(rbm, SONG))
    assert flat(expected) @ exact > 0  # it points upwards, and is not the gradient itself
    assert np.abs(flat(expected) - exact).max() > 0.03


def test_training_makes_the_songs_likelier() -> None:
    rng = np.random.default_rng(5)
    rbm = begin(SMALL, HIDDEN, rng, np.float64)
    before = log_likelihood(rbm, SONG)
    for _ in range(3000):
        rbm = stepped(rbm, contrastive_divergence(rbm, np.tile(SONG, (10, 1)), rng), 0.1)
    assert before == pytest.approx(-SMALL * np.log(2), abs=0.05)  # it began with every bit by chance
    best = -1.04  # nats: three rows of which one comes twice
    assert best - 0.35 < log_likelihood(rbm, SONG) < best + 0.01


# Piano rolls


def song(notes: list[tuple[float, float, int]]) -> list[Event]:
    """Notes as (on, off, pitch), in seconds."""
    return [e for on, off, pitch in notes for e in (NoteOn(on, pitch, 80), NoteOff(off, pitch))]


def places(bits: np.ndarray) -> list[tuple[int, int]]:
    """(step, MIDI pitch) of the bits that are 1."""
    return [(int(step), int(pitch) + LOWEST) for step, pitch in np.argwhere(bits)]


def test_a_roll_has_held_and_struck_bits_by_the_sixteenth() -> None:
    # At 60 a minute, a sixteenth is 0.25 s. A chord held for a beat, a note repeated, one outside the range.
    events = song([(0.0, 1.0, 60), (0.0, 1.0, 64), (0.5, 0.75, 67), (0.75, 1.0, 67), (3.5, 3.75, 72), (0.0, 1.0, 5)])
    (roll,) = windows_of(events, 60.0).reshape(-1, STEPS, 2, PITCHES)
    assert places(roll[:, 0]) == [*((0, 60), (0, 64), (1, 60), (1, 64), (2, 60), (2, 64), (2, 67), (3, 60), (3, 64), (3, 67), (14, 72))]
    assert places(roll[:, 1]) == [(0, 60), (0, 64), (2, 67), (3, 67), (14, 72)]
    assert notes_of_roll(roll.ravel()) == [(0, 4, 60), (0, 4, 64), (2, 1, 67), (3, 1, 67), (14, 1, 72)]


def test_what_does_not_fill_a_window_is_dropped_and_a_double_tempo_halves_the_steps() -> None:
    events = song([(0.25 * i, 0.25 * i + 0.2, 60) for i in range(40)])
    assert windows_of(events, 60.0).shape == (2, VISIBLE)
    assert windows_of(events, 120.0).shape == (5, VISIBLE)
    assert windows_of([], 120.0).shape == (0, VISIBLE)
    with pytest.raises(ValueError, match="longer than"):
        windows_of(song([(1e6, 1e6 + 1, 60)]), 120.0)


notes = st.lists(st.tuples(st.integers(0, 14), st.integers(1, 15), st.integers(24, 101)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(notes)
def test_a_roll_tells_the_notes_again(found: list[tuple[int, int, int]]) -> None:
    """Whatever bits: told as notes and made a roll again, they are the same notes."""
    events = song([(0.25 * on, 0.25 * min(on + long, STEPS), pitch) for on, long, pitch in found] + [(0.25 * 15, 0.25 * 16, 20)])
    roll = windows_of(events, 60.0)[0]
    told = notes_of_roll(roll)
    assert {(on, pitch) for on, _, pitch in told} == {(on, pitch) for on, _, pitch in found}
    again = windows_of(song([(0.25 * on, 0.25 * (on + long), pitch) for on, long, pitch in told] + [(0.25 * 15, 0.25 * 16, 20)]), 60.0)[0]
    assert np.array_equal(again, roll)


def test_a_machine_that_heard_one_chord_generates_it() -> None:
    rng = np.random.default_rng(1)
    chord = np.tile([1.0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0], (120, 1))  # two batches
    rbm = begin(12, 6, rng)
    before = error_of(rbm, chord)
    rbm = fit_songs(rbm, [chord] * 10, rng)
    assert error_of(rbm, chord) < 0.01 * before
    assert np.mean(generate(rbm, rng, 200) == chord[0]) > 0.95
