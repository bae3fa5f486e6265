"""What each mode does. The laws that hold for all are in test_improviser."""

from __future__ import annotations

import queue

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.line.beside import beside, harsh, side
from improv.core.modes.classes import MODES
from improv.core.modes.comp import PATIENCE, SOFTER, clear_of
from improv.core.modes.echo import FARTHEST, NEAREST
from improv.core.playing import NOW, PHRASES
from improv.core.settings import MODES as NAMES
from improv.core.settings import Settings
from improv.models.loader import load_voicings
from improv.models.model import Model
from improv.models.voicings import Voicings, avoided
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

CHANGES = parse_changes("Dm7 | G7 | Cmaj7 | %")


def play(improviser: Improviser, heard: list[Event], limit: float = 120.0) -> list[Event]:
    played: list[Event] = []
    perform(alone(improviser), OfflineClock(heard, limit), queue.SimpleQueue(), played.append)
    return played


def line(pitches: list[int], step: float = 0.25, start: float = 0.0) -> list[Event]:
    """Notes of 0.2 s, one every `step` seconds."""
    struck = [(start + i * step, pitch) for i, pitch in enumerate(pitches)]
    return [e for time, pitch in struck for e in (NoteOn(time, pitch, 80), NoteOff(time + 0.2, pitch))]


def beats(played: list[Event]) -> list[float]:
    """The beats, at 120, of the moments at which something is struck."""
    return sorted({round(2 * e.time, 6) for e in played if isinstance(e, NoteOn)})


def test_every_mode_that_can_be_set_is_there() -> None:
    assert tuple(MODES) == tuple(NAMES)


@pytest.mark.parametrize(
    ("fact", "of"),
    [
        ("begins", {"solo"}),
        ("endless", {"solo"}),
        ("timeless", {"echo"}),
        ("leads", {"trade", "solo", "duet"}),
        ("yields", {"trade", "solo"}),
    ],
)
def test_what_a_mode_says_of_itself(fact: str, of: set[str]) -> None:
    known = {"trade", "solo", "echo", "comp", "duet"}
    assert {name for name, mode in MODES.items() if name in known and getattr(mode, fact)} == of


# Echo


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(60, 80), min_size=1, max_size=12))
def test_an_echo_starts_and_ends_with_its_note_a_third_to_a_sixth_away_on_the_chord(model: Model, pitches: list[int]) -> None:
    heard = line(pitches)
    played = play(Improviser(model, Settings(mode="echo"), CHANGES), heard)
    assert [(type(e), e.time) for e in played] == [(type(e), e.time) for e in heard]
    assert [e.channel for e in played if isinstance(e, NoteOn | NoteOff)] == [0] * len(played)
    for note, echo in zip(heard, played, strict=True):
        assert isinstance(note, NoteOn | NoteOff)
        assert isinstance(echo, NoteOn | NoteOff)
        assert NEAREST <= note.pitch - echo.pitch <= FARTHEST
        if isinstance(echo, NoteOn):
            assert echo.pitch % 12 in CHANGES.harmony(2 * echo.time + 0.1).chord.tones


def test_a_set_interval_is_kept_and_without_a_chord_it_is_the_octave(model: Model) -> None:
    heard = line([70, 72, 75])
    played = play(Improviser(model, Settings(mode="echo", interval=-4), CHANGES), heard)
    assert [e.pitch for e in played if isinstance(e, NoteOn)] == [66, 68, 71]
    played = play(Improviser(model, Settings(mode="echo")), heard)
    assert [e.pitch for e in played if isinstance(e, NoteOn)] == [58, 60, 63]


def test_an_echo_is_held_by_the_pedal_as_its_note_is(model: Model) -> None:
    heard = [ControlChange(0.0, 64, 127), NoteOn(0.1, 72, 80), NoteOff(0.2, 72), ControlChange(3.0, 64, 0)]
    played = play(Improviser(model, Settings(mode="echo"), CHANGES), heard)
    assert [(type(e), e.time) for e in played] == [(NoteOn, 0.1), (NoteOff, 3.0)]


def test_chords_under_the_line_are_not_echoed(model: Model) -> None:
    heard = [NoteOn(0.0, 79, 80), NoteOn(0.5, 48, 80), NoteOn(0.5, 52, 80), NoteOff(1.0, 48), NoteOff(1.0, 52), NoteOff(2.0, 79)]
    played = play(Improviser(model, Settings(mode="echo"), CHANGES), heard)
    assert [(type(e), e.time) for e in played] == [(NoteOn, 0.0), (NoteOff, 2.0)]


# Comp


def chords_of(played: list[Event]) -> dict[float, list[int]]:
    """What is struck, by its beat at 120."""
    found: dict[float, list[int]] = {}
    for e in played:
        if isinstance(e, NoteOn):
            found.setdefault(round(2 * e.time, 6), []).append(e.pitch)
    return found


