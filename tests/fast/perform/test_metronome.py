"""The metronome: clicks, and MIDI Clock for others."""

from __future__ import annotations

import queue

import pytest

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, NoteOff, NoteOn, Pulse, Setting, Transport
from improv.core.settings import Settings
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.perform.metronome import Metronome


def band(metre: tuple[int, int] = (4, 4), send_clock: bool = False, **wishes: object) -> Band:
    """A metronome alone with the beat."""
    settings = Settings(**wishes)  # type: ignore[arg-type]
    timekeeper = Timekeeper(settings, metre)
    return Band([Slot(Metronome(settings, timekeeper.meter, send_clock))], timekeeper)


def play(heard: list[Event], until: float, metre: tuple[int, int] = (4, 4), send_clock: bool = False, **wishes: object) -> list[Event]:
    played: list[Event] = []
    perform(band(metre, send_clock, **wishes), OfflineClock(heard, until), queue.SimpleQueue(), played.append)
    return played


def clicks(played: list[Event]) -> list[tuple[float, int]]:
    return [(round(e.time, 6), e.pitch) for e in played if isinstance(e, NoteOn)]


@pytest.mark.parametrize(
    ("metre", "expected"),
    [
        ((4, 4), [(0, 76), (1, 77), (2, 77), (3, 77), (4, 76)]),
        ((3, 4), [(0, 76), (1, 77), (2, 77), (3, 76), (4, 77)]),
        ((6, 8), [(0, 76), (1.5, 77), (3, 76)]),
        ((2, 4), [(0, 76), (1, 77), (2, 76), (3, 77), (4, 76)]),
    ],
)
def test_it_clicks_the_beats_of_the_metre_the_bar_line_higher(metre: tuple[int, int], expected: list[tuple[float, int]]) -> None:
    played = play([], 4.2, metre, tempo=60.0, click=10)
    assert clicks(played) == expected
    assert {e.channel for e in played if isinstance(e, NoteOn | NoteOff)} == {9}
    assert sum(isinstance(e, NoteOn) for e in played) == sum(isinstance(e, NoteOff) for e in played)


def test_a_count_in_is_clicked_and_then_it_is_quiet() -> None:
    assert clicks(play([], 9.0, tempo=60.0, count_in=1)) == [(0, 76), (1, 77), (2, 77), (3, 77)]


def test_a_click_can_be_switched_off_and_follows_the_tempo() -> None:
    switched: list[Event] = [Setting(0.5, "tempo", 120.0), Setting(2.0, "click", 0), Setting(7.3, "click", 3)]
    played = play(switched, 8.0, tempo=60.0, click=3)
    assert clicks(played) == [(0, 76), (0.75, 77), (1.25, 77), (1.75, 77), (7.75, 77)]


def test_followers_hear_start_with_the_first_note_24_pulses_a_quarter_and_stop_at_the_end() -> None:
    played = play([NoteOn(0.51, 60, 80)], 2.6, tempo=120.0, send_clock=True)
    kinds = [e.kind for e in played if isinstance(e, Transport)]
    assert kinds == ["start", "stop"]
    start = next(i for i, e in enumerate(played) if isinstance(e, Transport))
    assert played[start].time == 0.51
    after = [e.time for e in played[start:] if isinstance(e, Pulse)]
    assert after[:3] == pytest.approx([0.51, 0.51 + 1 / 48, 0.51 + 2 / 48])
    assert len(after) == 101  # 4.18 beats
    assert [e for e in played[:start] if isinstance(e, Pulse)]  # the tempo is told before it starts


def test_who_follows_our_clock_is_where_we_are() -> None:
    """Through a count-in, a jump, a stop and a tempo change, a timekeeper that is slaved to our pulses has our position."""
    heard: list[Event] = [
        Setting(3.0, "tempo", 90.0),
        Transport(6.01, "position", 32.0),
        Transport(8.0, "stop"),
        Transport(9.5, "continue"),
    ]
    sent = play(heard, 14.0, tempo=120.0, count_in=1, send_clock=True)
    ours, theirs = Timekeeper(Settings(tempo=120.0, count_in=1)), Timekeeper(Settings(clock="midi"))
    moments = sorted([(e.time, 0, e) for e in heard] + [(e.time, 1, e) for e in sent if e.time < 14.0], key=lambda m: m[:2])
    compared = 0
    for time, side, event in moments:
        (theirs if side else ours).hear(event, time)
        if side and isinstance(event, Pulse) and theirs.meter.running and any(abs(time - t) < 0.3 for t in (2.9, 5.9, 7.9, 13.5)):
            compared += 1
            assert theirs.meter.position(theirs.meter.beat(time)) == pytest.approx(ours.meter.position(ours.meter.beat(time)), abs=0.03)
    assert compared > 20


def test_slaved_it_clicks_on_the_others_beats_and_is_silent_as_they_stop() -> None:
    pulses: list[Event] = [Pulse(1.0 + i / 48) for i in range(97)]
    heard: list[Event] = [Transport(0.9, "start"), *pulses, Transport(3.05, "stop"), *[Pulse(4 + i / 48) for i in range(50)]]
    found = clicks(play(heard, 9.0, clock="midi", click=10))
    assert [pitch for _, pitch in found] == [76, 77, 77, 77, 76]
    assert [time for time, _ in found] == pytest.approx([1.0, 1.5, 2.0, 2.5, 3.0], abs=0.002)


def test_a_setting_that_comes_with_a_click_does_not_swallow_it() -> None:
    metronome = band(click=10, tempo=120.0)
    metronome.advance(0.0)
    found = metronome.advance(0.5008, [Setting(0.5005, "temperature", 0.9)])
    assert [e.time for e in found if isinstance(e, NoteOn)] == [0.5]


def test_pulses_are_not_made_up_for_the_time_that_another_clock_ruled() -> None:
    metronome = band(send_clock=True, clock="midi")
    assert len(metronome.advance(3600.0, [Setting(3600.0, "clock", "internal")])) < 3
