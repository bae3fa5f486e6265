"""Pieces cut into windows of integers, transposed: what the network trains on."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from improv.core.vocabulary import (
    ARTICULATION_TABLES,
    ONSET_TABLES,
    STEP_TABLES,
    articulation_columns,
    onset_columns,
    step_columns,
)
from improv.train.piece import Piece
from improv.train.quiet import keras

NO_ROOT = 12
BUCKET = 32
MOST_IN_MEMORY = 3_000_000  # notes whose columns are held in memory, a quarter of a GB; of more, in a file
# Columns that a piece without chords, without form or with an unknown feel has.
_NO_CHORDS = {"degree": 12, "coming_degree": 12, "motion": 12, "until": 9}


# Which columns of a block each field is.
_WIDTHS = {"step": len(STEP_TABLES), "onset": len(ONSET_TABLES), "touch": len(ARTICULATION_TABLES)}
_SINGLE = ("ioi", "pitch", "duration", "lag", "end", "last", "root", "coming", "scored")
_FIELDS: dict[str, slice | int] = {}
WIDTH = 0
for _name, _width in _WIDTHS.items():
    _FIELDS[_name] = slice(WIDTH, WIDTH + _width)
    WIDTH += _width
for _name in _SINGLE:
    _FIELDS[_name] = WIDTH
    WIDTH += 1


@dataclass(frozen=True, slots=True)
class Columns:
    """One piece as integers, in one block (T, WIDTH) of int16. T notes; row t is what is known when note t has sounded.

    step (T, len(STEP_TABLES)): note t. onset, touch (T, ...): what is known of note t + 1 before its
    pitch, before its length. ioi, pitch, duration, lag (T,): note t + 1. end (T,): note t ends its
    phrase (-1 unknown). last, root, coming (T,): pitch t, chord roots at onset t + 1.
    scored (T,): 1 where note t + 1 exists.
    """

    block: np.ndarray

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in _FIELDS:
            raise AttributeError(name)
        field: np.ndarray = self.block[:, _FIELDS[name]]
        return field

    def __len__(self) -> int:
        return len(self.block)


def columns_of(piece: Piece) -> Columns:
    """A piece's notes and contexts as integers."""
    block = np.empty((len(piece), WIDTH), np.int16)
    _fill(block, piece)
    return Columns(block)


