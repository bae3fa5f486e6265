"""What a performance promises, whichever command began it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slow_thinking import Sleeping, Thinking, call

from improv.cli import main
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Setting, Stop, Sync, Tap
from improv.core.harmony import parse_changes
from improv.core.modes.echo import HELD
from improv.core.observer import Observer
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.ends import NoEnds
from improv.perform.inbox import Inbox
from improv.perform.monitor import Monitor
from improv.perform.observers import KeptTake, LatenessLog
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.perform.performing import Performing
from improv.perform.signals import told_signals
from improv.perform.taps import tapping
from improv.perform.waiting import NO_CLOCK
from improv.session import Recorder
from improv.session.header import header_of

SONG = Song(parse_changes("Dm7 | G7"), "Dm7 | G7")


class FakePorts(NoEnds):
    """Ports that keep what is asked of them. arrives: what they hear as they start."""

    def __init__(self, arrives: Callable[[], None] = lambda: None, gone: str | None = None):
        self.asked: list[object] = []
        self.period = 0.005
        self._arrives, self._gone = arrives, gone

    def start(self) -> None:
        self._arrives()

    def send(self, event: Event) -> None:
        self.asked.append(event)

    def panic(self) -> None:
        self.asked.append("panic")

    def missing(self) -> str | None:
        return self._gone


class Notes(Observer):
    """All that an observer is told, as (what, event)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.facts: list[Mapping[str, Any]] = []
        self.texts: list[str] = []

    def heard(self, event: Event) -> None:
        self.told.append(("heard", event))

    def overheard(self, by: int, event: Event) -> None:
        self.told.append((f"overheard by {by}", event))

    def played(self, event: Event, late: float, filled: bool) -> None:
        self.told.append(("filled" if filled else "played", event))

    def dropped(self, event: Event, late: float, filled: bool) -> None:
        self.told.append(("dropped, filled" if filled else "dropped", event))

    def closed(self, event: NoteOff) -> None:
        self.told.append(("closed", event))

    def changed(self, text: str, fact: Mapping[str, Any], warning: bool = False) -> None:
        self.texts.append(text)
        self.facts.append(fact)

    def ended(self, end: Mapping[str, Any]) -> None:
        self.told.append(("ended", dict(end)))

    def of(self, what: str) -> list[Any]:
        return [event for side, event in self.told if side == what]


def one(model: Model, **settings: Any) -> PerformerSetup:
    return PerformerSetup("sax", model, Settings(**settings), 5)


def performed(setups: list[PerformerSetup], script: list[Event], limit: float = 1e9, **more: Any) -> tuple[Performance, Notes]:
    """An offline performance that is over, and what its observers were told."""
    notes = Notes()
    config = PerformanceConfig(setups, SONG)
    performance = Performance(config, more.pop("clock", None) or OfflineClock(script, limit), observers=[notes], **more)
    performance.run()
    return performance, notes


# The five in which jam and daemon had come apart


def test_a_note_that_the_guard_closed_is_told_recorded_and_replays(tmp_path: Path) -> None:
    model = load_model("pocket")
    setup, path = one(model, mode="echo"), tmp_path / "s.jsonl"
    recorder, notes = Recorder(path, header_of(SONG, [setup])), Notes()
    script = [NoteOn(1.0, 72, 80), NoteOn(2.0, 76, 80), NoteOff(3.0, 76), Stop(HELD + 20.0)]  # a key that never comes up
    performance = Performance(PerformanceConfig([setup], SONG), OfflineClock(script), observers=[notes, recorder])
    performance.run()
    closed = notes.of("closed")
    assert closed
    for off in closed:  # just after it was played
        assert notes.told[notes.told.index(("closed", off)) - 1] == ("played", off)
    assert performance.counters.counts["guarded"] == len(closed)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["endless"]["pitch"] for line in lines if "endless" in line] == [off.pitch for off in closed]
    assert main(["replay", str(path)]) == 0