def test_comping_is_chords_of_the_changes_under_the_player_and_lays_out_in_the_end(model: Model) -> None:
    heard = line([74, 76, 77, 79] * 8, step=0.5)
    played = play(Improviser(model, Settings(mode="comp", feel="straight"), CHANGES, seed=2), heard)
    found = chords_of(played)
    assert len(found) >= 8
    for beat, pitches in found.items():
        chord = CHANGES.harmony(np.ceil(beat)).chord
        assert 3 <= len(pitches) <= 4  # one is left out where it would rub against the line
        assert {p % 12 for p in pitches} <= chord.tones | chord.scale
    velocities = [e.velocity for e in played if isinstance(e, NoteOn)]
    assert np.mean(velocities) == pytest.approx(80 - SOFTER, abs=3)
    last = max(found)
    assert 32 <= last <= 32 + 4 * (PATIENCE + 1)


def test_comping_leaves_room_where_the_player_is_busy(model: Model) -> None:
    counts = []
    for step in (0.125, 1.0):
        heard = line([74, 76] * round(16 / step), step=step)  # 64 beats
        counts.append(np.mean([len(beats(play(Improviser(model, Settings(mode="comp"), CHANGES, seed=s), heard))) for s in range(3)]))
    assert counts[0] < 0.5 * counts[1]


def test_comping_leaves_out_what_rubs_against_a_note_of_the_line_that_sounds(model: Model) -> None:
    assert clear_of((52, 55, 59, 62), [60]) == [52, 55, 62]  # the semitone below
    assert clear_of((52, 55, 59, 62), [65]) == [55, 59, 62]  # the minor ninth
    assert clear_of((52, 55, 59, 62), [55]) == [52, 59, 62]  # the key itself
    assert clear_of((52, 55, 59, 62), [64, 74]) == [52, 55, 59, 62]
    assert clear_of((52, 53, 54), [53]) == [52, 53, 54]  # nothing would be left
    held: list[Event] = [NoteOn(0.0, 72, 80), NoteOff(0.1, 72), NoteOn(2.0, 65, 80), NoteOff(14.0, 65)]
    struck = []
    for rules in (PHRASES, NOW):
        played = play(Improviser(model, Settings(mode="comp"), parse_changes("Cmaj7"), seed=1, playing=rules), held)
        struck.append({e.pitch for e in played if isinstance(e, NoteOn) and 2.0 <= e.time < 14.0})
    assert {64, 66, 52} & struck[0]
    assert struck[1]
    assert not {64, 65, 66, 52} & struck[1]


def test_comping_hears_the_chords_that_are_held(model: Model) -> None:
    held: list[Event] = [NoteOn(0.0, p, 80) for p in (50, 53, 57, 60)]  # Dm7
    heard = [*held, *line([74] * 8, step=0.5, start=0.5)]
    found = chords_of(play(Improviser(model, Settings(mode="comp"), seed=1), heard, limit=4.0))
    assert found
    assert all({p % 12 for p in pitches} == {5, 0, 4, 9} for pitches in found.values())
    assert play(Improviser(model, Settings(mode="comp"), seed=1), line([74] * 8)) == []


def test_the_seed_decides_how_it_comps(model: Model) -> None:
    heard = line([74, 76, 77, 79] * 8, step=0.5)
    one, same, other = (play(Improviser(model, Settings(mode="comp"), CHANGES, seed=s), heard) for s in (1, 1, 2))
    assert one == same != other


def voiced(model: Model, seed: int, voicing: str = "learned", voicings: Voicings | None = None) -> list[Event]:
    heard = line([74, 76, 77, 79] * 8, step=0.5)
    settings = Settings(mode="comp", feel="straight", voicing=voicing)
    return play(Improviser(model, settings, CHANGES, seed=seed, voicings=voicings), heard)


