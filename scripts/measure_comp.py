"""Measure comping and duets beside what can be measured alike: the hands and the second voice of pop909's pianos.

    python scripts/measure_comp.py jazz wjd_visible.jsonl.gz pop909.jsonl.gz [--solos N] [--songs N]

improv comps under solos of the valid split, as they were transcribed, and plays duets with them. Of pop909 it is
the piano under the melody, and the bridge (a second voice) beside it. Nobody comps or plays duets for jazz in any set that we have.

Voice-leading: semitones from each note of a chord to the nearest of the chord before, and back. Clashes: of the time in which chord and
line sound together, that with a minor second or a minor ninth between them. Answers: how much more often a chord (or a note of the
duet) begins while the line rests than it would by chance: 1 is chance, above it the rests are filled.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from measure_manners import Note, together

from improv.core.playing import NOW, PHRASES
from improv.models.loader import load_model
from improv.train.evaluation.figures import on_bars
from improv.train.reading.watched import read_watched

STRIKE = 0.05  # seconds within which notes are struck together
CLASHES = (-1, 1, 13)  # semitones from a note of the chord up to the line
FEWEST = 3  # notes of a chord


@dataclass
class Beside:
    """Sums over all takes; what each is of, is said above."""

    moved: list[float] = field(default_factory=list)
    held: float = 0.0  # seconds in which chord and line sound together
    clashing: float = 0.0
    rubs: int = 0  # strikes that clash as they begin
    strikes: int = 0
    answers: int = 0  # of these, begun while the line rests
    span: float = 0.0  # seconds from the line's first note to its last
    rests: float = 0.0  # of these, in which it does not sound
    intervals: dict[str, float] = field(default_factory=dict)

    def add(self, line: Sequence[Note], strikes: Sequence[Sequence[Note]]) -> None:
        """One take: the line, and what is struck beside it."""
        if not line or not strikes:
            return
        spans = sounding(line)
        first, last = spans[0][0], spans[-1][1]
        self.span += last - first
        self.rests += last - first - sum(off - on for on, off in spans)
        for before, now in itertools.pairwise(strikes):
            if len(before) >= FEWEST and len(now) >= FEWEST and pitches(before) != pitches(now):
                self.moved.append((nearest(pitches(before), pitches(now)) + nearest(pitches(now), pitches(before))) / 2)
        for strike in strikes:
            on = strike[0][0]
            if first <= on < last:
                self.strikes += 1
                self.answers += not any(a - 1e-6 <= on < b for a, b in spans)
                held = [pitch for a, b, pitch, _ in line if a - 1e-6 <= on < b]
                self.rubs += any(pitch - note[2] in CLASHES for pitch in held for note in strike)
        for a, b, pitch, _ in line:
            for strike in strikes:
                on, off = strike[0][0], max(note[1] for note in strike)
                shared = min(b, off) - max(a, on)
                if shared > 0:
                    self.held += shared
                    apart = [pitch - note[2] for note in strike if min(b, note[1]) > max(a, note[0])]
                    self.clashing += shared * any(d in CLASHES for d in apart)
                    for d in apart[:1] if len(strike) == 1 else ():
                        name = KINDS[abs(d) % 12]
                        self.intervals[name] = self.intervals.get(name, 0.0) + shared

    def told(self) -> str:
        moved = f"{sum(self.moved) / len(self.moved):.2f} semitones a voice; " if self.moved else ""
        parts = [f"clashes {100 * self.clashing / self.held:.1f} % of the time together"] if self.held else []
        parts.append(f"of {self.strikes} strikes {100 * self.rubs / max(self.strikes, 1):.1f} %")
        share, rests = self.answers / max(self.strikes, 1), self.rests / max(self.span, 1e-9)
        parts.append(f"begins in the line's rests {100 * share:.0f} % (rests are {100 * rests:.0f} % of the time: {share / rests:.2f})")
        if self.intervals:
            whole = sum(self.intervals.values())
            parts.append(", ".join(f"{name} {100 * t / whole:.0f} %" for name, t in sorted(self.intervals.items(), key=lambda x: -x[1])))
        return moved + "; ".join(parts)


KINDS = (
    "unisons and octaves", "seconds and sevenths", "seconds and sevenths", "thirds and sixths", "thirds and sixths", "fourths and fifths",
    "tritones", "fourths and fifths", "thirds and sixths", "thirds and sixths", "seconds and sevenths", "seconds and sevenths",
)  # fmt: skip


def pitches(strike: Sequence[Note]) -> tuple[int, ...]:
    return tuple(sorted({pitch for _, _, pitch, _ in strike}))


def nearest(one: Sequence[int], other: Sequence[int]) -> float:
    return sum(min(abs(a - b) for b in other) for a in one) / len(one)


def sounding(line: Sequence[Note]) -> list[tuple[float, float]]:
    """When a line sounds, in spans that do not touch."""
    spans: list[tuple[float, float]] = []
    for on, off, _, _ in sorted(line):
        if spans and on <= spans[-1][1] + 1e-3:
            spans[-1] = (spans[-1][0], max(spans[-1][1], off))
        else:
            spans.append((on, off))
    return spans


def struck(notes: Sequence[Note], least: int = 1) -> list[list[Note]]:
    """Notes that are struck together, in order; those of fewer than `least` are left out."""
    found: list[list[Note]] = []
    for note in sorted(notes):
        if found and note[0] - found[-1][0][0] <= STRIKE:
            found[-1].append(note)
        else:
            found.append([note])
    return [strike for strike in found if len(strike) >= least]


def songs(path: str, most: int) -> Iterator[tuple[list[Note], list[Note], list[Note]]]:
    """Melody, bridge and piano of pop909's songs."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for text in itertools.islice(lines, most):
            song = json.loads(text)
            yield tuple(
                [(on, on + length, pitch, loud) for on, length, pitch, loud in song[part]] for part in ("melody", "bridge", "piano")
            )  # type: ignore[misc]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("pop909")
    parser.add_argument("--solos", type=int, default=46)
    parser.add_argument("--songs", type=int, default=60)
    args = parser.parse_args()
    model = load_model(args.model)
    pieces = [on_bars(p) for p in read_watched([args.corpus], None, None).of("valid") if p.changes][: args.solos]
    for name, mode, rules in (("comp, as before", "comp", PHRASES), ("comp", "comp", NOW), ("duet", "duet", NOW)):
        beside = Beside()
        for piece in pieces:
            his, ours, _ = together(model, piece, mode, rules)
            beside.add(his, struck(ours))
        print(f"{name}: {beside.told()}", flush=True)
    piano, second = Beside(), Beside()
    for melody, bridge, hands in songs(args.pop909, args.songs):
        piano.add(melody, struck(hands, FEWEST))
        second.add(melody, struck(bridge))
    print(f"pop909's piano under the melody: {piano.told()}")
    print(f"pop909's second voice: {second.told()}")


if __name__ == "__main__":
    main()
