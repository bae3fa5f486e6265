"""Whose turn it is: when the player's phrase is over, and when ours is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from improv.core.values import GRID

SURE = 0.3  # the phrase counts as over from this probability on
COLLISION = 0.4  # a beat on which the player is likelier than this to play is left to the player
BREATH = 0.4  # beats of silence before an answer, at the least
LONGEST_WAIT = 4.0  # beats of silence after which the phrase is over in any case
# Chosen on the valid split: with these, an answer begins before the next phrase in 79 % of phrases, one beat (median)
# after the last note's end; of all entries, 9 % are in mid-phrase.


def entry(on: float, off: float, end: float, ioi: np.ndarray, grid: float) -> float:
    """The beat on which to answer, if nothing more is played.

    on, off: beats between which the phrase's last note sounded. end: the model's probability that it ended
    the phrase; ioi (49,): its probabilities of when a next note would come. grid: 1 to enter on a beat, the bar's
    length to enter on a bar, 0 for any time.

    The longer the silence, the less a continuation explains it: P(over | silent so far) =
    end / P(no note so far), Bayes' rule, where a phrase that is over stays silent. A beat is also passed over
    when the player is likely to come in on it.
    """
    step = grid or 1.0 / GRID
    later = 1.0 - np.cumsum(ioi)  # P(the next note comes later than class k)
    last = len(ioi) - 1
    beat = math.ceil((off + BREATH) / step - 1e-9) * step
    while beat < off + LONGEST_WAIT:
        k = round((beat - on) * GRID)
        if k >= last:
            return beat
        silent = float(later[k - 2]) if k >= 2 else 1.0  # up to just before this beat
        comes = float(ioi[max(k - 1, 0) : k + 2].sum())
        if end >= SURE * silent and comes <= COLLISION * silent:
            return beat
        beat += step
    return beat


@dataclass(slots=True)
class Turn:
    """Our answer as it goes: where it began, how long the call was, how many notes so far. Beats."""

    began: float
    length: float
    notes: int = 0

    def finished(self, beat: float, end: float, on_chord: bool) -> bool:
        """Whether the note just played, at `beat`, is the answer's last.

        end: the model's probability that it ends the phrase; on_chord: it is a chord tone.
        An answer is about as long as its call, at least four notes, and likes to land.
        """
        if self.notes < 4:
            return False
        progress = (beat - self.began) / self.length
        if progress < 0.6:
            return False
        if progress < 1.0:
            return end > 0.6 and on_chord
        if progress < 1.5:
            return end > 0.2 and on_chord
        return on_chord or progress >= 2.0


def answer_length(call: float) -> float:
    """How many beats an answer to a call of so many beats should take: as many, from 3 to 16."""
    return min(max(call, 3.0), 16.0)
