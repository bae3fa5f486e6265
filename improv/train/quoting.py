"""Which figures the solos have that a model learns from, as hashes; and how much soloists quote of one another.

Of a solo's figures, those count as quoted that a solo over another tune has as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from improv.core.line.quotations import FIGURE, IN_RHYTHM, LONGEST_TIME, Quotations, hashes
from improv.train.piece import Piece

NINE_OF_TEN = 0.9


def quotations_in(pieces: Sequence[Piece]) -> Quotations:
    """The figures of some pieces. There must be a piece."""
    by_tune: defaultdict[str, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    for piece in pieces:
        by_tune[piece.tune or piece.name].append(figures_of(piece))
    tunes = [[np.unique(np.concatenate(parts)) for parts in zip(*solos, strict=True)] for solos in by_tune.values()]
    line, in_tunes = np.unique(np.concatenate([line for line, _ in tunes]), return_counts=True)
    rhythm = np.unique(np.concatenate([rhythm for _, rhythm in tunes]))
    shared = line[in_tunes > 1]
    quoted = [quoted_in(np.isin(figures, shared)) for solos in by_tune.values() for figures, _ in solos]
    usual = int(np.quantile([longest for _, longest, _ in quoted], NINE_OF_TEN, method="lower"))
    notes = sum(count for *_, count in quoted)
    return Quotations(line, rhythm, usual, sum(many for many, *_ in quoted) / max(notes, 1))


def figures_of(piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of a piece's figures, in order, and of those with their rhythm: uint32 (n,) each."""
    pitches, onsets = np.array([v.pitch for v in piece.values], int), np.array(piece.onsets, int)
    steps = np.stack([np.clip(np.diff(pitches), -127, 127), np.clip(np.diff(onsets), 0, LONGEST_TIME)], axis=1)
    return hashes(_rows(steps[:, 0], FIGURE)), hashes(_rows(steps.ravel(), 2 * IN_RHYTHM)[::2])


def _rows(numbers: np.ndarray, width: int) -> np.ndarray:
    """(rows, width): each stretch of so many numbers in a row."""
    if len(numbers) < width:
        return np.zeros((0, width), int)
    return np.lib.stride_tricks.sliding_window_view(numbers, width)


def quoted_in(hits: np.ndarray) -> tuple[int, int, int]:
    """Of which figures of a line are known, (n,): notes that are quoted, notes of the longest quotation, notes of the line."""
    notes = np.zeros(len(hits) + FIGURE if len(hits) else 0, bool)
    for at in np.flatnonzero(hits):
        notes[at : at + FIGURE + 1] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hits, [False]]).astype(int)))
    runs = edges[1::2] - edges[::2]
    return int(notes.sum()), int(runs.max()) + FIGURE if len(runs) else 0, len(notes)


def joined(one: Quotations | None, other: Quotations) -> Quotations:
    """The figures of both, and what is usual in the first: of a model that goes on from another."""
    if one is None:
        return other
    return Quotations(np.union1d(one.line, other.line), np.union1d(one.rhythm, other.rhythm), one.usual, one.share)
