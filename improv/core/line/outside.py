"""How far from chord and scale the pitches go: a bias on what the model foretells, by the setting `outside`.

Below 0 tones outside the scale get rare, and on the beat those outside the chord; at -1 nine notes in ten are in the scale. Above 0
chord tones on the beat give way to what lies beyond: the scale's colours, and tones a semitone off. At 0 the model says all. The
amounts are by `scripts/measure_outside.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import numpy as np

from improv.core.harmony import Chord
from improv.core.harmony.spelling import Key

# Nats at 1 and -1, off the beat and on it, for a tone of the chord, another of the scale, and one that is in neither.
INWARDS = ((0.0, 0.0), (0.0, -1.3), (-2.8, -3.4))
OUTWARDS = ((-0.3, -0.45), (0.15, 0.2), (0.55, 0.6))
BY_EAR = -0.5  # what is added where the chord is heard and not written: who has to trust their ears plays safer


@lru_cache(maxsize=512)
def outside_bias(chord: Chord, key: Key | None, on_beat: bool, amount: float) -> np.ndarray | None:
    """A bias (128,) for the pitches; None where there is none. key: of the music, where it is known; amount: -1 to 1."""
    if not amount or (chord.root is None and key is None):
        return None
    table, strength = (INWARDS, -amount) if amount < 0 else (OUTWARDS, amount)
    tones, scale = chord.tones, scale_of(chord, key)
    by_class = np.array([table[0 if p in tones else 1 if p in scale else 2][on_beat] for p in range(12)])
    bias: np.ndarray = strength * by_class[np.arange(128) % 12]
    bias.flags.writeable = False
    return bias


def scale_of(chord: Chord, key: Key | None) -> Collection[int]:
    """The pitch classes that are inside: those of the key, where the chord is of it; else those of the chord's scale."""
    if key is not None and chord.tones <= key.scale:
        return key.scale
    return chord.scale
