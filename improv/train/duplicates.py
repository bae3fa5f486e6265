"""The same tune under another name, in another key or at another tempo, found by what it is made of.

A fingerprint is the set of a piece's shingles: NOTES notes in a row as intervals and as longer, equal or shorter times between
onsets. Neither key nor tempo is in it, nor which note value was written for the beat. Two pieces are one tune where SAME of the
smaller set is in the larger one: so an excerpt is found, which the Jaccard index (what MinHash estimates) would miss.

The sets are compared exactly, in one sort: pieces that share a shingle stand beside one another in it, and each is counted
against its neighbour. That is linear but for the sort, and takes numpy alone. Of a large corpus only shingles whose hash is a
multiple of some number are kept (Broder 1997, "mod m" sketches).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from improv.train.piece import Piece

NOTES = 7  # of a shingle
SAME = 0.5  # of the smaller set of shingles
FEWEST = 8  # different shingles that a piece must have to be told from others
MOST = 8_000_000  # shingles that are compared; of more, a sample
LONGER = 1.4  # how many times as long a time is called longer
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)


def shingles(piece: Piece) -> np.ndarray:
    """The different shingles of a piece, as 64-bit hashes, in order."""
    pitches = piece.notes.rows["pitch"].astype(np.int64)
    onsets = piece.notes.rows["onset"].astype(np.int64)
    if len(pitches) < NOTES:
        return np.zeros(0, np.uint64)
    steps = np.diff(pitches) + 128
    apart = np.maximum(np.diff(onsets), 0.5)
    ratio = apart[1:] / apart[:-1]
    rhythm = 1 + (ratio > LONGER).astype(np.int64) - (ratio < 1 / LONGER).astype(np.int64)
    marks = (steps * 4 + np.append(3, rhythm)).astype(np.uint64)  # each step with how its time compares to the one before
    count = len(marks) - NOTES + 2
    hashed = np.zeros(count, np.uint64)
    for k in range(NOTES - 1):
        part = marks[k : k + count] if k else marks[:count] // np.uint64(4)  # the first time has none before it
        hashed = (hashed ^ part) * _MIX[0]
        hashed ^= hashed >> np.uint64(29)
    hashed *= _MIX[1]
    return np.unique(hashed ^ (hashed >> np.uint64(32)))


def same_tunes(pieces: Sequence[Piece]) -> list[list[int]]:
    """The groups of pieces, by their places, that are one tune; none of a single piece."""
    sets = [shingles(p) for p in pieces]
    every = max(1, -(-sum(map(len, sets)) // MOST))
    if every > 1:
        sets = [s if len(s) < FEWEST * every else s[s % np.uint64(every) == 0] for s in sets]
    sizes = np.array([len(s) for s in sets])
    known = [i for i, size in enumerate(sizes) if size >= FEWEST]
    if len(known) < 2:
        return []
    hashes = np.concatenate([sets[i] for i in known])
    owners = np.repeat(np.array(known, np.int64), sizes[known])
    order = np.argsort(hashes, kind="stable")  # within a shingle, pieces stay in their order
    hashes, owners = hashes[order], owners[order]
    shared = hashes[1:] == hashes[:-1]
    pairs, counts = np.unique(owners[:-1][shared] * len(pieces) + owners[1:][shared], return_counts=True)
    one, other = np.divmod(pairs, len(pieces))
    alike = counts >= SAME * np.minimum(sizes[one], sizes[other])
    return _groups(one[alike].tolist(), other[alike].tolist())


def _groups(one: Sequence[int], other: Sequence[int]) -> list[list[int]]:
    """Places that hang together by pairs, in order."""
    above: dict[int, int] = {}

    def root(i: int) -> int:
        while above.get(i, i) != i:
            above[i] = above.get(above[i], above[i])
            i = above[i]
        return i

    for a, b in zip(one, other, strict=True):
        first, second = sorted((root(a), root(b)))
        above[second] = first
    found: dict[int, list[int]] = {}
    for i in sorted({*one, *other}):
        found.setdefault(root(i), []).append(i)
    return list(found.values())
