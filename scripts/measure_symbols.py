"""Measure how a model's solos over chord symbols keep to what the symbols say.

    python scripts/measure_symbols.py [--model jazz] [--bars 8] [--seeds 8] [--reading 3] [--table FILE] [--all] [SYMBOL ...]

Each symbol (a quality, as after a C) sounds for all bars of a solo, on a root that the seed chooses. Printed, worst first: how
long its excluded tones sound (percent of all sounding time, for one excluded tone), how often one is struck on a beat (percent
of the notes on beats), and how long the chord tones sound that it writes and the kind that the model is told has not. Below: the
same for one chromatic tone, outside chord and scale and not excluded, of the chords that are just as the model knows them; and how
many symbols keep below it. --reading 1: as symbols were first read, to kinds alone; 2: with nothing added where the kind says all.
--table: a CSV file with the columns quality, tones, excluded (semitones above the root), in place of what is read here; all its
qualities are played. --all: print every symbol.
"""

from __future__ import annotations

import argparse
import csv
import queue
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from improv.core.events import Event, notes_of
from improv.core.harmony import KINDS, NAMES, READING, Chord, HarmonyError, parse_changes, parse_chord
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

SYMBOLS = (
    *("", "m", "6", "m6", "maj7", "7", "m7", "m7b5", "dim7", "7sus", "mMaj7"),  # as the model knows them
    *("9", "m9", "13", "69", "add9", "sus", "sus2", "5", "o", "+", "7#11", "7alt", "7#5", "7b9", "7#9", "7b13", "7b5", "9b5", "maj7b5"),
    *("maj7#5", "maj7#11", "m#5", "m7#5", "mMaj7b5", "13b9", "13#9", "7b9sus", "7b13sus", "-b6", "o^7", "69#11", "m7add11", "7add13"),
    *("7b9b13", "7#5#9", "7b5b9", "m7b9", "maj7sus4", "7#4", "mM7b6", "M7#9b5", "7#11b13"),
)
TEMPO, NEAR = 140.0, 1 / 24  # NEAR: beats from a beat within which a note is on it, besides how far the feel leans back
LATE = 0.12  # beats


@dataclass(frozen=True, slots=True)
class Wanted:
    """A quality, and what it says in semitones above the root."""

    quality: str
    tones: frozenset[int]
    excluded: frozenset[int]


@dataclass(slots=True)
class Measured:
    """Of all solos over one quality, by semitones above the root: beats that each sounds; notes that begin on a beat."""

    sounding: Counter[int]
    struck: Counter[int]

    def share(self, steps: frozenset[int], of: Counter[int]) -> float:
        """Percent that one of these steps has."""
        return 100 * sum(of[s] for s in steps) / max(of.total(), 1e-9) / max(len(steps), 1)


def wanted(quality: str) -> Wanted:
    """What is read here."""
    chord = parse_chord("C" + quality)
    assert chord.root == 0
    return Wanted(quality, chord.tones, chord.excluded)


def listed(path: Path) -> list[Wanted]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sets = [[frozenset(map(int, row[column].split())) for column in ("tones", "excluded")] for row in rows]
    return [Wanted("" if "(" in row["quality"] else row["quality"], *both) for row, both in zip(rows, sets, strict=True)]


