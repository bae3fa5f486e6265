"""The beat inferred from the playing, and the pace where there is none."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from improv.core.beats.follow import Follow
from improv.core.beats.pace import Pace

EIGHTHS = [i / 2 for i in range(96)]
SWUNG = [i // 2 + (0.65 if i % 2 else 0.0) for i in range(96)]


def off(follow: Follow, beats: Sequence[float], at: Callable[[float], float]) -> list[float]:
    """How far the beat said lies from each note's true one, as foretold: before that note is heard."""
    out = []
    for beat in beats:
        out.append(follow.beat(at(beat)) - beat if out else 0.0)
        follow.struck(at(beat), 80)
    return out


def steady(tempo: float) -> Callable[[float], float]:
    return lambda beat: beat * 60.0 / tempo


def slowing(start: float, end: float, from_beat: float, beats: float) -> Callable[[float], float]:
    """A tempo that goes evenly from one to the other."""
    grid = np.arange(0.0, 80.0, 0.01)
    tempo = start + (end - start) * np.clip((grid - from_beat) / beats, 0, 1)
    times = np.concatenate([[0.0], np.cumsum(0.6 / tempo)[:-1]])
    return lambda beat: float(np.interp(beat, grid, times))


@pytest.mark.parametrize("line", [EIGHTHS, SWUNG], ids=["straight", "swung"])
def test_a_scale_in_eighths_is_followed_at_any_tempo_and_from_one_that_was_told_a_little_wrong(line: list[float]) -> None:
    for tempo, told in itertools.product([60, 80, 100, 120, 150, 180, 210, 240], [0.93, 1.0, 1.08]):
        follow = Follow(tempo * told)
        away = off(follow, line, steady(tempo))
        assert max(map(abs, away[32:])) < 0.1, f"at {tempo}, told {told} of it"
        assert follow.tempo == pytest.approx(tempo, rel=0.01), f"at {tempo}, told {told} of it"


@pytest.mark.parametrize("tempo", [55, 65, 70, 75, 85, 95, 130])
def test_slow_straight_eighths_stay_eighths_where_the_player_has_set_the_tempo(tempo: float) -> None:
    follow = Follow(tempo, trusted=True)
    away = off(follow, [i / 2 for i in range(160)], steady(tempo))
    assert max(map(abs, away)) < 0.1


def test_swung_eighths_are_followed_from_any_tempo_told_within_a_third() -> None:
    for told in (90, 105, 140, 160):
        follow = Follow(told)
        away = off(follow, SWUNG, steady(120))
        assert max(abs((a + 0.5) % 1 - 0.5) for a in away[48:]) < 0.1
        assert follow.tempo == pytest.approx(120, rel=0.01)


def test_a_ritardando_is_followed() -> None:
    follow = Follow(120)
    away = off(follow, SWUNG, slowing(120, 96, from_beat=16, beats=16))
    assert max(map(abs, away)) < 0.25
    assert max(map(abs, away[80:])) < 0.05
    assert follow.tempo == pytest.approx(96, rel=0.02)


def test_an_accelerando_is_followed() -> None:
    follow = Follow(120)
    away = off(follow, SWUNG, slowing(120, 144, from_beat=16, beats=16))
    assert max(map(abs, away)) < 0.25
    assert follow.tempo == pytest.approx(144, rel=0.02)


def test_the_beat_goes_on_through_a_rest() -> None:
    line = [b for b in SWUNG if not 16 <= b < 22]
    follow = Follow(120)
    away = off(follow, line, steady(120))  # 3 s of rest
    assert max(map(abs, away[16:])) < 0.1


def test_it_is_less_sure_the_longer_the_rest() -> None:
    follow = Follow(120)
    off(follow, SWUNG, steady(120))
    sure = [follow.sure_at(steady(120)(47.65 + b)) for b in (0, 4, 8, 16, 64)]
    assert sure[0] == follow.sure > 0.8
    assert all(b < a for a, b in itertools.pairwise(sure))
    assert sure[-1] < 0.2


