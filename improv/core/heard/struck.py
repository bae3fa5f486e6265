"""A chord that is struck at once says more than the same tones in a beat of music: its keys are weighed against what the ear hears.

Of each chord: how many of the keys are its tones, how many of its tones are missing, how many keys are none of it, and whether its
root lies lowest. A network's say goes beyond that, for voicings without a root, and in what key and after which chord it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from improv.core.harmony import Chord
from improv.core.harmony.ear import QUALITIES, TRIADS, EarHeard, heard_chord

FOURTHS = 3.0  # nats, for a minor seventh chord in fourths (M. Levine, The Jazz Piano Book, 1989, chapter 13)
STANDS = 4.0  # beats for which a chord that was struck says what sounds, if nothing says otherwise
INSIDE, MISSING, OUTSIDE, ROOT = 1.0, -0.6, -0.8, 0.5  # nats, for each pitch class; as `harmony.hearing`


def _in_fourths(pitches: Collection[int]) -> bool:
    """Whether keys are fourths on fourths, with a third on top or not: as in "So What", a minor seventh chord on the lowest."""
    steps = [b - a for a, b in pairwise(sorted(set(pitches)))]
    return len(steps) >= 3 and all(step == 5 for step in steps[:-1]) and steps[-1] in (4, 5)


@lru_cache(maxsize=1)
def _tones() -> np.ndarray:
    """(12, qualities, 12): the pitch classes of each chord."""
    tones = np.zeros((12, len(QUALITIES), 12))
    for q, quality in enumerate(QUALITIES):
        for tone in heard_chord(0, quality).tones:
            for root in range(12):
                tones[root, q, (root + tone) % 12] = 1.0
    return tones


def weighed(heard: EarHeard, pitches: Collection[int]) -> EarHeard:
    """What is heard, given the keys of a chord that was struck at once. pitches: MIDI's, at least one."""
    keys = np.zeros(12)
    keys[[pitch % 12 for pitch in pitches]] = 1.0
    tones = _tones()
    inside = tones @ keys
    fit = INSIDE * inside + MISSING * (tones.sum(2) - inside) + OUTSIDE * (keys.sum() - inside)
    fit[min(pitches) % 12] += ROOT
    if _in_fourths(pitches):
        fit[min(pitches) % 12, QUALITIES.index("m7")] += FOURTHS
    chords = heard.chords * np.exp(fit - fit.max())
    total = float(chords.sum())
    if not total > 0.0:
        return heard
    return replace(heard, chords=chords * ((1.0 - heard.none) / total))


def more_above(before: frozenset[int], keys: frozenset[int]) -> bool:
    """Whether a chord is struck again with more above it. before, keys: of both chords."""
    return bool(before) and before < keys and min(before) == min(keys)


@dataclass(frozen=True, slots=True)
class Standing:
    """A chord that was struck: it goes on being said by its keys where single keys of it come above, which are most often the line's.
    keys: its pitches, none where there is none. place: its beat."""

    keys: frozenset[int] = frozenset()
    place: float = 0.0

    def with_keys(self, keys: Collection[int]) -> Standing:
        """After more keys, not struck at once. One below its lowest, or of none of its pitch classes, and it doesn't stand any longer."""
        own = {key % 12 for key in self.keys}
        stands = self.keys and min(keys) >= min(self.keys) and own.issuperset(key % 12 for key in keys)
        return self if stands else Standing()

    def weigh(self, heard: EarHeard, place: float) -> EarHeard:
        """What is heard at a place, given that it stands."""
        return weighed(heard, self.keys) if self.keys and place - self.place < STANDS else heard


def share_of(heard: EarHeard, chord: Chord) -> float:
    """How likely the ear holds a chord's root and triad."""
    if chord.root is None:
        return 0.0
    mine = {q for q, name in enumerate(QUALITIES) if name == chord.kind or (name == "" and chord.kind == "maj")}
    triads = {TRIADS[q] for q in mine}
    return float(sum(heard.chords[chord.root, q] for q in range(len(QUALITIES)) if TRIADS[q] in triads))
