"""clock, engine and session: live equals offline, and every way out is silent and recorded."""

from __future__ import annotations

import queue
from collections.abc import Iterable
from pathlib import Path

import pytest

from improv.core.events import Event, NoteOff, NoteOn, Stop
from improv.core.improviser import Improviser
from improv.core.line.memory import Plan
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import Band, alone
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.engine import perform
from improv.session import Recorder, read_session


def call(tempo: float = 400.0) -> list[Event]:
    beat = 60 / tempo
    events: list[Event] = []
    for i, pitch in enumerate([62, 65, 69, 72, 71, 67]):
        events += [NoteOn(i * beat / 2, pitch, 80), NoteOff((i + 0.8) * beat / 2, pitch)]
    return events


def test_live_equals_offline_and_the_record_replays(tmp_path: Path) -> None:
    """The same call at 400 bpm in real time, at once, and again from the live session's own record."""
    played: dict[str, list[Event]] = {"live": [], "offline": [], "replay": []}
    recorder = Recorder(tmp_path / "s.jsonl", {"seed": 4})
    live = LiveClock(call())

    def send(event: Event) -> None:
        played["live"].append(event)
        recorder.played(event, live.now() - event.time)

    def drop(event: Event, late: float) -> None:  # on a busy machine; it is the same music
        played["live"].append(event)
        recorder.dropped(event, late)

    def band() -> Band:
        return alone(Improviser(load_model("jazz"), Settings(tempo=400.0), seed=4))

    perform(band(), live, queue.SimpleQueue(), send, recorder.heard, drop)
    recorder.ended({"reason": "over"})
    perform(band(), OfflineClock(call()), queue.SimpleQueue(), played["offline"].append)
    header, events = read_session(tmp_path / "s.jsonl")
    recorded = list(events)
    heard = [e for side, e in recorded if side == "heard" and not isinstance(e, Stop)]
    perform(band(), OfflineClock(heard), queue.SimpleQueue(), played["replay"].append)
    assert header["seed"] == 4
    assert any(isinstance(e, NoteOn) for e in played["live"])
    assert played["live"] == played["offline"] == played["replay"]
    assert [e for side, e in recorded if side in ("played", "dropped")] == played["live"]


def test_what_arrives_late_is_stamped_as_it_was_taken(model: Model) -> None:
    """A port's thread may deliver after later music was done; the record tells the order in which it was acted on."""

    class Clock:
        def __init__(self) -> None:
            self.turns: list[tuple[float, list[Event]]] = [(0.5, call()), *[(30.0, [])] * 100]
            self.turns += [(31.0, [NoteOn(1.0, 60, 80)]), (32.0, [Stop(32.0)])]

        def now(self) -> float:
            return self.at

        def wait(self, inbox: object, until: float | None) -> list[Event]:
            self.at, heard = self.turns.pop(0)
            return heard

    taken: list[Event] = []
    improviser = Improviser(model, Settings(tempo=400.0), seed=4)
    perform(alone(improviser), Clock(), queue.SimpleQueue(), lambda e: None, taken.append)
    late = taken[len(call())]
    assert isinstance(late, NoteOn)
    assert late.time > 1.0
    assert [e.time for e in taken] == sorted(e.time for e in taken)


class Freezing(OfflineClock):
    """A machine that stands still: whoever waits for a time in the freeze wakes at its end."""

    def __init__(self, script: list[Event], begin: float, end: float) -> None:
        super().__init__(script)
        self.begin, self.end = begin, end

    def now(self) -> float:
        return self.end if self.begin < self._now < self.end else self._now


def test_notes_that_a_freeze_made_late_are_dropped_and_none_hangs(tmp_path: Path) -> None:
    """What was sent and what was dropped are together what the music asked for, so the record replays."""
    heard = call()
    sent: list[Event] = []
    dropped: list[tuple[Event, float]] = []
    whole: list[Event] = []
    model = load_model("jazz")
    warned: list[str] = []
    recorder = Recorder(tmp_path / "s.jsonl", {}, warn=warned.append)

    def drop(event: Event, late: float) -> None:
        dropped.append((event, late))
        recorder.dropped(event, late)

    def send(event: Event) -> None:
        sent.append(event)
        recorder.played(event, 0.0)

    perform(alone(Improviser(model, Settings(tempo=400.0), seed=4)), OfflineClock(heard), queue.SimpleQueue(), whole.append)
    first = next(e.time for e in whole if isinstance(e, NoteOn))
    clock = Freezing(heard, first, first + 0.6)
    perform(alone(Improviser(model, Settings(tempo=400.0), seed=4)), clock, queue.SimpleQueue(), send, dropped=drop)
    recorder.ended({})
    frozen = [e for e in whole if isinstance(e, NoteOn) and first < e.time < first + 0.55]
    assert frozen
    assert [e for e, _ in dropped if isinstance(e, NoteOn)] == frozen
    assert all(late == pytest.approx(first + 0.6 - e.time) for e, late in dropped if isinstance(e, NoteOn))
    assert sorted([*sent, *(e for e, _ in dropped)], key=whole.index) == whole
    assert NoteOff(next(e.time for e in whole if isinstance(e, NoteOff)), whole[0].pitch) in sent  # type: ignore[union-attr]
    assert [e for _, e in read_session(tmp_path / "s.jsonl")[1]] == whole
    assert len(warned) == 1
    assert "too late and was dropped" in warned[0]


