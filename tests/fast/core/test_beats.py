"""Where the beat is: tapped, from MIDI Clock, from a shared timeline; and what it means for the song."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from improv.core.beats.moment import News
from improv.core.beats.sources import SOURCES
from improv.core.beats.timekeeper import Timekeeper, in_beats, one_beat
from improv.core.events import Event, HostTime, NoteOff, NoteOn, Pulse, Setting, Sync, Tap, Transport, moved
from improv.core.settings import CLOCKS, Settings


def keeper_of(clock: str, *heard: Event, metre: tuple[int, int] = (4, 4), **wishes: object) -> Timekeeper:
    keeper = Timekeeper(Settings(clock=clock, **wishes), metre)  # type: ignore[arg-type]
    for event in heard:
        keeper.hear(event, event.time)
    return keeper


def pulses(start: float, count: int, bpm: float = 120.0) -> list[Pulse]:
    return [Pulse(start + i * 60 / bpm / 24) for i in range(count)]


# Our own beat


def test_the_first_note_is_beat_one() -> None:
    keeper = keeper_of("internal", NoteOn(3.0, 60, 80))
    assert (keeper.meter.beat(3.0), keeper.meter.beat(4.0)) == (0.0, 2.0)


def test_a_click_or_a_solo_wants_the_beat_from_the_start_and_a_count_in_comes_before_bar_one() -> None:
    assert keeper_of("internal", click=10).meter.position(0.0) == 0.0
    assert keeper_of("internal", mode="solo").meter.running
    keeper = keeper_of("internal", NoteOn(0.5, 60, 80), count_in=2, metre=(3, 4))
    assert keeper.meter.position(keeper.meter.beat(0.0)) == -6.0
    assert keeper.meter.position(keeper.meter.beat(3.0)) == 0.0


def test_start_stop_continue_and_song_position_are_obeyed_by_our_own_beat() -> None:
    keeper = keeper_of("internal")
    assert keeper.hear(Transport(1.0, "start"), 1.0).news is News.STARTED
    assert keeper.meter.position(keeper.meter.beat(2.0)) == 2.0
    assert keeper.hear(Transport(2.0, "stop"), 2.0).news is News.STOPPED
    assert keeper.hear(NoteOn(2.5, 60, 80), 2.5).news is None  # stopped is stopped
    assert keeper.meter.position(keeper.meter.beat(9.0)) == 2.0
    assert keeper.meter.time(2.5) == math.inf
    assert keeper.hear(Transport(10.0, "continue"), 10.0).news is News.STARTED
    assert keeper.meter.position(keeper.meter.beat(11.0)) == 4.0
    assert keeper.hear(Transport(11.0, "position", 16.0), 11.0).news is News.JUMPED
    assert (keeper.meter.beat(11.5), keeper.meter.position(keeper.meter.beat(11.5))) == (5.0, 17.0)  # beats go on, the song is elsewhere
    assert keeper.hear(Transport(12.0, "start"), 12.0).news is News.JUMPED
    assert keeper.meter.position(keeper.meter.beat(12.0)) == 0.0


@pytest.mark.parametrize("bpm", [45.0, 60.0, 132.0, 300.0])
def test_a_bar_of_taps_sets_the_tempo_and_the_beat_after_it_is_beat_one(bpm: float) -> None:
    taps = [Tap(1 + i * 60 / bpm) for i in range(4)]
    keeper = keeper_of("internal", *taps)
    assert keeper.meter.tempo == pytest.approx(bpm)
    assert keeper.meter.position(keeper.meter.beat(1 + 4 * 60 / bpm)) == pytest.approx(0.0, abs=1e-9)


def test_taps_while_it_runs_move_tempo_and_beat_and_a_lone_tap_nothing() -> None:
    keeper = keeper_of("internal", NoteOn(0.0, 60, 80), Tap(10.1))
    assert keeper.meter.beat(10.0) == 20.0
    for i in range(1, 5):
        keeper.hear(Tap(10.1 + 0.6 * i), 10.1 + 0.6 * i)
    assert keeper.meter.tempo == pytest.approx(100.0)
    assert keeper.meter.beat(12.5) % 1.0 == pytest.approx(0.0, abs=1e-9)  # the tap is on the beat
    keeper.hear(Tap(20.0), 20.0)  # after a rest: taps begin anew
    keeper.hear(Tap(20.4), 20.4)
    assert keeper.meter.tempo == pytest.approx(150.0)


def test_in_six_eight_one_taps_dotted_quarters() -> None:
    keeper = keeper_of("internal", *[Tap(0.6 * i) for i in range(2)], metre=(6, 8))
    assert keeper.meter.tempo == pytest.approx(150.0)  # quarters
    assert keeper.meter.position(keeper.meter.beat(1.2)) == pytest.approx(0.0, abs=1e-9)


# MIDI Clock


def test_bar_one_is_the_first_pulse_after_start_and_the_count_of_pulses_is_the_beat() -> None:
    keeper = keeper_of("midi", *pulses(0.0, 48), Transport(1.0, "start"), *pulses(1.001, 25))
    assert keeper.meter.position(keeper.meter.beat(1.501)) == pytest.approx(1.0, abs=1e-3)
    assert keeper.meter.tempo == pytest.approx(120.0, rel=1e-3)


def test_a_note_joins_a_clock_that_was_never_heard_to_start() -> None:
    keeper = keeper_of("midi", *pulses(0.0, 100))
    assert not keeper.meter.running
    keeper.hear(NoteOn(2.07, 60, 80), 2.07)  # the pulse at 2.0625 is the nearest
    for pulse in pulses(2.0833333, 24):
        keeper.hear(pulse, pulse.time)
    assert keeper.meter.beat(2.5625) == pytest.approx(1.0, abs=0.01)


def test_without_pulses_the_beat_stands_still_and_nothing_is_lost() -> None:
    """Two seconds without: the beat stands, and the next pulse is the next."""
    keeper = keeper_of("midi", Transport(0.0, "start"), *pulses(0.0, 96))
    last = keeper.meter.beat(pulses(0.0, 96)[-1].time)
    assert keeper.meter.beat(3.5) == keeper.meter.beat(3.0) == pytest.approx(last + 0.25, abs=0.01)
    for pulse in pulses(4.0, 97):
        keeper.hear(pulse, pulse.time)
    assert keeper.meter.beat(6.0) == pytest.approx(8.0, abs=0.01)


def test_stop_and_continue_go_on_with_the_next_pulse_and_a_song_position_jumps() -> None:
    keeper = keeper_of("midi", Transport(0.0, "start"), *pulses(0.0, 48))
    assert keeper.hear(Transport(1.0, "stop"), 1.0).news is News.STOPPED
    for pulse in pulses(1.0, 96):  # many send clock while they stand
        keeper.hear(pulse, pulse.time)
    assert not keeper.meter.running
    assert keeper.hear(Transport(3.0, "continue"), 3.0).news is None  # from the next pulse on
    assert keeper.hear(Pulse(3.01), 3.01).news is News.STARTED
    assert keeper.meter.position(keeper.meter.beat(3.01)) == pytest.approx(2.0, abs=0.01)
    assert keeper.hear(Transport(3.02, "position", 64.0), 3.02).news is News.JUMPED
    keeper.hear(Pulse(3.0308), 3.0308)
    assert keeper.meter.position(keeper.meter.beat(3.0308)) == pytest.approx(64.0, abs=0.01)


def test_a_pulse_that_was_heard_late_counts_as_it_arrived() -> None:
    heard: list[Event] = [Transport(0.0, "start"), *pulses(0.0, 96)]
    late = [moved(e, e.time + 0.004) if i % 3 == 0 and i else e for i, e in enumerate(heard)]
    assert keeper_of("midi", *late).meter.beat(2.0) == keeper_of("midi", *heard).meter.beat(2.0)


# A shared timeline


def test_a_shared_timeline_gives_beat_tempo_and_bar_lines() -> None:
    keeper = keeper_of("link", Sync(1.0, 101.5, 90.0))
    assert keeper.meter.within_bar(keeper.meter.beat(1.0)) == 1.5
    keeper.hear(Sync(2.0, 103.01, 90.0), 2.0)
    assert keeper.meter.within_bar(keeper.meter.beat(2.0)) == pytest.approx(3.01)
    assert keeper.hear(Sync(3.0, 40.5, 90.0), 3.0).news is News.JUMPED  # a peer joined, and the session is elsewhere
    assert keeper.meter.within_bar(keeper.meter.beat(3.0)) == 0.5
    assert keeper.hear(Sync(4.0, 42.0, 90.0, playing=False), 4.0).news is News.STOPPED
    assert keeper.hear(Sync(9.0, 48.0, 120.0), 9.0).news is News.STARTED
    assert (keeper.meter.tempo, keeper.meter.within_bar(keeper.meter.beat(9.5))) == (120.0, 1.0)


# A plugin's host


def host_keeper(*heard: HostTime) -> Timekeeper:
    return keeper_of("host", *heard)


def place(keeper: Timekeeper, time: float) -> tuple[float, float]:
    """The song position at a time, and how far that is from the bar line."""
    meter = keeper.meter
    beat = meter.beat(time)
    return round(meter.position(beat), 9), round(meter.within_bar(beat), 9)


def test_a_host_says_tempo_place_start_stop_and_jump() -> None:
    keeper = host_keeper(HostTime(0.0, 6.0, 90.0, playing=False))
    assert (keeper.meter.running, keeper.meter.tempo) == (False, 90.0)
    assert keeper.hear(HostTime(1.0, 6.0, 90.0), 1.0).news is News.STARTED
    assert place(keeper, 3.0) == (9.0, 1.0)
    assert keeper.hear(HostTime(3.0, 9.0, 120.0), 3.0).news is None  # a change of tempo is no jump
    assert place(keeper, 4.0) == (11.0, 3.0)
    assert keeper.hear(HostTime(5.0, 0.5, 120.0), 5.0).news is News.JUMPED
    assert place(keeper, 5.5) == (1.5, 1.5)
    assert keeper.hear(HostTime(6.0, 2.5, 120.0, playing=False), 6.0).news is News.STOPPED
    assert keeper.hear(HostTime(9.0, 16.0, 120.0), 9.0).news is News.STARTED
    assert place(keeper, 9.5) == (17.0, 1.0)


def test_the_beat_of_a_host_never_goes_back_in_a_loop() -> None:
    keeper, beats = host_keeper(HostTime(0.0, 0.0, 120.0)), [0.0]
    for turn in range(1, 100):
        time = turn * 2.0
        beats.append(keeper.meter.beat(time))
        assert keeper.hear(HostTime(time, 0.0, 120.0), time).news is News.JUMPED
        assert place(keeper, time + 0.5) == (1.0, 1.0)
    assert beats == [4.0 * n for n in range(100)]


def test_bars_are_those_of_the_host_after_a_change_of_metre() -> None:
    keeper = host_keeper(HostTime(0.0, 0.0, 120.0))
    keeper.hear(HostTime(8.0, 16.0, 120.0, count=3, bar_start=16.0), 8.0)  # after four bars of 4/4
    assert keeper.meter.metres.first.metre == (3, 4)
    assert place(keeper, 8.0) == (12.0, 0.0)  # four bars, as if all were of three
    assert [keeper.meter.bar_of(keeper.meter.beat(8.0 + 1.5 * bar)) for bar in range(3)] == [4, 5, 6]
    assert keeper.hear(HostTime(10.0, 20.0, 100.0, count=3, bar_start=19.0), 10.0).news is None
    assert place(keeper, 10.0) == (16.0, 1.0)
    keeper.hear(HostTime(11.0, 0.0, 100.0), 11.0)  # back to the start, in 4/4
    assert place(keeper, 11.0) == (0.0, 0.0)


def test_a_host_may_say_what_is_no_metre_and_no_tempo_of_ours() -> None:
    keeper = host_keeper(HostTime(0.0, 0.0, 120.0, count=77, unit=3))
    assert keeper.meter.metres.first.metre == (4, 4)
    keeper.hear(HostTime(1.0, 2.0, 999.0), 1.0)
    assert keeper.meter.tempo == 400.0


# All of them


def test_every_clock_that_can_be_set_is_there() -> None:
    assert tuple(SOURCES) == tuple(CLOCKS)


def test_a_moment_keeps_the_beat_that_it_had() -> None:
    keeper = keeper_of("internal", NoteOn(0.0, 60, 80))
    moment = keeper.hear(Setting(2.0, "tempo", 60.0), 2.0)
    later = keeper.hear(Transport(3.0, "stop"), 3.0)
    assert (moment.meter.beat(4.0), moment.meter.tempo, moment.meter.running, moment.news) == (6.0, 60.0, True, None)
    assert (later.meter.beat(4.0), later.meter.running, later.news) == (5.0, False, News.STOPPED)
    assert keeper.meter == later.meter


def test_what_a_performer_plays_says_nothing_of_the_beat() -> None:
    keeper = keeper_of("internal")
    assert keeper.hear(NoteOn(1.0, 60, 80, part=-1), 1.0).news is None
    assert keeper.hear(NoteOn(2.0, 60, 80), 2.0).news is News.STARTED


@pytest.mark.parametrize(("modes", "runs"), [(("trade", "comp"), False), (("comp", "solo"), True), (("solo", "trade"), True)])
def test_one_beat_runs_from_the_start_where_anybody_begins_by_himself(modes: tuple[str, ...], runs: bool) -> None:
    keeper = one_beat([Settings(mode=mode, tempo=90.0 + i) for i, mode in enumerate(modes)], (3, 4))
    assert (keeper.meter.running, keeper.meter.tempo, keeper.meter.metres.first.bar) == (runs, 90.0, 3.0)


@pytest.mark.parametrize("clock", ["internal", "follow", "free", "midi", "link"])
def test_the_same_events_give_the_same_beats(clock: str) -> None:
    rng = random.Random(3)
    events: list[Event] = []
    time = 0.0
    for _ in range(300):
        time += rng.choice([0.0, 0.02, 0.2])
        kinds: list[Event] = [
            NoteOn(time, 60, 80),
            NoteOff(time, 60),
            Pulse(time),
            Tap(time),
            Transport(time, "start"),
            Sync(time, 2.0, 100.0),
        ]
        events.append(rng.choice(kinds))
    one, other = keeper_of(clock, *events), keeper_of(clock, *events)
    assert [one.meter.beat(t / 7) for t in range(100)] == [other.meter.beat(t / 7) for t in range(100)]


def test_a_take_is_placed_by_the_tempo_of_its_time() -> None:
    heard: list[Event] = [NoteOn(1.0, 60, 80), Setting(2.0, "tempo", 60.0), NoteOff(3.0, 60)]
    played: list[Event] = [NoteOn(2.5, 64, 80), NoteOff(4.0, 64)]
    placed = in_beats(Timekeeper(Settings()), heard, played)
    assert [e.time for e in placed[0]] == [0.0, 2.0, 3.0]
    assert [e.time for e in placed[1]] == [2.5, 4.0]
    assert placed[2][1:] == [(2.0, 60.0)]


def test_the_clock_can_be_changed_while_it_plays() -> None:
    keeper = keeper_of("internal", NoteOn(0.0, 60, 80), Setting(4.0, "clock", "midi"))
    before = keeper.meter.beat(4.0)
    for event in itertools.chain([Transport(4.0, "start")], pulses(4.01, 49)):
        keeper.hear(event, event.time)
    assert keeper.meter.beat(5.01) == pytest.approx(before + 2.0, abs=0.02)
    assert keeper.meter.position(keeper.meter.beat(5.01)) == pytest.approx(2.0, abs=0.02)


# Inferred


def swung(start: float, bpm: float, bars: int) -> list[Event]:
    beat = 60 / bpm
    return [NoteOn(start + (i + swing) * beat, 60 + i % 5, 80) for i in range(4 * bars) for swing in (0.0, 0.65)]


def test_the_beat_of_swung_eighths_is_followed_and_goes_on_through_a_rest() -> None:
    """Told 120, played at 138: after eight bars and two seconds of silence it is still on the beat."""
    notes = swung(1.0, 138.0, 8)
    keeper = keeper_of("follow", *notes, tempo=130.0)
    assert keeper.meter.tempo == pytest.approx(138.0, rel=0.02)
    end = 1.0 + 32 * 60 / 138
    for beats in range(5):
        beat = keeper.meter.beat(end + beats * 60 / 138)
        assert abs((beat + 0.5) % 1.0 - 0.5) < 0.15
    assert 0.3 < keeper.source.sure <= 1.0


def test_followed_beats_never_fall_whatever_is_played() -> None:
    rng = random.Random(5)
    keeper, time, last = keeper_of("follow"), 0.0, 0.0
    for _ in range(400):
        time += rng.choice([0.0, 0.08, 0.21, 0.5, 2.0])
        keeper.hear(NoteOn(time, 60, 80), time)
        for ahead in (0.0, 0.03, 0.06):
            beat = keeper.meter.beat(time + ahead)
            assert beat >= last - 1e-9
            assert ahead == 0.0 or keeper.meter.time(beat) == pytest.approx(time + ahead, abs=1e-6)
            last = beat if ahead == 0.0 else last


def test_free_goes_at_the_players_pace() -> None:
    keeper = keeper_of("free", *[NoteOn(0.4 * i, 60, 80) for i in range(60)])
    assert keeper.meter.tempo == pytest.approx(75.0, rel=0.03)  # eighths of 0.4 s


def test_from_an_outside_clock_to_our_own_the_beat_goes_on() -> None:
    keeper = keeper_of("midi", Transport(0.0, "start"), *pulses(0.0, 96), Setting(2.0, "clock", "internal"))
    beat = keeper.meter.beat(2.0)
    assert keeper.meter.beat(4.0) == pytest.approx(beat + 4.0, abs=0.01)


def test_a_followed_beat_stands_while_the_song_does() -> None:
    keeper = keeper_of("follow", *swung(0.0, 120.0, 4), Transport(8.0, "stop"), Transport(68.0, "continue"), NoteOn(68.2, 60, 80))
    assert keeper.meter.position(keeper.meter.beat(68.2)) < 18.0