def test_learned_voicings_are_drawn_by_the_seed_once_for_each_chord_of_a_bar(model: Model) -> None:
    shipped = load_voicings()
    one, same, other = (voiced(model, seed, voicings=shipped) for seed in (1, 1, 2))
    assert one == same != other
    found = chords_of(one)
    assert len(found) >= 8
    within: dict[int, set[tuple[int, ...]]] = {}
    for beat, pitches in found.items():
        chord = CHANGES.harmony(np.ceil(beat)).chord
        assert not {p % 12 for p in pitches} & avoided(chord)
        if beat % 4 < 3.5:
            within.setdefault(int(beat // 4), set()).add(tuple(pitches))
    for ways in within.values():  # one, less what would rub against the line
        assert all(set(way) <= set(max(ways, key=len)) for way in ways)
    assert len(set().union(*within.values())) > 4


def test_by_rule_a_machine_changes_nothing_and_without_one_it_is_by_rule(model: Model) -> None:
    rules = voiced(model, 1, "rules")
    assert voiced(model, 1, "rules", load_voicings()) == rules
    assert voiced(model, 1, "learned", None) == rules
    assert voiced(model, 1, "learned", load_voicings()) != rules


# Duet


def test_a_duet_plays_in_the_gaps_and_long_chord_tones_under_a_busy_player(model: Model) -> None:
    heard = [e for bar in range(0, 12, 2) for e in line([72, 74, 76, 77, 79, 77, 76, 74], start=2.0 * bar)]  # a bar, and a bar of rest
    played = play(Improviser(model, Settings(mode="duet"), CHANGES, seed=1), heard)
    busy = [b for b in beats(played) if b % 8 > 1.5 and b % 8 < 3.9 and b < 48]
    gaps = [b for b in beats(played) if b % 8 >= 4.1 and b < 48]
    assert busy
    assert all(b == round(b) for b in busy)
    assert len(gaps) > 2 * len(busy)
    for e in played:
        if isinstance(e, NoteOn) and round(2 * e.time, 6) in busy:
            assert e.pitch % 12 in CHANGES.harmony(2 * e.time).chord.tones


def test_a_duet_does_not_stop_when_the_player_comes_in_and_ends_when_nobody_plays(model: Model) -> None:
    heard = line([72, 74, 76, 77])
    alone = play(Improviser(model, Settings(mode="duet"), CHANGES, seed=1), heard)
    note = next(e for e in alone if isinstance(e, NoteOn) and e.time > 1.0)
    off = next(e for e in alone if isinstance(e, NoteOff) and e.time > note.time)
    between = (note.time + off.time) / 2
    played = play(Improviser(model, Settings(mode="duet"), CHANGES, seed=1), [*heard, NoteOn(between, 60, 80), NoteOff(between + 0.1, 60)])
    assert [e for e in played if e.time <= off.time][: len([e for e in alone if e.time <= off.time])] == [
        e for e in alone if e.time <= off.time
    ]
    assert alone[-1].time < 2.0 * (PATIENCE + 3)


def test_a_duet_hears_both(model: Model) -> None:
    """Every note of both goes through the one state, and each of ours follows from what is kept."""
    improviser = Improviser(model, Settings(mode="duet"), CHANGES, seed=1)
    states = []
    voice, real = improviser.voice, improviser.voice.play
    voice.play = lambda plan, time: states.append(plan.then.state) or real(plan, time)  # type: ignore[method-assign, func-returns-value]
    play(improviser, line([72, 74, 76, 77]))
    kept = [state.past.notes for state in states]
    assert kept[0] >= 1
    assert kept == sorted(set(kept))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pitches=st.lists(st.integers(40, 88), min_size=4, max_size=24),
    step=st.sampled_from([0.2, 0.5, 0.9]),
    over=st.sampled_from([0.15, 0.6]),
    seed=st.integers(0, 99),
)
def test_a_duet_never_strikes_a_key_that_is_held_nor_rubs_against_one(
    model: Model, pitches: list[int], step: float, over: float, seed: int
) -> None:
    heard: list[Event] = []
    for i, pitch in enumerate(pitches):
        heard += [NoteOn(i * step, pitch, 80), NoteOff(i * step + over, pitch)]
    heard.sort(key=lambda e: (e.time, isinstance(e, NoteOn)))
    played = play(Improviser(model, Settings(mode="duet", tempo=120.0), CHANGES, seed=seed), heard, limit=20.0)
    held: set[int] = set()
    ours: set[int] = set()
    both = [(e.time, 1, e) for e in heard] + [(e.time, 0, e) for e in played]
    for time in sorted({time for time, _, _ in both}):  # what ends and begins on one instant is one step
        for _, his, event in sorted((x for x in both if x[0] == time), key=lambda x: isinstance(x[2], NoteOn)):
            keys = held if his else ours
            assert isinstance(event, NoteOn | NoteOff)
            (keys.add if isinstance(event, NoteOn) else keys.discard)(event.pitch)
        assert not any(harsh(pitch, held) for pitch in ours)


@pytest.mark.parametrize(("middle", "above"), [(48.0, True), (84.0, False)])
def test_a_duet_keeps_to_a_register_of_its_own(middle: float, above: bool, model: Model) -> None:
    pitches = [round(middle) + step for step in (0, 2, 4, 5, 7, 5, 4, 2)] * 3
    duet = Settings(mode="duet", tempo=120.0)
    struck = [e.pitch for e in play(Improviser(model, duet, CHANGES, seed=2), line(pitches, step=0.8), limit=30.0) if isinstance(e, NoteOn)]
    assert len(struck) > 10
    assert np.mean([(pitch > middle) is above for pitch in struck]) > 0.8
    assert side(middle, 36, 96, None) is above
    assert side(66.0, 36, 96, above) is above  # where both sides have room it stays on its own


def test_where_nothing_agrees_a_pitch_stays_possible() -> None:
    narrow = beside(60, True, [60, 61], 60, 61, None, 0)
    assert np.isfinite(narrow[60:62]).any()
