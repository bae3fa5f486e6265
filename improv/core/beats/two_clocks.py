"""Whether pulses of MIDI Clock come from two clocks at once, and which are those of the first.

Two clocks of different tempo, or of one tempo apart in phase, make arrivals that two even rows explain and one does not. So the first
row is followed from the earliest arrival on; what it leaves must be the second. Tempo changes, jitter and lost pulses leave no such
rest. Two clocks of one tempo that lie within APART of exactly half a pulse from each other are told from one clock of double tempo
by nothing, until they drift.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

LOOKED_AT = 64  # arrivals
LEAST = 14  # pulses that each of the two must have
STEPS = 4  # arrivals among which the first row's second pulse is
WITHIN = 0.2  # periods from where a row's next pulse is due, within which it is
EVEN = 0.06  # periods that a row's pulses may be off it, root of the mean square
WORSE = 3.0  # times by which the two rows must be more even than all arrivals as one
APART = 1.2e-3  # seconds: USB and timers of a millisecond make such patterns of one clock
SURE = 7.0  # standard deviations by which that must be no chance
TOO_FAST = 60 / 400 / 24  # seconds between pulses: no clock is


def first_row(times: Sequence[float], grain: float = 0.0) -> list[int] | None:
    """The places of the first clock's pulses among arrivals of two, in seconds and ascending; None where there are not two.

    grain: seconds between two looks of the MIDI system at its ports.
    """
    if len(times) < 2 * LEAST:
        return None
    rough = _Line.through(times, whole=True).off
    for second in range(1, STEPS + 1):
        mine = _row(times, 0, second)
        if mine is None:
            continue
        taken = set(mine)
        rest = [i for i in range(len(times)) if i not in taken]
        if len(rest) < LEAST or len(mine) < LEAST:
            continue
        left = [times[i] for i in rest]
        theirs = _row(left, 0, 1)
        if theirs is None or len(theirs) < len(rest) - 1:
            continue
        if _are_two([times[i] for i in mine], [left[i] for i in theirs], rough, grain):
            return mine
    return None


def _row(times: Sequence[float], first: int, second: int) -> list[int] | None:
    """An even row that begins with two arrivals and goes on to the last; None where it breaks off, or misses more than one pulse."""
    period, row, missed = times[second] - times[first], [first, second], 0
    if period <= 0:
        return None
    due, at = times[second] + period, second + 1
    while due < times[-1] + WITHIN * period:
        while at < len(times) and times[at] < due - WITHIN * period:
            at += 1
        near = [i for i in range(at, min(at + 4, len(times))) if abs(times[i] - due) <= WITHIN * period]
        if not near:
            missed += 1
            if missed > 1:
                return None
            due += period
            continue
        best = min(near, key=lambda i: abs(times[i] - due))
        off = times[best] - due
        row.append(best)
        period += off / max(len(row), 4)
        due, at = due + off / 2 + period, best + 1
    return row


def _are_two(mine: Sequence[float], theirs: Sequence[float], rough: float, grain: float) -> bool:
    """Whether two rows of arrivals are those of two clocks. rough: how far all lie from one line."""
    a, b = _Line.through(mine), _Line.through(theirs)
    even = max(a.off, b.off, 1e-5)
    if even > EVEN * min(a.period, b.period):
        return False
    if abs(a.period / b.period - 1) > 0.01:
        return rough > WORSE * even
    apart = (b.middle - a.due(round(a.number(b.middle)))) / a.period % 1.0
    chance = SURE * even * math.sqrt(1 / len(mine) + 1 / len(theirs))
    return abs(apart - 0.5) * a.period > max(APART, 1.5 * grain, chance) or a.period / 2 < TOO_FAST


class _Line(NamedTuple):
    """The line through the arrivals of a row, by least squares; pulses that are missing have their numbers.

    middle: when the pulse in its middle was due; at: that pulse's number. off: root of the mean square. Seconds.
    """

    period: float
    middle: float
    at: int
    off: float

    @classmethod
    def through(cls, row: Sequence[float], whole: bool = False) -> _Line:
        """whole: no pulse is missing."""
        period = sorted(b - a for a, b in pairwise(row))[len(row) // 2]
        numbers = [0]
        for before, time in pairwise(row):
            numbers.append(numbers[-1] + (1 if whole else max(round((time - before) / period), 1)))
        n, middle, mean = len(row), sum(numbers) / len(row), sum(row) / len(row)
        spread = sum((number - middle) ** 2 for number in numbers)
        slope = sum((number - middle) * (time - mean) for number, time in zip(numbers, row, strict=True)) / spread
        off = math.sqrt(sum((t - mean - slope * (number - middle)) ** 2 for number, t in zip(numbers, row, strict=True)) / n)
        return cls(slope, mean + slope * (round(middle) - middle), round(middle), off)

    def due(self, number: int) -> float:
        """When a pulse was due."""
        return self.middle + (number - self.at) * self.period

    def number(self, time: float) -> float:
        """The number of a pulse that were due at a time."""
        return self.at + (time - self.middle) / self.period
