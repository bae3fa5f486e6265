"""The same tune under another name, in another key, at another tempo: found, kept on one side of the split, told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import record, written

from improv.core.vocabulary import Value, Vocabulary
from improv.train.corpus import read_corpus
from improv.train.duplicates import same_tunes, shingles
from improv.train.example import example_piece
from improv.train.piece import Piece
from improv.train.report import told_of, whole_report
from improv.train.split import assign_splits


def moved(piece: Piece, name: str, up: int = 0, slower: int = 1, **more: object) -> Piece:
    """It under another name, so many semitones up, in notes so many times as long."""
    values = [Value(min(v.ioi * slower, 48), v.pitch + up, v.duration, v.lag) for v in piece.values]
    return replace(piece.with_notes([slower * o for o in piece.onsets], values), name=name, **more)


def tunes(count: int, notes: int = 120) -> list[Piece]:
    return [replace(example_piece(notes, seed=seed), name=f"tune {seed}", split="") for seed in range(count)]


def test_another_key_and_another_tempo_leave_the_fingerprint_as_it_is() -> None:
    (piece,) = tunes(1)
    np.testing.assert_array_equal(shingles(moved(piece, "other", up=5, slower=2)), shingles(piece))
    assert len(np.intersect1d(shingles(piece), shingles(example_piece(120, seed=9)))) == 0
    assert len(shingles(piece.with_notes(values=piece.values[:6]))) == 0


def test_copies_excerpts_and_variants_are_found_and_no_others() -> None:
    pieces = tunes(30)
    excerpt = replace(pieces[3].with_notes(pieces[3].onsets[40:80], pieces[3].values[40:80]), name="excerpt")
    variant = moved(pieces[7], "variant", up=-3)
    variant = variant.with_notes(values=[v if i % 30 else v._replace(pitch=v.pitch + 1) for i, v in enumerate(variant.values)])
    again = moved(pieces[7], "again", up=2, slower=2)
    assert same_tunes([*pieces, excerpt, variant, again]) == [[3, 30], [7, 31, 32]]
    assert same_tunes(pieces[:1]) == same_tunes([]) == []


def test_a_sample_of_a_large_corpus_finds_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = tunes(30)
    monkeypatch.setattr("improv.train.duplicates.MOST", 1000)
    assert same_tunes([*pieces, moved(pieces[7], "again", up=2, slower=2)]) == [[7, 30]]


def test_all_of_a_tune_are_on_one_side(tmp_path: Path) -> None:
    pieces = tunes(20)
    copies = [moved(p, f"copy of {p.name}", up=4, slower=2) for p in pieces]
    same = same_tunes([*pieces, *copies])
    for seed in range(5):
        found = {p.name: p.split for p in assign_splits([*pieces, *copies], seed, same)}
        assert all(found[p.name] == found[f"copy of {p.name}"] for p in pieces)
        assert set(found.values()) == {"train", "valid", "test"}
    apart = {p.name: p.split for p in assign_splits([*pieces, *copies], 0)}
    assert any(apart[p.name] != apart[f"copy of {p.name}"] for p in pieces)  # what is mended here


def test_what_is_held_out_elsewhere_is_held_out_here() -> None:
    kept = [replace(p, split=split, source="a") for p, split in zip(tunes(3), ("train", "valid", "test"), strict=True)]
    mine = [moved(p, f"my {p.name}", up=1, source="b") for p in tunes(9)]
    pieces = [*kept, *mine]
    found = {p.name: p.split for p in assign_splits(pieces, 1, same_tunes(pieces))}
    assert [found[f"my tune {i}"] for i in range(3)] == ["train", "valid", "test"]
    assert len(found) == 12
    in_both = [replace(p, source="a", split="train", name=f"again {p.name}") for p in kept]
    found = {p.name: p.split for p in assign_splits([*kept, *in_both], 1, same_tunes([*kept, *in_both]))}
    assert [found[f"again tune {i}"] for i in range(3)] == ["train", "valid", "test"]


def test_they_are_told(tmp_path: Path) -> None:
    walk = example_piece(64, seed=3)
    notes = record()["notes"]
    mine = [[*n[:2], v.pitch, *n[3:]] for n, v in zip(notes, walk.values, strict=True)]
    up = [[*n[:2], n[2] + 2, *n[3:]] for n in mine]
    path = written(
        tmp_path / "c.jsonl", *(record(id=name, split=None, notes=n) for name, n in (("Blue", mine), ("Blau", up), ("C", notes)))
    )
    reading = read_corpus(path, Vocabulary())
    assert reading.duplicates == [("Blue", "Blau")]
    assert "one tune under several names, kept on one side of the split: Blue = Blau" in list(told_of(reading))
    assert "one tune: Blue = Blau" in whole_report(reading)
