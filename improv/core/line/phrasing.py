"""Whose turn it is: when the player's phrase is over, and when ours is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from improv.core.metres import NEAR
from improv.core.vocabulary import GRID

BREATH = 0.1  # beats of silence before an answer, at the least
LONGEST_WAIT = 4.0  # beats of silence after which the phrase is over in any case
RING = 1.0  # beats that an answer's last note rings at the least, if nobody comes back
LAST, LANDS = 0.5, 2.0  # beats before the end of traded bars: the last onset at the latest; from where on it lands
RESTS = (0.5, 1.0)  # beats: rests as long as these part runs of notes
PACE = 0.125  # share of the latest note in the player's pace
SHORTEST, LONGEST = 0.08, 4.0  # beats between onsets that count as pace

SURE = 0.74  # P(the phrase is over) from which on we come in
# Log odds that the phrase is over, for each unit of evidence. Fitted on phrase ends, and SURE on cross-validated
# figures, by `python scripts/fit_turns.py jazz wjd_visible.jsonl.gz`.
WEIGHTS = {
    "end": 0.66,
    "silent": -0.68,
    "soon": -0.14,
    "silence": 1.22,
    "silence squared": 0.46,
    "notes": 0.34,
    "notes between longer rests": 0.21,
    "silence at his pace, by notes": 0.23,
    "one": 0.28,
}


@dataclass(frozen=True, slots=True)
class Playing:
    """The player's line up to its latest note, as far as it tells his phrases; beats.

    on, off: of the latest note. runs: the notes since the last rest, for each of RESTS. pace: running mean of the
    logarithm of the beats from onset to onset.
    """

    on: float = -math.inf
    off: float = -math.inf
    runs: tuple[int, ...] = (0,) * len(RESTS)
    pace: float = math.log(0.5)

    def after(self, on: float, off: float) -> Playing:
        """With one more note, which sounded between two beats."""
        runs = tuple(1 if on - self.off >= rest else run + 1 for rest, run in zip(RESTS, self.runs, strict=True))
        gap = on - self.on
        pace = self.pace + PACE * (math.log(min(max(gap, SHORTEST), LONGEST)) - self.pace) if gap < math.inf else self.pace
        return Playing(on, off, runs, pace)

    def moved(self, beats: float) -> Playing:
        """The same, so many beats later."""
        return replace(self, on=self.on + beats, off=self.off + beats)

    def rested(self) -> Playing:
        """Somebody else has played since: what comes next begins all runs."""
        return replace(self, off=-math.inf)


def evidence(playing: Playing, beat: float, end: float, later: Sequence[float]) -> dict[str, float]:
    """What tells whether the player's phrase is over, at a beat on which he is still silent.

    end: the model's probability that the latest note ended the phrase; later (49,): its probabilities that the next note
    comes later than each class. The model foretells on a grid and from the notes alone, so the silence counts
    besides; a rest after a few notes is a breath, and the sooner so, the slower he plays.
    """

    def silent(until: float) -> float:  # P(no note until just before)
        k = round((until - playing.on) * GRID) - 2
        return max(later[min(k, len(later) - 2)], 1e-4) if k >= 0 else 1.0

    so_far, silence = silent(beat), math.log(max(beat - playing.off, 0.05))
    notes, long_run = (math.log(run) for run in playing.runs)
    return {
        "end": math.log(max(end, 1e-6) / max(1.0 - end, 1e-6)),
        "silent": math.log(so_far),
        "soon": math.log(max(1.0 - silent(beat + 1.0) / so_far, 0.02)),
        "silence": silence,
        "silence squared": silence * silence,
        "notes": notes,
        "notes between longer rests": long_run,
        "silence at his pace, by notes": (silence - playing.pace) * notes,
        "one": 1.0,
    }


def over(told: Mapping[str, float]) -> float:
    """P(the phrase is over), given the evidence."""
    return 1.0 / (1.0 + math.exp(-sum(WEIGHTS[name] * amount for name, amount in told.items())))


def entry(playing: Playing, end: float, ioi: np.ndarray, steps: Iterator[float]) -> float:
    """The beat on which to answer, if nothing more is played.

    end: the model's probability that the latest note ended the phrase; ioi (49,): its probabilities of when a next
    note would come. steps: the beats on which it may, without end, ascending from BREATH after the latest note.
    """
    later = (1.0 - np.cumsum(ioi)).tolist()
    beat = next(steps)
    while beat < playing.off + LONGEST_WAIT and over(evidence(playing, beat, end, later)) < SURE:
        beat = next(steps)
    return beat


def finest_steps(beat: float) -> Iterator[float]:
    """All places of the grid from a beat on: for who may answer at any time."""
    step = 1.0 / GRID
    beat = math.ceil(beat / step - NEAR) * step
    while True:
        yield beat
        beat += step


def sureness(playing: Playing, beat: float, end: float, ioi: np.ndarray) -> float:
    """P(the phrase is over), 0 to 1, at a beat on which the player is still silent. end, ioi: as of `entry`."""
    return over(evidence(playing, beat, end, (1.0 - np.cumsum(ioi)).tolist()))


@dataclass(slots=True)
class Turn:
    """Our answer as it goes: where it began, how long the call was, how many notes so far. Beats.

    landed: the last note was a chord tone. landing: the next one is to be, and ends it.
    fills: it is to fill its length, and not a beat more: bars are traded, or a solo ends. lands: beats before its end from
    which on it does.
    over: P(the player's phrase is over) where it begins, for whoever watches; None where it does not go by that.
    """

    began: float
    length: float
    notes: int = 0
    landed: bool = False
    landing: bool = False
    fills: bool = False
    lands: float = LANDS
    over: float | None = None

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
            self.landing = left <= self.lands
            return left <= self.lands and on_chord
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