class Scripted:
    """Plays what it is told, whatever the time."""

    done = 0.0

    def __init__(self, *events: Event) -> None:
        self.events = list(events)

    @property
    def due(self) -> float | None:
        return self.events[0].time if self.events else None

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        return [self.events.pop(0)] if self.due is not None and self.due <= now else []

    def silence(self, now: float) -> list[Event]:
        return []


def test_a_note_off_is_never_dropped_while_its_pitch_sounds() -> None:
    """60 sounds, is struck again in the freeze, and is closed in the freeze and after it; 64 never sounded."""
    events = [NoteOn(1.0, 60, 80), NoteOn(1.1, 60, 80), NoteOff(1.2, 60), NoteOn(1.3, 64, 80), NoteOff(1.4, 64)]
    later = [NoteOff(1.5, 67), NoteOn(3.0, 64, 80), NoteOff(3.1, 64)]
    sent: list[Event] = []
    dropped: list[Event] = []
    clock = Freezing([], 1.05, 2.0)
    perform(Scripted(*events, *later), clock, queue.SimpleQueue(), sent.append, dropped=lambda e, _: dropped.append(e))
    assert sent == [events[0], events[2], *later]
    assert dropped == [events[1], events[3], events[4]]


def test_a_live_clock_returns_at_its_time_and_never_before() -> None:
    """Asleep or spinning to the end, with a script or without, what is heard first ends the wait."""
    for spin in (0.0, 0.002):
        clock = LiveClock([NoteOn(0.3, 60, 80)])
        clock.spin = spin
        clock.begin()
        inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        assert clock.wait(inbox, 0.002) == []
        assert clock.now() >= 0.002
        assert clock.wait(inbox, 9.0) == [NoteOn(0.3, 60, 80)]
        assert clock.now() >= 0.3
        inbox.put(NoteOn(0.003, 62, 80))
        inbox.put(NoteOn(0.002, 64, 80))
        clock = LiveClock()
        assert clock.wait(inbox, 1e9) == [NoteOn(0.002, 64, 80), NoteOn(0.003, 62, 80)]


class Breaking:
    """Sounds a note, and then breaks; even its own silence is broken."""

    done = 0.0
    due: float | None = 0.0

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        if self.due is None:
            raise RuntimeError("broken")
        self.due = None
        return [NoteOn(now, 60, 80), NoteOn(now, 64, 80), NoteOff(now, 64)]

    def silence(self, now: float) -> list[Event]:
        raise RuntimeError("broken too")


def test_a_crash_leaves_silence() -> None:
    played: list[Event] = []
    with pytest.raises(RuntimeError, match="broken"):
        perform(Breaking(), OfflineClock([NoteOn(1.0, 50, 80)]), queue.SimpleQueue(), played.append)
    assert [(type(e), e.pitch) for e in played if isinstance(e, NoteOn | NoteOff)] == [
        (NoteOn, 60),
        (NoteOn, 64),
        (NoteOff, 64),
        (NoteOff, 60),
    ]


def test_a_stop_ends_it_in_mid_note(model: Model) -> None:
    played: list[Event] = []
    inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    improviser = Improviser(model, Settings(mode="solo"), seed=1)

    def send(event: Event) -> None:
        played.append(event)
        inbox.put(Stop(event.time, "SIGTERM"))

    stop = perform(alone(improviser), OfflineClock(), inbox, send)
    assert stop.reason == "SIGTERM"
    assert [type(e) for e in played] == [NoteOn, NoteOff]


def test_a_port_that_fails_to_send_still_closes_what_it_can(model: Model) -> None:
    sent: list[Event] = []

    def send(event: Event) -> None:
        sent.append(event)
        if len(sent) == 3:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        perform(alone(Improviser(model, Settings(mode="solo"), seed=1)), OfflineClock(), queue.SimpleQueue(), send)
    open_notes: set[int] = set()
    for event in sent:
        if isinstance(event, NoteOn):
            open_notes.add(event.pitch)
        elif isinstance(event, NoteOff):
            open_notes.discard(event.pitch)
    assert not open_notes


def test_ten_minutes_at_120_do_not_drift(model: Model) -> None:
    """Each note is asked for at the time of its beat, the last as exactly as the first: no errors add up."""
    errors: list[float] = []

    improviser = Improviser(model, Settings(mode="solo"), seed=1, bars=300)
    sound = improviser.voice.play

    def noting(plan: Plan, time: float) -> list[Event]:
        errors.append(abs(time - plan.onset * 60 / 120))
        return sound(plan, time)

    improviser.voice.play = noting  # type: ignore[method-assign]
    played: list[Event] = []
    perform(alone(improviser), OfflineClock(), queue.SimpleQueue(), played.append)
    assert played[-1].time > 590
    assert len(errors) > 300
    assert max(errors) < 1e-9
