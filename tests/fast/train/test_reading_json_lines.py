"""The three kinds of JSON lines, weights, and many files as one corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_up import record, written

from improv.core.vocabulary import Vocabulary
from improv.train.corpus import Reading, read_corpus, sources_of, table_of
from improv.train.errors import CorpusError


def lead_sheet(**changed: Any) -> dict[str, Any]:
    """Three bars of quarters in 3/4 after a pick-up of one."""
    notes = [[float(i), 1.0, 60 + i] for i in range(10)]
    chords = [[1.0, "Dm7"], [4.0, "G7"], [7.0, "C"]]
    return {"id": "sheet", "bars": [0.0, 1.0, 4.0, 7.0], "notes": notes, "chords": chords, "meter": [3, 4], "bpm": None} | changed


def performance(**changed: Any) -> dict[str, Any]:
    """Eighths at 100 bpm, beats that begin at 0.3 s, Harte's chord symbols."""
    melody = [[0.3 + 0.3 * i, 0.2, 60 + i, 80 + i] for i in range(12)]
    beats = [[0.3 + 0.6 * i, i % 2, 1 if i % 4 == 0 else 0] for i in range(8)]
    chords = [[0.3, 1.5, "C:maj7"], [1.5, 2.7, "A:min/b3"], [2.7, 4.0, "D:7(b9)"]]
    return {"id": "played", "melody": melody, "beats": beats, "chords": chords} | changed


def read(path: Path) -> Reading:
    return read_corpus(path, Vocabulary(), split_seed=None)


def test_a_lead_sheet_is_read(tmp_path: Path) -> None:
    (piece,) = read(written(tmp_path / "c.jsonl", lead_sheet())).pieces
    assert piece.onsets == [12 * i for i in range(10)]
    assert [c.place for c in piece.contexts] == [24, 0, 12, 24, 0, 12, 24, 0, 12, 24]
    assert [str(c.harmony.chord) for c in piece.contexts[:5]] == ["NC", "Dm7", "Dm7", "Dm7", "G7"]
    assert (piece.metres.first.bar, piece.bpm, piece.ends, piece.velocities, piece.split) == (3, 120, None, None, "")


def test_a_performance_is_read(tmp_path: Path) -> None:
    (piece,) = read(written(tmp_path / "c.jsonl", performance())).pieces
    assert piece.onsets == [6 * i for i in range(12)]
    assert [v.pitch for v in piece.values] == list(range(60, 72))
    assert [c.place for c in piece.contexts[6:10]] == [36, 42, 0, 6]
    assert [str(piece.contexts[i].harmony.chord) for i in (0, 4, 8)] == ["Cmaj7", "Am", "D7(b9)"]
    assert piece.bpm == pytest.approx(100)
    assert piece.velocities == list(range(80, 92))
    assert {Vocabulary().lags[v.lag] for v in piece.values} == {0}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lead_sheet(notes=[]), "0 notes in its melody"),
        (lead_sheet(notes=[[0, 1], [1, 1]]), "not enough values"),
        (lead_sheet(notes=[[0.0, 1.0, 200], [1.0, 1.0, 60]]), "1 notes in its melody"),
        (lead_sheet(chords=[[4, "C"], [0, "G"]]), "chords go backwards"),
        (performance(beats=[[1.0, 1, 1]]), "beats: at least 2"),
        (performance(beats=[[1.0, 1, 1], [1.0, 0, 0]]), "beats: at least 2"),
        ({"id": "x", "melody": []}, "missing field 'beats'"),
    ],
)
def test_broken_records_are_skipped_with_a_reason(tmp_path: Path, broken: Any, says: str) -> None:
    reading = read(written(tmp_path / "c.jsonl", broken, record()))
    assert len(reading.pieces) == 1
    (reason,) = reading.skipped
    assert says in reason


def test_notes_out_of_range_and_without_length_are_left_out_and_counted(tmp_path: Path) -> None:
    notes = [[0.0, 1.0, 60], [1.0, 0.0, 61], [2.0, 1.0, 128], [3.0, 1.0, -1], [4.0, 1.0, 64]]
    reading = read(written(tmp_path / "c.jsonl", lead_sheet(notes=notes)))
    assert [v.pitch for v in reading.pieces[0].values] == [60, 64]
    assert reading.left_out == {"notes without length": 1, "notes out of range": 2}


def test_a_piece_without_chords_is_a_piece(tmp_path: Path) -> None:
    reading = read(written(tmp_path / "c.jsonl", lead_sheet(chords=[]), performance(chords=None), record(chords=[])))
    assert [p.changes for p in reading.pieces] == [None, None, None]
    assert {str(c.harmony.chord) for p in reading.pieces for c in p.contexts} == {"NC"}


def test_unknown_chord_spellings_are_no_chord_and_counted(tmp_path: Path) -> None:
    reading = read(written(tmp_path / "c.jsonl", lead_sheet(chords=[[0, "X7"], [4, "G7"], [7, "X7"]]), performance()))
    assert reading.unknown_chords == {"X7": 2}
    assert [str(reading.pieces[0].contexts[i].harmony.chord) for i in (0, 4, 8)] == ["NC", "G7", "NC"]


def test_what_stands_before_a_break_in_the_file_is_kept(tmp_path: Path) -> None:
    whole = written(tmp_path / "c.jsonl.gz", *[record() for _ in range(40)]).read_bytes()
    (tmp_path / "c.jsonl.gz").write_bytes(whole[: len(whole) - 20])
    reading = read(tmp_path / "c.jsonl.gz")
    assert 0 < len(reading.pieces) <= 40
    assert "can't be read as JSON lines after line" in reading.skipped[-1]


def test_several_paths_are_one_corpus_with_weights(tmp_path: Path) -> None:
    written(tmp_path / "solos.jsonl", record(), record(id="b"))
    folder = tmp_path / "more"
    folder.mkdir()
    written(folder / "sheets.jsonl", lead_sheet(), "{}")
    reading = read_corpus([f"{tmp_path}/solos.jsonl=2.5", folder], Vocabulary(), split_seed=None)
    assert [(p.source, p.weight) for p in reading.pieces] == [("solos.jsonl", 2.5), ("solos.jsonl", 2.5), ("more", 1)]
    assert reading.skipped == ["sheets.jsonl: line 2 (no id): missing field 'notes'"]
    rows = [line.split() for line in table_of(reading)]
    assert [(r[0], r[1], r[5], r[-2], r[-1]) for r in rows[1:3]] == [("solos.jsonl", "2", "128", "0", "2.5"), ("more", "1", "10", "1", "1")]


def test_json_that_is_none_of_ours_is_passed_over_in_folders(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "x"}))
    written(tmp_path / "c.jsonl", record())
    reading = read(tmp_path)
    assert (len(reading.pieces), reading.skipped) == (1, [])


@pytest.mark.parametrize("weight", ["0", "-1", "many", "nan", "1000"])
def test_impossible_weights_are_refused(tmp_path: Path, weight: str) -> None:
    path = written(tmp_path / "c.jsonl", record())
    with pytest.raises(CorpusError, match="expected a number above 0 and up to 100"):
        sources_of([f"{path}={weight}"])


def test_a_name_with_an_equals_sign_is_a_name(tmp_path: Path) -> None:
    path = written(tmp_path / "a=3", record())
    assert [(s.path, s.weight) for s in sources_of([path, f"{path}=2"])] == [(path, 1.0), (path, 2.0)]
