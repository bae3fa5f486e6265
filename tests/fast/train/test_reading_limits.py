"""Bombs and endless files in what is trained on: each is skipped with its reason."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import zipfile
from pathlib import Path

import corpus_files
import midi_bytes as smf
import pytest

from improv.charts import score_limits
from improv.train.reading import How, json_lines, wjazzd
from improv.train.reading.files import read_file

HOW = How()
SCORE = """<?xml version="1.0"?><score-partwise version="4.0">
<part-list><score-part id="P1"><part-name>x</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions>
<time><beats>{beats}</beats><beat-type>4</beat-type></time></attributes>
<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note></measure></part></score-partwise>"""


def skipped(path: Path) -> str:
    reading = read_file(path, HOW)
    assert reading.pieces == []
    assert len(reading.skipped) == 1
    assert path.name in reading.skipped[0]
    return reading.skipped[0]


@pytest.mark.parametrize(
    ("name", "limit", "said"),
    [("LARGEST", 100_000, "100,000 bytes unpacked"), ("MOST_LINES", 1000, "1,000 lines"), ("LONGEST_LINE", 50, "more than 50 bytes")],
)
def test_a_bomb_of_json_lines(name: str, limit: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, name, limit)
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress((b" " * 99 + b"\n") * 2000))
    assert said in skipped(path)


def test_a_database_whose_tables_are_views(tmp_path: Path) -> None:
    path = tmp_path / "wjazzd.db"
    base = sqlite3.connect(path)
    base.execute("CREATE VIEW melody AS SELECT zeroblob(900000000) AS pitch, 1 AS melid")
    base.execute("CREATE VIEW beats AS SELECT zeroblob(900000000) AS onset, 1 AS melid")
    base.execute("CREATE VIEW solo_info AS WITH RECURSIVE n(melid) AS (SELECT 1 UNION ALL SELECT melid + 1 FROM n) SELECT * FROM n")
    base.commit()
    base.close()
    assert "without beats, melody, solo_info" in skipped(path)


def test_a_database_with_a_column_that_is_worked_out(tmp_path: Path) -> None:
    path = tmp_path / "wjazzd.db"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE solo_info (melid INTEGER, title TEXT AS (hex(zeroblob(400000000))))")
    base.execute("CREATE TABLE melody (melid INTEGER)")
    base.execute("CREATE TABLE beats (melid INTEGER)")
    base.execute("INSERT INTO solo_info (melid) VALUES (1)")
    base.commit()
    base.close()
    assert "too big" in skipped(path)


def test_a_phrase_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wjazzd, "MOST_ROWS", 3)
    path = tmp_path / "wjazzd.db"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE solo_info (melid INTEGER)")
    base.execute("CREATE TABLE melody (melid INTEGER, eventid INTEGER)")
    base.execute("CREATE TABLE beats (melid INTEGER, onset REAL, bar INTEGER, beat INTEGER, chord TEXT, form TEXT)")
    base.execute("CREATE TABLE sections (melid INTEGER, type TEXT, start INTEGER, end INTEGER)")
    base.execute("INSERT INTO solo_info VALUES (1)")
    base.execute("INSERT INTO sections VALUES (1, 'PHRASE', 0, 1000000000000)")
    base.executemany("INSERT INTO melody VALUES (1, ?)", [(i,) for i in range(2)])
    base.commit()
    assert "wjd001" in skipped(path)
    base.executemany("INSERT INTO melody VALUES (1, ?)", [(i,) for i in range(2)])
    base.commit()
    base.close()
    assert "more than 3 rows" in skipped(path)


def test_a_container_that_is_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.mxl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", "<container>" + " " * 10_000_000 + "</container>")
    assert "container.xml" in skipped(path)


@pytest.mark.parametrize("beats", ["1+" * 3000 + "1", "4" * 100])
def test_a_time_signature_without_an_end(beats: str, tmp_path: Path) -> None:
    pytest.importorskip("music21")
    path = tmp_path / "long.musicxml"
    path.write_text(SCORE.format(beats=beats))
    assert "time signature" in skipped(path)


def test_a_score_of_too_many_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("music21")
    monkeypatch.setitem(score_limits.MOST, "note", 0)
    path = tmp_path / "many.musicxml"
    path.write_text(SCORE.format(beats="4"))
    assert "more than 0 notes" in skipped(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.mid"
    os.mkfifo(path)
    assert "no regular file" in skipped(path)


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        ("<divisions>1<", "<divisions>99999999999<", "divisions 99999999999"),
        ("<time>", "<key><fifths>4294967296</fifths></key><time>", "fifths 4294967296"),
        ("<time>", "<key><fifths>&#57;&#57;&#57;&#57;</fifths></key><time>", "fifths 9999"),
        ("<beats>4<", "<beats>4294967296<", "time signature's beats"),
        ('<?xml version="1.0"?>', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "lol">]>', "entities"),
        ("<note>", "<x>" * 100 + "</x>" * 100 + "<note>", "nested deeper"),
        ("</part>", "", "no XML"),
    ],
)
def test_what_music21_would_take_at_its_word(then: str, now: str, said: str, tmp_path: Path) -> None:
    pytest.importorskip("music21")
    path = tmp_path / "strange.musicxml"
    path.write_text(SCORE.format(beats="4").replace(then, now, 1))
    assert said in skipped(path)


@pytest.mark.parametrize(
    ("container", "way", "said"),
    [
        ("<container/>", zipfile.ZIP_BZIP2, "packed otherwise"),
        ('<?xml version="1.0" encoding="UTF-0"?><container/>', zipfile.ZIP_STORED, "unknown encoding"),
        ("<container/>", zipfile.ZIP_DEFLATED, "without a score"),
    ],
)
def test_archives_of_strangers(container: str, way: int, said: str, tmp_path: Path) -> None:
    pytest.importorskip("music21")
    path = tmp_path / "strange.mxl"
    with zipfile.ZipFile(path, "w", way) as archive:
        archive.writestr("META-INF/container.xml", container)
    assert said in skipped(path)


def test_a_phrase_without_a_beginning(tmp_path: Path) -> None:
    path = tmp_path / "wjazzd.db"
    with sqlite3.connect(path) as base:
        for name, columns in corpus_files.TABLES.items():
            base.execute(f"CREATE TABLE {name} ({columns})")
            rows = corpus_files.ROWS[name] if name != "sections" else [(1, "PHRASE", -(2**62), 15)]
            base.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    base.close()
    (piece,) = read_file(path, HOW).pieces
    assert len(piece.values) == 32


def test_a_piece_of_wild_numbers_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "wild.jsonl"
    wild = corpus_files.SOLO | {"beats": [[0.5 * i, 1, 1e300, None] for i in range(20)], "id": "a\x1b[2Jb"}
    path.write_text(json.dumps(wild) + "\n")
    text = skipped(path)
    assert "a number out of any range" in text
    assert text.isprintable()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_pipe_beside_a_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    path.write_bytes(smf.smf(smf.notes(smf.LINE)))
    os.mkfifo(tmp_path / "tune.txt")
    reading = read_file(path, HOW)
    assert len(reading.pieces) == 1
    assert reading.left_out[".txt files beside that can't be read (is no regular file)"] == 1