def columns_of_all(pieces: Sequence[Piece], folder: Path, most: int = MOST_IN_MEMORY) -> list[Columns]:
    """The columns of many pieces: in memory up to so many notes, else in a file of the folder that goes with the training.

    The file has no name, so it is gone when nothing holds it any more, however that ends. Raises OSError for a full disk.
    """
    starts = np.cumsum([0, *map(len, pieces)])
    shape = (int(starts[-1]), WIDTH)
    if starts[-1] <= most:
        whole = np.empty(shape, np.int16)
    else:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.truncate(shape[0] * WIDTH * 2)
            if hasattr(os, "posix_fallocate"):  # a full disk is told now, not by a signal later
                os.posix_fallocate(file.fileno(), 0, shape[0] * WIDTH * 2)
            whole = np.memmap(file, np.int16, "r+", shape=shape)
    for piece, first, last in zip(pieces, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        _fill(whole[first:last], piece)
    return [Columns(whole[first:last]) for first, last in itertools.pairwise(starts.tolist())]


def _fill(block: np.ndarray, piece: Piece) -> None:
    """Write a piece's columns into a block (T, WIDTH)."""
    values, contexts, count = list(piece.values), list(piece.contexts), len(piece)
    following = [min(i + 1, count - 1) for i in range(count)]
    roots = [(contexts[j].harmony.chord.root, contexts[j].harmony.coming.root) for j in following]
    fields: dict[str, Any] = {
        "step": [step_columns(v, values[i - 1].pitch if i else None, contexts[i]) for i, v in enumerate(values)],
        "onset": [onset_columns(values[i].pitch, values[j].ioi, contexts[j]) for i, j in enumerate(following)],
        "touch": [articulation_columns(values[j].pitch, values[i].pitch, values[j].ioi, contexts[j]) for i, j in enumerate(following)],
        "end": -1 if piece.ends is None else list(piece.ends),
        "last": [v.pitch for v in values],
        "root": [NO_ROOT if r is None else r for r, _ in roots],
        "coming": [NO_ROOT if c is None else c for _, c in roots],
        "scored": [1] * (count - 1) + [0],
    }
    for name in ("ioi", "pitch", "duration", "lag"):
        fields[name] = [getattr(values[j], name) for j in following]
    for name, field in fields.items():
        block[:, _FIELDS[name]] = field


def multi_hot(columns: np.ndarray, tables: dict[str, int]) -> np.ndarray:
    """(..., len(tables)) class numbers to (..., sum of sizes) zeros and ones."""
    sizes = list(tables.values())
    rows = columns.reshape(-1, len(sizes)) + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    hot = np.zeros((len(rows), sum(sizes)), np.float32)
    np.put_along_axis(hot, rows, 1.0, axis=1)
    return hot.reshape(*columns.shape[:-1], -1)


class Windows(keras.utils.PyDataset):
    """Batches of windows: random cuts, transpositions, and now and then no chords, form or feel.

    Every note of every piece occurs once an epoch, or as often as its piece's weight says: of 2.3, twice,
    and in three epochs of ten once more. Deterministic for a seed.
    """

    def __init__(
        self,
        pieces: list[Columns],
        seed: int,
        length: int = 192,
        batch: int = 32,
        augment: bool = True,
        weights: Sequence[float] | None = None,
    ):
        super().__init__()
        self.pieces, self.length, self.batch, self.augment = pieces, length, batch, augment
        self.weights = np.ones(len(pieces)) if weights is None else np.asarray(weights, float)
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        cuts: list[tuple[int, int, int]] = []
        times = [_times(weight, self.rng) for weight in self.weights]
        for i, (piece, count) in enumerate(zip(self.pieces, times if any(times) else [1] * len(times), strict=True)):
            for _ in range(count):
                first = int(self.rng.integers(self.length)) if self.augment else 0
                edges = [0, *range(first or self.length, len(piece), self.length), len(piece)]
                cuts += [(i, a, b) for a, b in itertools.pairwise(edges) if b > a]
        if self.augment:
            # Windows of like length share a batch, so that little is padding.
            keys = np.array([b - a for _, a, b in cuts]) + self.rng.uniform(0, 24, len(cuts))
            order = np.argsort(keys)
            batches = [order[k : k + self.batch] for k in range(0, len(order), self.batch)]
            self.cuts = [[cuts[j] for j in batches[k]] for k in self.rng.permutation(len(batches))]
        else:
            self.cuts = [cuts[k : k + self.batch] for k in range(0, len(cuts), self.batch)]

    def __len__(self) -> int:
        return len(self.cuts)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
        windows = [self._window(*cut) for cut in self.cuts[index]]
        longest = max(map(len, windows))
        longest = -(-longest // BUCKET) * BUCKET  # few lengths, so that few graphs are traced

        def stack(name: str) -> np.ndarray:
            parts = [getattr(w, name) for w in windows]
            return np.stack([np.pad(p, [(0, longest - len(p))] + [(0, 0)] * (p.ndim - 1)) for p in parts]).astype(np.int32)

        scored = stack("scored").astype(np.float32)
        end = stack("end")
        inside = np.stack([np.arange(longest) < len(w) for w in windows])
        inputs = {
            "step": multi_hot(stack("step"), STEP_TABLES),
            "onset": multi_hot(stack("onset"), ONSET_TABLES),
            "touch": multi_hot(stack("touch"), ARTICULATION_TABLES),
            "last": stack("last"),
            "root": stack("root"),
            "coming": stack("coming"),
        }
        targets = {name: stack(name) for name in ("ioi", "pitch", "duration", "lag")}
        targets["end"] = np.maximum(end, 0)[..., None].astype(np.float32)
        weights = dict.fromkeys(("ioi", "pitch", "duration", "lag"), scored)
        weights["end"] = (inside & (end >= 0)).astype(np.float32)
        return inputs, targets, weights

    def _window(self, piece: int, start: int, stop: int) -> Columns:
        cut = Columns(np.array(self.pieces[piece].block[start:stop]))
        if self.augment:
            low, high = int(cut.last.min()), int(cut.last.max())
            # Up to half an octave either way, inside the corpus's range where the piece is.
            shift = int(self.rng.integers(min(0, max(-6, 36 - low)), max(0, min(6, 97 - high)) + 1))
            self._transpose(cut, shift)
            if self.rng.random() < 0.1:
                for name, tables in (("step", STEP_TABLES), ("onset", ONSET_TABLES), ("touch", ARTICULATION_TABLES)):
                    _set(getattr(cut, name), tables, _NO_CHORDS)
                cut.root[:] = cut.coming[:] = NO_ROOT
            if self.rng.random() < 0.2:
                _set(cut.step, STEP_TABLES, {"section": 12})
                _set(cut.onset, ONSET_TABLES, {"section": 12})
            if self.rng.random() < 0.1:
                _set(cut.step, STEP_TABLES, {"feel": 2})
                _set(cut.touch, ARTICULATION_TABLES, {"feel": 2})
        return cut

    def _transpose(self, cut: Columns, shift: int) -> None:
        for pitches in (cut.last, cut.pitch):
            pitches += shift
        for roots in (cut.root, cut.coming):
            known = roots != NO_ROOT
            roots[known] = (roots[known] + shift) % 12
        _set(cut.step, STEP_TABLES, {"register": cut.last // 4})
        _set(cut.onset, ONSET_TABLES, {"register": cut.last // 4})


def _times(weight: float, rng: np.random.Generator) -> int:
    """A whole number whose mean is the weight. A whole weight draws nothing."""
    whole = int(weight)
    return whole + int(weight > whole and rng.random() < weight - whole)


def _set(columns: np.ndarray, tables: dict[str, int], to: dict[str, Any]) -> None:
    names = list(tables)
    for name, value in to.items():
        if name in tables:
            columns[:, names.index(name)] = value
