"""The improviser as a whole: laws for any performance, and what it does in a few."""

from __future__ import annotations

import itertools
import queue

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import random_weights, small_card

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Bookmark, ControlChange, Event, NoteOff, NoteOn, Pulse, Setting, Sync, Tap, Transport
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.playing import FIRST
from improv.core.settings import CLOCKS, MODES, Settings
from improv.core.vocabulary import GRID
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

OTHER = Model(small_card(), random_weights(seed=9))
BLUES = "F7 | Bb7 | F7 | %"


def play(improviser: Improviser, heard: list[Event], limit: float = 60.0) -> list[Event]:
    """All that is played to what is heard."""
    played: list[Event] = []
    perform(alone(improviser), OfflineClock(heard, limit), queue.SimpleQueue(), played.append)
    return played


def phrase(start: float, pitches: list[int], step: float = 0.25, length: float = 0.2) -> list[Event]:
    events: list[Event] = []
    for i, pitch in enumerate(pitches):
        events += [NoteOn(start + i * step, pitch, 80), NoteOff(start + i * step + length, pitch)]
    return events


def check_laws(played: list[Event]) -> None:
    """Every note-on is closed; no pitch is struck twice without a note-off; times never decrease."""
    sounding: set[int] = set()
    for before, event in itertools.pairwise(played):
        assert before.time <= event.time
    for event in played:
        if isinstance(event, NoteOn):
            assert event.pitch not in sounding
            assert 1 <= event.velocity <= 127
            sounding.add(event.pitch)
        elif isinstance(event, NoteOff):
            assert event.pitch in sounding
            sounding.remove(event.pitch)
    assert not sounding


gaps = st.floats(0, 3, allow_subnormal=False) | st.sampled_from([0.0, 0.01, 0.25])
notes = st.builds(NoteOn, st.just(0.0), st.integers(0, 127), st.integers(1, 127), st.integers(0, 15))
offs = st.builds(NoteOff, st.just(0.0), st.integers(0, 127), st.integers(0, 15))
controls = st.builds(ControlChange, st.just(0.0), st.sampled_from([1, 64, 120, 121, 123]), st.integers(0, 127), st.integers(0, 15))
wishes = st.sampled_from(
    [
        ("mode", "solo"),
        ("mode", "trade"),
        ("mode", "echo"),
        ("mode", "comp"),
        ("mode", "duet"),
        ("interval", -4),
        ("tempo", 20.0),
        ("tempo", 400.0),
        ("low", 30),
        ("temperature", 3.0),
        ("enter", "bar"),
        ("enter", "now"),
        ("trade", 2),
        ("trade", 0),
        ("clock", "midi"),
        ("clock", "internal"),
        ("model", "other"),
        ("changes", "Gb7 | %"),
    ]
).map(lambda w: Setting(0.0, *w))
others = st.sampled_from(
    [
        Pulse(0.0),
        Tap(0.0),
        Transport(0.0, "start"),
        Transport(0.0, "stop"),
        Transport(0.0, "continue"),
        Transport(0.0, "position", 4.25),
        Bookmark(0.0, "a", keep=True),
        Bookmark(0.0, "a", keep=False),
        Sync(0.0, 17.5, 140.0),
        Sync(0.0, 3.0, 90.0, playing=False),
    ]
)
moments = st.lists(st.tuples(gaps, notes | notes | offs | controls | wishes | others), max_size=40)
clocked = st.lists(st.tuples(st.just(0.02) | gaps, notes | offs | st.just(Pulse(0.0)) | others), max_size=150)
performances = moments | clocked


def stamped(moments: list[tuple[float, Event]]) -> list[Event]:
    from dataclasses import replace

    time, events = 0.0, []
    for gap, event in moments:
        time += gap
        events.append(replace(event, time=time))
    return events


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    performances,
    st.sampled_from([None, BLUES]),
    st.sampled_from(list(MODES)),
    st.sampled_from([(4, 4), (3, 4), (7, 8)]),
    st.sampled_from(list(CLOCKS)),
    st.sampled_from([0, 2]),
)
def test_no_performance_breaks_the_laws(
    model: Model, moments: list[tuple[float, Event]], changes: str | None, mode: str, metre: tuple[int, int], clock: str, trade: int
) -> None:
    wishes = Settings(mode=mode, clock=clock, trade=trade)
    meter = Timekeeper(wishes, metre).meter
    improviser = Improviser(model, wishes, parse_changes(changes) if changes else None, meter, seed=1, models={"other": OTHER})
    check_laws(play(improviser, stamped(moments), limit=30.0))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(performances, st.integers(0, 2**32), st.sampled_from([None, BLUES]), st.sampled_from(list(MODES)), st.sampled_from(list(CLOCKS)))
