"""Readings as bytes, and what is kept of them beside a corpus."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from made_up import record, written

from improv.core.vocabulary import Context, Value, Vocabulary
from improv.train.corpus import read_corpus
from improv.train.errors import CorpusError
from improv.train.example import example_piece
from improv.train.notes import NOTE, pack
from improv.train.piece import Reading
from improv.train.reading import How
from improv.train.reading.files import read_file
from improv.train.reading.kept import NAME, KeptReadings
from improv.train.reading.packed import PackedError, packed, unpacked

LINE = [60, 62, 64, 65, 67, 65, 64, 62] * 4


def melody(path: Path, shift: int = 0) -> Path:
    import mido

    line = [m for p in LINE for m in (mido.Message("note_on", note=p + shift), mido.Message("note_off", note=p + shift, time=240))]
    mido.MidiFile(tracks=[mido.MidiTrack(line)]).save(path)
    return path


def corpus(folder: Path, asked: list[str], keeps: bool = True, stops_at: int = 10**9, **more: Any) -> Reading:
    """A reading of a folder in this process; the files that were read."""

    def local(function: Any, paths: Sequence[Path]) -> Iterable[bytes]:
        for path in paths:
            if len(asked) == stops_at:
                raise KeyboardInterrupt
            asked.append(path.name)
            yield function(path)

    return read_corpus(folder, Vocabulary(), split_seed=None, map=local, keeps=keeps, **more)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i in range(10):
        melody(tmp_path / f"{i}.mid", i)
    (tmp_path / "torn.mid").write_bytes(b"MThd\0\0\0\6\0\1")
    (tmp_path / "3.changes").write_text("Dm7 | G7 | Cmaj7 | %")
    return tmp_path


def test_a_note_is_16_bytes_and_comes_back_as_it_was() -> None:
    piece = example_piece(200)
    values, contexts = list(piece.values), list(piece.contexts)
    assert NOTE.itemsize == 16
    assert all(isinstance(v, Value) for v in values)
    assert all(isinstance(c, Context) for c in contexts)
    assert [piece.values[i] for i in (-1, 0, 7)] == [values[i] for i in (-1, 0, 7)]
    assert piece.contexts[5:60:7] == contexts[5:60:7]
    assert piece.values[::-1] == values[::-1]
    with pytest.raises(IndexError):
        piece.values[200]
    again = replace(piece, notes=pack(piece.onsets[:], values, [c.place for c in contexts], None, [150.0] * 200, "swing", None, None))
    assert again.values == values
    assert again.contexts[0].section is None


@pytest.mark.parametrize(("onset", "tempi"), [(2**31, 1), (0, 1), (0, 2**16 + 1)])
def test_numbers_out_of_range_are_refused_and_too_many_tempi_are_rounded(onset: int, tempi: int) -> None:
    count = max(tempi, 2)
    said = ([onset] * count, [Value(0, 60, 3, 6)] * count, [0] * count, None, [100 + i / 1000 for i in range(count)], "any", None, None)
    if onset:
        with pytest.raises(CorpusError, match="out of any range"):
            pack(*said)
    else:
        notes = pack(*said)
        assert [c.tempo for c in notes.contexts(None, 0, notes.rows[-2:])] == pytest.approx(
            [100 + (count - 2) / 1000, said[4][-1]], abs=0.0051
        )


def test_a_reading_comes_back_from_its_bytes(tmp_path: Path) -> None:
    solos = read_file(written(tmp_path / "c.jsonl", record(), record(id="b", title="B")), How())
    solos.left_out, solos.unknown_chords = Counter(rests=3), Counter({"H13": 2})
    again = unpacked(packed(solos))
    assert (again.skipped, again.left_out, again.unknown_chords) == (solos.skipped, solos.left_out, solos.unknown_chords)
    for one, other in zip(solos.pieces, again.pieces, strict=True):
        assert replace(one, changes=None) == replace(other, changes=None)
        assert one.contexts == other.contexts
        assert one.values == other.values
        assert one.changes is not None
        assert other.changes is not None
        assert [str(c) for c in other.changes.chords] == [str(c) for c in one.changes.chords]


@pytest.mark.parametrize("wrong", ["pitch", "tempo", "rows", "kind", "starts", "feel", "torn"])
def test_bytes_with_anything_out_of_range_are_no_reading(wrong: str, tmp_path: Path) -> None:
    content = packed(read_file(written(tmp_path / "c.jsonl", record()), How()))
    said = msgspec.msgpack.decode(content)
    piece = said[0][0]
    rows = np.frombuffer(piece[2], NOTE).copy()
    if wrong in ("pitch", "tempo"):
        rows[wrong][3] = 128
        piece[2] = rows.tobytes()
    elif wrong == "rows":
        piece[2] = piece[2][:-1]
    elif wrong == "kind":
        piece[10][1][0]["kind"] = "none of ours"
    elif wrong == "starts":
        piece[10][0] = piece[10][0][::-1]
    elif wrong == "feel":
        piece[4] = "angular"
    content = b"\xc1" + content if wrong == "torn" else msgspec.msgpack.encode(said)
    with pytest.raises(PackedError):
        unpacked(content)


def test_a_second_reading_reads_nothing_and_one_more_file_that_alone(folder: Path) -> None:
    first: list[str] = []
    before = corpus(folder, first)
    assert len(first) == 11
    again: list[str] = []
    assert [(p.name, p.values[:], p.contexts[:]) for p in corpus(folder, again).pieces] == [
        (p.name, p.values[:], p.contexts[:]) for p in before.pieces
    ]
    assert again == []
    melody(folder / "new.mid", 11)
    (folder / "3.changes").write_text("Fm7 | % | % | %")  # what stands beside a file is part of it
    (folder / "4.mid").rename(folder / "44.mid")
    more: list[str] = []
    assert [str(p.contexts[0].harmony.chord) for p in corpus(folder, more).pieces if p.name == "3.mid"] == ["Fm7"]
    assert more == ["3.mid", "44.mid", "new.mid"]
    assert corpus(folder, [], keeps=False).skipped == before.skipped
    track: list[str] = []
    corpus(folder, track, track="1")
    assert len(track) == 12  # asked otherwise, read anew


def test_a_reading_that_was_ended_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("improv.train.reading.kept.EVERY", 0.0)
    first: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        corpus(folder, first, stops_at=6)
    rest: list[str] = []
    corpus(folder, rest)
    assert len(first) + len(rest) == 11


def test_what_is_kept_goes_with_its_file(folder: Path) -> None:
    corpus(folder, [])
    (folder / "4.mid").unlink()
    corpus(folder, [])
    with KeptReadings(folder, How()) as kept:
        assert len(kept.keys()) == 10
        assert kept.find(b"none") is None
        raise_not = [kept.key(path) for path in sorted(folder.glob("*.mid"))]  # so that they are kept
    assert None not in raise_not


@pytest.mark.parametrize("there", ["a folder", "a link", "no database", "another's", "torn rows"])
def test_a_file_that_is_no_store_is_left_alone_and_everything_is_read(there: str, folder: Path) -> None:
    file = folder / NAME
    if there == "a folder":
        file.mkdir()
    elif there == "a link":
        (folder / "else").write_text("mine")
        file.symlink_to(folder / "else")
    elif there == "no database":
        file.write_bytes(b"my diary" * 1000)
    elif there == "another's":
        with sqlite3.connect(file) as other:
            other.execute("CREATE VIEW reading AS SELECT zeroblob(1000000000) AS key, zeroblob(1) AS packed")
    else:
        corpus(folder, [])
        with sqlite3.connect(file) as mine:
            mine.execute("UPDATE reading SET packed = x'c1'")
    before = file.read_bytes() if file.is_file() else b""
    asked: list[str] = []
    assert len(corpus(folder, asked).pieces) == 10
    assert len(asked) == (0 if there == "torn rows" else 11)  # those are read in this process
    assert there == "torn rows" or not file.is_file() or file.read_bytes() == before
