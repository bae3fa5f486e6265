"""From a performance to those who read its status: the real one, through the pipe's JSON, to ctl, OSC and the metrics."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from improv.cli.ctl import described
from improv.control.server.metrics import ROWS, exposition
from improv.control.server.osc import Message
from improv.control.server.osc_addresses import told
from improv.control.standing import beat_in_bar, status_of
from improv.control.status import FIGURES, PARTS, Lateness, PerformerStatus, Status, as_json, read_status
from improv.core.beats.timekeeper import one_beat
from improv.core.events import Event, NoteOff, NoteOn
from improv.core.meter import Meter
from improv.core.note_book import NoteBook
from improv.core.settings import Settings
from improv.midi.binding import rtmidi
from improv.midi.patchbay import Input, Output, Patchbay
from improv.models.model import Model
from improv.perform.deadline import Worker
from improv.perform.figures import StepFigure, thinking
from improv.perform.harmony_news import HarmonyNews
from improv.perform.inbox import Inbox
from improv.perform.observers import LatenessLog
from improv.perform.performers import PerformerAtWork, PerformerSetup, Song

SINCE = "2026-11-21T20:15:00+0000"


class Patient(Worker):
    """A thread to think in that is waited for, however slow this machine is."""

    def take(self, patience: float) -> list[Event] | None:
        return super().take(30.0)


@pytest.fixture
def status(model: Model) -> Status:
    """A minute of 4/4 at 120 after a call of four notes; half a second late is nobody, two notes are a little."""
    setups = [
        PerformerSetup("left", model, Settings(tempo=120), 1, "pocket"),
        PerformerSetup("right", model, Settings(mode="comp", density=0.5), 1, "pocket"),
    ]
    timekeeper = one_beat([setup.settings for setup in setups])
    members = [PerformerAtWork(number, setup, Song(), timekeeper.meter, Patient(lambda: None)) for number, setup in enumerate(setups)]
    heard = [e for i in range(4) for e in (NoteOn(i / 2, 60 + i, 80), NoteOff(i / 2 + 0.4, 60 + i))]
    moments = [timekeeper.hear(event, event.time) for event in heard]
    for member in members:
        assert member.deadline
        assert isinstance(member.worker, Worker)
        member.deadline.advance(2.0, moments)
        member.worker.close()
    bay = Patchbay(rtmidi.API_RTMIDI_DUMMY, lambda: 2.0, print, [Input(0, "keys", "Keystation")], [Output(0, "FLUID"), Output(1)])
    lateness, step = LatenessLog(), StepFigure()
    for late in (0.0003, 0.003):
        lateness.played(NoteOn(0.0, 60, 80), late, False)
    step.look(*thinking(members))
    counts = {"heard": 4, "played": 2, "filled": 0, "dropped": 0, "guarded": 0}
    clock, sounding = SimpleNamespace(now=lambda: 57.25), NoteBook()
    harmony = HarmonyNews(members, timekeeper, lambda: None)
    performance: Any = SimpleNamespace(
        performers=members, clock=clock, ends=bay, inbox=Inbox(), timekeeper=timekeeper, sounding=sounding, harmony=harmony
    )
    return status_of(performance, counts, lateness, step.us, SINCE, "s/a.jsonl", "SCHED_FIFO 60")


def through_the_pipe(status: Status) -> Status:
    return read_status(json.loads(json.dumps(as_json(status))))


def test_what_the_performance_says_arrives_whole(status: Status) -> None:
    assert through_the_pipe(status) == status
    assert status.step_us
    assert (status.bar, status.beat, status.position) == (29, 3.5, 114.5)


def test_ctl_names_the_ports_the_beat_of_the_bar_and_the_step(status: Status) -> None:
    lines = list(described(through_the_pipe(status), 0.1, 1_795_000_000))
    assert lines[1].startswith("clock internal, 120.0 bpm, bar 29, beat 3, ")
    assert lines.pop(2) == status.harmony
    assert lines[2:4] == [
        "  left   trade, pocket, temperature 1.1 -> FLUID (MISSING)",
        "  right  comp, pocket, temperature 1.1 -> a virtual port (MISSING)",
    ]
    assert lines[5].startswith("lateness in ms: 1.65 p50, ")
    assert f"; a model step {status.step_us:.0f} us; SCHED_FIFO 60" in lines[5]
    assert lines[6] == "MISSING: input keys (Keystation), output of left (FLUID), output of right (virtual)"


def test_osc_and_the_metrics_read_the_same(status: Status) -> None:
    arrived = through_the_pipe(status)
    assert told({"name": "port", "performer": "left"}, arrived) == Message("/improv/left/is/port", ("FLUID",))
    assert told({"name": "density"}, arrived) == Message("/improv/is/density", (0.0, 0.5))
    assert told({"name": "bar"}, arrived) == Message("/improv/is/bar", (29,))
    page = exposition(arrived, 0.1, {})
    assert f"improv_model_step_seconds {(status.step_us or 0) * 1e-6:.10g}\n" in page
    assert 'improv_lateness_seconds_bucket{le="0.0004"} 1\n' in page
    assert 'improv_lateness_seconds_bucket{le="+Inf"} 2\n' in page
    assert "improv_lateness_seconds_sum 0.0033\n" in page
    assert 'improv_port_up{side="output",name="left"} 0\n' in page


def test_every_word_of_the_status_can_be_asked_for_over_osc() -> None:
    for name in FIGURES:
        assert told({"name": name}, Status()).address == f"/improv/is/{name}"
    assert {*FIGURES, *PARTS} == set(Status._fields)
    assert {key for key, *_ in ROWS.values()} <= set(FIGURES)


@pytest.mark.parametrize("odd", [None, 7, {}, {"performers": 7, "inputs": [], "lateness_ms": "x", "lateness_histogram": 3, "new": 1}])
def test_what_another_version_tells_is_read_as_far_as_it_goes(odd: Any) -> None:
    assert read_status(odd) == Status()
    told_more = {"bar": 3, "performers": {"a": {"port": "FLUID", "mood": "blue"}}}
    assert read_status(told_more) == Status(bar=3, performers={"a": PerformerStatus(port="FLUID")})


def test_lateness_is_shown_from_the_first_note_on_and_rests_on_two_turns() -> None:
    log, note = LatenessLog(), NoteOn(0.0, 60, 80)
    assert log.spread == {}
    log.played(note, 0.001, False)
    assert Lateness(**log.spread) == Lateness(1.0, 1.0, 1.0, 1.0, 0.0)
    assert log.histogram[1] == (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    assert log.lately()["notes"] == 1
    assert log.spread["p50"] == 1.0
    log.played(note, 0.003, False)
    assert log.spread["p50"] == 2.0
    assert (log.lately()["p50"], log.lately()) == (3.0, {})
    log.played(note, 0.005, False)
    assert log.spread["p50"] == 5.0
    assert log.histogram[1:] == ((0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0), 9.0)


def test_the_step_is_that_of_the_latest_ones() -> None:
    step = StepFigure()
    step.look(0, 0.0)
    assert step.us is None
    step.look(10, 0.001)
    step.look(10, 0.5)  # thoughts without a step
    assert step.us == 100.0
    step.look(12, 0.501)
    assert step.us == 250000.0


@pytest.mark.parametrize(
    ("metre", "beat", "shown"), [((4, 4), 0.0, 1.0), ((4, 4), 7.5, 4.5), ((6, 8), 2.5, 6.0), ((3, 4), 3 - 1e-12, 1.0), ((2, 2), 2.0, 2.0)]
)
def test_beats_are_counted_from_one_as_the_metre_counts(metre: tuple[int, int], beat: float, shown: float) -> None:
    assert beat_in_bar(Meter(120.0, metre), beat) == shown


def test_a_thought_s_time_is_added_up() -> None:
    worker = Worker(lambda: None)
    for _ in range(2):
        worker.give(lambda: [])
        assert worker.take(30.0) == []
    worker.close()
    assert worker.seconds > 0