@pytest.mark.parametrize(("control", "panics"), [(120, 1), (123, 0), (121, 0), (64, 0), (1, 0)])
def test_all_sound_off_silences_the_ports_at_once_and_all_notes_off_does_not(model: Model, control: int, panics: int) -> None:
    ports = FakePorts()
    _, notes = performed([one(model)], [*call(), ControlChange(2.4, control, 0, 3, 1), Stop(2.41)], ends=ports)
    assert ports.asked.count("panic") == panics
    assert ControlChange(2.4, control, 0, 3, 1) in notes.of("heard")


def test_what_the_inbox_left_out_is_told_while_it_plays_and_at_the_end(model: Model) -> None:
    inbox, notes = Inbox(most=4), Notes()
    performance = Performance(PerformanceConfig([one(model)], SONG), OfflineClock(), observers=[notes], inbox=inbox)
    monitor = Monitor(performance)
    for i in range(10):
        performance.put(NoteOn(0.0, 60 + i, 80))
    shed = {"notes": 6, "controllers": 0, "clock": 0}
    monitor.look(1.0)
    assert notes.facts == [{"shed": shed | {"time": 1.0}}]
    assert "dropped 6 notes" in notes.texts[0]
    assert performance.run()["shed"] == shed
    assert performance.inbox.dropped == shed


def test_what_is_played_while_all_is_made_ready_is_heard_at_zero_but_for_clock(model: Model) -> None:
    inbox, clock = Inbox(), LiveClock([Stop(5.0, "it was not heard")])
    early = [NoteOn(7.5, 60, 80), Pulse(7.6), Sync(7.7, 1.0, 120.0), ControlChange(7.8, 64, 127), NoteOff(7.9, 60), Stop(8.0, "enough")]
    ports, notes = FakePorts(lambda: [inbox.put(e) for e in early] and None), Notes()
    config = PerformanceConfig([one(model)], SONG, signals=())
    end = Performance(config, clock, ports, [notes], inbox).run()
    kept = [NoteOn(0.0, 60, 80), ControlChange(0.0, 64, 127), NoteOff(0.0, 60), Stop(0.0, "enough")]
    assert notes.of("heard") == [Setting(0.0, "grain", 5.0), *kept]
    assert (end["reason"], end["time"]) == ("enough", 0.0)
    assert end["priority"]


def test_a_tempo_is_told_to_link_whoever_sets_it_once_and_nothing_else_is(model: Model) -> None:
    class Peers(list[float]):
        set_tempo = list.append

    told = Peers()
    wishes = [("tempo", 90.0), ("temperature", 0.5), ("tempo", 5000.0), ("tempo", "fast"), ("tempo", 100)]
    performed([one(model)], [Setting(float(i), name, value) for i, (name, value) in enumerate(wishes)], link=told)
    assert told == [90.0, 100.0]


# And beside them


def test_clicks_are_no_performer_s_they_are_neither_told_nor_counted_even_if_they_come_too_late(model: Model) -> None:
    class Late(OfflineClock):
        def now(self) -> float:
            return self._now + 1.0

    ports = FakePorts()
    performance, notes = performed([one(model, click=10)], [Stop(4.0)], clock=Late([Stop(4.0)]), ends=ports)
    assert [what for what, _ in notes.told] == ["heard", "heard", "ended"]  # the ports' period, and the stop
    assert performance.counters.counts == {"heard": 0, "played": 0, "filled": 0, "dropped": 0, "guarded": 0}


def test_one_solo_begins_by_itself_and_in_a_band_it_begins_for_all(model: Model) -> None:
    _, alone = performed([one(model, mode="solo")], [Stop(1.0)])
    assert alone.of("heard") == [Stop(1.0)]
    performance, band = performed([one(model), one(model, mode="solo")], [Stop(1.0)])
    assert band.of("heard") == [Stop(1.0)]  # they share the beat: nobody has to be told
    assert [p.improviser.meter.beat(1.0) for p in performance.performers] == [2.0, 2.0]


