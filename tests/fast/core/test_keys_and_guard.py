"""Our own output heard again, keys that stay down, notes that sound on."""

from __future__ import annotations

import math
import queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.keys import Keys
from improv.core.meter import Meter
from improv.core.modes.classes import MODES
from improv.core.modes.echo import HELD
from improv.midi.loopback import LoopbackFilter
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform


def looped(echo: LoopbackFilter, pitches: list[int], delay: float = 0.01, start: float = 0.0, back: bool = True) -> list[Event]:
    """Play notes, each half a second long, that come back after a delay; returns what is listened to."""
    heard: list[Event] = []
    for i, pitch in enumerate(pitches):
        for event in (NoteOn(start + i, pitch, 80, 3), NoteOff(start + i + 0.5, pitch, 3)):
            echo.sent(event.time, event)
            returned: Event = (
                NoteOn(event.time + delay, pitch, 80, 3) if isinstance(event, NoteOn) else NoteOff(event.time + delay, pitch, 3)
            )
            if back and not echo.heard(returned):
                heard.append(returned)
    return heard


def test_what_comes_back_several_times_is_ours_and_left_out_with_its_note_offs() -> None:
    echo = LoopbackFilter()
    heard = looped(echo, [60, 62, 64, 65, 67, 69])
    assert [(type(e), e.pitch) for e in heard if isinstance(e, NoteOn | NoteOff)] == [
        (kind, pitch) for pitch in (60, 62, 64) for kind in (NoteOn, NoteOff)
    ]
    assert echo.there
    assert echo.ignored == 3


def test_what_comes_too_late_is_not_ours() -> None:
    echo = LoopbackFilter()
    assert len(looped(echo, [60, 62, 64, 65, 67, 69], delay=0.04)) == 12
    assert not echo.there


def test_a_player_beside_the_echo_is_heard_even_on_the_same_key() -> None:
    echo = LoopbackFilter()
    looped(echo, [60, 62, 64, 65])
    assert not echo.heard(NoteOn(10.0, 65, 80, 3))  # of ours at that moment there is none
    echo.sent(11.0, NoteOn(11.0, 67, 80, 3))
    assert not echo.heard(NoteOn(11.01, 67, 81, 3))  # another velocity
    assert echo.heard(NoteOn(11.011, 67, 80, 3))
    assert not echo.heard(NoteOff(11.2, 67, 3))  # the player's: ours was not ended


def test_it_is_over_when_ours_do_not_come_back_and_may_begin_again() -> None:
    echo = LoopbackFilter()
    looped(echo, [60, 62, 64, 65])
    looped(echo, [60, 62, 64], start=20.0, back=False)
    assert not echo.heard(NoteOn(30.0, 50, 80, 3))
    assert not echo.there
    assert len(looped(echo, [60, 62, 64, 65, 66], start=40.0)) == 6
    assert echo.there


@given(st.lists(st.tuples(st.integers(50, 70), st.booleans()), min_size=20, max_size=60))
def test_a_player_who_often_plays_our_pitch_is_not_ignored(notes: list[tuple[int, bool]]) -> None:
    """Ours are missed between, for a player does not follow every one of them within 30 ms, with the very velocity."""
    echo = LoopbackFilter()
    for i, (pitch, same) in enumerate(notes):
        echo.sent(float(i), NoteOn(float(i), pitch, 80))
        theirs = NoteOn(i + 0.02, pitch if same and i % 3 else pitch + 1, 80)
        assert not echo.heard(theirs)
        assert not echo.heard(NoteOff(i + 0.5, theirs.pitch))


def test_what_we_only_repeat_is_expected_back_from_nobody() -> None:
    """A player who strikes one key fast, and an output that says every note at once."""
    echo = LoopbackFilter()
    for i in range(50):
        assert not echo.heard(NoteOn(0.01 * i, 60, 80))
        echo.sent(0.01 * i + 0.001, NoteOn(0.01 * i + 0.001, 60, 80))


def test_our_own_silence_never_answers_itself() -> None:
    echo = LoopbackFilter()
    assert not echo.heard(ControlChange(0.5, 123, 0, 2))
    echo.sent(1.0, ControlChange(1.0, 123, 0, 2))
    assert echo.heard(ControlChange(1.01, 123, 0, 2))
    assert not echo.heard(ControlChange(1.02, 123, 0, 2))


def test_keys_are_released_by_input_and_after_an_hour() -> None:
    keys = Keys()
    for event in (NoteOn(0.0, 60, 80, 1, 0), NoteOn(1.0, 62, 80, 1, 1), ControlChange(2.0, 64, 127, 5, 1), NoteOn(3.0, 64, 80, 0, 0)):
        keys.hear(event)
    keys.hear(NoteOff(4.0, 64, 0, 0))
    assert keys.release(5.0, 1) == [NoteOff(5.0, 62, 1, 1), ControlChange(5.0, 64, 0, 5, 1)]
    assert keys.overdue(3600.0) == []
    assert keys.overdue(3600.1) == [NoteOff(3600.1, 60, 1, 0)]
    assert keys.release(3601.0) == []


def test_all_notes_off_lets_the_keys_of_its_channel_go() -> None:
    keys = Keys()
    keys.hear(NoteOn(0.0, 60, 80, 1))
    keys.hear(NoteOn(0.0, 61, 80, 2))
    keys.hear(ControlChange(1.0, 123, 0, 1))
    assert keys.release(2.0) == [NoteOff(2.0, 61, 2)]


class Forgetful:
    """Plays one note and never ends it."""

    done = -math.inf

    def __init__(self) -> None:
        self.due: float | None = 1.0

    def advance(self, now: float, heard: object = ()) -> list[Event]:
        if self.due is None or now < self.due:
            return []
        self.due = None
        return [NoteOn(1.0, 60, 80, 2)]

    def silence(self, now: float) -> list[Event]:
        return []


def test_a_note_that_nobody_ends_is_closed_and_told() -> None:
    sent: list[Event] = []
    told: list[Event] = []
    perform(Forgetful(), OfflineClock(), queue.SimpleQueue(), sent.append, allowed=lambda event: 12.0, closed=told.append)
    assert sent == [NoteOn(1.0, 60, 80, 2), NoteOff(13.0, 60, 2)]
    assert told == [NoteOff(13.0, 60, 2)]


@pytest.mark.parametrize(("mode", "seconds"), [("trade", 12.0), ("comp", 12.0), ("echo", HELD)])
def test_how_long_a_note_may_sound(mode: str, seconds: float) -> None:
    assert MODES[mode].longest(Meter(120.0)) == seconds
