"""What a chord symbol writes beside what the model is told of it, as biases on what the model foretells.

A model knows kinds of chords. Where a symbol says more than its kind, the tones that it excludes are left to passing: off the
beat, rarer, and short. Those that it writes in place of others, or that the kind's scale has not, get likelier.
Where the kind says all, nothing is added, but for the kinds that some model plays too freely: there the tones that they exclude
are left to passing, too. The amounts, and which kinds those are, are by scripts/measure_symbols.py.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from improv.core.harmony import KINDS, READING, Chord
from improv.core.vocabulary import GRID, Context

PASSING = -1.5  # nats: off the beat, for a tone that is excluded
INSTEAD, NEW = 0.5, 1.0  # nats: for a tone a semitone from one that is excluded; for one that is not in the kind's scale
SHORT = GRID // 2  # 1/12 beat: as long as a tone that is excluded may sound
LOOSE = frozenset({"maj7", "7+", "7sus", "mmaj7", "m7b5", "dim"})  # what a model plays over these, without being told more
SINCE = 3  # the reading from which on it is


def pitch_bias(at: Context, reading: int = READING) -> np.ndarray | None:
    """What the symbol adds to the logits of the pitches, (128,); None where the kind says all. reading: see `sheet.READING`."""
    chord = at.harmony.chord
    if at.harmony.perhaps:  # nobody wrote it, and it is not sure
        return None
    return _pitch_bias(chord, at.place % GRID == 0) if _says_more(chord, reading) else None


def _says_more(chord: Chord, reading: int) -> bool:
    """Whether it has to be told what a chord excludes."""
    return chord.root is not None and (chord.sound is not None or (reading >= SINCE and chord.kind in LOOSE))


@lru_cache(maxsize=256)
def _pitch_bias(chord: Chord, on_beat: bool) -> np.ndarray:
    tones, scale = (chord.above_root(steps) for steps in KINDS[chord.kind])
    bias = np.zeros(12)
    for tone in chord.tones - tones:
        instead = {(tone + 1) % 12, (tone - 1) % 12} & chord.excluded
        bias[tone] = NEW if tone not in scale else INSTEAD if instead else 0.0
    bias[list(chord.excluded)] = -math.inf if on_beat else PASSING
    pitches: np.ndarray = bias[np.arange(128) % 12]
    pitches.flags.writeable = False
    return pitches


def length_bias(pitch: int, at: Context, durations: tuple[int, ...], reading: int = READING) -> np.ndarray | None:
    """What the symbol adds to the logits of a note's length, (durations,): none that lets an excluded tone sound for long, or
    reaches into a coming chord that excludes it; None where any length will do. durations: of the classes, in 1/12 beat."""
    now, coming, until, before, _ = at.harmony
    if before is not None:
        coming, until = before
    longest = math.inf
    if _says_more(now, reading) and pitch % 12 in now.excluded:
        longest = SHORT
    if _says_more(coming, reading) and until < durations[-1] / GRID and pitch % 12 in coming.excluded:
        longest = min(longest, until * GRID)
    return _lengths(durations, max(longest, durations[0])) if longest < durations[-1] else None


@lru_cache(maxsize=256)
def _lengths(durations: tuple[int, ...], longest: float) -> np.ndarray:
    bias = np.where(np.array(durations) <= longest, 0.0, -np.inf)
    bias.flags.writeable = False
    return bias
