"""Lost pulses are counted, and nothing else is taken for one; of two clocks on one port, one is followed."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

import pytest

from improv.core.beats.pulse_sorter import PulseSorter
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, Pulse, Transport
from improv.core.hearing import FIRST, NOW
from improv.core.settings import Settings

BAR = 96  # pulses of 4/4
RUNS = 5


def period(tempo: float) -> float:
    return 60.0 / tempo / 24


def sorted_out(periods: Sequence[float], seed: int, jitter: float = 2e-3, lost: Collection[int] = ()) -> tuple[PulseSorter, int]:
    """The sorter, and what it counted."""
    rng, sorter, time, count = random.Random(seed), PulseSorter(120), 5.0, 0
    for i, apart in enumerate(periods):
        if i not in lost:
            count += sorter.pulse(time + rng.gauss(0.0, jitter))
        time += apart
    return sorter, count


@pytest.mark.parametrize("many", [1, 2, 3])
@pytest.mark.parametrize(("tempo", "jitter"), [(60, 2e-3), (120, 2e-3), (200, 5e-4)])
def test_lost_pulses_are_counted(tempo: float, jitter: float, many: int) -> None:
    lost = {at + i for at in range(4 * BAR, 8 * BAR, 97) for i in range(many)}
    for seed in range(RUNS):
        sorter, count = sorted_out([period(tempo)] * 9 * BAR, seed, jitter, lost)
        assert (sorter.lost, count) == (len(lost), 9 * BAR)
        assert sorter.filter.period == pytest.approx(period(tempo), rel=0.003)


JUMPS = [0.5, 0.6, 2 / 3, 0.75, 0.87, 0.91, 1.0, 1.1, 1.17, 1.25, 1.5, 1.8, 2.0]


@pytest.mark.parametrize("times", JUMPS)
@pytest.mark.parametrize("tempo", [60, 120, 200])
def test_no_tempo_is_taken_for_a_lost_pulse_nor_for_a_second_clock(tempo: float, times: float) -> None:
    for seed in range(RUNS):
        sorter, count = sorted_out([period(tempo)] * 4 * BAR + [period(tempo * times)] * 2 * BAR, seed)
        assert (sorter.lost, sorter.two, count) == (0, False, 6 * BAR)


@pytest.mark.parametrize("tempo", [60, 120, 200])
def test_nor_is_a_ramp_a_pause_or_what_was_held_up(tempo: float) -> None:
    apart = period(tempo)
    ramp = [period(tempo * (1 + 0.3 * i / (4 * BAR))) for i in range(4 * BAR)]
    for periods in ([apart] * 2 * BAR + ramp, [apart] * 2 * BAR + [2.0 + apart] + [apart] * BAR):
        for seed in range(RUNS):
            sorter, count = sorted_out(periods, seed)
            assert (sorter.lost, sorter.two, count) == (0, False, len(periods))
    for held in (0.02, 0.03, 0.05):  # seconds; all that was held up comes at once
        sorter, count = PulseSorter(tempo), 0
        for i in range(8 * BAR):
            count += sorter.pulse(i * apart + max(0.0, held - apart * ((i - 2 * BAR) % 90) if i >= 2 * BAR else 0.0))
        assert (sorter.lost, sorter.two, count) == (0, False, 8 * BAR)


@pytest.mark.parametrize("phase", [0.15, 0.3, 0.7])
@pytest.mark.parametrize("joins", [0, 4 * BAR])
def test_of_two_clocks_one_is_followed(phase: float, joins: int) -> None:
    apart, sorter, rng, count = period(120), PulseSorter(120), random.Random(1), 0
    first = [i * apart + rng.gauss(0, 3e-4) for i in range(12 * BAR)]
    second = [(joins + phase + i) * apart + rng.gauss(0, 3e-4) for i in range(12 * BAR - joins - 1)]
    for time in sorted(first + second):
        count += sorter.pulse(time)
    assert sorter.two
    assert sorter.filter.period == pytest.approx(apart, rel=0.002)
    assert abs(count - 12 * BAR) <= 1


def two(tempi: tuple[float, float], phase: float, joins: int, seed: int, drift: float = 0.0) -> tuple[PulseSorter, int]:
    """Twelve bars of a clock, and another that joins after so many pulses, a part of a pulse late: the sorter, and what it counted."""
    rng, apart, other = random.Random(seed), period(tempi[0]), period(tempi[1]) * (1 + drift)
    first = [5.0 + i * apart + rng.gauss(0, 3e-4) for i in range(12 * BAR)]
    second = [5.0 + (joins + phase) * apart + i * other + rng.gauss(0, 3e-4) for i in range(24 * BAR)]
    sorter = PulseSorter(120)
    return sorter, sum(sorter.pulse(time) for time in sorted([*first, *(t for t in second if t < first[-1])]))


@pytest.mark.parametrize("phase", [0.15, 0.45, 0.5])
@pytest.mark.parametrize("joins", [0, 4 * BAR])
@pytest.mark.parametrize("tempi", [(120, 128), (120, 100), (120, 60), (60, 66)])
def test_two_clocks_of_different_tempo_are_told_apart_and_one_is_followed(tempi: tuple[float, float], joins: int, phase: float) -> None:
    for seed in range(2):
        sorter, count = two(tempi, phase, joins, seed)
        assert sorter.two
        if (tempi, joins, phase) != ((120, 128), 0, 0.15):  # here the second is taken for the first now and then
            assert abs(count - 12 * BAR) <= 1
            assert sorter.filter.period == pytest.approx(period(tempi[0]), rel=0.002)


@pytest.mark.parametrize("joins", [0, 4 * BAR])
def test_near_half_a_pulse_apart_they_are_told_apart_as_they_drift_and_before_that_is_told(joins: int) -> None:
    """Exactly half a pulse apart two clocks are one of double tempo, to anybody who hears the pulses alone."""
    sorter, _ = two((120, 120), 0.5, joins, 1)
    assert not sorter.two
    assert sorter.doubled == (joins > 0)
    sorter, _ = two((120, 120), 0.5, joins, 1, drift=3e-4)
    assert sorter.two


def test_two_clocks_as_sessions_of_before_heard_them() -> None:
    """Hearing 2 takes 120 and 128 bpm, the second from bar five on, for one clock."""
    sorter, apart, other = PulseSorter(120, hearing=2), period(120), period(128)
    times = sorted([*(i * apart for i in range(8 * BAR)), *((4 * BAR + 0.45) * apart + i * other for i in range(4 * BAR))])
    for time in times:
        sorter.pulse(5.0 + time)
    assert not sorter.two


def beats(heard: list[Event], at: float, hearing: int = NOW) -> float:
    """The song position at a time, once all was heard."""
    keeper = Timekeeper(Settings(clock="midi", tempo=120.0), hearing=hearing)
    for event in sorted(heard, key=lambda e: e.time):
        keeper.hear(event, event.time)
    return keeper.meter.position(keeper.meter.beat(at))


def test_a_lost_pulse_leaves_nothing_behind_in_the_beat_and_older_sessions_go_on_as_they_were() -> None:
    apart = period(120)
    heard: list[Event] = [Transport(0.99, "start"), *(Pulse(1.0 + i * apart) for i in range(6 * BAR) if i != 400)]
    at = 1.0 + (6 * BAR - 1) * apart
    assert beats(heard, at) == pytest.approx((6 * BAR - 1) / 24, abs=1e-3)
    assert beats(heard, at, FIRST) == pytest.approx((6 * BAR - 2) / 24, abs=1e-3)


@pytest.mark.parametrize("after", [0, 3, 20])
def test_a_song_position_is_believed_not_counted_twice(after: int) -> None:
    """It comes so many pulses after the one that was lost, and says where the next pulse is."""
    apart, lost = period(120), 400
    told = lost + 1 + after
    told += -told % 6  # song positions are sixteenths
    position = Transport(1.0 + (told - 0.5) * apart, "position", told / 24)
    heard: list[Event] = [Transport(0.99, "start"), *(Pulse(1.0 + i * apart) for i in range(6 * BAR) if i != lost), position]
    at = 1.0 + (6 * BAR - 1) * apart
    assert beats(heard, at) == pytest.approx((6 * BAR - 1) / 24, abs=1e-3)
