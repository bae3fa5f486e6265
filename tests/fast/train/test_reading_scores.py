"""MusicXML and the Weimar Jazz Database's own file."""

from __future__ import annotations

import sqlite3
import zipfile
from pathlib import Path

import pytest
from made_up import record, written

from improv.core.vocabulary import Vocabulary
from improv.train.corpus import Piece, Reading, read_corpus
from improv.train.errors import CorpusError
from improv.train.reading import How
from improv.train.reading.files import read_file


def read(path: Path) -> Reading:
    return read_corpus(path, Vocabulary(), split_seed=None)


# MusicXML

NAMES = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B"}


def note(pitch: int, quarters: int = 1, more: str = "") -> str:
    step = f"<step>{NAMES[pitch % 12]}</step><octave>{pitch // 12 - 1}</octave>"
    return f"<note>{more}<pitch>{step}</pitch><duration>{quarters}</duration><voice>1</voice></note>"


def harmony(root: str, kind: str, alter: int = 0, bass: str = "", text: str = "", degrees: str = "") -> str:
    """degrees: as `add 9 -1, subtract 3 0`."""
    below = f"<bass><bass-step>{bass}</bass-step></bass>" if bass else ""
    for what, degree, semitones in map(str.split, filter(None, degrees.split(","))):
        value = f"<degree-value>{degree}</degree-value><degree-alter>{semitones}</degree-alter>"
        below += f"<degree>{value}<degree-type>{what}</degree-type></degree>"
    said = f'<kind text="{text}">{kind}</kind>'
    return f"<harmony><root><root-step>{root}</root-step><root-alter>{alter}</root-alter></root>{said}{below}</harmony>"


def score(*bars: str, name: str = "Voice", transpose: int = 0, beats: int = 4, tempo: str = "144") -> str:
    attributes = f"<attributes><divisions>1</divisions><time><beats>{beats}</beats><beat-type>4</beat-type></time>"
    attributes += f"<transpose><chromatic>{transpose}</chromatic></transpose></attributes>"
    sound = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit>"
        f"<per-minute>{tempo}</per-minute></metronome></direction-type></direction>"
    )
    body = "".join(f'<measure number="{i}">{attributes + sound if i == 1 else ""}{bar}</measure>' for i, bar in enumerate(bars, 1))
    parts = f'<part-list><score-part id="P1"><part-name>{name}</part-name></score-part></part-list><part id="P1">{body}</part>'
    return f'<?xml version="1.0" encoding="UTF-8"?><score-partwise version="3.1">{parts}</score-partwise>'


FIRST = harmony("D", "minor-seventh") + "".join(map(note, (62, 65, 69)))
SECOND = harmony("B", "dominant", -1, "F") + note(62, 2) + harmony("C", "half-diminished") + note(60)
WALTZ = score(FIRST, SECOND, beats=3)