def test_what_fills_in_for_a_slow_model_is_told_apart_and_counted(model: Model) -> None:
    slow = Sleeping(model, lambda: 0.3)
    clock = OfflineClock([*call(), Stop(8.0)])
    setup = replace(one(model), model=slow)
    performance, notes = performed([setup], [], clock=clock, thinker=lambda wake: Thinking(clock, slow))
    filled = [e for e in notes.of("filled") if isinstance(e, NoteOn)]
    assert filled
    assert performance.counters.counts["filled"] == len(filled)
    assert notes.of("ended")[0]["filled"] == len(filled)


def test_what_filled_in_is_told_apart_even_if_it_came_too_late_itself(model: Model) -> None:
    """A riff hardly ever is so late; the engine may still say so."""
    clock, slow, notes = OfflineClock(), Sleeping(model, lambda: 0.3), Notes()
    setup = replace(one(model), model=slow)
    performance = Performance(PerformanceConfig([setup]), clock, observers=[notes], thinker=lambda wake: Thinking(clock, slow))
    riff, own = NoteOn(1.0, 60, 80), NoteOn(1.5, 62, 80)
    deadline = performance.performers[0].deadline
    assert deadline
    deadline.filled.add(riff)
    performance._dropped(riff, 0.1)
    performance._dropped(own, 0.1)
    assert notes.told == [("dropped, filled", riff), ("dropped", own)]


