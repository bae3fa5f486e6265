"""How well `--clock follow` finds the beat in solos as they were played, beside a tempo that is set and kept.

    python scripts/measure_following.py wjd.jsonl.gz --splits splits.csv --split valid

Reads JSON lines, one solo a line: `notes` with the onset in seconds as fourth field, `beats` [[on_s, ...], ...], `id`
(the Weimar Jazz Database, as JSON). Notes in the first 16 beats are left out. A note's beat is as it was foretold: what
was said before that note was heard. "level" means that half and double tempo count as right. The longest run is the
longest stretch, as a share of a piece, in which beat (within 0.17) and tempo (within 10 %) were right without a break.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from improv.core.beats.follow import Follow

BEGINNING = 16.0  # beats that aren't judged
COLUMNS = ("beat 0.1", "beat 0.17", "tempo 4%", "4% level", "tempo 10%", "10% level", "longest run")


class Solo(NamedTuple):
    """Onsets and beats in seconds."""

    onsets: np.ndarray
    beats: np.ndarray

    @property
    def tempo(self) -> float:
        return 60.0 / float(np.median(np.diff(self.beats)))


class Kept:
    """The plain way: the tempo set, from the first note on."""

    def __init__(self, tempo: float):
        self.tempo, self.sure, self._first = tempo, 0.0, -1.0

    def struck(self, time: float) -> None:
        self._first = time if self._first < 0 else self._first

    def beat(self, time: float) -> float:
        return (time - self._first) * self.tempo / 60.0


def followed(solo: Solo, follower: Follow | Kept) -> np.ndarray:
    """(notes, 5): beat and tempo said, how sure, beat and tempo annotated."""
    said = []
    for on in solo.onsets.tolist():
        said.append((follower.beat(on) if said else 0.0, follower.tempo, follower.sure))  # before the note is heard
        follower.struck(on)
    beats = solo.beats
    at = np.interp(solo.onsets, beats, np.arange(len(beats)))
    tempo = 240.0 / np.interp(solo.onsets, (beats[:-4] + beats[4:]) / 2, beats[4:] - beats[:-4])
    judged = (solo.onsets >= beats[0]) & (solo.onsets <= beats[-1]) & (at >= at[0] + BEGINNING)
    out: np.ndarray = np.column_stack([said, at, tempo])[judged]
    return out


def figures(rows: np.ndarray) -> list[float]:
    off = np.abs((rows[:, 0] - rows[:, 3] + 0.5) % 1 - 0.5)
    ratio = np.log(rows[:, 1] / rows[:, 4])
    level = np.min(np.abs(ratio[:, None] - np.log([1.0, 2.0, 0.5])), 1)
    shares = [off <= 0.1, off <= 0.17, np.abs(ratio) <= np.log(1.04), level <= np.log(1.04), np.abs(ratio) <= 0.1, level <= 0.1]
    runs = [len(list(run)) for good, run in groupby(right(rows)) if good]
    return [*(float(s.mean()) for s in shares), max(runs, default=0) / len(rows)]


def right(rows: np.ndarray) -> np.ndarray:
    off = np.abs((rows[:, 0] - rows[:, 3] + 0.5) % 1 - 0.5)
    good: np.ndarray = (off <= 0.17) & (np.abs(np.log(rows[:, 1] / rows[:, 4])) <= 0.1)
    return good


def tell(name: str, pieces: list[np.ndarray]) -> None:
    shares = np.array([figures(p) for p in pieces])
    sizes = np.array([len(p) for p in pieces])
    print(f"{name:34}" + "".join(f"{x:13.3f}" for x in (shares * sizes[:, None]).sum(0) / sizes.sum()))
    print(f"{'  median of the pieces':34}" + "".join(f"{x:13.3f}" for x in np.median(shares, 0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="solos as JSON lines, gzipped")
    parser.add_argument("--splits", type=Path, help="CSV with the columns id and split")
    parser.add_argument("--split", default="valid")
    parser.add_argument("--every", type=int, default=1, help="only every so manieth solo")
    parser.add_argument("--seed", type=int, default=0, help="of how far the tempo set is off")
    args = parser.parse_args()
    splits = {}
    if args.splits:
        with args.splits.open(encoding="utf-8", newline="") as lines:
            splits = {row["id"]: row["split"] for row in csv.DictReader(lines)}
    with gzip.open(args.data, "rt", encoding="utf-8") as text:
        records = [r for r in map(json.loads, text) if splits.get(r["id"], args.split) == args.split and len(r["beats"]) > 20]
    solos = [Solo(np.array([n[3] for n in r["notes"]]), np.array([b[0] for b in r["beats"]])) for r in records][:: args.every]
    if not solos:
        parser.error(f"{args.data}: no solos in the split {args.split}")
    rng = np.random.default_rng(args.seed)
    near = [s.tempo * float(rng.uniform(0.9, 1.1)) for s in solos]
    print(f"{len(solos)} solos, {sum(len(s.onsets) for s in solos):,} notes; shares of all notes after {BEGINNING:g} beats")
    print(" " * 34 + "".join(f"{c:>13}" for c in COLUMNS))
    followed(solos[0], Follow())  # the table is made at its first use
    everything = []
    unknown = [120.0] * len(solos)
    cases: list[tuple[str, list[float], Callable[[float], Follow | Kept]]] = [
        ("kept, tempo within 10 %", near, Kept),
        ("kept, tempo 120", unknown, Kept),
        ("followed, tempo within 10 %", near, Follow),
        ("followed, the same, trusted", near, lambda tempo: Follow(tempo, trusted=True)),
        ("followed, tempo 120", unknown, Follow),
    ]
    for name, tempi, kind in cases:
        started = time.process_time()
        pieces = [followed(s, kind(t)) for s, t in zip(solos, tempi, strict=True)]
        micros = (time.process_time() - started) / sum(len(s.onsets) for s in solos) * 1e6
        pieces = [p for p in pieces if len(p)]
        tell(name, pieces)
        if name.startswith("followed"):
            print(f"  {micros:.0f} us a note")
            everything += pieces
    rows = np.concatenate(everything)
    print("how sure, and how often right (beat within 0.17 and tempo within 10 %), in these cases together:")
    good = right(rows)
    for low in np.arange(0.0, 1.0, 0.1):
        of_those = (rows[:, 2] >= low) & (rows[:, 2] < low + 0.1 + (low > 0.85))
        if of_those.any():
            said, was = rows[of_those, 2].mean(), good[of_those].mean()
            print(f"  {low:.1f} to {low + 0.1:.1f}: said {said:.2f}, right {was:.2f}, {of_those.sum():6,} notes")


if __name__ == "__main__":
    main()
