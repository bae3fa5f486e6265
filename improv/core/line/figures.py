"""Figures that a phrase takes up: from some note on it goes as the line went before, from a note that is like the latest one.

Of real solos every tenth row of four pitches was played shortly before, most often the same pitches, and about as often two notes
ago as sixty. So the nearer of two likenesses is the likelier, by how many notes ago it was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from improv.core.line.traits import Noted

SHORTEST, LONGER = 3, 0.22  # notes of a figure at the least; the chance that each further one is its last
LATEST = 6  # notes of the phrase after which, at the latest, a figure begins
LONGEST_TIME = 24  # 1/12 beat: a figure doesn't go on over a longer time between onsets
RATHER = -1000.0  # nats for all pitches but one that is wanted
FEWEST = 8  # notes that must have been played


class Returns(Enum):
    """What comes back: the pitches, the intervals from wherever it stands, or the times with new pitches."""

    PITCHES, INTERVALS, TIMES = range(3)


ALL_RETURNS = (Returns.PITCHES, Returns.PITCHES, Returns.INTERVALS, Returns.TIMES)  # each as likely as the next


class FigureNote(NamedTuple):
    """A note of a figure. time: 1/12 beat from the note before; None: any. pitch: MIDI's, and step: semitones from the note before;
    None: any. inside: where it was played it was in the scale."""

    time: int | None
    pitch: int | None
    step: int | None
    inside: bool


def figure(line: Sequence[Noted], rested: bool, rng: np.random.Generator) -> tuple[FigureNote, ...]:
    """A figure by which a line may go on; none where there is nothing like its latest note. rested: a phrase begins after a rest, so
    that it may begin as one did before."""
    kind = ALL_RETURNS[int(rng.integers(len(ALL_RETURNS)))]
    count = SHORTEST - 1 + int(rng.geometric(LONGER))
    timed = kind is Returns.TIMES or bool(rng.integers(2))
    if len(line) < FEWEST:
        return ()
    firsts = _phrases(line) if rested else _alike(line, kind)
    firsts = [k for k in firsts if k + 1 < len(line)]
    if not firsts:
        return ()
    near = np.array([1.0 / (len(line) - k) for k in firsts])
    first = firsts[int(rng.choice(len(firsts), p=near / near.sum()))]
    wanted: list[FigureNote] = []
    for k in range(first, min(first + count, len(line))):
        time, step = line[k].position - line[k - 1].position, line[k].pitch - line[k - 1].pitch
        begun = bool(wanted) or not rested  # where a phrase begins, neither its time nor its step come back
        if begun and time > LONGEST_TIME:
            break
        pitch = line[k].pitch if kind is Returns.PITCHES else None
        interval = step if kind is Returns.INTERVALS and begun else None
        wanted.append(FigureNote(time if timed and begun else None, pitch, interval, line[k].scale is not False))
    return tuple(wanted)


def _phrases(line: Sequence[Noted]) -> list[int]:
    """The notes with which a phrase begins."""
    return [k for k in range(1, len(line)) if line[k - 1].rests_until(line[k].position)]


def _alike(line: Sequence[Noted], kind: Returns) -> list[int]:
    """The notes after those that are like the latest one: of its pitch, reached by its interval, or on its place in the beat after
    as long a time."""
    last = len(line) - 1

    def like(k: int) -> tuple[int, int]:
        if kind is Returns.PITCHES:
            return line[k].pitch, 0
        if kind is Returns.INTERVALS:
            return line[k].pitch - line[k - 1].pitch, 0
        return line[k].position - line[k - 1].position, line[k].place % 12

    return [k + 1 for k in range(1, last) if like(k) == like(last)]


def bent(pitch: int, inside: bool, scale: Collection[int]) -> int:
    """A pitch that was in the scale, moved by a semitone into that of now where it isn't in it and may be."""
    if not inside or not scale or pitch % 12 in scale:
        return pitch
    return next((p for p in (pitch - 1, pitch + 1) if p % 12 in scale), pitch)


@lru_cache(maxsize=128)
def rather(pitch: int) -> np.ndarray:
    """A bias (128,) for one pitch: if it may be at all, no other."""
    bias = np.full(128, RATHER)
    bias[pitch] = 0.0
    bias.flags.writeable = False
    return bias


class TakenUp:
    """The figure that a phrase takes up, note by note. rng: draws after how many notes, and which; None: it takes up none.

    wanted: the notes of it that are to come.
    """

    def __init__(self, rng: np.random.Generator | None) -> None:
        self.wanted: tuple[FigureNote, ...] = ()
        self._rng = rng
        self._after = 0 if rng is None else int(rng.integers(0, LATEST + 1))

    def look(self, line: Sequence[Noted], notes: int, rested: bool = False) -> None:
        """Take one up, if it is time. line: all up to here. notes: of the phrase so far. rested: see `figure`. Where there is none,
        it is looked for again a note later."""
        if self._rng is not None and notes >= self._after:
            self.wanted = figure(line, rested, self._rng)
            if self.wanted:
                self._rng = None

    @property
    def time(self) -> int | None:
        """1/12 beat from the latest note to the one that is to come; None: any."""
        return self.wanted[0].time if self.wanted else None

    def pitch(self, last: int | None, scale: Collection[int]) -> int | None:
        """The pitch of the note that is to come, after another and over a scale; None: any."""
        wanted = self.wanted[0]
        if wanted.step is not None and last is not None:
            return bent(last + wanted.step, wanted.inside, scale)
        return wanted.pitch

    def played(self, pitch: int, wanted: int | None) -> None:
        """A note was played: its pitch, and the one that was wanted. Where that can't be played, the figure is over."""
        self.wanted = self.wanted[1:] if wanted is None or pitch == wanted else ()


NOTHING = TakenUp(None)
