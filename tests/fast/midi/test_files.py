from pathlib import Path

import mido
import pytest

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.harmony import parse_changes
from improv.core.metres import FOUR, Metres
from improv.midi import parts
from improv.midi.files import read_part, write_take
from improv.midi.smf import MidiFileError


def file_of(path: Path, *messages: mido.Message | mido.MetaMessage, kind: int = 0, ppq: int = 96) -> Path:
    file = mido.MidiFile(type=kind, ticks_per_beat=ppq)
    file.tracks.append(mido.MidiTrack(messages))
    file.save(path)
    return path


def on(note: int, time: int = 0, channel: int = 0, velocity: int = 80) -> mido.Message:
    return mido.Message("note_on", note=note, time=time, channel=channel, velocity=velocity)


@pytest.mark.parametrize("ppq", [24, 96, 480, 15360])
def test_a_tempo_map_is_applied_at_any_ppq(tmp_path: Path, ppq: int) -> None:
    path = file_of(
        tmp_path / "a.mid",
        mido.MetaMessage("set_tempo", tempo=500_000),
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
        on(60),
        mido.MetaMessage("set_tempo", tempo=1_000_000, time=ppq),
        on(60, time=ppq, velocity=0),
        mido.Message("control_change", control=7, value=100),
        ppq=ppq,
    )
    part = read_part(path)
    assert part.events == [NoteOn(0.0, 60, 80), NoteOff(1.5, 60), ControlChange(1.5, 7, 100)]
    assert (part.tempo, part.metres) == (120.0, Metres.of(3, 4))


def test_running_status_is_read(tmp_path: Path) -> None:
    track = bytes([0, 0x90, 60, 80, 96, 60, 0, 0, 62, 80, 96, 62, 0, 0, 0xFF, 0x2F, 0])
    path = tmp_path / "r.mid"
    path.write_bytes(b"MThd\0\0\0\6\0\0\0\1\0\x60" + b"MTrk" + len(track).to_bytes(4, "big") + track)
    assert [(type(e).__name__, e.pitch) for e in read_part(path).events if isinstance(e, NoteOn | NoteOff)] == [
        ("NoteOn", 60),
        ("NoteOff", 60),
        ("NoteOn", 62),
        ("NoteOff", 62),
    ]


def test_drums_are_not_the_player(tmp_path: Path) -> None:
    part = read_part(file_of(tmp_path / "d.mid", on(36, channel=9), on(60, time=10)))
    assert [e.pitch for e in part.events if isinstance(e, NoteOn)] == [60]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a readable MIDI file"),
        (b"hello, this is text", "not a readable MIDI file"),
        (b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\x50\0\x90", "no notes in it"),
        (b"MThd\0\0\0\6\0\0\0\1\0\0MTrk\0\0\0\x08\0\x90\x3c\x40\0\xff\x2f\0", "not a readable MIDI file"),
    ],
)
def test_broken_files_say_so(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "b.mid"
    path.write_bytes(content)
    with pytest.raises(MidiFileError, match=says):
        read_part(path)


def test_files_without_notes_or_with_far_too_many_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parts.MOST_NOTES == 100_000
    monkeypatch.setattr(parts, "MOST_NOTES", 5_000)
    with pytest.raises(MidiFileError, match="no notes"):
        read_part(file_of(tmp_path / "e.mid", mido.MetaMessage("set_tempo", tempo=500_000)))
    with pytest.raises(MidiFileError, match="6,000 notes without drums; at most 5,000 are read"):
        read_part(file_of(tmp_path / "m.mid", *[on(60, time=1) for _ in range(6_000)]))
    with pytest.raises(MidiFileError, match="no such file"):
        read_part(tmp_path / "nowhere.mid")


def test_a_take_reads_back(tmp_path: Path) -> None:
    heard: list[Event] = [NoteOn(0.0, 60, 80), NoteOff(1.0, 60)]
    played: list[Event] = [NoteOn(2.0, 64, 70), NoteOff(3.0, 64)]
    path = tmp_path / "t.mid"
    write_take(path, heard, played, [(0.0, 120.0), (2.0, 60.0)], FOUR, parse_changes("Dm7 | G7"))
    file = mido.MidiFile(path)
    assert [t.name for t in file.tracks] == ["improv", "player", "improv"]
    markers = [(m.text) for m in file.tracks[0] if m.type == "marker"]
    assert markers[0] == "Dm7"
    part = read_part(path)
    assert [(e.time, e.pitch) for e in part.events if isinstance(e, NoteOn | NoteOff)] == [(0.0, 60), (0.5, 60), (1.0, 64), (2.0, 64)]
    assert [p.name for p in tmp_path.iterdir()] == ["t.mid"]


def test_beat_one_of_a_take_falls_on_a_bar_line(tmp_path: Path) -> None:
    heard: list[Event] = [NoteOn(-1.0, 60, 80), NoteOff(0.0, 60)]
    path = tmp_path / "t.mid"
    write_take(path, heard, [], [(0.0, 120.0)], FOUR)  # a pick-up, one beat before bar one
    assert [e.time for e in read_part(path).events] == [1.5, 2.0]
