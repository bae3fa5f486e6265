"""Two hundred voicings as pianists play them, with their names: forty shapes on five roots each. Does the ear know their roots?

Each is heard with its bass and without; and without, alone or after the chord that leads to it or that it leads away from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from improv.core.harmony.ear import QUALITIES, TRIADS, Ear, EarHeard, Hears


class NamedShape(NamedTuple):
    """family: what it is called. quality: of its chord. steps: semitones above the root. degree: of the chord in its key, in
    semitones above the tonic, for the context."""

    family: str
    quality: str
    steps: tuple[int, ...]
    degree: int = 0
    minor: bool = False


_named = NamedShape
SHAPES = (
    _named("rootless A", "maj7", (4, 7, 11, 14)), _named("rootless B", "maj7", (11, 14, 16, 19)),
    _named("rootless A", "6", (4, 7, 9, 14)), _named("rootless B", "6", (9, 14, 16, 19)),
    _named("rootless A", "m7", (3, 7, 10, 14), 2), _named("rootless B", "m7", (10, 14, 15, 19), 2),
    _named("rootless A", "7", (4, 9, 10, 14), 7), _named("rootless B", "7", (10, 14, 16, 21), 7),
    _named("rootless A", "7alt", (4, 8, 10, 15), 7, True), _named("rootless B", "7alt", (10, 15, 16, 20), 7, True),
    _named("rootless A", "m7b5", (3, 6, 10, 12), 2, True), _named("rootless B", "m7b5", (10, 12, 15, 18), 2, True),
    _named("rootless A", "m6", (3, 7, 9, 14), 0, True), _named("rootless B", "m6", (9, 14, 15, 19), 0, True),
    _named("rootless A", "mmaj7", (3, 7, 11, 14), 0, True), _named("rootless A", "7sus", (5, 9, 10, 14), 7),
    _named("shell", "maj7", (0, 11, 16)), _named("shell", "maj7", (0, 4, 11)), _named("shell", "m7", (0, 10, 15), 2),
    _named("shell", "m7", (0, 3, 10), 2), _named("shell", "7", (0, 10, 16), 7), _named("shell", "7", (0, 4, 10), 7),
    _named("shell", "m7b5", (0, 6, 10), 2, True),
    _named("quartal", "m7", (0, 5, 10, 15, 19), 2), _named("quartal", "maj7", (4, 9, 14, 19)), _named("quartal", "7", (10, 16, 21, 26), 7),
    _named("quartal", "7sus", (0, 5, 10, 14), 7),
    _named("upper structure", "7", (4, 10, 14, 18, 21), 7), _named("upper structure", "7alt", (4, 10, 15, 20, 24), 7, True),
    _named("upper structure", "7alt", (4, 10, 13, 16, 21), 7, True), _named("upper structure", "7alt", (4, 10, 13, 18, 22), 7, True),
    _named("upper structure", "maj7", (4, 11, 14, 18, 21)),
    _named("inversion", "maj7", (4, 7, 11, 12)), _named("inversion", "7", (4, 7, 10, 12), 7), _named("inversion", "m7", (3, 7, 10, 12), 2),
    _named("inversion", "", (4, 7, 12)), _named("inversion", "", (7, 12, 16)), _named("inversion", "m", (3, 7, 12), 0, True),
    _named("drop 2", "maj7", (0, 7, 11, 16)), _named("drop 2", "m7", (0, 7, 10, 15), 2),
)  # fmt: skip
ROOTS = (0, 2, 3, 5, 10)
_TRIAD_OF = np.eye(1 + max(TRIADS))[list(TRIADS)]
WAYS = ("with bass", "alone", "in a key")


def pitches_of(shape: NamedShape, root: int) -> list[int]:
    """Where a pianist's left hand plays it, around middle C."""
    pitches = [root + step for step in shape.steps]
    by = 12 * round((58 - sum(pitches) / len(pitches)) / 12)
    return [p + by for p in pitches]


def _struck(ear: Ear, beat: float, pitches: list[int], length: float) -> Iterator[tuple[float, int]]:
    for pitch in pitches:
        ear.note_on(beat, pitch)
        yield beat + length, pitch


def heard_of(network: Hears, shape: NamedShape, root: int, way: str) -> EarHeard:
    """What is heard of a voicing that was held for two beats, one beat after it was struck."""
    ear = Ear(network, lambda beat: beat % 4)
    begin = 0.0
    if way == "in a key":  # its tonic, then its dominant, with their roots, two beats each
        tonic = (root - shape.degree) % 12
        third = 3 if shape.minor else 4
        for low, steps in ((tonic, (0, 7, 12 + third, 19)), ((tonic + 7) % 12, (0, 10, 16, 19)), (tonic, (0, 7, 12 + third, 19))):
            ends = list(_struck(ear, begin, [36 + low + s for s in steps], 1.95))
            for end, pitch in ends:
                ear.note_off(end, pitch)
            begin += 2
        begin += 2
    bass = [36 + root - (12 if root > 7 else 0)] if way == "with bass" else []
    list(_struck(ear, begin, [*bass, *pitches_of(shape, root)], 2.0))
    return ear.heard(begin + 0.85)


class NamedFigures(NamedTuple):
    """Shares of voicings whose root, and whose root and triad, are heard."""

    many: int
    root: float
    triad: float


def named_figures(network: Hears, of: Callable[[NamedShape], str] = lambda shape: shape.family) -> dict[str, dict[str, NamedFigures]]:
    """By the way in which they are heard: of each family, and of all."""
    found: dict[str, dict[str, list[tuple[bool, bool]]]] = {way: defaultdict(list) for way in WAYS}
    for way in WAYS:
        for shape in SHAPES:
            for root in ROOTS:
                heard = heard_of(network, shape, root, way)
                at, triad = divmod(int((heard.chords @ _TRIAD_OF).argmax()), _TRIAD_OF.shape[1])
                right = at == root, at == root and triad == TRIADS[QUALITIES.index(shape.quality)]
                for name in (of(shape), "all"):
                    found[way][name].append(right)
    return {
        way: {name: NamedFigures(len(r), sum(a for a, _ in r) / len(r), sum(b for _, b in r) / len(r)) for name, r in names.items()}
        for way, names in found.items()
    }