def test_a_first_note_off_the_beat_is_mended() -> None:
    follow = Follow(120)
    line = SWUNG[1:]
    away = off(follow, line, steady(120))
    assert away[0] == 0.0
    late = [(a + 0.5) % 1 - 0.5 for a in away[48:]]
    assert max(map(abs, late)) < 0.1


def test_twice_the_tempo_told_is_mended() -> None:
    follow = Follow(240)
    off(follow, [b / 2 for b in range(0, 96)] + [48 + b for b in SWUNG], steady(120))
    assert follow.tempo == pytest.approx(120, rel=0.02)


def test_notes_of_one_chord_count_once() -> None:
    alone, chords = Follow(110), Follow(110)
    for beat in SWUNG:
        time = steady(120)(beat)
        alone.struck(time, 80)
        for i in range(4):
            chords.struck(time + 0.005 * i, 80 - i)
    assert [chords.beat(t) for t in range(60)] == [alone.beat(t) for t in range(60)]
    assert (chords.tempo, chords.sure) == (alone.tempo, alone.sure)


def test_before_anything_is_heard_the_tempo_told_holds() -> None:
    follow = Follow(90)
    assert (follow.tempo, follow.sure) == (90, 0)
    follow.struck(10.0, 80)
    assert [follow.beat(t) for t in (10.0, 10.0 + 60 / 90, 14.0)] == pytest.approx([0, 1, 6])
    assert follow.time(6) == pytest.approx(14)


def test_impossible_tempi_told_are_brought_within_bounds() -> None:
    assert [Follow(t).tempo for t in (20, 400)] == [36, 360]


gaps = st.lists(st.one_of(st.floats(0, 0.05), st.floats(0.05, 1.5), st.floats(1.5, 400)), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(gaps, st.floats(20, 400))
def test_beats_only_ever_increase_and_times_are_their_inverse(gaps: list[float], tempo: float) -> None:
    follow, time, asked = Follow(tempo), 3.0, []
    for gap in gaps:
        if asked:
            asked += [follow.beat(time + gap * part) for part in (0.0, 0.5, 0.99)]
        time += gap
        follow.struck(time, 64)
        asked.append(follow.beat(time))
        assert 0 <= follow.sure <= 1
        assert 36 <= follow.tempo <= 360
        for ahead in (0.0, 0.3, 2.0):
            assert follow.time(follow.beat(time + ahead)) == pytest.approx(time + ahead, abs=1e-6)
    assert all(b >= a - 1e-9 for a, b in itertools.pairwise(asked))


@settings(max_examples=20, deadline=None)
@given(gaps)
def test_the_same_notes_give_the_same_beats(gaps: list[float]) -> None:
    said = []
    for _ in range(2):
        follow, time = Follow(120), 0.0
        for gap in gaps:
            time += gap
            follow.struck(time, 64)
        said.append((follow.beat(time + 1), follow.tempo, follow.sure, follow.time(100.0)))
    assert said[0] == said[1]


@pytest.mark.parametrize("tempo", [50, 90, 120, 200, 240])
def test_the_pace_makes_the_usual_short_interval_an_eighth(tempo: float) -> None:
    pace = Pace(120)
    rhythm = [0.5, 0.5, 0.5, 1.0, 0.5, 0.5, 2.0] * 8
    for beat in itertools.accumulate(rhythm):
        pace.struck(beat * 60 / tempo)
    assert pace.tempo == pytest.approx(tempo, rel=0.02)


def test_the_pace_stays_through_rests_chords_and_a_single_slip() -> None:
    pace = Pace(100)
    times = [0.3 * i for i in range(40)]
    for time in times:
        pace.struck(time)
        pace.struck(time + 0.01)
    before = pace.tempo
    assert before == pytest.approx(100, rel=0.03)
    pace.struck(times[-1] + 30)
    assert pace.tempo == before
    pace.struck(times[-1] + 30.08)
    assert pace.tempo == pytest.approx(before, rel=0.03)


@settings(max_examples=50)
@given(gaps, st.floats(1, 1000))
def test_the_pace_stays_in_bounds(gaps: list[float], tempo: float) -> None:
    pace = Pace(tempo)
    for time in itertools.accumulate(gaps):
        pace.struck(time)
        assert 40 <= pace.tempo <= 240