def test_a_fault_of_ours_ends_it_with_a_word_and_closes_what_sounds(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMPROV_DEBUG", raising=False)
    ports = FakePorts()
    broken = Sleeping(model, lambda: 1 / 0 if any(isinstance(e, NoteOn) for e in ports.asked) else 0.0)
    _, notes = performed([replace(one(model, mode="solo"), model=broken)], [Stop(8.0)], ends=ports)
    assert notes.of("ended")[0]["error"] == "ZeroDivisionError: division by zero"
    sounding = sum(isinstance(e, NoteOn) - isinstance(e, NoteOff) for e in ports.asked)
    assert sounding == 0
    assert any(isinstance(e, NoteOn) for e in ports.asked)


def test_a_port_that_is_gone_ends_it(model: Model) -> None:
    performance = Performance(PerformanceConfig([one(model)], SONG), OfflineClock(), FakePorts(gone="synth"))
    Monitor(performance).look(3.0)
    assert performance.run()["reason"] == "port synth"


def test_one_is_reminded_of_an_outside_clock_that_does_not_come_once(model: Model) -> None:
    notes = Notes()
    performance = Performance(PerformanceConfig([one(model, clock="midi")], SONG), OfflineClock(), observers=[notes])
    monitor = Monitor(performance)
    for now in (1.0, 7.0, 8.0):
        monitor.look(now)
    assert (notes.texts, notes.facts) == ([NO_CLOCK], [{}])


def test_how_late_notes_were_is_told_every_half_minute_in_which_there_were_any(model: Model) -> None:
    performance, notes = performed([one(model, mode="solo")], [Stop(8.0)])
    monitor = Monitor(performance)
    for now in (29.0, 31.0, 62.0):
        monitor.look(now)
    count = performance.counters.counts["played"]
    assert [fact["punctual"]["notes"] for fact in notes.facts] == [count]
    assert sum(performance.lateness.histogram[1]) == count


def test_chores_begin_are_done_and_end_with_a_live_performance(model: Model) -> None:
    said: list[str] = []

    class Busy:
        def start(self, performance: Performing) -> None:
            said.append("start")
            performance.put(Stop(0.0, "enough"))

        def look(self, performance: Performing, now: float) -> None: ...
        def close(self, performance: Performing) -> None:
            said.append("close")

    Performance(PerformanceConfig([one(model)], SONG, signals=()), LiveClock([Stop(5.0)])).run([Busy()])
    assert said == ["start", "close"]


def test_a_signal_is_told_once_and_what_was_before_comes_back() -> None:
    before, told = signal.getsignal(signal.SIGTERM), list[str]()
    with told_signals(told.append, ("SIGTERM", "SIGNONE")):
        signal.raise_signal(signal.SIGTERM)
    assert told == ["SIGTERM"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_twice_in_a_moment_is_one_wish_and_later_it_interrupts() -> None:
    told: list[str] = []
    times = iter([10.0, 10.0, 10.003, 10.9, 11.1])
    with told_signals(told.append, now=lambda: next(times)):
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert told == ["SIGINT"]


@pytest.mark.parametrize("moments", [1, 2, 3])
def test_however_often_ctrl_c_is_pressed_it_ends_as_asked_with_silence(model: Model, moments: int) -> None:
    """The first in mid-note, the others while it ends and while its record is written."""

    class Impatient(KeptTake):
        def played(self, event: Event, late: float, filled: bool) -> None:
            super().played(event, late, filled)
            third = len(self.played_events) > 4
            if third and (isinstance(event, NoteOn) or moments > 1):
                signal.raise_signal(signal.SIGINT)

        def ended(self, end: dict[str, Any]) -> None:
            if moments > 2:
                signal.raise_signal(signal.SIGINT)

    take = Impatient()
    end = Performance(PerformanceConfig([one(model, mode="solo")], SONG), OfflineClock([], 60.0), observers=[take]).run()
    assert end["reason"] == "SIGINT"
    ons, offs = (sum(isinstance(e, kind) for e in take.played_events) for kind in (NoteOn, NoteOff))
    assert ons == offs > 2


def test_a_performance_that_does_not_end_is_interrupted_and_silent(model: Model) -> None:
    class Stuck(KeptTake):
        def played(self, event: Event, late: float, filled: bool) -> None:
            super().played(event, late, filled)
            if isinstance(event, NoteOn) and len(self.played_events) > 4:
                raise KeyboardInterrupt

    take = Stuck()
    end = Performance(PerformanceConfig([one(model, mode="solo")], SONG), OfflineClock([], 60.0), observers=[take]).run()
    assert end["reason"] == "SIGINT"
    assert sum(isinstance(e, NoteOn) for e in take.played_events) == sum(isinstance(e, NoteOff) for e in take.played_events)


@pytest.mark.parametrize(
    ("tap", "passes"),
    [
        ("cc80", [Tap(1.0), NoteOn(3.0, 21, 80), NoteOff(4.0, 21), ControlChange(5.0, 81, 127)]),
        ("KEY21", [ControlChange(1.0, 80, 127), ControlChange(2.0, 80, 0), Tap(3.0), ControlChange(5.0, 81, 127)]),
    ],
)
def test_a_controller_or_a_key_taps(tap: str, passes: list[Event]) -> None:
    heard: list[Event] = []
    put = tapping(heard.append, tap)
    for event in (
        ControlChange(1.0, 80, 127),
        ControlChange(2.0, 80, 0),
        NoteOn(3.0, 21, 80),
        NoteOff(4.0, 21),
        ControlChange(5.0, 81, 127),
    ):
        put(event)
    assert heard == passes


def test_a_take_is_kept_as_it_was_told(model: Model) -> None:
    take = KeptTake()
    notes = Notes()
    Performance(PerformanceConfig([one(model)], SONG), OfflineClock(call()), observers=[take, notes]).run()
    assert take.heard_events == notes.of("heard")
    assert take.played_events == notes.of("played")


def test_lateness_is_of_the_last_notes_and_takes_no_more_room_for_more_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("improv.perform.observers.MOST", 4)
    log = LatenessLog()
    for i in range(6):
        log.played(NoteOn(0.0, 60, 80), i / 1000, False)
        log.played(NoteOff(0.1, 60), 9.0, False)
    assert {name: log.all()[name] for name in ("p50", "max")} == {"p50": 3.5, "max": 5.0}
    assert log.lately()["notes"] == 4
    log.played(NoteOn(0.0, 60, 80), 0.008, False)
    assert log.lately() == {"p50": 8.0, "p99": 8.0, "p999": 8.0, "max": 8.0, "jitter": 0.0, "notes": 1}
    assert log.lately() == {}
