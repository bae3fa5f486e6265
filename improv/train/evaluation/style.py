"""What a player's lines are like, in figures that a musician knows: intervals, rhythm, swing, range, phrases, favourite figures."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from improv.core.vocabulary import GRID
from improv.train.evaluation.figures import BREATH, PROFILE, n_grams
from improv.train.evaluation.turns import struck_of
from improv.train.piece import Piece

FIGURE = 5  # notes of a favourite figure
FAVOURITES = 3
SEEN = 3  # times that a figure must occur to be a favourite
RHYTHM = {  # time to the next note in 1/12 beat: above, up to
    "sixteenths and faster": (-1, 3),
    "eighths and triplets": (3, 9),
    "quarters": (9, 15),
    "longer": (15, math.inf),
}
ON_BEAT = 0.17  # beats around a beat within which a note is on it
FEWEST_PAIRS = 8  # of eighths, for a swing ratio


@dataclass(frozen=True)
class SoundedLine:
    """Notes (on, off, pitch), in beats from a beat, in order, as they sounded; bars: how long it is."""

    notes: Sequence[tuple[float, float, int]]
    bars: float

    @staticmethod
    def of(piece: Piece) -> SoundedLine:
        return SoundedLine([(s.on, s.off, s.pitch) for s in struck_of(piece)], piece.bars)


def style_of(lines: Sequence[SoundedLine]) -> dict[str, float]:
    """Figures of some lines together: shares in percent, the swing ratio, the range in semitones, phrases in notes.

    What there is too little for is left out: there may be no figure at all.
    """
    told: dict[str, float] = {}
    steps = np.array([abs(b[2] - a[2]) for line in lines for a, b in itertools.pairwise(line.notes)])
    apart = np.array([round((b[0] - a[0]) * GRID) for line in lines for a, b in itertools.pairwise(line.notes)])
    if len(steps):
        told |= {f"{name} %": _percent((steps > above) & (steps <= to)) for name, (above, to) in PROFILE.items()}
        told |= {f"{name} %": _percent((apart > above) & (apart <= to)) for name, (above, to) in RHYTHM.items()}
    ratios = [ratio for line in lines for ratio in swing_ratios(line)]
    if len(ratios) >= FEWEST_PAIRS:
        told["swing ratio"] = float(np.median(ratios))
    pitches = np.array([note[2] for line in lines for note in line.notes])
    if len(pitches):
        low, high = np.percentile(pitches, (5, 95))
        told |= {"lowest pitch": float(low), "highest pitch": float(high)}
    lengths = [length for line in lines for length in phrase_lengths(line)]
    if lengths:
        told["notes a phrase"] = float(np.median(lengths))
    if bars := sum(line.bars for line in lines):
        told["notes a bar"] = len(pitches) / bars
    return {name: round(value, 2) for name, value in told.items()}


def swing_ratios(line: SoundedLine) -> list[float]:
    """How many times as long the first eighth of a beat is as the second, for each beat with a note on it and one off it."""
    ratios = []
    for (on, *_), (off, *_) in itertools.pairwise(line.notes):
        late = on - round(on)
        within = off - round(on)
        if abs(late) <= ON_BEAT and 0.4 <= within <= 0.8 and off - on >= 0.3:
            ratios.append(within / (1 - within))
    return ratios


def phrase_lengths(line: SoundedLine) -> list[int]:
    """Notes of each phrase; it is over where nothing sounds for a beat (as `figures.phrases`)."""
    lengths, count = [], 0
    for i, (_, off, _) in enumerate(line.notes):
        count += 1
        if i + 1 == len(line.notes) or line.notes[i + 1][0] - off >= BREATH:
            lengths.append(count)
            count = 0
    return lengths


def favourites(lines: Sequence[SoundedLine]) -> list[tuple[int, ...]]:
    """The figures, as intervals in semitones, that occur most often in some lines; of those that share most, one."""
    counts = _figures(lines)
    found: list[tuple[int, ...]] = []
    for figure, count in sorted(counts.items(), key=lambda f: (-f[1], f[0])):
        near = any(figure[1:] == other[:-1] or figure[:-1] == other[1:] for other in found)
        if count >= SEEN and not near and len(set(figure)) > 1:
            found.append(figure)
        if len(found) == FAVOURITES:
            break
    return found


def often(figure: tuple[int, ...], lines: Sequence[SoundedLine]) -> float:
    """How often a figure occurs in 1,000 notes."""
    notes = sum(len(line.notes) for line in lines)
    return round(1000 * _figures(lines)[figure] / notes, 1) if notes else 0.0


def _figures(lines: Sequence[SoundedLine]) -> Counter[tuple[int, ...]]:
    return Counter(figure for line in lines for figure in n_grams([pitch for _, _, pitch in line.notes], FIGURE))


def _percent(hits: np.ndarray) -> float:
    return 100.0 * float(hits.mean())
