"""Chords for two hands: guide tones in the left, two colours in the right, each voice moving as little as it can.

Rootless, as a pianist plays with a bass. The colours follow common practice (M. Levine, The Jazz Piano Book,
1989, chapters 6 to 9): ninths, thirteenths, fifths; what the chord's scale has. Where a symbol writes other tones than its kind
has, these come first, and nothing that they exclude.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

from improv.core.harmony.scales import Chord, Sound

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
GUIDES = ((4, 3, 5, 2, 7), (10, 11, 9, 7, 6, 8, 0))  # for the third, for the seventh: the first that is written
Hand = tuple[int, int]
Orders = tuple[tuple[int, ...], ...]
LOWEST, MIDDLE, HIGHEST = 50, 61, 76  # below LOWEST guide tones are muddy; above HIGHEST is the soloist's


def voicing(chord: Chord, before: Sequence[int], low: int, high: int, under: int | None = None) -> tuple[int, ...]:
    """Four pitches, ascending, for a chord with a root; none for no chord, or where no room is.

    before: the voicing before, or empty. low, high: the range. under: the player's pitch, to keep below where it costs little.
    """
    if chord.root is None:
        return ()
    left, right = hands_of(chord)
    choices = _choices(chord.root, left, right, max(low, LOWEST), min(high, HIGHEST)) or _choices(chord.root, left, right, low, high)
    return _best(choices, before, under)


def voicing_beside(chord: Chord, before: Sequence[int], low: int, high: int, under: int | None = None) -> tuple[int, ...]:
    """The same beside somebody who plays the chords as well, in the range that is left: where four pitches have no room, three or the
    two guide tones. A plain triad is voiced as one, since whoever plays triads has no place for sixths and ninths."""
    if chord.root is None:
        return ()
    for orders in _triads(chord.kind) if chord.kind in ("maj", "m") and chord.sound is None else _fewer(*hands_of(chord)):
        if choices := _within(chord.root, orders, low, high):
            return _best(choices, before, under)
    return ()


def _triads(kind: str) -> tuple[Orders, ...]:
    """A triad's inversions, with the lowest doubled; then without."""
    third = 3 if kind == "m" else 4
    close = (0, third, 7), (third, 7, 0), (7, 0, third)
    return tuple((*steps, steps[0]) for steps in close), close


def _fewer(left: Hand, right: Hand) -> tuple[Orders, ...]:
    """Both hands' tones; the guide tones and a colour; the guide tones alone."""
    guides = left, left[::-1]
    return (
        tuple((*a, *b) for a in guides for b in (right, right[::-1])),
        tuple((*a, colour) for a in guides for colour in right),
        guides,
    )


def _best(choices: Sequence[tuple[int, ...]], before: Sequence[int], under: int | None) -> tuple[int, ...]:
    """Of some voicings, the one that moves least and lies best; none of none."""
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
def _choices(root: int, left: Hand, right: Hand, low: int, high: int) -> tuple[tuple[int, ...], ...]:
    """All close voicings of a chord in a range: either guide tone lowest, either colour on top."""
    return _within(root, _fewer(left, right)[0], low, high)


@lru_cache(maxsize=1024)
def _within(root: int, orders: Orders, low: int, high: int) -> tuple[tuple[int, ...], ...]:
    """All close voicings in a range. orders: steps above the root, from the lowest up."""
    found = []
    for order in orders:
        for base in (p for p in range(low, high + 1) if p % 12 == (root + order[0]) % 12):
            pitches = [base]
            for step in order[1:]:
                pitches.append(pitches[-1] + ((root + step - pitches[-1]) % 12 or 12))
            if pitches[-1] <= high:
                found.append(tuple(pitches))
    return tuple(found)


def hands_of(chord: Chord) -> tuple[Hand, Hand]:
    """What the left and the right hand have of a chord with a root, in semitones above it."""
    return _hands(chord.kind, chord.sound) if chord.sound else TONES[chord.kind]


@lru_cache(maxsize=512)
def _hands(kind: str, sound: Sound) -> tuple[Hand, Hand]:
    """The written guide tones; then the colours that are written, those of the kind that the symbol leaves room for, the fifth
    and the root. Over altered dominants the fifth comes before alterations that nobody wrote. What is short is doubled."""
    tones = sound.tones
    third = next((step for step in GUIDES[0] if step in tones), 0)
    seventh = next((step for step in GUIDES[1] if step in tones and step != third), third)
    written = sorted(tones - {0, 7, third, seventh}, key=lambda step: (step not in (1, 3, 6, 8), step))
    rubbing = {(step + by) % 12 for step in written for by in (-1, 1)}
    colours = [c for c in TONES[kind][1] if c not in (0, 7) and c not in sound.unscaled | rubbing]
    fifth = [7] if 7 in tones and 7 not in rubbing else []
    filling = [*fifth, *colours] if kind == "7alt" else [*colours, *fifth]
    root = [0] if 0 in tones else []
    right = list(dict.fromkeys(step for step in (*written, *filling, *root) if step not in (third, seventh)))
    one, other, *_ = (*right, third, seventh)
    return (third, seventh), (one, other)
