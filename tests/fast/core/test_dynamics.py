"""How loud: legal velocities, accents as the tables say, the player's loudness taken over."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.events import NoteOff, NoteOn
from improv.core.line import accents
from improv.core.line.dynamics import GAPS, LENGTHS, OFF_BEATS, PARTS, REGISTERS, Shape, accent, follow, velocity
from improv.core.line.tracker import LineTracker
from improv.core.vocabulary import FEELS, GRID

EIGHTH = 0.5
lines = st.lists(st.tuples(st.integers(0, 127), st.floats(0, 20), st.floats(0.01, 30)), min_size=1, max_size=30)
numbers = st.floats(-1000, 1000)


def shape(pitch: int = 60, duration: float = EIGHTH, ioi: float = EIGHTH, middle: float = 60.0) -> Shape:
    return Shape(pitch, 0.0, duration, ioi, middle)


def ear_after(*velocities: int) -> LineTracker:
    tracker = LineTracker()
    for i, v in enumerate(velocities):
        tracker.hear(NoteOn(0.25 * i, 60 + i % 5, v))
        tracker.hear(NoteOff(0.25 * i + 0.2, 60 + i % 5))
    return tracker


@given(numbers, numbers, st.floats(-3, 3), st.floats(0, 2))
def test_velocities_are_legal(loudness: float, spread: float, accented: float, depth: float) -> None:
    assert 1 <= velocity(loudness, spread, accented, depth) <= 127


@given(st.tuples(numbers, numbers).map(sorted), numbers, st.floats(-3, 3), st.floats(0, 2))
def test_the_louder_the_player_the_louder_the_answer(loudness: list[float], spread: float, accented: float, depth: float) -> None:
    quiet, loud = (velocity(x, spread, accented, depth) for x in loudness)
    assert quiet <= loud


@given(lines, st.integers(0, 500), st.sampled_from(FEELS))
def test_every_note_of_any_line_has_an_accent(line: list[tuple[int, float, float]], place: int, feel: str) -> None:
    last, beat = None, 0.0
    for pitch, ioi, duration in line:
        beat += ioi
        last = follow(last, pitch, beat, duration)
        assert abs(accent(last, place, feel)) < 2


def test_the_tables_fit_the_classes() -> None:
    assert [len(row) for row in accents.PLACE_AND_LENGTH] == [len(LENGTHS) + 1] * len(OFF_BEATS)
    assert len(accents.LENGTH) == len(LENGTHS) + 1
    assert len(accents.AFTER) == len(GAPS) + 1
    assert len(accents.REGISTER) == len(REGISTERS) + 1
    assert len(PARTS) == GRID
    assert max(PARTS) == len(OFF_BEATS) - 1


def test_a_line_is_followed() -> None:
    first = follow(None, 60, 0.0, 0.5)
    assert first == Shape(60, 0.0, 0.5, math.inf, 60.0)
    second = follow(first, 70, 1.5, 0.25)
    assert second == Shape(70, 1.5, 0.25, 1.5, 60.0)
    assert follow(second, 50, 2.0, 1.0) == Shape(50, 2.0, 1.0, 0.5, 61.0)


def test_swing_leans_on_the_off_beats_and_straight_on_the_beats() -> None:
    on, off = 2 * GRID, 2 * GRID + GRID // 2
    assert accent(shape(), off, "swing") - accent(shape(), on, "swing") == pytest.approx(0.25)
    assert accent(shape(), on, "straight") > accent(shape(), off, "straight")
    assert accent(shape(), off + 2, "swing") == accent(shape(), off, "swing")  # swung as well


@pytest.mark.parametrize("feel", FEELS)
def test_tops_of_lines_long_notes_and_first_notes_stand_out(feel: str) -> None:
    tops = [accent(shape(pitch), 0, feel) for pitch in range(48, 73)]
    assert tops == sorted(tops)
    assert tops[-1] > tops[0] + 0.5
    assert accent(shape(duration=2), 6, feel) > accent(shape(duration=0.2), 6, feel)
    assert accent(shape(ioi=3), 0, feel) > accent(shape(), 0, feel)


def test_a_line_of_eighths_keeps_to_the_players_loudness() -> None:
    """Accents add up to about nothing: the answer as a whole is as loud as the player."""
    last, said = None, []
    for i in range(64):
        last = follow(last, 60 + abs(i % 16 - 8), i / 2, 0.42)
        said.append(accent(last, i * GRID // 2 % 48, "swing"))
    assert sum(said) / len(said) == pytest.approx(0, abs=0.1)


def test_an_ear_that_heard_nothing_has_sane_defaults() -> None:
    tracker = LineTracker()
    assert (tracker.loudness, tracker.spread) == (80.0, 8.0)
    assert [velocity(tracker.loudness, tracker.spread, a) for a in (-0.5, 0, 0.5)] == [72, 80, 88]


def test_the_first_note_is_believed_and_a_phrase_turns_it() -> None:
    assert ear_after(31).loudness == 31
    assert ear_after(*[100] * 40, *[30] * 8).loudness < 45


def test_even_keys_get_gentle_accents_and_lively_ones_wider() -> None:
    even, lively = ear_after(*[100] * 40), ear_after(*[85, 115] * 20)
    assert even.spread < 1
    assert velocity(even.loudness, even.spread, 0.4) == 103
    assert velocity(lively.loudness, lively.spread, 0.4) - lively.loudness > 8


@given(st.lists(st.integers(1, 127), max_size=60))
def test_loudness_stays_among_the_velocities_heard(heard: list[int]) -> None:
    tracker = ear_after(*heard)
    assert min(heard, default=80) - 1e-9 <= tracker.loudness <= max(heard, default=80) + 1e-9
    assert 0 <= tracker.spread <= 160
