"""Changes that come from files: `improv chart`, `--changes FILE`, and those of the player's file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import mido
import pytest

from improv.cli import main
from improv.cli.file_changes import set_changes
from improv.core.errors import ImprovError

CHORDS = ((50, 57, 60, 65), (43, 53, 59, 62), (48, 55, 59, 64), (45, 55, 61, 64))  # Dm7 G7 Cmaj7 A7


def song(path: Path, chords: bool = True, symbols: tuple[str, ...] = ()) -> Path:
    """Sixteen bars: four chords, four times, or a line alone; symbols as markers, one a bar."""
    track = mido.MidiTrack()
    for bar in range(16):
        if bar < len(symbols):
            track.append(mido.MetaMessage("marker", text=symbols[bar]))
        pitches = CHORDS[bar % 4] if chords else (72 + bar % 5,)
        track += [mido.Message("note_on", note=pitch, velocity=70) for pitch in pitches]
        track += [mido.Message("note_off", note=pitch, time=1880 if i == 0 else 0) for i, pitch in enumerate(pitches)]
        track.append(mido.MetaMessage("text", text="", time=40))
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    file.save(path)
    return path


def args(**said: object) -> argparse.Namespace:
    return argparse.Namespace(**{"changes": None, "mood": None, "tune": None, "metre": None, "player": None, "mode": None} | said)


def test_chart_prints_what_it_hears_as_changes_and_writes_a_tune(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chart", str(song(tmp_path / "a.mid")), "--out", str(tmp_path / "a.txt")]) == 0
    head, bars = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert bars == "| Dm7 | G7 | Cmaj7 | A7 |"
    assert head.splitlines()[:3] == ["title: a", "key: C", "metre: 4/4"]
    assert head.splitlines()[3].startswith("# 4 bars, 4 times, heard, ")
    assert main(["tunes", str(tmp_path / "a.txt")]) == 0
    assert capsys.readouterr().out == "a, in C, 4 bars, 4/4\n| Dm7 | G7 | Cmaj7 | A7 |\n"
    assert main(["chart", str(tmp_path / "a.mid"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["changes"], told["key"], told["how"], told["times"]) == ("| Dm7 | G7 | Cmaj7 | A7 |", "C", "heard", 4)


def test_a_line_alone_and_what_is_no_file_are_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = song(tmp_path / "line.mid", chords=False)
    (tmp_path / "no.mid").write_text("nothing")
    for path, said in ((line, "no chords in it"), (tmp_path / "no.mid", "not a readable MIDI file"), (tmp_path / "gone.mid", "gone.mid")):
        assert main(["chart", str(path)]) == 2
        told = capsys.readouterr().err
        assert told.startswith("improv: ")
        assert said in told
        assert told.count("\n") == 1
    with pytest.raises(ImprovError, match="no chords in it"):
        set_changes(args(changes=str(line)))


def test_changes_are_taken_from_a_file_as_they_are_written_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = args(changes=str(song(tmp_path / "a.mid", symbols=("F#m7b5", "B7", "Em", "C#m"))))
    set_changes(written)
    assert written.changes.splitlines()[0] == "| F#m7b5 | B7 | Em | C#m |"
    assert (written.metre, "changes, written in" in capsys.readouterr().err) == ("4/4", True)
    (tmp_path / "b.txt").write_text("metre: 3/4\n| Dm7 | G7 |\n")
    chart = args(changes=str(tmp_path / "b.txt"))
    set_changes(chart)
    assert (chart.changes, chart.metre) == ("| Dm7 | G7 |", "3/4")
    for plain in ("Dm7 | G7", "heard", "Dm7"):
        typed = args(changes=plain)
        set_changes(typed)
        assert typed.changes == plain


def test_the_players_file_says_the_changes_where_nothing_else_does(tmp_path: Path) -> None:
    player = str(song(tmp_path / "a.mid"))
    for said, changes in (
        ({}, "| Dm7 | G7 | Cmaj7 | A7 |"),
        ({"changes": "C | F"}, "C | F"),
        ({"changes": "heard"}, "heard"),
        ({"tune": "blues"}, None),
    ):
        given = args(player=player, **said)
        set_changes(given)
        assert given.changes == changes
    (tmp_path / "a.changes").write_text("Em7 | A7\n")
    beside = args(player=player)
    set_changes(beside)
    assert beside.changes == "Em7 | A7"
    line = args(player=str(song(tmp_path / "line.mid", chords=False)))
    set_changes(line)
    assert line.changes is None
