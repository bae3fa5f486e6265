"""Train, valid and test by tune: by a hash of the seed and the tune's name, so that a new file moves no other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from improv.train.errors import CorpusError
from improv.train.piece import Piece

TRAIN, VALID = 0.8, 0.1  # the rest is test
FEWEST_NOTES = 10  # of a single piece that is cut in two


def assign_splits(pieces: Sequence[Piece], seed: int, same: Sequence[Sequence[int]] = ()) -> list[Piece]:
    """The pieces, each with a split.

    Where some pieces of a source have one, the others there train. Sources without any are cut together,
    80 / 10 / 10 by tune, at least one tune each if there are three. Of two tunes one trains and one
    validates; a single one is cut itself, its last fifth validates. Raises CorpusError if it is too short.
    same: groups of pieces, by their places, that are one tune whatever their names. All of a group share a split;
    where some have one, that of a piece that is held out.
    """
    annotated = {p.source for p in pieces if p.split}
    sides = _sides(pieces, same, annotated)
    known = [replace(p, split=sides.get(i, p.split or "train")) for i, p in enumerate(pieces) if p.source in annotated or i in sides]
    left = [i for i, p in enumerate(pieces) if p.source not in annotated and i not in sides]
    loose = [pieces[i] for i in left]
    if not loose:
        return known
    places = {i: at for at, i in enumerate(left)}
    keys = _keys(loose, [[places[i] for i in group] for group in same if group[0] in places])
    tunes = sorted(set(keys), key=lambda tune: _share(seed, tune))
    if len(tunes) < 3:
        if any(p.split == "valid" for p in known):
            return known + [replace(p, split="train") for p in loose]
        if len(tunes) == 1:
            return known + [half for p in loose for half in cut(p)]
        split_of = dict(zip(tunes, ("train", "valid"), strict=True))
    else:
        count = len(tunes)
        train = min(max(sum(_share(seed, t) < TRAIN for t in tunes), 1), count - 2)
        valid = min(max(sum(_share(seed, t) < TRAIN + VALID for t in tunes), train + 1), count - 1)
        split_of = {t: "train" if i < train else "valid" if i < valid else "test" for i, t in enumerate(tunes)}
    return known + [replace(p, split=split_of[key]) for p, key in zip(loose, keys, strict=True)]


def cut(piece: Piece) -> tuple[Piece, Piece]:
    """A piece's first four fifths, to train on, and the rest, to validate on."""
    count = len(piece)
    if count < FEWEST_NOTES:
        raise CorpusError(f"{piece.name}: {count} notes are all there is; at least {FEWEST_NOTES} are needed to train and to validate on")
    at = int(count * TRAIN)

    def part(split: str, which: slice) -> Piece:
        return replace(piece, split=split, notes=piece.notes.cut(which))

    return part("train", slice(at)), part("valid", slice(at, None))


def _sides(pieces: Sequence[Piece], same: Sequence[Sequence[int]], annotated: set[str]) -> dict[int, str]:
    """The split of each piece that is one tune with a piece whose source has splits, by its place."""
    sides: dict[int, str] = {}
    for group in same:
        given = [pieces[i].split or "train" for i in group if pieces[i].source in annotated]
        if given:
            sides |= dict.fromkeys(group, next((split for split in given if split != "train"), "train"))
    return sides


def _keys(pieces: Sequence[Piece], same_tune: Sequence[Sequence[int]] = ()) -> list[str]:
    """Each piece's tune. Tunes that have a piece with the very same notes are one, whatever their names, and those of a group."""
    same: dict[str, str] = {}  # tune -> another name of it

    def root(tune: str) -> str:
        while tune in same:
            tune = same[tune]
        return tune

    first: dict[bytes, str] = {}
    tunes = [p.tune or p.name for p in pieces]
    for piece, tune in zip(pieces, tunes, strict=True):
        one, other = root(tune), root(first.setdefault(_line(piece), tune))
        if one != other:
            same[max(one, other)] = min(one, other)
    for group in same_tune:
        for i in group[1:]:
            one, other = root(tunes[group[0]]), root(tunes[i])
            if one != other:
                same[max(one, other)] = min(one, other)
    return [root(tune) for tune in tunes]


def _line(piece: Piece) -> bytes:
    """What two pieces with the very same notes share."""
    rows = piece.notes.rows
    return hashlib.blake2b(rows["ioi"].tobytes() + rows["pitch"].tobytes(), digest_size=16).digest()


def _share(seed: int, tune: str) -> float:
    """A number in [0, 1) that is the tune's own."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{tune}".encode()).digest()[:8]) / 2**64
