"""Which metre holds where in a song: its bars, in beats from bar one. A change of metre begins a bar.

Song positions are in beats (quarter notes), bars count from 0. What comes before bar one, a count-in or a pick-up, is in the
first metre. A song in one metre is a map of one stretch, to which all else comes down.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from improv.core.errors import ImprovError

NEAR = 1e-9
MOST, UNITS = 32, (1, 2, 4, 8, 16, 32)  # beats a bar, and the notes that may count
LIMITS = f"beats a bar go from 1 to {MOST}, over {', '.join(map(str, UNITS[:-1]))} or {UNITS[-1]}"
MOST_CHANGES = 1000  # of metre in a song
Metre = tuple[int, int]  # beats a bar and the note that counts, (4, 4)


class MeterError(ImprovError):
    """An impossible tempo or metre."""


class Unit(Enum):
    """Steps within a song: quarter notes, the beats that one taps, bars."""

    QUARTER = 1
    FELT = 2
    BAR = 3


class Stretch(NamedTuple):
    """So long one metre holds. bar: its bars, in beats; felt: the beat that one taps, in beats: in 6/8 a dotted quarter.

    start, end: song positions. first: the number of its first bar. bars: how many it has; the last may be cut short by its end.
    """

    metre: Metre
    bar: float
    felt: float
    start: float = 0.0
    end: float = math.inf
    first: int = 0
    bars: float = math.inf

    def step(self, unit: Unit) -> float:
        """A unit's length in beats."""
        return {Unit.QUARTER: 1.0, Unit.FELT: self.felt, Unit.BAR: self.bar}[unit]

    def moved(self, beats: float, bars: int) -> Stretch:
        """The same, later in the song."""
        return self._replace(start=self.start + beats, end=self.end + beats, first=self.first + bars)


def possible(metre: Metre) -> bool:
    """Whether a metre can be counted."""
    return 1 <= metre[0] <= MOST and metre[1] in UNITS


@dataclass(frozen=True)
class Metres:
    """The metres of a song. changes: (song position, metre), ascending from 0.

    length: beats of a chorus, after which all begins again; infinity where nothing does. Raises MeterError.
    """

    changes: tuple[tuple[float, Metre], ...] = ((0.0, (4, 4)),)
    length: float = math.inf

    def __post_init__(self) -> None:
        for _, (count, unit) in self.changes:
            if not possible((count, unit)):
                raise MeterError(f"metre {count}/{unit}: {LIMITS}")
        places = [*(at for at, _ in self.changes), self.length]
        if not 1 <= len(self.changes) <= MOST_CHANGES or places[0] != 0.0 or not all(b - a > NEAR for a, b in pairwise(places)):
            raise MeterError(f"changes of metre: expected 1 to {MOST_CHANGES:,}, each later than the one before, the first on bar one")

    @classmethod
    def of(cls, count: int, unit: int) -> Metres:
        """One metre throughout. Raises MeterError."""
        return cls(((0.0, (count, unit)),))

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """Once through, in order."""
        found: list[Stretch] = []
        for (start, (count, unit)), end in zip(self.changes, [*(at for at, _ in self.changes[1:]), self.length], strict=True):
            bar, felt = 4.0 * count / unit, 4.0 / unit * (3 if unit >= 8 and count % 3 == 0 and count > 3 else 1)
            bars = math.inf if end == math.inf else math.ceil((end - start) / bar - NEAR)
            found.append(Stretch((count, unit), bar, felt, start, end, int(found[-1].first + found[-1].bars) if found else 0, bars))
        return tuple(found)

    @cached_property
    def _starts(self) -> list[float]:
        return [stretch.start for stretch in self.stretches]

    @cached_property
    def _firsts(self) -> list[int]:
        return [stretch.first for stretch in self.stretches]

    @property
    def first(self) -> Stretch:
        """That of bar one."""
        return self.stretches[0]

    @property
    def one(self) -> bool:
        """Whether there is but one metre, from beginning to end."""
        return len(self.changes) == 1 and self.length == math.inf

    # Where one is

    def at(self, position: float) -> Stretch:
        """The stretch in which a song position lies."""
        if self.one:
            return self.first
        turn = max(math.floor(position / self.length + NEAR), 0) if position < math.inf else 0
        beats = turn * self.length if turn else 0.0
        found = self.stretches[max(bisect_right(self._starts, position - beats + NEAR) - 1, 0)]
        return found.moved(beats, turn * self._bars_of_chorus) if turn else found

    @property
    def _bars_of_chorus(self) -> int:
        return int(self.stretches[-1].first + self.stretches[-1].bars)

    def bar_of(self, position: float) -> int:
        """The bar in which a song position lies."""
        at = self.at(position)
        return int(min(at.first + math.floor((position - at.start) / at.bar + NEAR), at.first + at.bars - 1))

    def bars(self, position: float) -> float:
        """How many bars lie before a song position, parts of one counted."""
        at = self.at(position)
        return at.first + (position - at.start) / at.bar

    def within_bar(self, position: float) -> float:
        """Beats since the bar line."""
        at = self.at(position)
        return (position - at.start) % at.bar

    def bar_at(self, position: float) -> float:
        """Beats of the bar in which a song position lies: of one that is cut short, those that it has."""
        at = self.at(position)
        if at.end == math.inf:
            return at.bar
        return min(at.bar, at.end - self.line(self.bar_of(position)))

    # Lines

    def line(self, bar: int) -> float:
        """The song position of the line on which a bar begins."""
        turn = max(bar // self._bars_of_chorus, 0) if self.length < math.inf else 0
        bar -= turn * self._bars_of_chorus if turn else 0
        at = self.stretches[max(bisect_right(self._firsts, bar) - 1, 0)]
        line = at.start + (bar - at.first) * at.bar
        return line + turn * self.length if turn else line

    def steps(self, position: float, unit: Unit) -> Iterator[float]:
        """The song positions from one on that lie on steps from where their metre began to hold."""
        at = self.at(position)
        step = at.step(unit)
        here = at.start + math.ceil((position - at.start) / step - NEAR) * step
        while True:
            if here > at.end - NEAR:
                at = self.at(at.end)
                step, here = at.step(unit), at.start
            yield here
            here += step

    # The same, seen from elsewhere

    def turned(self, position: float) -> Metres:
        """The metres as they go on from a bar line, which becomes bar one. No chorus is left where there was one: it is
        written out for MOST_CHANGES changes."""
        found = [(0.0, self.at(position).metre)]
        at = self.at(position)
        while at.end < math.inf and len(found) < MOST_CHANGES:
            at = self.at(at.end)
            found.append((at.start - position, at.metre))
        return Metres(tuple(found))

    def after(self, beats: float) -> Metres:
        """The same with so many beats before bar one, whole bars of the first metre."""
        later = [(start + beats, metre) for start, metre in self.changes[1:]]
        return Metres(((0.0, self.changes[0][1]), *later), self.length + beats)


def metres_of(lengths: Iterable[Metre], chorus: bool) -> Metres:
    """The metres of a song whose bars have these, one by one. chorus: after the last it begins again.

    Raises MeterError.
    """
    changes: list[tuple[float, Metre]] = []
    at = 0.0
    for metre in lengths:
        if not changes or changes[-1][1] != metre:
            changes.append((at, metre))
        at += 4.0 * metre[0] / metre[1]
    return Metres(tuple(changes), at if chorus and len(changes) > 1 else math.inf)


FOUR = Metres()
