"""What improv says that it waits for: in the terminal once, and in the status as long as it lasts."""

from __future__ import annotations

import pytest

from improv.cli.ctl import described
from improv.control.status import Status
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Transport
from improv.core.settings import Settings
from improv.perform.waiting import Waiting


def told(heard: list[Event], until: float, answered: float | None = None, **wishes: object) -> tuple[list[str], str | None]:
    """What is told up to a time, asked twice a second, and what it waits for then. answered: when improv plays a note."""
    keeper = Timekeeper(Settings(**wishes))  # type: ignore[arg-type]
    waiting, lines, left = Waiting(keeper), [], sorted(heard, key=lambda e: e.time)
    for look in range(int(2 * until) + 1):
        now = look / 2
        while left and left[0].time <= now:
            event = left.pop(0)
            keeper.hear(event, event.time)
            waiting.heard(event)
        if answered is not None and answered <= now:
            waiting.played(NoteOn(answered, 60, 80), 0.0, False)
            answered = None
        lines += waiting.news(now)
    return lines, waiting.text(until)


def notes(start: float, end: float, channel: int = 0, step: float = 0.5) -> list[Event]:
    count = int((end - start) / step)
    return [e for i in range(count) for t in [start + i * step] for e in (NoteOn(t, 60, 80, channel), NoteOff(t + 0.2, 60, channel))]


HELD = "waiting for the release of E5 on channel 1, which has been down for {} s"
SEVERAL = "waiting for a gap: notes go on on channels 1 and 2; choose yours (jam --listen, a daemon's channels)"


@pytest.mark.parametrize(
    ("heard", "until", "lines", "text"),
    [
        pytest.param([], 3.0, [], "waiting for your first note", id="nothing yet"),
        pytest.param(notes(0, 3), 5.0, [], None, id="the end of a phrase"),
        pytest.param([NoteOn(0, 76, 80)], 20.0, [HELD.format(10)], HELD.format(20), id="a key that is down"),
        pytest.param([NoteOn(0, 76, 80), ControlChange(1, 123, 0)], 20.0, [], None, id="all notes off lets it up"),
        pytest.param(notes(0, 30), 30.0, [], "waiting for a gap: notes go on on channel 1", id="a long solo is no news"),
        pytest.param(notes(0, 5) + notes(0, 30, 1), 7.0, [], "waiting for a gap: notes go on on channel 2", id="a left hand, soon after"),
        pytest.param(notes(0, 30) + notes(0, 30, 1), 30.0, [SEVERAL], SEVERAL, id="two channels that never pause"),
    ],
)
def test_what_it_waits_for(heard: list[Event], until: float, lines: list[str], text: str | None) -> None:
    assert told(heard, until) == (lines, text)


def test_once_it_answers_it_waits_for_nothing_and_a_companion_never_does() -> None:
    assert told([NoteOn(0, 76, 80)], 20.0, answered=2.0) == ([], None)
    assert told(notes(0, 30) + notes(0, 30, 1), 30.0, mode="comp") == ([], None)
    assert told(notes(0, 15), 15.0, tempo=60.0, trade=2) == ([], None)  # two bars, and two more


def test_a_pedal_that_never_moved_is_told_once_as_probably_reversed() -> None:
    down = ControlChange(0.0, 64, 127)
    lines, _ = told([down, *notes(0.5, 30)], 30.0, answered=30.0)
    assert len([line for line in lines if "probably reversed" in line]) == 1
    for other in ([*notes(0, 1), ControlChange(1.2, 64, 127), *notes(2, 30)], [down, *notes(0.5, 30), ControlChange(4.0, 64, 0)]):
        assert told(other, 30.0)[0] == []


def test_lost_pulses_and_a_second_clock_are_told() -> None:
    apart = 60 / 120 / 24
    start: list[Event] = [Transport(0.0, "start")]
    pulses = [i * apart for i in range(40 * 48)]
    lines, _ = told(start + [Pulse(t) for i, t in enumerate(pulses) if i not in (400, 600)], 39.5, clock="midi")
    assert lines == [f"MIDI clock lost pulses on its way: {many}, which are counted all the same" for many in (1, 1)]
    both = start + [Pulse(t) for t in pulses] + [Pulse(t + 0.3 * apart) for t in pulses[480:]]
    lines, _ = told(both, 39.0, clock="midi")
    assert lines == ["two MIDI clocks arrive at once: the first is followed. Let only one program send clock"]
    assert told([], 8.0, clock="midi")[1] == "no MIDI clock arrives yet: let the DAW or drum machine send clock to improv's input"


def test_ctl_shows_it() -> None:
    assert SEVERAL in list(described(Status(waits=SEVERAL), 0.1, 0.0))
