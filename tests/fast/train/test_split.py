"""Splits by tune: stable, whole, never one tune in two."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.train.errors import CorpusError
from improv.train.example import example_piece
from improv.train.piece import Piece
from improv.train.split import assign_splits, cut

EXAMPLE = example_piece(40)


def piece(name: str, split: str = "", **more: object) -> Piece:
    """A piece of its own notes: its name decides the pitches."""
    values = [v._replace(pitch=ord(name[i % len(name)]) % 128) for i, v in enumerate(EXAMPLE.values)]
    return replace(EXAMPLE.with_notes(values=values), name=name, split=split, **more)  # type: ignore[arg-type]


def splits(pieces: list[Piece], seed: int = 0) -> dict[str, str]:
    return {p.name: p.split for p in assign_splits(pieces, seed)}


names = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=3, max_size=40, unique=True)


@given(names, st.integers(0, 1000))
def test_every_split_has_a_tune_where_there_are_three(tunes: list[str], seed: int) -> None:
    pieces = [piece(f"{tune}.{i}", tune=tune) for tune in tunes for i in range(2)]
    given_ = assign_splits(pieces, seed)
    assert sorted(p.name for p in given_) == sorted(p.name for p in pieces)
    assert {p.split for p in given_} == {"train", "valid", "test"}
    assert len({(p.tune, p.split) for p in given_}) == len(tunes)


def test_a_new_file_moves_hardly_any_other() -> None:
    """None but those that only kept a split from being empty; with many there are no such."""
    pieces = [piece(f"tune {i}.mid") for i in range(200)]
    before, after = splits(pieces), splits([*pieces, piece("new.mid")])
    assert {name: after[name] for name in before} == before
    assert [list(before.values()).count(split) for split in ("train", "valid", "test")] == [165, 22, 13]
    assert splits(pieces, seed=1) != before


def test_the_same_notes_under_two_names_share_a_split() -> None:
    pieces = [piece(f"{i}.mid") for i in range(20)]
    copies = [replace(p, name=f"copy of {p.name}") for p in pieces]
    given_ = splits([*pieces, *copies])
    assert {given_[p.name] == given_[f"copy of {p.name}"] for p in pieces} == {True}


def test_tunes_that_share_a_piece_are_one() -> None:
    pieces = [piece(f"{tune}{i}", tune=tune) for tune in "abcdefghij" for i in range(3)]
    both = [*pieces, replace(piece("a1"), name="x", tune="j")]
    assert len({p.split for p in assign_splits(both, 0) if p.tune in ("a", "j")}) == 1


def test_splits_that_are_there_stay() -> None:
    pieces = [piece("a", "test", source="x"), piece("b", "", source="x"), piece("c", "valid", source="x"), piece("d", source="y")]
    assert splits(pieces) == {"a": "test", "b": "train", "c": "valid", "d": "train"}


def test_of_two_tunes_one_trains_and_one_validates() -> None:
    assert sorted(splits([piece("a"), piece("b")]).values()) == ["train", "valid"]


def test_a_single_piece_is_cut() -> None:
    first, second = assign_splits([piece("a")], 0)
    assert (first.split, len(first.values), second.split, len(second.values)) == ("train", 32, "valid", 8)
    assert first.values + second.values == piece("a").values
    assert first.onsets + second.onsets == EXAMPLE.onsets


def test_a_piece_too_short_to_cut_says_so() -> None:
    with pytest.raises(CorpusError, match="9 notes are all there is"):
        cut(example_piece(9))