def test_how_far_a_call_goes_makes_no_difference(
    model: Model, moments: list[tuple[float, Event]], seed: int, changes: str | None, mode: str, clock: str
) -> None:
    """Woken on time, late, or for nothing: the same notes. It is why live equals offline."""
    heard = stamped(moments)
    over = parse_changes(changes) if changes else None
    exact = play(Improviser(model, Settings(mode=mode, clock=clock), over, seed=7, models={"other": OTHER}), heard, limit=30.0)
    rng = np.random.default_rng(seed)
    band, now, late = alone(Improviser(model, Settings(mode=mode, clock=clock), over, seed=7, models={"other": OTHER})), 0.0, []
    waiting = list(heard)
    while now < 30.0 or waiting:
        now += float(rng.exponential(0.2))
        arrived = [e for e in waiting if e.time <= now]
        waiting = waiting[len(arrived) :]
        late += band.advance(now, arrived)
        while band.due is not None and band.due <= now:
            late += band.advance(now)
    late = [e for e in late if e.time <= 30.0]
    assert [e for e in exact if e.time < 30.0][: len(late)] == [e for e in late if e.time < 30.0]


def test_it_answers_a_call_on_the_beat_and_ends() -> None:
    improviser = Improviser(load_model("jazz"), Settings(tempo=120), parse_changes("Dm7 | G7 | Cmaj7 | %"), seed=1)
    call = phrase(0.0, [62, 65, 69, 72, 71, 67, 65, 64])
    played = play(improviser, call)
    check_laws(played)
    answers = [e for e in played if isinstance(e, NoteOn)]
    assert len(answers) >= 4
    first = improviser.meter.beat(answers[0].time)
    assert first == pytest.approx(round(first), abs=1e-9)
    assert call[-1].time < answers[0].time < call[-1].time + 2.5
    assert played[-1].time < 20


def test_it_yields_when_the_player_comes_back_and_its_note_ends_as_it_was_meant_to() -> None:
    call = phrase(0.0, [62, 65, 69, 72, 71, 67, 65, 64])
    alone = play(Improviser(load_model("jazz"), seed=1), call)
    second = next(e.time for e in [e for e in alone if isinstance(e, NoteOn)][1:]) + 0.01
    played = play(Improviser(load_model("jazz"), seed=1), [*call, NoteOn(second, 58, 90), NoteOff(second + 5, 58)])
    check_laws(played)
    assert [e for e in played if e.time < second] == [e for e in alone if e.time < second]
    assert not [e for e in played if isinstance(e, NoteOn) and second <= e.time < second + 5]
    struck = max(e.time for e in alone if isinstance(e, NoteOn) and e.time < second)
    (closing,) = [e for e in played if second <= e.time <= second + 5]
    meant = next(e for e in alone if isinstance(e, NoteOff) and e.time >= second)
    assert closing == NoteOff(pytest.approx(min(meant.time, struck + 0.5), abs=0.01), meant.pitch)  # type: ignore[arg-type]
    on_its_key = play(Improviser(load_model("jazz"), seed=1), [*call, NoteOn(second, meant.pitch, 90), NoteOff(second + 5, meant.pitch)])
    assert [e for e in on_its_key if second <= e.time <= second + 5] == [NoteOff(second, meant.pitch)]
    before = play(Improviser(load_model("jazz"), seed=1, playing=FIRST), call)
    second = next(e.time for e in [e for e in before if isinstance(e, NoteOn)][1:]) + 0.01
    before = play(Improviser(load_model("jazz"), seed=1, playing=FIRST), [*call, NoteOn(second, 58, 90), NoteOff(second + 5, 58)])
    assert [(type(e), e.time) for e in before if second <= e.time <= second + 5] == [(NoteOff, second)]


