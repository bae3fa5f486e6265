"""Which pitch a walking bass plays on a beat, by rule: what the learned bass is measured against, and what plays without it.

The root on a chord's first beat, tones of chord and scale by step between, and into the next root by a semitone, a step of the scale
or a fifth (J. Goldsby, The Jazz Bass Book, 2002, part 4; S. Reid and others teach the same).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from improv.core.band.bar import BandBar
from improv.core.harmony import Chord

LOW, HIGH = 28, 55  # the open E, and as high as one walks
RANGE = np.arange(LOW, HIGH + 1)
HEARD = 8  # beats of its own line that a bassist goes by
MIDDLE = 40.0
OUTSIDE, SETTLED = 0.3, 3.0  # times as likely: tones outside of chord and scale, and of the chord where they are held


class BassPlace(NamedTuple):
    """A beat on which the bass plays. beat: of the bar; history: the pitches of the HEARD beats before, the latest last, 0 for none.

    before: the root on the beat before, None where there was none.
    """

    bar: BandBar
    beat: float
    history: tuple[int, ...]
    before: int | None = None

    @property
    def chord(self) -> Chord:
        return self.bar.chord(self.beat)

    @property
    def since(self) -> float:
        """Beats since the chord began, in this bar."""
        return self.beat - max(at for at, _ in self.bar.chords if at <= self.beat + 1e-6)


class Foretell(Protocol):
    """Who says how likely each pitch is: (HIGH - LOW + 1,), they sum to 1."""

    def __call__(self, place: BassPlace) -> np.ndarray: ...


def by_rule(place: BassPlace) -> np.ndarray:
    """How likely each pitch is, after the textbook."""
    chord, last = place.chord, place.history[-1] or MIDDLE
    coming, until = place.bar.next_change(place.beat)
    root = chord.root if chord.bass is None else chord.bass
    classes = RANGE % 12
    weight = np.full(len(RANGE), 0.01)
    if root is not None:
        weight[np.isin(classes, list(chord.scale))] = 0.15
        weight[np.isin(classes, list(chord.tones))] = 0.5
        if place.since < 0.5:
            weight[classes == root] = 6.0
    goal = coming.root if coming.bass is None else coming.bass
    if until <= 1.0 and goal is not None and place.since >= 0.5:
        weight *= 0.2
        for step, likely in ((1, 1.0), (11, 1.0), (2, 0.5), (10, 0.5), (7, 0.5), (5, 0.2)):
            weight[classes == (goal + step) % 12] += likely
    size = np.abs(RANGE - last)
    near = np.where(size == 0, 0.35, np.where(size <= 2, 1.0, np.where(size <= 4, 0.6, np.where(size <= 7, 0.35, 0.06))))
    weight = weight * near * np.exp(-(((RANGE - MIDDLE) / 8.0) ** 2))
    before = place.history[-2]
    if before and last != before:  # a line goes on in its direction, and turns at the ends of the strings
        weight = weight * np.where(np.sign(RANGE - last) == np.sign(last - before), 1.3, 1.0)
    found: np.ndarray = weight / weight.sum()
    return found


def mended(place: BassPlace, foretell: Foretell, held: bool = False) -> np.ndarray:
    """What somebody foretells, as a bandleader wants it: no pitch three times in a row, no tone outside of chord and scale twice or, but
    rarely, where a chord begins. held: for longer than a beat, in two: then a tone of the chord,
    mostly, and its root where it begins."""
    chances, chord, last = foretell(place).copy(), place.chord, place.history[-1]
    inside = np.isin(RANGE % 12, list(chord.tones | chord.scale))
    if place.since < 0.5 or held:
        chances[~inside] *= OUTSIDE
    if held:
        chances[np.isin(RANGE % 12, list(chord.tones))] *= SETTLED
        if place.since < 0.5:
            chances[(chord.root if chord.bass is None else chord.bass) == RANGE % 12] *= SETTLED
    if last and (last == place.history[-2] or not inside[last - LOW]):
        chances[last - LOW] = 0.0
    total = chances.sum()
    return chances / total if total > 0.0 else by_rule(place)
