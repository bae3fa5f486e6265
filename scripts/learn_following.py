"""Learn where in the beat players put the next note, from solos on annotated beats; write it as a table for `--clock follow`.

    python scripts/learn_following.py wjd.jsonl.gz improv/core/beats/rhythm.py [--splits splits.csv]

Reads JSON lines, one solo a line: `notes` with the onset in seconds as fourth field, `beats` [[on_s, ...], ...], `id`
(the Weimar Jazz Database, as JSON). With --splits, a table with the columns id and split, only the training split.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from pathlib import Path

import numpy as np

ANCHORS = (55.0, 80.0, 115.0, 165.0, 235.0)  # bpm
BEFORE = (0.205, 0.29, 0.42, 0.58, 0.8, 1.3)  # beats
PLACES, PER_BEAT, SPAN = 16, 16, 3
WIDTH = 0.6  # of the bumps that notes are counted with, in cells
SWING = 0.65  # where the second of two eighths lies when a machine swings
AS_WRITTEN, AS_SWUNG = 0.3, 0.3  # what a note as a machine would play it counts, beside one as played
ANY_TEMPO = 0.4  # of the belief that a rhythm may be played at any tempo, as exercises are
DOUBT = 10.0  # notes' worth of doubt for a row, filled from the rows of all intervals before, and those from all places
TOGETHER = 0.03
LINE = 128
FLOOR, NUANCE, LEVELS = -6.4, 0.17, 57  # of the logarithms' letters, '#' to '['


def pairs_of(onsets: np.ndarray, beats: np.ndarray, written: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """(place of a note, beats to the next, tempo in between, beats since the one before) a row; places after a rest.

    onsets, beats: in seconds, as played. written: each onset's beat, as the annotators wrote it down; it is taken in
    the place of the played one where given, so that the table knows both players and machines.
    """
    kept = [0]
    for i in range(1, len(onsets)):
        if onsets[i] - onsets[kept[-1]] >= TOGETHER:
            kept.append(i)
    kept = [i for i in kept if beats[0] <= onsets[i] <= beats[-1]]
    times = onsets[kept]
    at = written[kept] if len(written) else np.interp(times, beats, np.arange(len(beats)))
    seconds = np.diff(times)
    after = np.maximum(np.diff(at), 1e-3)
    before = np.concatenate([[9.0], after[:-1]])
    first = [at[0] % 1, *(at[1:][seconds > 1.0] % 1)]
    tempo = 60.0 / np.interp(times[:-1], beats[:-1], np.diff(beats))
    return np.stack([at[:-1] % 1, after, tempo, before], 1), first


def bumps(x: np.ndarray, cells: int, round_and_round: bool) -> np.ndarray:
    """(notes, cells): each note spread over the cells around it; sums to 1."""
    off = x[:, None] - np.arange(cells)
    if round_and_round:
        off = (off + cells / 2) % cells - cells / 2
    weight: np.ndarray = np.exp(-0.5 * (off / WIDTH) ** 2)
    return weight / np.maximum(weight.sum(1, keepdims=True), 1e-9)


def densities(pairs: np.ndarray) -> np.ndarray:
    """(intervals before, tempi, places, beats to the next): how likely the next note is there, per beat."""
    cells = PER_BEAT * SPAN + 1
    tempo = np.interp(np.log(pairs[:, 2]), np.log(ANCHORS), np.arange(len(ANCHORS)))
    before = np.digitize(pairs[:, 3], BEFORE)
    place = bumps(pairs[:, 0] * PLACES, PLACES, True)
    after = bumps(pairs[:, 1] * PER_BEAT, cells, False) * (pairs[:, 1:2] <= SPAN)
    out = np.zeros((len(BEFORE) + 1, len(ANCHORS), PLACES, cells))
    for a in range(len(ANCHORS)):
        near = (pairs[:, 4] * np.maximum(0, 1 - np.abs(tempo - a)))[:, None]

        def counted(which: np.ndarray, near: np.ndarray = near) -> tuple[np.ndarray, np.ndarray]:
            weighed = place[which] * near[which]
            return weighed.T @ after[which], weighed.sum(0)[:, None]

        notes, total = counted(np.ones(len(pairs), bool))
        general = (notes + DOUBT * notes.sum(0) / total.sum()) / (total + DOUBT)
        for c in range(len(BEFORE) + 1):
            notes, total = counted(before == c)
            out[c, a] = (notes + DOUBT * general) / (total + DOUBT) * PER_BEAT
    return (1 - ANY_TEMPO) * out + ANY_TEMPO * out.mean(1, keepdims=True)


def written(table: np.ndarray) -> list[str]:
    """A table's logarithms as letters, in lines of Python."""
    steps = np.clip(np.round((np.log(np.maximum(table.ravel(), 1e-9)) - FLOOR) / NUANCE), 0, LEVELS - 1)
    letters = "".join(chr(ord("#") + int(i)) for i in steps)
    return [f'    "{letters[i : i + LINE]}"' for i in range(0, len(letters), LINE)]


