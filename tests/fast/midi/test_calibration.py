"""`improv calibrate`: what it makes of loops of known delay, on a clock that never waits; and what it stores."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.cli import main
from improv.core.errors import ImprovError
from improv.core.events import Event, NoteOff, NoteOn
from improv.midi import calibration
from improv.midi.calibration import forget_advance, store_advance, stored_advance
from improv.midi.loop import HOPELESS, KNOCK, PATIENCE, Loop, figures, measure

DELAY = 0.005
Answer = Callable[[int, NoteOn], tuple[float, int] | None]


class Wire:
    """Sends each note back: answer says of the i-th after the knocks (counted from 0) after how long, as which pitch, if at all."""

    def __init__(self, answer: Answer, knocks: int = 1):
        self.answer, self.knocks = answer, knocks
        self.time = 0.0
        self.sent: list[Event] = []
        self.back: list[NoteOn] = []

    def now(self) -> float:
        return self.time

    def send(self, event: Event) -> None:
        self.sent.append(event)
        assert event.time == self.time
        if isinstance(event, NoteOn):
            found = self.answer(sum(isinstance(e, NoteOn) for e in self.sent) - 1 - self.knocks, event)
            if found:
                self.back.append(NoteOn(self.time + found[0], found[1], event.velocity))

    def hear(self, until: float) -> list[Event]:
        first = min(self.back, key=lambda e: e.time, default=None)
        if first is None or first.time > until:
            self.time = until
            return []
        self.back.remove(first)
        self.time = max(self.time, first.time)
        return [first]

    def measure(self, notes: int = 40, wait: float = 2.0) -> Loop:
        loop = measure(self.send, self.now, self.hear, notes, wait, random.Random(1))
        assert self.closed()
        return loop

    def closed(self) -> bool:
        """Each note is closed before the next begins."""
        ons, offs = self.sent[::2], self.sent[1::2]
        return [(type(e), e.pitch) for e in self.sent] == [  # type: ignore[union-attr]
            pair
            for on in ons
            for pair in ((NoteOn, on.pitch), (NoteOff, on.pitch))  # type: ignore[union-attr]
        ] and len(ons) == len(offs)


def test_a_loop_of_known_delay() -> None:
    wire = Wire(lambda i, note: (DELAY, note.pitch))
    loop = wire.measure()
    assert loop.times == pytest.approx([DELAY] * 40, abs=1e-12)
    assert (loop.lost, loop.strange) == (0, 0)
    assert figures(loop) == {"lost": 0, "p50_ms": 5.0, "p99_ms": 5.0, "max_ms": 5.0, "jitter_ms": 0.0, "advance_ms": 5.0}
    gaps = {round(b.time - a.time, 6) for a, b in zip(wire.sent[1::2], wire.sent[2::2], strict=False)}
    assert len(gaps) > 30  # at no one's period


def test_figures_of_a_loop_that_jitters() -> None:
    loop = Loop(tuple((4.04 + i / 100) / 1000 for i in range(101)), 3, 0)
    assert figures(loop) == {"lost": 3, "p50_ms": 4.54, "p99_ms": 5.03, "max_ms": 5.04, "jitter_ms": 0.49, "advance_ms": 4.5}


@given(st.lists(st.none() | st.floats(0.0001, 1.9), min_size=10, max_size=80))
def test_every_note_is_timed_or_lost_and_closed(delays: list[float | None]) -> None:
    wire = Wire(lambda i, note: (DELAY, note.pitch) if i < 0 else (found, note.pitch) if (found := delays[i]) else None)
    loop = wire.measure(len(delays))
    tried = sum(isinstance(e, NoteOn) for e in wire.sent) - 1
    assert loop.times == pytest.approx([d for d in delays[:tried] if d], abs=1e-9)
    assert loop.lost == len(delays) - len(loop.times)
    assert tried == len(delays) or delays[tried - HOPELESS : tried] == [None] * HOPELESS


def test_a_note_that_comes_too_late_is_lost_and_taken_for_no_other() -> None:
    loop = Wire(lambda i, note: (2.5 if i == 3 else DELAY, note.pitch)).measure(10)
    assert loop.times == pytest.approx([DELAY] * 9, abs=1e-12)
    assert (loop.lost, loop.strange) == (1, 0)


def test_ports_that_are_connected_while_it_waits() -> None:
    wire = Wire(lambda i, note: (DELAY, note.pitch) if i >= -1 else None, knocks=8)
    assert wire.measure().lost == 0
    assert {e.pitch for e in wire.sent[:16]} == {KNOCK}  # type: ignore[union-attr]


def test_nothing_comes_back() -> None:
    wire = Wire(lambda i, note: None)
    assert wire.measure() == Loop((), 40, 0)
    assert wire.time == pytest.approx(2.0)


def test_a_cable_that_is_pulled_out() -> None:
    wire = Wire(lambda i, note: (DELAY, note.pitch) if i < 10 else None)
    loop = wire.measure()
    assert (len(loop.times), loop.lost) == (10, 30)
    assert wire.time < (HOPELESS + 1) * PATIENCE


def test_what_transposes_is_noticed() -> None:
    loop = Wire(lambda i, note: (DELAY, note.pitch + 12)).measure()
    assert (loop.times, loop.strange) == ((), 8)


def test_a_note_is_closed_when_waiting_is_interrupted() -> None:
    wire = Wire(lambda i, note: (DELAY, note.pitch))

    def hear(until: float) -> list[Event]:
        if len(wire.sent) == 7:
            raise KeyboardInterrupt
        return Wire.hear(wire, until)

    wire.hear = hear  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        wire.measure()
    assert len(wire.sent) == 8
    assert wire.closed()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config" / "calibration.json"
    monkeypatch.setattr(calibration, "calibration_file", lambda: path)
    return path


def test_what_is_stored_is_found_by_system_and_output(file: Path) -> None:
    assert stored_advance("jack", "fluid:midi") is None
    assert store_advance("jack", "fluid:midi", 9.0) == file
    store_advance("jack", "fluid:midi", 12.3)
    store_advance("alsa", "JV-1080:JV-1080 MIDI 1 24:0", 4.5)
    assert stored_advance("jack", "fluid:midi") == 12.3
    assert stored_advance("alsa", "fluid:midi") is None
    assert stored_advance("alsa", "JV-1080:JV-1080 MIDI 1 28:0") == 4.5  # the next day
    assert json.loads(file.read_text()) == {
        "calibration": 1,
        "advance_ms": {"jack": {"fluid:midi": 12.3}, "alsa": {"JV-1080:JV-1080 MIDI 1": 4.5}},
    }
    assert os.listdir(file.parent) == [file.name]


def test_forgetting(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for api, name in (("jack", "improv:out"), ("alsa", "improv:out"), ("jack", "fluid:midi")):
        store_advance(api, name, 1.0)
    with pytest.raises(ImprovError, match=r"fits several.*'improv:out' \(jack\), 'improv:out' \(alsa\)"):
        forget_advance(None, "improv:out")
    assert main(["calibrate", "--forget", "--api", "alsa"]) == 0
    assert main(["calibrate", "--forget", "--out", "FLUID", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"forgot": "fluid:midi", "api": "jack"}
    assert json.loads(file.read_text())["advance_ms"] == {"jack": {"improv:out": 1.0}}
    assert main(["calibrate", "--forget", "--out", "fluid"]) == 2
    assert "'fluid' is not calibrated; stored: 'improv:out' (jack)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"calibration": 2}',
        '{"calibration": 1, "advance_ms": {"jack": {"a": NaN}}}',
        '{"calibration": 1, "advance_ms": []}',
    ],
)
def test_a_broken_file_is_told_and_left(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    for use in (lambda: stored_advance("jack", "a"), lambda: store_advance("jack", "a", 1.0), lambda: forget_advance(None, "a")):
        with pytest.raises(ImprovError, match="delete it"):
            use()
    assert file.read_text() == text


def test_a_file_that_cannot_be_written_is_told(file: Path) -> None:
    file.parent.write_text("in the way")
    with pytest.raises(ImprovError, match=r"calibration\.json"):
        store_advance("jack", "a", 1.0)
    assert file.parent.read_text() == "in the way"


@pytest.mark.parametrize("option", [["--notes", "9"], ["--channel", "17"], ["--wait", "0"], ["--wait", "nan"]])
def test_bad_input_is_told(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", *option]) == 2
    assert f"{option[0]} {option[1]}: expected" in capsys.readouterr().err
