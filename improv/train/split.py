"""Train, valid and test by tune: by a hash of the seed and the tune's name, so that a new file moves no other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from improv.train.piece import CorpusError, Piece

TRAIN, VALID = 0.8, 0.1  # the rest is test
FEWEST_NOTES = 10  # of a single piece that is cut in two


def assign_splits(pieces: Sequence[Piece], seed: int) -> list[Piece]:
    """The pieces, each with a split.

    Where some pieces of a source have one, the others there train. Sources without any are cut together,
    80 / 10 / 10 by tune, at least one tune each if there are three. Of two tunes one trains and one
    validates; a single one is cut itself, its last fifth validates. Raises CorpusError if it is too short.
    """
    annotated = {p.source for p in pieces if p.split}
    known = [replace(p, split=p.split or "train") for p in pieces if p.source in annotated]
    loose = [p for p in pieces if p.source not in annotated]
    if not loose:
        return known
    keys = _keys(loose)
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
    count = len(piece.values)
    if count < FEWEST_NOTES:
        raise CorpusError(f"{piece.name}: {count} notes are all there is; at least {FEWEST_NOTES} are needed to train and to validate on")
    at = int(count * TRAIN)

    def part(split: str, which: slice) -> Piece:
        return replace(
            piece,
            split=split,
            onsets=piece.onsets[which],
            values=piece.values[which],
            contexts=piece.contexts[which],
            ends=piece.ends[which] if piece.ends else None,
            velocities=piece.velocities[which] if piece.velocities else None,
        )

    return part("train", slice(at)), part("valid", slice(at, None))


def _keys(pieces: Sequence[Piece]) -> list[str]:
    """Each piece's tune. Tunes that have a piece with the very same notes are one, whatever their names."""
    same: dict[str, str] = {}  # tune -> another name of it

    def root(tune: str) -> str:
        while tune in same:
            tune = same[tune]
        return tune

    first: dict[tuple[tuple[int, int], ...], str] = {}
    tunes = [p.tune or p.name for p in pieces]
    for piece, tune in zip(pieces, tunes, strict=True):
        one, other = root(tune), root(first.setdefault(tuple((v.ioi, v.pitch) for v in piece.values), tune))
        if one != other:
            same[max(one, other)] = min(one, other)
    return [root(tune) for tune in tunes]


def _share(seed: int, tune: str) -> float:
    """A number in [0, 1) that is the tune's own."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{tune}".encode()).digest()[:8]) / 2**64
