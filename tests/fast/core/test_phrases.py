"""Phrases drawn ahead: several ways to go on, one that a critic chooses, another that is kept as second take."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from made_up import random_weights, small_card

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Setting, Stop
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.line.critic import Critic
from improv.core.line.traits import NAMES, Before, Noted, traits
from improv.core.note_model import NoteModel
from improv.core.settings import SECOND_TAKE, Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

CHANGES = parse_changes("Dm7 | G7 | Cmaj7 | A7")
HIGH = NAMES.index("range")


def model(critic: Critic | None = None) -> Model:
    made = Model(small_card(), random_weights())
    made.critic = critic
    return made


def likes(trait: int, at: float) -> Critic:
    """A critic of one tree with one question: it likes what is above."""
    ints = [np.array(x, np.int32) for x in ([trait, -1, -1], [1, 0, 0], [2, 0, 0], [0])]
    return Critic(ints[0], np.array([at, 0, 0], np.float32), ints[1], ints[2], np.array([0, -1, 1], np.float32), ints[3], 1)


def played(heard: Sequence[Event] = (), critic: Critic | None = None, mode: str = "solo", by: NoteModel | None = None) -> list[Event]:
    found: list[Event] = []
    improviser = Improviser(by or model(critic), Settings(mode=mode), CHANGES, seed=3)
    perform(alone(improviser), OfflineClock(heard, 24.0), queue.SimpleQueue(), found.append)
    return found


def ons(events: Sequence[Event]) -> list[tuple[float, int]]:
    return [(e.time, e.pitch) for e in events if isinstance(e, NoteOn)]


def test_the_critic_chooses_among_the_ways() -> None:
    """Of the same ways, one that likes wide phrases takes others than one that does not; and what it takes is what it likes."""
    seen: list[tuple[float, float]] = []

    class Watched(Critic):
        def judge(self, before: Any, those: Sequence[Sequence[Noted]], then: Any, answers: bool = False) -> list[float]:
            spans = [max(n.pitch for n in p) - min(n.pitch for n in p) if p else 0.0 for p in those]
            said = [-float(s) for s in spans]
            assert len(those) == plain.ways
            seen.append((min(spans), max(spans)))
            return said

    plain = likes(HIGH, 5.0)
    watched = Watched(**{name: getattr(plain, name) for name in ("trait", "threshold", "left", "right", "value", "roots", "deepest")})
    narrow, anything = played(critic=watched), played()
    assert len(seen) > 3
    assert any(low < high for low, high in seen)
    assert ons(narrow) != ons(anything)


def test_trees_say_what_they_were_grown_to_say() -> None:
    critic = likes(HIGH, 5.0)
    line = [Noted(6 * k, 60 + p, 6, 6 * k % 48, None, None) for k, p in enumerate((0, 2, 4))]
    wide = [*line, Noted(18, 70, 6, 18, None, None)]
    assert critic.judge([], [line, wide, []], [30, 40, None]) == [-1.0, 1.0, 0.0]


def test_traits_do_not_depend_on_the_key() -> None:
    rng = np.random.default_rng(1)
    line = [Noted(6 * k, int(p), 5, 6 * k % 48, bool(k % 2), True) for k, p in enumerate(rng.integers(55, 75, 60))]
    up = [n._replace(pitch=n.pitch + 5) for n in line]
    for cut, end in ((0, 5), (20, 21), (40, 56)):
        told = traits(Before(line[:cut]), line[cut:end], 6 * end)
        assert len(told) == len(NAMES)
        assert told == pytest.approx(traits(Before(up[:cut]), up[cut:end], 6 * end))
        assert np.isfinite(told).all()


def test_a_figure_that_comes_back_is_told() -> None:
    figure = [(0, 0), (4, 6), (7, 12), (9, 18), (7, 24), (4, 30)]
    once = [Noted(at, 60 + p, 4, at % 48, None, None) for p, at in figure]
    again = [Noted(96 + at, 65 + p, 4, at % 48, None, None) for p, at in figure]
    told = dict(zip(NAMES, traits(Before(once), again, 200), strict=True))
    assert (told["4 intervals heard"], told["3 pitches heard"], told["bars of a rhythm heard"]) == (pytest.approx(1 / 3), 0.0, 1.0)
    assert (told["alike: intervals"], told["alike: times"]) == (pytest.approx(1.0), pytest.approx(1.0))


def test_it_goes_on_the_same_however_often_it_is_asked() -> None:
    """What is heard between two notes of ours finds all that was to be thought of, thought of."""
    quiet = [Setting(0.37 * k + 0.011, "loudness", 0) for k in range(60)]
    assert ons(played(quiet)) != []
    improviser = Improviser(model(), Settings(mode="solo"), CHANGES, seed=3)
    slow: list[Event] = []
    for event in quiet:
        slow += improviser_step(improviser, event)
    assert ons(slow) == [on for on in ons(played(quiet)) if on[0] <= quiet[-1].time]


def improviser_step(improviser: Improviser, event: Event) -> list[Event]:
    """All that is played before an event, asked for with it alone."""
    from improv.core.beats.moment import Moment

    found = improviser.advance(event.time, [Moment(event, event.time, improviser.meter)])
    while (due := improviser.due) is not None and due <= event.time:
        found += improviser.advance(event.time)
    return found


def test_a_second_take_is_another_phrase_from_the_next_beat_on() -> None:
    pocket = load_model("pocket")
    first, others = ons(played(by=pocket)), 0
    for at in (4.1, 6.2, 8.3, 10.1, 12.2, 14.3):
        second = ons(played([Setting(at, SECOND_TAKE, 1)], by=pocket))
        beat = (int(at / 0.5) + 1) * 0.5 - 0.13  # who plays ahead of the beat is not late
        assert [on for on in second if on[0] < beat] == [on for on in first if on[0] < beat]
        assert len(second) > len(first) / 2
        others += [on for on in second if on[0] >= beat] != [on for on in first if on[0] >= beat]
    assert others >= 3  # at times the next note begins a phrase, and there is no other


def test_a_second_take_asked_for_twice_is_the_first_again() -> None:
    at, pocket = 8.3, load_model("pocket")
    first, both = ons(played(by=pocket)), ons(played([Setting(at, SECOND_TAKE, 1), Setting(at + 0.01, SECOND_TAKE, 1)], by=pocket))
    near = [on for on in first if on[0] < at + 0.7]
    assert both[: len(near)] == near


def test_a_second_take_of_nothing_is_nothing() -> None:
    call: list[Event] = [NoteOn(0.0, 60, 80), NoteOff(0.2, 60), Setting(0.3, SECOND_TAKE, 1), Stop(0.4)]
    assert ons(played(call, mode="trade")) == []


@pytest.mark.parametrize("mode", ["trade", "solo"])
def test_who_comes_in_drops_the_phrase(mode: str) -> None:
    call: list[Event] = [x for k in range(6) for x in (NoteOn(0.25 * k, 60 + k, 80), NoteOff(0.25 * k + 0.2, 60 + k))]
    back: list[Event] = [NoteOn(4.05, 70, 80), NoteOff(4.5, 70)]
    answered, interrupted = ons(played(call, mode=mode)), ons(played([*call, *back], mode=mode))
    assert [on for on in interrupted if on[0] < 4.05] == [on for on in answered if on[0] < 4.05]
    assert not [on for on in interrupted if 4.05 <= on[0] < 4.5]


def test_a_knob_that_is_turned_is_heard_within_the_phrase() -> None:
    low, as_before = ons(played([Setting(4.1, "high", 64)])), ons(played())
    changed = next(a for a, b in zip(low, as_before, strict=False) if a != b)
    assert 4.1 < changed[0] < 7
    assert all(pitch <= 64 for time, pitch in low if time > 6.5)


def test_all_of_the_phrase_is_told_before_it_is_played() -> None:
    improviser = Improviser(load_model("pocket"), Settings(mode="solo"), CHANGES, seed=3)
    told: list[tuple[float, int]] = []
    while (due := improviser.due) is not None and due < 12.0:
        before = improviser.intent().notes
        found = ons(improviser.advance(due))
        if found and before:
            assert found[0][1] == before[0].pitch
            told = told or [(note.onset, note.pitch) for note in before if len(before) > 5]
        onsets = [note.onset for note in before]
        assert onsets == sorted(onsets)
    assert len(told) > 5


def test_a_chord_that_the_player_changes_is_played_over_within_the_phrase() -> None:
    """What was drawn ahead over the chord that was held does not stay."""
    pedal: list[Event] = [ControlChange(0.0, 64, 127)]
    first: list[Event] = [NoteOn(0.05, pitch, 70) for pitch in (38, 41, 45, 48)] + [NoteOff(0.1, pitch) for pitch in (38, 41, 45, 48)]
    improviser = Improviser(load_model("pocket"), Settings(mode="solo"), seed=3, hearing=3)
    perform(alone(improviser), OfflineClock([*pedal, *first], 20.0), queue.SimpleQueue(), lambda event: None)
    over = [at.harmony.chord for _, _, at, _ in improviser.generator.memory.told]
    assert str(over[-1]) == "Dm7"
    improviser = Improviser(load_model("pocket"), Settings(mode="solo"), seed=3, hearing=3)
    later: list[Event] = [ControlChange(8.2, 64, 0)]  # the chord is let go
    perform(alone(improviser), OfflineClock([*pedal, *first, *later], 20.0), queue.SimpleQueue(), lambda event: None)
    positions = [note.position for note in improviser.generator.memory.line][-len(improviser.generator.memory.told) :]
    over = [at.harmony.chord for _, _, at, _ in improviser.generator.memory.told]
    gone = [chord.root is None for chord, position in zip(over, positions, strict=False) if position / 24 > 8.8]
    assert gone
    assert all(gone)


def test_what_other_changes_overtake_comes_when_it_was_to_come() -> None:
    """In the middle of a solo there are other changes from a bar line on: the next note is another, but it comes when one was to come."""
    pocket = load_model("pocket")
    others, before = 0, ons(played(by=pocket))
    for bar in range(1, 10):
        line = 2.0 * bar
        after = ons(played([Setting(line - 0.7, "changes", "Gb | %")], by=pocket))
        (was, was_pitch), (now, pitch) = (next(note for note in notes if note[0] >= line) for notes in (before, after))
        assert now == pytest.approx(was, abs=0.1)  # each with a lag of its own
        others += pitch != was_pitch
    assert others > 3
