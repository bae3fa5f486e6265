"""meter, values, sampler, phrasing, settings: the parts that are a few lines each."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.line.phrasing import BREATH, WEIGHTS, Playing, Turn, entry, evidence, over
from improv.core.line.sampler import mask, probabilities, sample
from improv.core.meter import Meter, MeterError
from improv.core.metres import FOUR, Unit
from improv.core.settings import SettingError, Settings
from improv.core.vocabulary import (
    ARTICULATION_TABLES,
    ONSET_TABLES,
    STEP_TABLES,
    Context,
    Value,
    Vocabulary,
    articulation_columns,
    onset_columns,
    step_columns,
)

VOCABULARY = Vocabulary()
values = st.builds(Value, st.integers(0, 48), st.integers(0, 127), st.integers(0, 20), st.integers(0, 12))


@given(tempo=st.floats(20, 400), start=st.floats(0, 1e5), beat=st.floats(-100, 1e5))
def test_beats_and_seconds_are_inverse(tempo: float, start: float, beat: float) -> None:
    meter = Meter(tempo).started(start)
    assert meter.beat(meter.time(beat)) == pytest.approx(beat, abs=1e-6)


def test_a_tempo_change_keeps_the_beat() -> None:
    meter = Meter(120).started(1.0).at_tempo(3.0, 60)
    assert [meter.beat(t) for t in (3.0, 5.0)] == [4.0, 6.0]


@pytest.mark.parametrize(("metre", "bar"), [((4, 4), 4.0), ((3, 4), 3.0), ((6, 8), 3.0), ((7, 4), 7.0)])
def test_bars(metre: tuple[int, int], bar: float) -> None:
    meter = Meter(120, metre)
    assert (meter.bar_at(0.0), meter.bar_of(bar), meter.within_bar(bar + 0.5)) == (bar, 1, 0.5)


@pytest.mark.parametrize(("tempo", "metre"), [(0, (4, 4)), (-5, (4, 4)), (1000, (4, 4)), (120, (0, 4)), (120, (4, 3)), (math.nan, (4, 4))])
def test_impossible_metres(tempo: float, metre: tuple[int, int]) -> None:
    with pytest.raises(MeterError):
        Meter(tempo, metre)


@given(values)
def test_encode_and_decode_are_inverse(value: Value) -> None:
    assert VOCABULARY.encode(*VOCABULARY.decode(value)) == value


@given(ioi=st.floats(0, 100), pitch=st.integers(0, 127), duration=st.floats(0, 100), lag=st.floats(-2, 2))
def test_any_note_has_a_value(ioi: float, pitch: int, duration: float, lag: float) -> None:
    value = VOCABULARY.encode(ioi, pitch, duration, lag)
    assert VOCABULARY.encode(*VOCABULARY.decode(value)) == value


@given(
    value=values,
    last=st.none() | st.integers(0, 127),
    place=st.integers(0, 200),
    bars=st.none() | st.integers(0, 99),
    bpm=st.floats(20, 400),
)
def test_columns_stay_inside_their_tables(value: Value, last: int | None, place: int, bars: int | None, bpm: float) -> None:
    at = Context(place=place, section=bars, tempo=bpm)
    before = 60 if last is None else last
    for columns, tables in (
        (step_columns(value, last, at), STEP_TABLES),
        (onset_columns(before, value.ioi, at), ONSET_TABLES),
        (articulation_columns(value.pitch, before, value.ioi, at), ARTICULATION_TABLES),
    ):
        assert len(columns) == len(tables)
        assert all(0 <= c < size for c, size in zip(columns, tables.values(), strict=True))


logits = st.lists(st.floats(-20, 20), min_size=2, max_size=40).map(lambda xs: np.array(xs, np.float32))


@given(logits, st.floats(0.05, 3), st.floats(0.05, 1), st.integers(0, 2**32 - 1), st.data())
def test_a_sample_is_allowed_and_repeatable(x: np.ndarray, temperature: float, top_p: float, seed: int, data: st.DataObject) -> None:
    low = data.draw(st.integers(0, len(x) - 1))
    allowed = mask(len(x), low, data.draw(st.integers(low, len(x) - 1)))
    first, again = (sample(x, np.random.default_rng(seed), temperature, top_p, allowed) for _ in range(2))
    assert first == again
    assert allowed[first] == 0


def test_samples_follow_the_distribution() -> None:
    x, rng = np.log(np.array([0.5, 0.3, 0.15, 0.05])), np.random.default_rng(0)
    drawn = np.bincount([sample(x, rng) for _ in range(20_000)], minlength=4) / 20_000
    assert drawn == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.015)
    nucleus = np.bincount([sample(x, rng, top_p=0.75) for _ in range(20_000)], minlength=4) / 20_000
    assert nucleus == pytest.approx([0.625, 0.375, 0, 0], abs=0.015)
    cold = np.bincount([sample(x, rng, temperature=0.5) for _ in range(20_000)], minlength=4) / 20_000
    assert cold == pytest.approx(np.array([0.25, 0.09, 0.0225, 0.0025]) / 0.365, abs=0.015)


def test_probabilities_survive_large_logits() -> None:
    assert probabilities(np.array([1000.0, 1000.0], np.float32)) == pytest.approx([0.5, 0.5])


def comes(**at: float) -> np.ndarray:
    """P(next note) with so much on some classes (k12 = ...), the rest on the last, open class."""
    ioi = np.zeros(49)
    for name, p in at.items():
        ioi[int(name[1:])] = p
    ioi[48] = 1 - ioi.sum()
    return ioi


@pytest.mark.parametrize(
    ("said", "unit", "notes", "beat"),
    [
        pytest.param((0.0, 0.5, 0.97, comes(k6=0.1)), Unit.FELT, 8, 1.0, id="surely over: the next beat"),
        pytest.param((0.0, 0.95, 0.97, comes(k6=0.1)), Unit.FELT, 8, 2.0, id="a breath is left"),
        pytest.param((0.0, 0.5, 0.97, comes(k6=0.1)), Unit.BAR, 8, 4.0, id="on the bar"),
        pytest.param((0.0, 0.5, 0.3, comes(k6=0.1)), Unit.FELT, 20, 1.0, id="after many notes it is sooner over"),
        pytest.param((0.0, 0.5, 0.3, comes(k6=0.1)), Unit.FELT, 2, 2.0, id="a rest after a few notes is a breath"),
        pytest.param((0.0, 0.5, 0.02, comes(k30=0.99)), Unit.FELT, 8, 3.0, id="a rest that the model foretells is waited for"),
        pytest.param((0.0, 9.0, 0.0, comes(k6=0.5)), Unit.FELT, 8, 13.0, id="it does not wait forever"),
    ],
)
def test_when_to_enter(said: tuple[float, float, float, np.ndarray], unit: Unit, notes: int, beat: float) -> None:
    on, off, end, ioi = said
    assert entry(Playing(on, off, (notes, notes)), end, ioi, FOUR.steps(off + BREATH, unit)) == beat


@given(off=st.floats(0.1, 2), ends=st.tuples(st.floats(0, 1), st.floats(0, 1)), notes=st.integers(1, 60), pace=st.floats(-2, 1))
def test_the_surer_the_model_the_sooner(off: float, ends: tuple[float, float], notes: int, pace: float) -> None:
    playing, ioi = Playing(0.0, off, (notes, notes), pace), comes(k6=0.2, k18=0.3)
    sooner, later = (entry(playing, end, ioi, FOUR.steps(off + BREATH, Unit.FELT)) for end in (max(ends), min(ends)))
    assert sooner <= later


def test_evidence_and_weights_have_the_same_names() -> None:
    told = evidence(Playing(0.0, 0.5, (8, 8)), 1.0, 0.5, [1.0] * 49)
    assert list(told) == list(WEIGHTS)
    assert 0.0 < over(told) < over({**told, "end": 5.0}) < 1.0


def test_runs_begin_after_rests_and_after_an_answer() -> None:
    playing = Playing()
    runs = []
    for on in (0.0, 0.5, 1.5, 3.0, 3.5):  # a rest of 0.5 beats, one of 1
        playing = playing.after(on, on + 0.5)
        runs.append(playing.runs)
    assert runs == [(1, 1), (2, 2), (1, 3), (1, 1), (2, 2)]
    assert playing.rested().after(4.0, 4.5).runs == (1, 1)
    assert playing.after(4.0, 4.5).pace < playing.after(5.5, 6.0).pace


def test_an_answer_is_about_as_long_as_its_call_and_lands() -> None:
    def last_note(length: float, end: float, on_chord: bool) -> int:
        turn = Turn(0.0, length)
        for n in range(1, 100):
            turn.notes = n
            if turn.finished(n / 2, end, on_chord):
                return n
        return 100

    assert last_note(8, 0.9, True) == 10  # from 0.6 of the call's length, when the model is sure
    assert last_note(8, 0.3, True) == 16
    assert last_note(8, 0.0, True) == 24
    assert last_note(8, 0.9, False) == 25  # the note after 1.5 of its length lands
    assert last_note(1, 0.9, True) == 4  # never fewer than four notes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "sing"),
        ("tempo", 0),
        ("tempo", "fast"),
        ("top_p", 1.5),
        ("low", 1.5),
        ("low", 80),
        ("colour", 1),
        ("accents", 2.5),
        ("temperature", True),
    ],
)
def test_settings_refuse(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=name):
        Settings().changed(name, value)
