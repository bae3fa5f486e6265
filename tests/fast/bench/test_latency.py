"""The verdict of `improv bench`, and its players."""

from __future__ import annotations

import queue

import pytest

from improv.bench.clock_lock import APART, LEAD, Clocked
from improv.bench.latency import Echoing, Stolen, Ticking, verdict
from improv.core.events import Event, NoteOff, NoteOn, Pulse
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform


def late(idle: float, loaded: float) -> dict[str, object]:
    return {"lateness": {"idle": {"p99_us": idle}, "loaded": {"p99_us": loaded}}}


@pytest.mark.parametrize(
    ("figures", "real_time", "period", "says"),
    [
        (late(399, 599) | {"key_to_note": {"p99_us": 1900}, "note": {"p99_us": 300}}, True, 0.0013, "stage-ready"),
        (late(399, 1499), False, None, "stage-ready"),
        (late(399, 1499), True, None, "to mend: notes are up to 1.5 ms late beside two busy programs"),
        (
            late(100, 3000),
            False,
            None,
            "to mend: notes are up to 3.0 ms late beside two busy programs; there is no real-time priority: see README",
        ),
        ({"key_to_note": {"p99_us": 2500}}, True, None, "to mend: a key takes up to 2.5 ms to make a note"),
        ({"key_to_note": {"p99_us": 25}}, True, 0.0213, "to mend: JACK's period is 21.3 ms: choose fewer frames a period"),
        ({"clock_lock": {"apart_p99_us": 1999, "pulses_lost": 0, "p99_us": 5000}}, True, None, "stage-ready"),
        ({"clock_lock": {"apart_p99_us": 2100, "pulses_lost": 0}}, True, None, "to mend: notes lie up to 2.1 ms off a MIDI clock's grid"),
        ({"clock_lock": {"apart_p99_us": 9000, "pulses_lost": 2}}, True, None, "to mend: 2 MIDI clock pulses got lost on their way"),
        ({"key_to_note": {"p99_us": 250, "stolen": 0.02}}, True, None, "stage-ready"),
        (
            {"key_to_note": {"p99_us": 250, "stolen": 0.24}},
            True,
            None,
            "to mend: the host of this virtual machine withheld 24% of the processor: play on a machine of your own",
        ),
    ],
)
def test_the_verdict_says_what_to_mend(figures: dict[str, object], real_time: bool, period: float | None, says: str) -> None:
    assert verdict(figures, real_time, period) == says


def test_what_a_host_withholds_is_a_share_of_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([(100, 10), (160, 30), (160, 30)])
    monkeypatch.setattr(Stolen, "_count", staticmethod(lambda: next(counts)))
    assert Stolen().share() == 0.25
    monkeypatch.setattr(Stolen, "_count", staticmethod(lambda: (7, 0)))
    assert Stolen().share() == 0.0


def test_a_ticking_player_thinks_after_each_note_and_an_echo_answers_at_once() -> None:
    played: list[Event | str] = []
    perform(Ticking(4, lambda: played.append("thought")), OfflineClock(), queue.SimpleQueue(), played.append)
    assert [e if isinstance(e, str) else type(e) for e in played] == [NoteOn, "thought", NoteOff, "thought"] * 2
    heard: list[Event] = [NoteOn(1.0, 60, 80), NoteOff(1.5, 60)]
    echoed: list[Event] = []
    perform(Echoing(), OfflineClock(heard), queue.SimpleQueue(), echoed.append)
    assert echoed == heard


def test_a_clocked_player_plays_eighths_on_the_pulses_grid() -> None:
    played: list[Event] = []
    perform(Clocked(), OfflineClock([Pulse(0.01 * i) for i in range(LEAD + 4 * APART - 1)]), queue.SimpleQueue(), played.append)
    assert [type(e) for e in played] == [NoteOn, NoteOff] * 2
    assert [e.time for e in played] == pytest.approx([0.01 * (LEAD + APART * i) for i in range(4)], abs=1e-6)