def test_who_comes_in_on_the_same_instant_goes_first() -> None:
    call = phrase(0.0, [62, 65, 69, 72, 71, 67, 65, 64])
    first = next(e.time for e in play(Improviser(load_model("jazz"), seed=1), call) if isinstance(e, NoteOn))
    played = play(Improviser(load_model("jazz"), seed=1), [*call, NoteOn(first, 60, 90)])
    assert not [e for e in played if isinstance(e, NoteOn) and e.time <= first]


def test_the_state_hears_calls_and_answers_alike(model: Model) -> None:
    """After a call and its answer, the state is that of one line of all their notes."""
    steps: list[tuple[int, int | None]] = []
    improviser = Improviser(model, seed=1)
    real = model.step
    try:
        model.step = lambda state, value, last, at, *trust: steps.append((value.pitch, last)) or real(state, value, last, at, *trust)  # type: ignore[method-assign, func-returns-value]
        played = play(improviser, [*phrase(0, [60, 62, 64]), *phrase(30, [65, 67])], limit=29.0)
    finally:
        model.step = real  # type: ignore[method-assign]
    answered = [e.pitch for e in played if isinstance(e, NoteOn)]
    assert answered
    # The player's notes are weighed before they are kept, so some are stepped twice; the chain is unbroken all the same.
    chain = [60, 62, 64, *answered]
    assert {(b, a) for a, b in zip([None, *chain], chain, strict=False)} <= set(steps)


def test_solo_plays_the_bars_it_was_asked_for() -> None:
    changes = parse_changes("Bb7 | Eb7 | Bb7 | %")
    improviser = Improviser(load_model("jazz"), Settings(mode="solo", tempo=160), changes, seed=3, bars=8)
    played = play(improviser, [], limit=1e9)
    check_laws(played)
    onsets = [improviser.meter.beat(e.time) for e in played if isinstance(e, NoteOn)]
    assert 0 <= onsets[0] < 4
    assert 27 <= onsets[-1] < 32


def test_a_solo_begins_where_players_begin_and_lands_in_its_last_bar() -> None:
    model, changes = load_model("pocket"), parse_changes("Dm7 | G7 | Cmaj7 | %")
    began: set[float] = set()
    for seed in range(24):
        improviser = Improviser(model, Settings(mode="solo", tempo=160), changes, seed=seed, bars=4)
        played = play(improviser, [], limit=1e9)
        notes = [e for e in played if isinstance(e, NoteOn)]
        began.add(improviser.meter.beat(notes[0].time))
        beat = improviser.meter.beat(notes[-1].time)
        tones = changes.harmony(beat - 0.05).chord.tones | changes.harmony(beat + 0.05).chord.tones
        assert notes[-1].pitch % 12 in tones or beat < 12.0  # a rest may go past the last bar
        assert improviser.meter.beat(played[-1].time) <= 16.0 + 1e-6
    assert began <= {half / 2 for half in range(8)}
    assert len(began) >= 5
    early = Improviser(model, Settings(mode="solo", tempo=160), changes, seed=3, bars=4, playing=FIRST)
    assert play(early, [], limit=1e9)[0].time == 0.0


def test_a_pedal_before_its_first_note_does_not_put_a_solo_off() -> None:
    """As it does in sessions played by the rules before 3: there it is silent until somebody plays."""
    wanted, changes = Settings(mode="solo", tempo=160), parse_changes("Dm7 | G7")
    plain = play(Improviser(load_model("pocket"), wanted, changes, seed=4, bars=4), [], limit=1e9)
    pedal = [ControlChange(0.0, 64, 127), ControlChange(0.001, 64, 0)]
    assert plain[0].time > 0.001
    assert play(Improviser(load_model("pocket"), wanted, changes, seed=4, bars=4), pedal, limit=1e9) == plain
    assert play(Improviser(load_model("pocket"), wanted, changes, seed=4, bars=4, playing=2), pedal, limit=1e9) == []


def test_pitches_stay_in_range(model: Model) -> None:
    played = play(Improviser(model, Settings(mode="solo", low=60, high=71), seed=3, bars=30), [], limit=1e9)
    pitches = {e.pitch for e in played if isinstance(e, NoteOn)}
    assert pitches
    assert min(pitches) >= 60
    assert max(pitches) <= 71