def measure(quality: str, model: str, bars: int, seeds: int, reading: int) -> Measured | None:
    """Play solos over a quality; None where it can't be read."""
    measured = Measured(Counter(), Counter())
    network = load_model(model)
    for seed in range(seeds):
        root = 7 * seed % 12
        try:
            changes = parse_changes(NAMES[root] + quality, reading=reading)
        except HarmonyError:
            return None
        improviser = Improviser(network, Settings(mode="solo", tempo=TEMPO), changes, seed=seed, bars=bars, reading=reading)
        played: list[Event] = []
        perform(alone(improviser), OfflineClock(), queue.SimpleQueue(), played.append)
        for start, end, pitch, _ in notes_of(played):
            on, off, step = start * TEMPO / 60, end * TEMPO / 60, (pitch - root) % 12
            measured.sounding[step] += off - on
            measured.struck[step] += -NEAR <= (on + 0.5) % 1 - 0.5 <= LATE
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("symbols", nargs="*", default=SYMBOLS, metavar="SYMBOL")
    parser.add_argument("--model", default="jazz", help="which plays (default: jazz)")
    parser.add_argument("--bars", type=int, default=8, help="of each solo (default: 8)")
    parser.add_argument("--seeds", type=int, default=8, help="solos over each symbol (default: 8)")
    parser.add_argument(
        "--reading", type=int, choices=range(1, READING + 1), default=READING, help="how symbols are read (default: as now)"
    )
    parser.add_argument("--table", type=Path, metavar="FILE", help="qualities, tones and excluded tones as CSV")
    parser.add_argument("--all", action="store_true", help="print every symbol")
    args = parser.parse_args()
    rows = listed(args.table) if args.table else [wanted(symbol) for symbol in args.symbols]
    play = partial(measure, model=args.model, bars=args.bars, seeds=args.seeds, reading=args.reading)
    with ProcessPoolExecutor() as pool:
        found = list(zip(rows, pool.map(play, [row.quality for row in rows]), strict=True))
    if unread := [row.quality for row, m in found if m is None]:
        print(f"can't be read: {', '.join(unread)}", file=sys.stderr)
    heard = [(row, m, parse_chord("C" + row.quality)) for row, m in found if m is not None]
    report(heard, args.all)


def report(heard: list[tuple[Wanted, Measured, Chord]], everything: bool) -> None:
    plain = [(m, chord) for _, m, chord in heard if not chord.sound]
    outside = [(m, frozenset(range(12)) - chord.tones - chord.scale - chord.excluded) for m, chord in plain]
    one = [(m.share(frozenset({s}), m.sounding), m.share(frozenset({s}), m.struck)) for m, steps in outside for s in steps]
    chromatic, chromatic_struck = (sum(x) / max(len(one), 1) for x in zip(*one, strict=True)) if one else (0.0, 0.0)
    rows = []
    for row, m, chord in heard:
        new = row.tones - frozenset(KINDS[chord.kind][0]) if chord.sound else frozenset()
        worst = max(((m.share(frozenset({s}), m.sounding), s) for s in row.excluded), default=(0.0, 0))
        rows.append((m.share(row.excluded, m.sounding), m.share(row.excluded, m.struck), worst, m.share(new, m.sounding), row, chord, new))
    rows.sort(key=lambda r: (-r[2][0], r[4].quality))
    print(f"{'symbol':12} {'told':8} {'excluded':>9} {'on beats':>9} {'the worst':>16} {'new tones':>10}")
    for share, struck, (most, step), new_share, row, chord, new in rows:
        if everything or chord.sound or most > chromatic:
            told = "" if chord.sound is None else chord.kind
            shown = f"{new_share:9.1f}%" if new else ""
            print(f"C{row.quality:11} {told:8} {share:8.1f}% {struck:8.1f}% {NAMES[step]:>9}{most:6.1f}% {shown}")
    print(f"one chromatic tone of the chords that are known: {chromatic:.1f}% of the time, {chromatic_struck:.1f}% of notes on beats")
    for what, some in (("symbols", rows), ("of these, chords that the model knows", [r for r in rows if not r[5].sound])):
        counted = [r for r in some if r[4].excluded]
        below = sum(r[0] <= chromatic for r in counted), sum(r[1] <= chromatic_struck for r in counted)
        each = sum(r[2][0] <= chromatic for r in counted)
        print(f"{len(counted)} {what} exclude tones; below it: {below[0]} in time, {below[1]} on beats, {each} with every one of them")


if __name__ == "__main__":
    main()
