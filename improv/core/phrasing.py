"""Whose turn it is: when the player's phrase is over, and when ours is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from improv.core.values import GRID

SURE = 2.0  # the player's phrase counts as over from this much evidence on
BREATH = 0.2  # beats of silence before an answer, at the least
LONGEST_WAIT = 4.0  # beats of silence after which the phrase is over in any case
REST = 0.5  # beats: a rest as long as this may part two phrases
RING = 1.0  # beats that an answer's last note rings at the least, if nobody comes back
LAST, LANDS = 0.5, 2.0  # beats before the end of traded bars: the last onset at the latest; from where on it lands
# Chosen on the valid split, where `improv eval --turns` says how often and how soon it enters, and how often falsely.


def entry(on: float, off: float, end: float, ioi: np.ndarray, grid: float, notes: int) -> float:
    """The beat on which to answer, if nothing more is played.

    on, off: beats between which the phrase's last note sounded. end: the model's probability that it ended
    the phrase; ioi (49,): its probabilities of when a next note would come. grid: 1 to enter on a beat, the bar's
    length to enter on a bar, 0 for any time. notes: how many since the last rest.

    The evidence that the phrase is over is the product of
    - the odds of `end`, over the probability of no note so far: Bayes' rule, where a phrase that is over stays silent;
    - the square of the silence in beats. The model foretells on a grid and from the notes alone, and a silence says more;
    - the notes since the last rest, which an LSTM counts badly. A rest after a few notes is a breath.
    (The exponents are those of a logistic regression on phrase ends, rounded.)
    """
    step = grid or 1.0 / GRID
    later = 1.0 - np.cumsum(ioi)  # P(the next note comes later than class k)
    odds = end / max(1.0 - end, 1e-6)
    beat = math.ceil((off + BREATH) / step - 1e-9) * step
    while beat < off + LONGEST_WAIT:
        k = round((beat - on) * GRID) - 2  # up to just before this beat
        silent = float(later[min(k, len(ioi) - 2)]) if k >= 0 else 1.0
        if odds * notes * (beat - off) ** 2 >= SURE * max(silent, 1e-4):
            return beat
        beat += step
    return beat


@dataclass(slots=True)
class Turn:
    """Our answer as it goes: where it began, how long the call was, how many notes so far. Beats.

    landed: the last note was a chord tone. landing: the next one is to be, and ends it.
    fills: it is to fill its length, and not a beat more: bars are traded.
    """

    began: float
    length: float
    notes: int = 0
    landed: bool = False
    landing: bool = False
    fills: bool = False

    @property
    def last(self) -> float:
        """The beat from which on no note of it may begin."""
        return self.began + self.length - LAST if self.fills else math.inf

    def finished(self, beat: float, end: float, on_chord: bool) -> bool:
        """Whether the note just played, at `beat`, is the answer's last.

        end: the model's probability that it ends the phrase; on_chord: it is a chord tone.
        An answer is about as long as its call, at least four notes, and likes to land.
        """
        self.landed = on_chord
        if self.landing:
            return True
        if self.fills:
            left = self.began + self.length - beat
            self.landing = left <= LANDS
            return left <= LANDS and on_chord
        if self.notes < 4:
            return False
        progress = (beat - self.began) / self.length
        if progress < 0.6:
            return False
        if progress < 1.0:
            return end > 0.6 and on_chord
        if progress < 1.5:
            return end > 0.2 and on_chord
        self.landing = True
        return on_chord or progress >= 2.0


def answer_length(call: float) -> float:
    """How many beats an answer to a call of so many beats should take: as many, from 3 to 16."""
    return min(max(call, 3.0), 16.0)
