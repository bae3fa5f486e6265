"""The last bars: what was played is still there a moment later, on its beats, and in bounded memory."""

from __future__ import annotations

from pathlib import Path

import mido

from improv.cli.take import write_cut
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse
from improv.core.harmony import parse_changes
from improv.core.meter import Meter
from improv.session import Capture, excerpt
from improv.session.capture import tempos_from, turned


def running(tempo: float = 120.0, metre: tuple[int, int] = (4, 4)) -> Meter:
    return Meter(tempo, metre).started(0.0)


def note(capture: Capture, on: float, off: float, pitch: int, heard: bool = True) -> None:
    take = capture.heard if heard else capture.played
    take(NoteOn(on, pitch, 80))
    take(NoteOff(off, pitch))


def test_the_last_bars_and_what_there_is_of_the_next_on_their_beats() -> None:
    capture = Capture(running, bars=2)  # a bar is 2 s
    for bar in range(10):
        note(capture, 2.0 * bar, 2.0 * bar + 0.5, 60 + bar)
        note(capture, 2.0 * bar + 1.0, 2.0 * bar + 1.5, 80 + bar, heard=False)
    cut = capture.cut(19.75)
    assert (cut.first, cut.position, cut.last) == (28.0, 28.0, 39.5)
    assert cut.heard() == [event for i in range(3) for event in (NoteOn(4.0 * i, 67 + i, 80), NoteOff(4.0 * i + 1.0, 67 + i))]
    assert [(e.time, e.pitch) for e in cut.played() if isinstance(e, NoteOn)] == [(2.0, 87), (6.0, 88), (10.0, 89)]
    assert cut.tempo_map() == [(0.0, 120.0)]


def test_notes_keep_the_beats_that_they_had_when_the_tempo_changes() -> None:
    meter = running()
    capture = Capture(lambda: meter, bars=4)
    note(capture, 1.0, 1.5, 60)
    meter = meter.at_tempo(2.0, 60.0)
    note(capture, 3.0, 4.0, 62)
    cut = capture.cut(5.0)
    assert [(e.time, e.pitch) for e in cut.heard() if isinstance(e, NoteOn)] == [(2.0, 60), (5.0, 62)]  # no bars before it began
    assert cut.tempo_map() == [(0.0, 120.0), (5.0, 60.0)]


def test_it_is_cut_on_the_bar_lines_of_the_song() -> None:
    meter = running(60.0).jumped(0.0, -2.0)  # a count-in of half a bar
    capture = Capture(lambda: meter, bars=1)
    for beat in range(12):
        note(capture, beat, beat + 0.5, 60 + beat)
    cut = capture.cut(11.5)
    assert (cut.first, cut.position) == (6.0, 4.0)
    assert [e.time for e in cut.heard() if isinstance(e, NoteOn)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_memory_is_bounded_by_bars_and_where_the_beat_stands_still_by_events() -> None:
    meter = running()
    capture = Capture(lambda: meter, bars=2, most=500)
    for i in range(10_000):
        note(capture, i / 10, i / 10 + 0.05, 60)
        capture.heard(Pulse(i / 10))
    assert len(capture._events) <= 2 * 10 * 6 + 2
    meter = meter.stopped(1000.0)
    for i in range(10_000):
        note(capture, 1000.0 + i, 1000.5 + i, 60)
    assert len(capture._events) == 500


def test_an_excerpt_closes_what_sounds_and_leaves_out_what_began_before() -> None:
    events: list[Event] = [
        NoteOn(0.0, 60, 80),
        ControlChange(1.0, 64, 127),
        NoteOn(2.0, 62, 80),
        NoteOff(3.0, 60),
        ControlChange(3.0, 64, 0),
        NoteOn(3.5, 62, 80, 0, 1),
        NoteOff(5.0, 62),
        NoteOn(6.0, 65, 80),
    ]
    assert excerpt(events, 2.0, 4.0) == [
        NoteOn(0.0, 62, 80),
        ControlChange(1.0, 64, 0),
        NoteOn(1.5, 62, 80, 0, 1),
        NoteOff(2.0, 62),
        NoteOff(2.0, 62, 0, 1),
    ]


def test_tempos_and_changes_go_on_from_the_cut() -> None:
    assert tempos_from([(-float("inf"), 100.0), (4.0, 110.0), (8.0, 120.0)], 6.0) == [(0.0, 110.0), (2.0, 120.0)]
    changes = parse_changes("Dm7 | G7 | Cmaj7 | A7")
    bars = [(at, str(c)) for at, c in turned(changes, 26.0).spans(16.0)]
    assert bars == [
        (0.0, "Cmaj7"),
        (2.0, "A7"),
        (6.0, "Dm7"),
        (10.0, "G7"),
        (14.0, "Cmaj7"),
    ]
    assert [(at, str(c)) for at, c in turned(changes, -4.0).spans(8.0)] == [(0.0, "A7"), (4.0, "Dm7")]


def test_a_cut_as_a_midi_file(tmp_path: Path) -> None:
    capture = Capture(running, bars=2)
    for bar in range(6):
        note(capture, 2.0 * bar, 2.0 * bar + 0.5, 60 + bar)
        note(capture, 2.0 * bar + 1.0, 2.0 * bar + 1.5, 80 + bar, heard=False)
    write_cut(tmp_path / "cut.mid", capture.cut(12.0), parse_changes("Dm7 | G7 | Cmaj7 | A7"))
    file = mido.MidiFile(tmp_path / "cut.mid")
    assert [t.name for t in file.tracks] == ["improv", "player", "improv"]
    assert [m.text for m in file.tracks[0] if m.type == "marker"] == ["Dm7", "G7"]
    assert [m.note for m in file.tracks[1] if m.type == "note_on"] == [64, 65]
    assert [m.note for m in file.tracks[2] if m.type == "note_on"] == [84, 85]
    assert file.length == 3.5
