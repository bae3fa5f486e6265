"""What a line is like, in figures: generated solos beside the real ones over the same changes.

H1, H4 and groove similarity after Wu and Yang 2020 (The Jazz Transformer, MusDr). Copying is the share of
a line's interval n-grams that occur in the training set, whatever the key.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from improv.core.harmony import Changes
from improv.train.piece import Piece

COPIED = (5, 7, 9, 13)  # notes in the n-grams
SLOTS = 64  # positions a bar, for groove similarity
ANTICIPATION = 0.05  # beats before a change within which a note belongs to it


@dataclass(frozen=True)
class Line:
    """Onsets in beats and MIDI pitches, over changes, in bars of so many beats."""

    notes: Sequence[tuple[float, int]]
    changes: Changes
    bar: float = 4.0

    @staticmethod
    def of(piece: Piece) -> Line:
        """A real solo. The piece must have changes."""
        if piece.changes is None:
            raise ValueError(f"{piece.name} has no changes")
        notes = [(onset / 12, value.pitch) for onset, value in zip(piece.onsets, piece.values, strict=True)]
        return Line(notes, piece.changes, float(piece.beats_a_bar))


def n_grams(pitches: Sequence[int], n: int) -> Iterable[tuple[int, ...]]:
    """The interval n-grams of n notes, in order."""
    intervals = [b - a for a, b in itertools.pairwise(pitches)]
    return (tuple(intervals[i : i + n - 1]) for i in range(len(intervals) - n + 2))


def known_n_grams(lines: Iterable[Sequence[int]]) -> dict[int, set[tuple[int, ...]]]:
    """All interval n-grams of some lines (their pitches), by n."""
    known: dict[int, set[tuple[int, ...]]] = {n: set() for n in COPIED}
    for pitches in lines:
        for n in COPIED:
            known[n].update(n_grams(pitches, n))
    return known


def entropy(pitches: Sequence[int]) -> float:
    """Bits of the pitch-class histogram."""
    share = np.bincount([p % 12 for p in pitches], minlength=12) / len(pitches)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def figures(lines: Sequence[Line], known: dict[int, set[tuple[int, ...]]]) -> dict[str, float]:
    """Figures of a set of lines: shares in percent, entropies in bits, the range in semitones."""
    tones, scales, intervals, copies = [], [], [], {n: [] for n in COPIED}  # type: ignore[var-annotated]
    h1, h4, groove, spans, whole, stuck, iois = [], [], [], [], [], [], []
    for line in lines:
        pitches = [p for _, p in line.notes]
        for beat, pitch in line.notes:
            chord = line.changes.outlook(beat + ANTICIPATION).chord
            if chord.root is not None:
                tones.append(pitch % 12 in chord.tones)
                scales.append(pitch % 12 in chord.scale)
        intervals += [abs(b - a) for a, b in itertools.pairwise(pitches)]
        iois += [b - a for (a, _), (b, _) in zip(line.notes, line.notes[1:], strict=False)]
        bars = _bars(line)
        h1 += [entropy(pitches_of) for pitches_of in _windows(bars, 1) if pitches_of]
        h4 += [entropy(pitches_of) for pitches_of in _windows(bars, 4) if pitches_of]
        groove.append(_groove(bars))
        spans.append(max(pitches) - min(pitches))
        whole.append(entropy(pitches))
        stuck += [bool(bars[i]) and bars[i - 1 : i + 1] == bars[i - 3 : i - 1] for i in range(3, len(bars))]
        for n in COPIED:
            copies[n] += [gram in known[n] for gram in n_grams(pitches, n)]
    steps = np.array(intervals)
    profile = {
        "repeats": steps == 0,
        "steps": (steps > 0) & (steps <= 2),
        "thirds": (steps > 2) & (steps <= 4),
        "leaps": (steps > 4) & (steps <= 12),
        "wider": steps > 12,
    }
    return {
        "chord tones %": _percent(tones),
        "scale tones %": _percent(scales),
        "H1 bits": _mean(h1),
        "H4 bits": _mean(h4),
        "groove similarity": _mean(groove),
        **{f"{name} %": _percent(hits) for name, hits in profile.items()},
        "range semitones": _mean(spans),
        "pitch classes bits": _mean(whole),
        **{f"copied {n}-grams %": _percent(copies[n]) for n in COPIED},
        "bars that repeat the two before %": _percent(stuck),
        "rests over a beat %": _percent(np.array(iois) > 1.05),
        "beats between onsets": _mean(iois),
    }


def _bars(line: Line) -> list[tuple[tuple[float, int], ...]]:
    """The notes of each bar as (beat in the bar, pitch), on a grid of 1/12 beat."""
    bars: list[list[tuple[float, int]]] = [[] for _ in range(math.floor(line.notes[-1][0] / line.bar) + 1)]
    for beat, pitch in line.notes:
        if beat >= 0:
            bars[math.floor(beat / line.bar)].append((round(beat % line.bar * 12) / 12, pitch))
    return [tuple(bar) for bar in bars]


def _windows(bars: list[tuple[tuple[float, int], ...]], size: int) -> list[list[int]]:
    return [[p for bar in bars[i : i + size] for _, p in bar] for i in range(len(bars) - size + 1)]


def _groove(bars: list[tuple[tuple[float, int], ...]]) -> float:
    """Mean over pairs of bars of 1 - Hamming distance / SLOTS of their onset vectors."""
    hits = np.zeros((len(bars), SLOTS), bool)
    for i, bar in enumerate(bars):
        for beat, _ in bar:
            hits[i, min(int(beat / 4 * SLOTS), SLOTS - 1)] = True
    pairs = [(hits[i] != hits[i + 1 :]).mean(1) for i in range(len(bars) - 1)]
    return float(1 - np.concatenate(pairs).mean()) if pairs else 1.0


def _percent(hits: Sequence[bool] | np.ndarray) -> float:
    return 100.0 * float(np.mean(hits)) if len(hits) else 0.0


def _mean(xs: Sequence[float]) -> float:
    return float(np.mean(xs)) if len(xs) else 0.0