def answered(velocities: list[int], **chosen: float) -> list[NoteOn]:
    """The notes that answer a call of such velocities."""
    call = phrase(0, [62, 65, 69, 72] * (len(velocities) // 4))
    struck = iter(velocities)
    call = [NoteOn(e.time, e.pitch, next(struck)) if isinstance(e, NoteOn) else e for e in call]
    improviser = Improviser(load_model("jazz"), Settings(**chosen), seed=2)  # type: ignore[arg-type]
    return [e for e in play(improviser, call) if isinstance(e, NoteOn)]


def test_it_plays_as_loud_as_the_player() -> None:
    means = [float(np.mean([e.velocity for e in answered([v] * 12)])) for v in (20, 40, 75, 110, 125)]
    assert means[:4] == pytest.approx([20, 40, 75, 110], abs=6)
    assert means == sorted(means)


def test_a_player_who_turns_quiet_gets_a_quiet_answer() -> None:
    assert np.mean([e.velocity for e in answered([110] * 12 + [30] * 12)]) < 45


def test_accents_are_gentle_to_even_keys_and_wider_to_lively_ones() -> None:
    even, lively = ([e.velocity for e in answered(v)] for v in ([90] * 12, [70, 110] * 6))
    assert 1 < np.std(even) < 6
    assert np.std(lively) > 1.5 * np.std(even)


def test_how_strong_accents_are_changes_how_loud_notes_are_and_nothing_else() -> None:
    none, some, more = (answered([90] * 12, accents=depth) for depth in (0.0, 1.0, 2.0))
    assert {e.velocity for e in none} == {90}
    assert np.std([e.velocity for e in more]) > 1.5 * np.std([e.velocity for e in some])
    assert [(e.time, e.pitch) for e in none] == [(e.time, e.pitch) for e in some] == [(e.time, e.pitch) for e in more]


def test_panic_silences_and_the_music_can_go_on(model: Model) -> None:
    call = phrase(0.0, [62, 65, 69, 72])
    first = next(e.time for e in play(Improviser(model, seed=1), call) if isinstance(e, NoteOn))
    played = play(Improviser(model, seed=1), [*call, ControlChange(first + 0.001, 120, 0)])
    check_laws(played)
    assert [type(e) for e in played] == [NoteOn, NoteOff]
    again = play(Improviser(model, seed=1), [*call, ControlChange(first + 0.001, 120, 0), *phrase(20.0, [62, 65, 69, 72])])
    assert len(again) > 4


def test_the_seed_decides(model: Model) -> None:
    call = phrase(0.0, [62, 65, 69, 72])
    one, same, other = (play(Improviser(model, seed=s), call) for s in (1, 1, 2))
    assert one == same != other


def test_swing_is_felt() -> None:
    """Off-beats that are written as straight eighths are late."""
    lags: list[float] = []
    for seed in range(4):
        improviser = Improviser(load_model("jazz"), Settings(mode="solo", tempo=140), parse_changes(BLUES), seed=seed, bars=48)
        while (due := improviser.due) is not None:
            for event in improviser.advance(due):
                place = improviser.generator.memory.position  # of the note just played
                if isinstance(event, NoteOn) and place is not None and place % GRID == GRID // 2:
                    lags.append(improviser.meter.beat(event.time) - place / GRID)
    assert float(np.mean(lags)) > 0.02


def test_an_answer_ends_on_a_chord_tone_that_rings_to_a_bar_line_unless_the_player_is_back() -> None:
    changes = parse_changes("Dm7 | G7 | Cmaj7 | %")
    call = phrase(0.0, [62, 65, 69, 72, 71, 67, 65, 64])
    for seed in range(8):
        improviser = Improviser(load_model("jazz"), Settings(tempo=120), changes, seed=seed)
        played = play(improviser, call)
        *_, last, off = played
        assert isinstance(last, NoteOn)
        assert isinstance(off, NoteOff)
        on, until = improviser.meter.beat(last.time), improviser.meter.beat(off.time)
        assert last.pitch % 12 in changes.harmony(on + 0.05).chord.tones | changes.harmony(on - 0.05).chord.tones
        assert until - on >= 1.0 - 0.05
        assert until == pytest.approx(4 * round(until / 4), abs=1e-6) or until - on > 4.0
        back = play(Improviser(load_model("jazz"), Settings(tempo=120), changes, seed=seed), [*call, NoteOn(last.time + 0.1, 40, 80)])
        assert back == [*played[:-1], NoteOff(pytest.approx(min(off.time, last.time + 0.5)), last.pitch)]  # type: ignore[arg-type]
