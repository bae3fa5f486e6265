"""Chords for two hands: guide tones in the left, two colours in the right, each voice moving as little as it can.

Rootless, as a pianist plays with a bass. The colours follow common practice (M. Levine, The Jazz Piano Book,
1989, chapters 6 to 9): ninths, thirteenths, fifths; what the chord's scale has.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

from improv.core.harmony.scales import Chord

# kind: the left hand's guide tones, the right hand's colours, both as semitones above the root.
TONES: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "maj": ((4, 9), (2, 7)),
    "6": ((4, 9), (2, 7)),
    "maj7": ((4, 11), (2, 7)),
    "maj7#11": ((4, 11), (2, 6)),
    "7": ((4, 10), (2, 9)),
    "7#11": ((4, 10), (2, 6)),
    "7alt": ((4, 10), (3, 8)),
    "7sus": ((5, 10), (2, 7)),
    "7+": ((4, 10), (2, 8)),
    "m": ((3, 7), (0, 2)),
    "m7": ((3, 10), (2, 7)),
    "m6": ((3, 9), (2, 7)),
    "mmaj7": ((3, 11), (2, 7)),
    "m7b5": ((3, 10), (0, 6)),
    "dim": ((3, 9), (0, 6)),
}
LOWEST, MIDDLE, HIGHEST = 50, 61, 76  # below LOWEST guide tones are muddy; above HIGHEST is the soloist's


def voicing(chord: Chord, before: Sequence[int], low: int, high: int, under: int | None = None) -> tuple[int, ...]:
    """Four pitches, ascending, for a chord with a root; none for no chord, or where no room is.

    before: the voicing before, or empty. low, high: the range. under: the player's pitch, to keep below where it costs little.
    """
    choices = _choices(chord.root, chord.kind, max(low, LOWEST), min(high, HIGHEST)) if chord.root is not None else ()
    if not choices and chord.root is not None:
        choices = _choices(chord.root, chord.kind, low, high)
    if not choices:
        return ()

    def cost(pitches: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        moved = sum(abs(a - b) for a, b in zip(pitches, before, strict=False))
        off = abs(sum(pitches) / len(pitches) - MIDDLE)
        above = sum(max(0, p - under + 1) for p in pitches) if under is not None else 0
        rubbing = sum(b - a == 1 for a, b in itertools.pairwise(pitches))
        return moved + off * (0.3 if before else 1.0) + 0.5 * above + 2.0 * rubbing, pitches

    return min(choices, key=cost)


@lru_cache(maxsize=512)
def _choices(root: int, kind: str, low: int, high: int) -> tuple[tuple[int, ...], ...]:
    """All close voicings of a chord in a range: either guide tone lowest, either colour on top."""
    left, right = TONES[kind]
    found = []
    for order in ((*a, *b) for a in (left, left[::-1]) for b in (right, right[::-1])):
        for base in (p for p in range(low, high + 1) if p % 12 == (root + order[0]) % 12):
            pitches = [base]
            for step in order[1:]:
                pitches.append(pitches[-1] + ((root + step - pitches[-1]) % 12 or 12))
            if pitches[-1] <= high:
                found.append(tuple(pitches))
    return tuple(found)