def module(table: np.ndarray, first: np.ndarray, origin: str) -> str:
    """The tables as Python."""
    return "\n".join(
        [
            f'"""Where in the beat players put the next note. Written by scripts/learn_following.py from {origin}.',
            "",
            "AFTER holds, by the beats since the note before it (BEFORE), the tempo (ANCHORS, bpm) and the place of a note in the",
            "beat (PLACES), how likely the next is so many beats later (0, 1 / PER_BEAT, ... SPAN), per beat: one letter each, '#' a",
            "logarithm of FLOOR, every further one NUANCE more.",
            '"""',
            "",
            f"ANCHORS = {ANCHORS}",
            f"BEFORE = {BEFORE}",
            f"PLACES, PER_BEAT, SPAN = {PLACES}, {PER_BEAT}, {SPAN}",
            f"FLOOR, NUANCE = {FLOOR}, {NUANCE}",
            "# where in the beat the first note after a rest lies, by PLACES",
            f"FIRST = ({', '.join(f'{x:.3f}' for x in first)})",
            "AFTER = (",
            *written(table),
            ")",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="solos as JSON lines, gzipped")
    parser.add_argument("out", type=Path, help="the Python module to write")
    parser.add_argument("--splits", type=Path, help="CSV with the columns id and split: only the training split is read")
    args = parser.parse_args()
    splits = {}
    if args.splits:
        with args.splits.open(encoding="utf-8", newline="") as rows:
            splits = {row["id"]: row["split"] for row in csv.DictReader(rows)}
    pairs, firsts = [], []
    with gzip.open(args.data, "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if splits.get(record.get("id"), "train") == "train" and len(record["beats"]) > 1:
                onsets, beats = np.array([n[3] for n in record["notes"]]), np.array([b[0] for b in record["beats"]])
                written = np.array([n[0] for n in record["notes"]])
                swung = written + np.where(written % 1 == 0.5, SWING - 0.5, 0)
                for beat, count in ((np.array([]), 1.0), (written, AS_WRITTEN), (swung, AS_SWUNG)):
                    rows, first = pairs_of(onsets, beats, beat)
                    pairs.append(np.column_stack([rows, np.full(len(rows), count)]))
                    firsts += first
    if not pairs:
        parser.error(f"{args.data}: no solos with notes and beats in the training split")
    table = densities(np.concatenate(pairs))
    first = bumps(np.array(firsts) * PLACES, PLACES, True).sum(0)
    args.out.write_text(module(table, first / first.sum(), args.data.name), encoding="utf-8")
    solos = len(pairs) // 3
    print(f"{args.out}: {table.size:,} entries, of {solos} solos as played, as written and as written but swung")


if __name__ == "__main__":
    main()