def packed(path: Path, text: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", '<container><rootfiles><rootfile full-path="s.xml"/></rootfiles></container>')
        archive.writestr("s.xml", text)
    return path


def music_xml(path: Path, text: str) -> Path:
    if path.suffix == ".mxl":
        return packed(path, text)
    path.write_text(text, encoding="utf-16" if path.stem == "wide" else "utf-8")
    return path


@pytest.fixture
def _music21() -> None:
    pytest.importorskip("music21", reason="training is an extra: pip install '.[train]'")


@pytest.mark.usefixtures("_music21")
@pytest.mark.parametrize("name", ["a.musicxml", "a.xml", "a.mxl", "wide.xml"])
def test_a_score_is_read_with_its_chord_symbols(tmp_path: Path, name: str) -> None:
    (piece,) = read(music_xml(tmp_path / name, WALTZ)).pieces
    assert [v.pitch for v in piece.values] == [62, 65, 69, 62, 60]
    assert piece.onsets == [0, 12, 24, 36, 60]
    assert [str(c.harmony.chord) for c in piece.contexts] == ["Dm7", "Dm7", "Dm7", "Bb7/F", "Cm7b5"]
    assert [c.place for c in piece.contexts] == [0, 12, 24, 0, 24]
    assert (piece.bpm, piece.metres.first.bar, piece.name, piece.track) == (144, 3, name, "1 'Voice', the only melody")


@pytest.mark.usefixtures("_music21")
def test_transposing_instruments_sound_where_they_sound(tmp_path: Path) -> None:
    (piece,) = read(music_xml(tmp_path / "a.xml", score(FIRST, name="Tenor Sax", transpose=-2, beats=3))).pieces
    assert [v.pitch for v in piece.values] == [60, 63, 67]
    assert str(piece.contexts[0].harmony.chord) == "Cm7"


@pytest.mark.usefixtures("_music21")
@pytest.mark.parametrize(
    ("kind", "text", "degrees", "chord"),
    [
        ("dominant", "13b9", "alter 9 -1, add 13 0", "C7alt"),
        ("dominant", "7sus4", "add 4 0, subtract 3 0", "C7sus"),
        ("dominant", "7alt", "alter 5 -1, add 9 -1, add 9 1, add 5 1", "C7alt"),
        ("dominant", "no3", "subtract 3 0", "C7"),
        ("suspended-fourth", "7sus", "add 7 -1", "C7sus"),
        ("minor", "madd9", "add 9 0", "Cm"),
        ("other", "7alt", "", "C7alt"),
        ("none", "N.C.", "", "NC"),
    ],
)
def test_degrees_of_chord_symbols_are_heeded(tmp_path: Path, kind: str, text: str, degrees: str, chord: str) -> None:
    bar = harmony("C", kind, text=text, degrees=degrees) + "".join(map(note, (60, 64, 67)))
    reading = read(music_xml(tmp_path / "a.xml", score(bar, beats=3)))
    assert reading.pieces[0].contexts[0].harmony.chord.kind_symbol == chord
    assert reading.unknown_chords == {}


@pytest.mark.usefixtures("_music21")
def test_repeats_with_endings_are_read_as_written_once_and_metres_change(tmp_path: Path) -> None:
    again = '<barline location="right"><ending number="1" type="stop"/><repeat direction="backward"/></barline>'
    first = '<barline location="left"><ending number="1" type="start"/></barline>' + "".join(map(note, (62, 64, 65))) + again
    four = "<attributes><time><beats>4</beats><beat-type>4</beat-type></time></attributes>" + "".join(map(note, (67, 69, 71, 72)))
    (piece,) = read(music_xml(tmp_path / "a.xml", score("".join(map(note, (60, 62, 64))), first, four, beats=3))).pieces
    assert [v.pitch for v in piece.values] == [60, 62, 64, 62, 64, 65, 67, 69, 71, 72]
    assert [c.place for c in piece.contexts] == [0, 12, 24, 0, 12, 24, 0, 12, 24, 36]


@pytest.mark.usefixtures("_music21")
def test_odd_things_in_a_score_are_left_out_and_counted(tmp_path: Path) -> None:
    grace, high = "<note><grace/><pitch><step>C</step><octave>5</octave></pitch></note>", note(60 + 12 * 6)
    odd = harmony("D", "Neapolitan") + note(62) + grace + note(65) + high
    reading = read(music_xml(tmp_path / "a.xml", score(odd, tempo="0", beats=3)))
    assert [v.pitch for v in reading.pieces[0].values] == [62, 65]
    assert reading.left_out == {"notes without length": 1, "notes out of range": 1, "tempi outside 20 to 500 bpm": 1}
    assert reading.unknown_chords.total() == 1
    assert str(reading.pieces[0].contexts[0].harmony.chord) == "NC"


@pytest.mark.usefixtures("_music21")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.musicxml", WALTZ[:300].encode()),
        ("a.musicxml", b"<score-partwise><part-list/></score-partwise>"),
        ("a.mxl", b"PK\x03\x04 and no more"),
        ("a.mxl", b""),
    ],
)
def test_broken_scores_are_skipped_with_a_reason(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    (reason,) = read_file(tmp_path / name, How()).skipped
    assert reason.startswith(f"{name}: ")
    assert len(reason) < 300


# The Weimar Jazz Database

SCHEMA = """
create table solo_info (melid integer primary key, trackid integer, compid integer, recordid integer, performer text,
    title text, titleaddon text, solopart integer, instrument text, style text, avgtempo real, tempoclass text,
    rhythmfeel text, key text, signature text, chord_changes text, chorus_count integer);
create table melody (eventid integer primary key, melid integer, onset real, pitch real, duration real, period integer,
    division integer, bar integer, beat integer, tatum integer, subtatum integer, num integer, denom integer,
    beatprops text, beatdur real, tatumprops text);
create table beats (beatid integer primary key, melid integer, onset real, bar integer, beat integer, signature text,
    chord text, form text, bass_pitch integer, chorus_id integer);
create table sections (id integer primary key, melid integer, type text, start integer, end integer, value text);
"""


def database(path: Path, *solos: dict) -> Path:  # type: ignore[type-arg]
    """A tiny database of the same schema, holding these records."""
    base = sqlite3.connect(path)
    base.executescript(SCHEMA)
    for melid, solo in enumerate(solos, 1):
        row = (melid, "Nobody", solo.get("title", f"Tune {melid}"), solo["bpm"], solo["feel"], "4/4")
        base.execute("insert into solo_info (melid, performer, title, avgtempo, rhythmfeel, signature) values (?, ?, ?, ?, ?, ?)", row)
        chords = dict(solo["chords"])
        for i, (onset, bar, beat, _) in enumerate(solo["beats"]):
            row = (melid, onset, bar, beat, chords.get(i, ""), "A1" if i == 0 else "")
            base.execute("insert into beats (melid, onset, bar, beat, chord, form) values (?, ?, ?, ?, ?, ?)", row)
        for n in solo["notes"]:
            row = (melid, n[3], float(n[2]), n[4], n[8], n[5], n[6], n[7], n[4] / n[1])
            columns = "melid, onset, pitch, duration, division, bar, beat, tatum, beatdur"
            base.execute(f"insert into melody ({columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        for start in range(0, len(solo["notes"]), 16):
            base.execute("insert into sections (melid, type, start, end) values (?, 'PHRASE', ?, ?)", (melid, start, start + 15))
    base.commit()
    base.close()
    return path


def contents(piece: Piece) -> tuple[object, ...]:
    return piece.onsets, piece.values, piece.contexts, piece.ends, piece.bpm, piece.metres


def test_the_weimar_jazz_database_gives_what_its_json_lines_give(tmp_path: Path) -> None:
    """Known by its content, whatever its name."""
    solo = record(forms=[[0, "A1"]], title="Tune 1")
    (lines,) = read(written(tmp_path / "c.jsonl", solo)).pieces
    (own,) = read(database(tmp_path / "some file", solo)).pieces
    assert contents(own) == contents(lines)
    assert (own.name, own.tune, own.split) == ("wjd001", "Tune 1", "")


def test_a_broken_solo_of_the_database_costs_no_other(tmp_path: Path) -> None:
    path = database(tmp_path / "wjazzd.db", record(), record(), record())
    base = sqlite3.connect(path)
    base.execute("update melody set division = 0 where melid = 2 and eventid = 70")
    base.commit()
    base.close()
    reading = read(path)
    assert [p.name for p in reading.pieces] == ["wjd001", "wjd003"]
    assert reading.skipped == ["wjazzd.db: wjd002: note 6: division 0 of its beat"]


def test_another_database_is_refused(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("create table melody (x)")
    base.commit()
    base.close()
    with pytest.raises(CorpusError, match="without beats, solo_info: not the Weimar Jazz Database"):
        read(tmp_path / "a.db")


def test_a_truncated_database_is_skipped_with_a_reason(tmp_path: Path) -> None:
    path = database(tmp_path / "wjazzd.db", record(), record())
    path.write_bytes(path.read_bytes()[:5000])
    (reason,) = read_file(path, How()).skipped
    assert reason.startswith("wjazzd.db: can't be read as the Weimar Jazz Database")
