"""What a line is like, in figures: generated solos beside the real ones over the same changes.

H1, H4 and groove similarity after Wu and Yang 2020 (The Jazz Transformer, MusDr). Copying is the share of
a line's interval n-grams that occur in the training set, whatever the key.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from improv.core.harmony import Changes
from improv.core.metres import FOUR, Metres
from improv.core.vocabulary import GRID, Vocabulary
from improv.train.piece import Piece

COPIED = (5, 7, 9, 13)  # notes in the n-grams
SLOTS = 64  # positions a bar, for groove similarity
ANTICIPATION = 0.05  # beats before a change within which a note belongs to it
BREATH = 1 - 0.5 / GRID  # beats of silence that part phrases: one, less what playing off the grid takes from it
PROFILE = {  # intervals in semitones: above, up to
    "repeats": (-1, 0),
    "steps": (0, 2),
    "thirds": (2, 4),
    "leaps": (4, 12),
    "wider": (12, 127),
}


Samples = dict[str, np.ndarray]


@dataclass(frozen=True)
class SoloLine:
    """Onsets in beats and MIDI pitches, over changes, in bars of these metres from beat 0.

    durations: how long each note sounds, in beats; None where every note sounds until the next.
    """

    notes: Sequence[tuple[float, int]]
    changes: Changes
    metres: Metres = FOUR
    durations: Sequence[float] | None = None

    @staticmethod
    def of(piece: Piece) -> SoloLine:
        """A real solo. The piece must have changes."""
        if piece.changes is None:
            raise ValueError(f"{piece.name} has no changes")
        notes = [(onset / GRID, value.pitch) for onset, value in zip(piece.onsets, piece.values, strict=True)]
        durations = [Vocabulary().durations[value.duration] / GRID for value in piece.values]
        return SoloLine(notes, piece.changes, piece.metres, durations)


def on_bars(piece: Piece) -> Piece:
    """The piece moved so that beat 0 is the first of a bar, as it is for the improviser. Its first chord is held before it."""
    bar, metres = round(GRID * piece.metres.first.bar), piece.metres
    if piece.one is None or metres.one:
        offsets = Counter((at.place - onset) % bar for onset, at in zip(piece.onsets, piece.contexts, strict=True))
        shift = offsets.most_common(1)[0][0]
    else:
        one = round(GRID * piece.one)
        before = max(math.ceil((one - piece.onsets[0]) / bar), 0)  # bars, for a pick-up
        shift, metres = before * bar - one, metres.after(before * metres.first.bar)
    changes = piece.changes
    if changes and shift:
        starts = [0.0, *(start + shift / GRID for start in changes.starts[1:])]
        changes = Changes(starts, changes.chords, changes.length + shift / GRID, changes.loop)
    return replace(piece, notes=piece.notes.moved(shift), changes=changes, metres=metres, one=0.0)


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


def phrases(line: SoloLine) -> tuple[list[int], list[float], list[float]]:
    """Lengths of a line's phrases in notes and in beats, and the rests between them in beats.

    A phrase ends where nothing sounds for BREATH beats or more. Real solos have annotated phrases and
    generated ones have none, so both go by the same rule; it finds more than four in five of the
    annotated ends, and as many of those that it finds are annotated. A phrase lasts from its first onset to the end of its last note.
    """
    onsets = np.array([beat for beat, _ in line.notes])
    following = np.append(onsets[1:], math.inf)
    sounding = np.append(np.diff(onsets), 0.0) if line.durations is None else np.asarray(line.durations)
    ends = np.minimum(onsets + sounding, following)
    last = np.flatnonzero(following - ends >= BREATH)  # the notes that end a phrase
    first = np.append(0, last[:-1] + 1)
    rests = (following - ends)[last[:-1]]
    return (last - first + 1).tolist(), (ends[last] - onsets[first]).tolist(), rests.tolist()


def samples(line: SoloLine, known: dict[int, set[tuple[int, ...]]]) -> Samples:
    """What one line gives to each figure, under short names.

    For each note over a chord: chord tones, scale tones (0 or 1). Between notes: intervals (semitones),
    iois (beats). For each window of bars: H1, H4 (bits). For each bar: stuck (0 or 1). For each n-gram: copied
    (0 or 1). For each phrase: phrase notes, phrase beats; between phrases: rests (beats). For the line: groove, range
    (semitones), pitch classes (bits).
    """
    pitches = [p for _, p in line.notes]
    chords = [line.changes.harmony(beat + ANTICIPATION).chord for beat, _ in line.notes]
    over = [(pitch % 12, chord) for pitch, chord in zip(pitches, chords, strict=True) if chord.root is not None]
    bars = _bars(line)
    phrase_notes, phrase_beats, rests = phrases(line)
    told: dict[str, Sequence[float]] = {
        "chord tones": [pitch in chord.tones for pitch, chord in over],
        "scale tones": [pitch in chord.scale for pitch, chord in over],
        "intervals": [abs(b - a) for a, b in itertools.pairwise(pitches)],
        "iois": [b - a for (a, _), (b, _) in itertools.pairwise(line.notes)],
        "H1": [entropy(window) for window in _windows(bars, 1) if window],
        "H4": [entropy(window) for window in _windows(bars, 4) if window],
        "groove": [_groove(bars)],
        "range": [max(pitches) - min(pitches)],
        "pitch classes": [entropy(pitches)],
        "stuck": [bool(bars[i]) and bars[i - 1 : i + 1] == bars[i - 3 : i - 1] for i in range(3, len(bars))],
        "phrase notes": phrase_notes,
        "phrase beats": phrase_beats,
        "rests": rests,
    }
    told |= {f"copied {n}": [gram in known[n] for gram in n_grams(pitches, n)] for n in COPIED}
    return {name: np.array(xs, float) for name, xs in told.items()}


def pooled(lines: Sequence[Samples]) -> Samples:
    """The samples of several lines, as those of one. There must be a line."""
    return {name: np.concatenate([line[name] for line in lines]) for name in lines[0]}


def figures(lines: Sequence[SoloLine], known: dict[int, set[tuple[int, ...]]]) -> dict[str, float]:
    """Figures of a set of lines: shares in percent, entropies in bits, the range in semitones.

    Of phrases and the rests between them (see `phrases`): the median and the quartiles. There must be a line.
    """
    return summary(pooled([samples(line, known) for line in lines]))


def summary(of: Samples) -> dict[str, float]:
    """Figures of pooled samples."""
    steps = of["intervals"]
    return {
        "chord tones %": _percent(of["chord tones"]),
        "scale tones %": _percent(of["scale tones"]),
        "H1 bits": _mean(of["H1"]),
        "H4 bits": _mean(of["H4"]),
        "groove similarity": _mean(of["groove"]),
        **{f"{name} %": _percent((steps > above) & (steps <= to)) for name, (above, to) in PROFILE.items()},
        "range semitones": _mean(of["range"]),
        "pitch classes bits": _mean(of["pitch classes"]),
        **{f"copied {n}-grams %": _percent(of[f"copied {n}"]) for n in COPIED},
        "bars that repeat the two before %": _percent(of["stuck"]),
        "rests over a beat %": _percent(of["iois"] > 1.05),
        "beats between onsets": _mean(of["iois"]),
        **_quartiles("phrase notes", of["phrase notes"]),
        **_quartiles("phrase beats", of["phrase beats"]),
        **_quartiles("rest beats", of["rests"]),
    }


def _bars(line: SoloLine) -> list[tuple[tuple[float, int], ...]]:
    """The notes of each bar as (beat in the bar, pitch), on a grid of 1/12 beat."""
    bars: list[list[tuple[float, int]]] = [[] for _ in range(line.metres.bar_of(line.notes[-1][0]) + 1)]
    for beat, pitch in line.notes:
        if beat >= 0:
            bars[line.metres.bar_of(beat)].append((round(line.metres.within_bar(beat) * 12) / 12, pitch))
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


def _percent(hits: np.ndarray) -> float:
    return 100.0 * _mean(hits)


def _mean(xs: np.ndarray) -> float:
    return float(np.mean(xs)) if len(xs) else 0.0


def _quartiles(name: str, xs: np.ndarray) -> dict[str, float]:
    quarters = np.percentile(xs, (25, 50, 75)) if len(xs) else (0.0, 0.0, 0.0)
    return {f"{name}, {q}": float(x) for q, x in zip(("lower quartile", "median", "upper quartile"), quarters, strict=True)}
