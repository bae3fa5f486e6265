"""Learn which notes of a melody are accented, from played velocities; write them as tables for the improviser.

    python scripts/learn_accents.py pop909.jsonl.gz improv/core/accents.py

Reads JSON lines, one song a line: `melody` [[on_s, dur_s, midi, velocity], ...] and `beats` [[on_s, ..., downbeat], ...]
(the POP909 data set has both). An accent is how far a velocity lies from the mean of the notes around it, as a
share of how far the song's velocities do so in general. It is told as a sum of tables, by ridge regression where an
error counts as it is in velocity; which classes a note is in says improv.core.line.dynamics, the same code
that plays. A fifth of the songs, drawn with a seed, is kept apart to be told of;
the widest of them are the quarter where velocities vary most.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from improv.core.line.dynamics import GAPS, LENGTHS, REGISTERS, classes, follow
from improv.core.vocabulary import GRID

WINDOW = 33  # notes over which the mean runs
PARTS = 4
RIDGE = 50.0  # notes' worth of doubt for each entry of a table
SIZES = {"PLACE_AND_LENGTH": PARTS * (len(LENGTHS) + 1), "AFTER": len(GAPS) + 1, "REGISTER": len(REGISTERS) + 1}
STARTS = np.cumsum([0, *SIZES.values()])[:-1]
ABOUT = {
    "PLACE_AND_LENGTH": "by part of the beat (on it, between, the off-beat, between), then by length",
    "LENGTH": "by length alone: the mean of PLACE_AND_LENGTH over the parts of the beat",
    "AFTER": "by the time since the onset before",
    "REGISTER": "by the distance from where the line has been lately",
}


class Song(NamedTuple):
    """columns: (notes, tables) entries of the tables, counted through; velocities and their running mean (notes,)."""

    columns: np.ndarray
    velocity: np.ndarray
    mean: np.ndarray
    spread: float


def song_of(record: dict[str, Any]) -> Song | None:
    """A song's notes, or None where it has too few, no velocities that tell anything, or is not in 4/4."""
    melody, beats = record["melody"], record["beats"]
    velocity = np.array([note[3] for note in melody], float)
    downbeats = [i for i, beat in enumerate(beats) if beat[-1] == 1]
    if len(velocity) < 2 * WINDOW or velocity.std() < 2 or (velocity == 127).mean() > 0.1 or len(downbeats) < 2:
        return None
    if np.bincount(np.diff(downbeats)).argmax() != 4:
        return None
    mean = np.convolve(np.pad(velocity, WINDOW // 2, "reflect"), np.ones(WINDOW) / WINDOW, "valid")
    times = np.array([beat[0] for beat in beats])
    onsets = np.interp([note[0] for note in melody], times, np.arange(len(times)))
    ends = np.interp([note[0] + note[1] for note in melody], times, np.arange(len(times)))
    kept, columns, shape = [], [], None
    for i, (on, end, note) in enumerate(zip(onsets, ends, melody, strict=True)):
        shape = follow(shape, note[2], on, end - on)
        if not times[0] <= note[0] < times[-1]:
            continue
        part, length, *others = classes(shape, round(on * GRID) % GRID)
        kept.append(i)
        columns.append(STARTS + np.array([part * (len(LENGTHS) + 1) + length, *others]))
    spread = float(np.sqrt(np.mean((velocity - mean) ** 2)))
    return Song(np.array(columns), velocity[kept], mean[kept], spread) if len(kept) > WINDOW else None


def one_hot(columns: np.ndarray) -> np.ndarray:
    x = np.zeros((len(columns), sum(SIZES.values())), np.float32)
    np.put_along_axis(x, columns, 1, 1)
    return x


def learn(songs: list[Song], without: str | None = None) -> np.ndarray:
    """The entries of all tables, each table's mean over the notes 0 (as is the mean accent). without: a table left at 0."""
    first = dict(zip(SIZES, STARTS, strict=True))
    x = np.concatenate([one_hot(s.columns) for s in songs])
    if without:
        x[:, first[without] : first[without] + SIZES[without]] = 0
    accents = np.concatenate([(s.velocity - s.mean) / s.spread for s in songs])
    weight = np.concatenate([np.full(len(s.velocity), s.spread**2) for s in songs])
    weight /= weight.mean()
    weighted = x.T * weight
    w: np.ndarray = np.linalg.solve(weighted @ x + RIDGE * np.eye(x.shape[1]), weighted @ (accents - np.average(accents, weights=weight)))
    notes = weighted.sum(1)
    for name, start in first.items():
        of = slice(start, start + SIZES[name])
        if notes[of].sum():
            w[of] -= np.average(w[of], weights=notes[of]) * (notes[of] > 0)  # what was never seen stays 0
    return w


def figures(songs: list[Song], w: np.ndarray | None) -> tuple[float, float, float]:
    """Of songs: share of the velocities' variance around the mean that is told; mean error; accents' spread over velocities'."""
    told = np.concatenate([s.spread * w[s.columns].sum(1) if w is not None else np.zeros(len(s.velocity)) for s in songs])
    off = np.concatenate([s.velocity - s.mean for s in songs])
    return 1 - float(((off - told) ** 2).sum() / (off**2).sum()), float(np.abs(off - told).mean()), float(told.std() / off.std())


def module(w: np.ndarray, notes: np.ndarray, origin: str) -> str:
    """The tables as Python. notes: how many each entry was learned from."""
    tables: dict[str, np.ndarray] = {}
    for (name, size), start in zip(SIZES.items(), STARTS, strict=True):
        tables[name] = w[start : start + size]
        if name == "PLACE_AND_LENGTH":
            shape = (PARTS, len(LENGTHS) + 1)
            tables[name] = tables[name].reshape(shape)
            tables["LENGTH"] = np.average(tables[name], axis=0, weights=notes[start : start + size].reshape(shape) + 1e-9)
    lines = [f'"""Accents, as shares of how much a player\'s loudness varies. Written by scripts/learn_accents.py from {origin}."""', ""]
    for name, text in ABOUT.items():
        lines.append(f"# {text}")
        if tables[name].ndim == 2:
            lines += [f"{name} = (", *(f"    {_row(row)}," for row in tables[name]), ")"]
        else:
            lines.append(f"{name} = {_row(tables[name])}")
    return "\n".join(lines) + "\n"


def _row(xs: np.ndarray) -> str:
    return "(" + ", ".join(f"{x:.2f}" for x in xs) + ")"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="songs as JSON lines, gzipped")
    parser.add_argument("out", type=Path, nargs="?", help="the Python module to write")
    parser.add_argument("--seed", type=int, default=0, help="which songs are kept apart")
    args = parser.parse_args()
    with gzip.open(args.data, "rt", encoding="utf-8") as lines:
        read = [song_of(json.loads(line)) for line in lines]
    songs = [s for s in read if s]
    if len(songs) < 5:
        parser.error(f"{args.data}: {len(songs)} songs in 4/4 with played velocities; at least 5 are needed")
    order = np.random.default_rng(args.seed).permutation(len(songs))
    held, train = ([songs[i] for i in part] for part in np.split(order, [len(songs) // 5]))
    notes, spreads = sum(len(s.velocity) for s in songs), np.percentile([s.spread for s in songs], (25, 50, 75))
    print(f"{len(songs)} of {len(read)} songs, {notes:,} notes; spread of velocities {', '.join(f'{x:.1f}' for x in spreads)} (quartiles)")
    wide = sorted(held, key=lambda s: s.spread)[-max(1, len(held) // 4) :]
    w = learn(train)
    print(f"{'of songs kept apart':28}{'variance told':>15}{'mean error':>12}{'of the widest':>15}{'mean error':>12}{'accents/spread':>16}")
    rows: dict[str, np.ndarray | None] = {"the mean alone": None, "all tables": w}
    rows |= {f"without {name}": learn(train, name) for name in SIZES}
    for name, entries in rows.items():
        (told, error, share), (told_wide, error_wide, _) = figures(held, entries), figures(wide, entries)
        print(f"{name:28}{told:15.4f}{error:12.3f}{told_wide:15.4f}{error_wide:12.3f}{share:16.3f}")
    text = module(w, one_hot(np.concatenate([s.columns for s in train])).sum(0), args.data.name)
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
