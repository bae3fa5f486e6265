"""Voicings by rule beside those of a restricted Boltzmann machine, over the changes of real songs.

    python scripts/compare_voicings.py irb.jsonl.gz --songs 200

Reads JSON lines, one song a line: `chords` [[beat, symbol], ...] and `time`. Both voice each song's chords in order, from
nothing, in the range in which `comp` plays. The rows:

- of the notes: chord tones; tensions, of the chord's scale; clashes, see `avoided` in improv/core/voicing_rbm.py
- moved: semitones from each note to the nearest of the voicing before, and back, mean (what the machine's are chosen by, of 12)
- voice by voice: semitones from the lowest to the lowest, and so on, where both have as many notes; the top alone
- whole: both guide tones are there; different: pitch classes of a voicing; rubs: semitones within one
- ways: different voicings of a chord that comes ten times or more, mean
- us a chord, us a bar: microseconds of the processor, whatever else runs here; a bar is what its chords cost together
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from improv.core.errors import ImprovError
from improv.core.harmony import Chord, HarmonyError, parse_chord
from improv.core.harmony.voicing import voicing
from improv.core.settings import Settings
from improv.models.loader import load_voicings
from improv.models.voicings import avoided, guides, moved

LOW, HIGH = Settings().low, Settings().high


class Placed(NamedTuple):
    """A chord, and the bar that it begins in."""

    chord: Chord
    bar: int


Voice = Callable[[Chord, Sequence[int], int], tuple[int, ...]]  # chord, the voicing before, a seed
FREQUENT = 10


def songs_of(path: Path) -> list[list[Placed]]:
    """Each song's chords in order, none twice in a row; symbols that nobody knows and no chords are left out."""
    songs = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            song = json.loads(line)
            count, unit = (int(n) for n in song["time"].split("/"))
            chords: list[Placed] = []
            for beat, symbol in song["chords"]:
                try:
                    chord = parse_chord(symbol)
                except HarmonyError:
                    continue
                if chord.root is not None and not (chords and chord == chords[-1].chord):
                    chords.append(Placed(chord, int(beat * unit // (4 * count))))
            songs.append(chords)
    return songs


def figures(songs: Sequence[Sequence[Placed]], voice: Voice) -> dict[str, float]:
    """What it plays over songs, see the module's first lines; shares in percent, microseconds."""
    kinds = {"chord tones": 0, "tensions": 0, "clashes": 0}
    voicings: list[tuple[Chord, tuple[int, ...], tuple[int, ...]]] = []  # chord, the voicing before, the voicing
    bars: dict[tuple[int, int], list[float]] = {}
    for number, placed in enumerate(songs):
        hands: tuple[int, ...] = ()
        for i, (chord, bar) in enumerate(placed):
            before, began = hands, time.thread_time()
            hands = voice(chord, before, 1000 * number + i)
            bars.setdefault((number, bar), []).append(1e6 * (time.thread_time() - began))
            voicings.append((chord, before, hands))
    ways: dict[Chord, list[tuple[int, ...]]] = {}
    for chord, _, hands in voicings:
        ways.setdefault(chord, []).append(hands)
        for pitch in hands:
            tone = pitch % 12
            kinds["clashes" if tone in avoided(chord) else "chord tones" if tone in chord.tones else "tensions"] += 1
    pairs = [(before, hands) for _, before, hands in voicings if before]
    like = [(a, b) for a, b in pairs if len(a) == len(b)]
    all_hands = [hands for *_, hands in voicings]

    def mean(numbers: Iterable[float]) -> float:
        return float(np.mean(list(numbers) or [math.nan]))

    took = {"chord": [us for several in bars.values() for us in several], "bar": [sum(several) for several in bars.values()]}
    return {
        **{f"{name}, %": 100 * n / sum(kinds.values()) for name, n in kinds.items()},
        "moved, semitones": mean(moved(a, b) for a, b in pairs),
        "voice by voice, semitones": mean(abs(x - y) for a, b in like for x, y in zip(a, b, strict=True)),
        "the top, semitones": mean(abs(a[-1] - b[-1]) for a, b in pairs),
        "whole, %": 100 * mean(guides(chord) <= {p % 12 for p in hands} for chord, _, hands in voicings),
        "notes": mean(len(hands) for hands in all_hands),
        "different": mean(len({p % 12 for p in hands}) for hands in all_hands),
        "rubs": mean(sum(b - a == 1 for a, b in itertools.pairwise(hands)) for hands in all_hands),
        "span, semitones": mean(hands[-1] - hands[0] for hands in all_hands),
        "ways": mean(len(set(several)) for several in ways.values() if len(several) >= FREQUENT),
        **{f"us a {of}, p{q}": float(np.percentile(us, q)) for of, us in took.items() for q in (50, 99)},
    }


def compare(songs: Sequence[Sequence[Placed]], model: str) -> dict[str, dict[str, float]]:
    """The figures of each way to voice."""
    learned = load_voicings(model)
    raw = learned.raw()
    left = []

    def fill(chord: Chord, before: Sequence[int], seed: int) -> tuple[int, ...]:
        hands = learned.drawn(chord, before, LOW, HIGH, None, seed)
        left.append(not hands)
        return hands or voicing(chord, before, LOW, HIGH)

    ways: dict[str, Voice] = {
        "rules": lambda chord, before, seed: voicing(chord, before, LOW, HIGH),
        "learned": fill,
        "learned, all let in": lambda chord, before, seed: raw.draw(chord, before, LOW, HIGH, None, seed),
    }
    found = {name: figures(songs, voice) for name, voice in ways.items()}
    found["learned"]["left to the rules, %"] = 100 * float(np.mean(left))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("changes", type=Path, metavar="IRB", help="songs as JSON lines, gzipped")
    parser.add_argument("--songs", type=int, default=200, help="how many, drawn with a seed (default: 200)")
    parser.add_argument("--model", default="voicings", help="the machine's name or folder")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args()
    try:
        songs = songs_of(args.changes)
        order = np.random.default_rng(0).permutation(len(songs))[: args.songs]
        chosen = [songs[i] for i in order if songs[i]]
        found: dict[str, Any] = compare(chosen, args.model)
    except (OSError, ValueError, KeyError, ImprovError) as e:
        parser.error(f"{args.changes}: {e}")
    if args.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{len(chosen)} songs, {sum(map(len, chosen)):,} chords\n{'':32}" + "".join(f"{name:>25}" for name in found))
    for row in found["learned"]:
        print(f"{row:32}" + "".join(f"{column[row]:25.2f}" if row in column else f"{'':25}" for column in found.values()))


if __name__ == "__main__":
    main()
