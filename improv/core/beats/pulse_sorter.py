"""Which pulses of MIDI Clock count, and how often: between the port, which loses some and mixes clocks, and the pulse filter.

A lost pulse: one comes a period late, and those after it lie on the old grid, a period on. Then it is counted after all. So
much at once that no tempo explains it, and no pulse that was merely held up: those come in a bunch, and are in time again.

Two clocks on one port: between the pulses of a grid that goes on come others. Those are left out, and the first clock is
followed. Two that were there from the start, or of other tempi, show in their rows: see `two_clocks`. (In sessions of before: where
every second pulse lies on a line, and all together do not.)

Nothing but the arrivals decides, and what Start, Continue or song position say is believed instead.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from copy import deepcopy

from improv.core.beats.pulse_filter import PulseFilter
from improv.core.beats.two_clocks import LOOKED_AT, first_row
from improv.core.hearing import NOW

NEAR = 0.4  # periods from where a pulse is due within which it is in time
MOST_LOST = 3  # pulses in a row
SURE = 12  # pulses that must lie on the old grid
MEAN, TILT = 0.2, 0.05  # periods, periods a pulse: how well they must
CLOSE = 0.05  # periods by which a pulse may be early while two clocks are told apart, at the least
EARLY = 0.15  # the same, before it is due, as far as jitter explains no more
HALF = 0.08  # periods around the middle between two pulses: another pulse there may be a doubled tempo, not another clock
TWO, AMONG = 12, 13  # so many pulses of another clock must come, among so many of the first
ASTRAY = 4  # pairs of pulses without one on the grid after which there is no grid
FIRST = 17  # arrivals in which two clocks show that were there from the start
APART, SHARE = 2.0, 0.05  # how much worse one line must fit them than two, and in periods
ROWS = 3  # the hearing from which on two clocks are told apart by their rows
EVERY = 4  # arrivals, between two looks for them
BAR = 96  # pulses of 4/4
LEAST = 3e-4  # seconds: a line is never expected to fit better


class PulseSorter:
    """In front of a filter, which it may put right. grain: seconds between two looks of the MIDI system at its ports.

    lost: pulses that were counted though they never came. others: pulses of another clock. hearing: see `core.hearing`.
    doubled: the tempo doubled from one pulse to the next, as a second clock half a pulse apart would have it.
    """

    def __init__(self, tempo: float, grain: float = 0.0, hearing: int = NOW):
        self.filter = PulseFilter(tempo, grain)
        self.lost = self.others = 0
        self._grain = grain
        self._steady = False  # the latest pulse came in time
        self._before: PulseFilter | None = None  # the filter as it was before a pulse that came late
        self._missing = 0  # pulses that may be lost
        self._late: list[float] = []  # arrivals since
        self._offs: deque[float] = deque([0.0] * 3, maxlen=3)  # how late the latest pulses were, in periods
        self._held: float | None = None  # when a pulse came that may be another clock's
        self._ground: PulseFilter | None = None  # the filter as it was before the first of them, until there are TWO
        self._since: list[float] = []  # all arrivals since
        self._counted = self._astray = 0  # those that the beat moved on for; pairs that lay on no grid
        self._told = False  # the next pulse's place was told
        self._owed = 0  # pulses that were counted and should not have been
        self._first: deque[float] = deque(maxlen=FIRST)
        self._rows = hearing >= ROWS
        self._latest: deque[tuple[float, int]] = deque(maxlen=LOOKED_AT)  # arrivals, and by how many pulses the beat moved on
        self._waits = 0  # arrivals until rows are looked for again
        self.doubled = False
        self._periods: deque[float] = deque(maxlen=BAR)  # as they were known

    @property
    def two(self) -> bool:
        """Whether there is another clock, too."""
        return self.others >= TWO

    def told(self) -> None:
        """Start, Continue or a song position came: the next pulse is where they say."""
        self._before, self._held, self._ground, self._told, self._owed = None, None, None, True, 0
        if not self.two:
            self.others = 0

    def restart(self) -> None:
        """The clock begins, or stood: its pulses may lie elsewhere now."""
        self.filter.restart()
        self._steady = False
        self._first.clear()
        self._latest.clear()
        self._periods.clear()
        self.told()

    def pulse(self, time: float) -> int:
        """A pulse arrived at a time in seconds. Returns by how many pulses the beat moves on."""
        moved = self._sorted(time)
        taken = min(self._owed, moved)
        self._owed -= taken
        if self._rows:
            self._latest.append((time, moved - taken))
            self._look_for_two()
        return moved - taken

    def _sorted(self, time: float) -> int:
        if not self._rows and not self.others and self._are_two(time):
            return 0
        told, self._told = self._told, False
        if self._before is not None:
            return self._confirm(time)
        off = self._off(time)
        if self._ground is not None:
            self._since.append(time)
        if self._held is not None and self._rows and self.two and self._may_be_anothers(time, off):
            self.others += 1  # two before the first clock's next
            return 0
        if self._held is not None:
            self._held = None
            if abs(off) < NEAR:
                self.others, self._astray = self.others + 1, 0
            elif self.two and self._astray < ASTRAY:
                self._astray += 1
                return 0
            else:
                return self._no_grid()
        elif self._may_be_anothers(time, off):
            if not self.two and self._ground is None:
                self._ground, self._since, self._counted = deepcopy(self.filter), [time], 0
            self._held = time
            return 0
        if self._ground is not None:
            self._counted += 1
            if self.two:
                self._ground = None
            elif self._counted >= AMONG:
                return self._no_grid() + 1
        return self._in_turn(time, off, told)

    def _no_grid(self) -> int:
        """It was no other clock. All arrivals since are taken as one clock's. Returns by how many pulses the beat moves on."""
        grid, since, counted = self._ground, self._since, self._counted
        self._ground, self.others, self._astray, self._steady = None, 0, 0, False
        if grid is None:  # the first clock has ended; who is there is followed
            self._before = None
            return 0
        for at in since:
            grid.pulse(at)
        self.filter = grid
        return len(since) - counted

    def _in_turn(self, time: float, off: float, told: bool) -> int:
        """A pulse that is the next of its clock, or a later one where some were lost."""
        lost, mean = round(off), sum(self._offs) / 3
        near = 1 <= lost <= MOST_LOST and abs(off - mean - lost) < NEAR and abs(mean) < MEAN
        if near and self.filter.locked and self._steady and not told:
            if self.two:  # its grid is sure
                for _ in range(lost):
                    self._feed(self.filter.predict(1.0))
                self.lost += lost
                self._feed(time)
                return 1 + lost
            self._before, self._missing, self._late = deepcopy(self.filter), lost, [time]
        self._steady = abs(off) < NEAR
        self._offs.append(off)
        self._feed(time)
        return 1

    def _off(self, time: float) -> float:
        """How late a pulse is, in periods, if it is the next."""
        return (time - self.filter.time) / self.filter.period - 1.0

    def _feed(self, time: float) -> None:
        self.filter.pulse(time)

    def _confirm(self, time: float) -> int:
        """One more pulse after one that came late: whether those between them were lost."""
        grid, late = self._before, self._late
        assert grid is not None
        late.append(time)
        self._feed(time)
        off = [self._from_grid(grid, i + 1 + self._missing, at) for i, at in enumerate(late)]
        if abs(off[-1]) > NEAR + 0.1:
            self._before, self._steady = None, False
            return 1
        if len(late) < SURE:
            return 1
        self._before, self._steady = None, True
        if abs(sum(off)) / SURE > MEAN or abs(_tilt(off)) > TILT:
            return 1
        start, period = grid.time, grid.period
        for at in [*(start + (i + 1) * period for i in range(self._missing)), *late]:
            grid.pulse(at)
        self.filter = grid
        self._offs.extend([0.0] * 3)
        self.lost += self._missing
        return 1 + self._missing

    @staticmethod
    def _from_grid(grid: PulseFilter, number: int, time: float) -> float:
        """How far a time is from a pulse of a grid, in periods."""
        return (time - grid.time) / grid.period - number

    def _may_be_anothers(self, time: float, off: float) -> bool:
        """Whether a pulse is so early that it may be another clock's."""
        if self.two:
            return off < -(max(CLOSE, 4 * self.filter.jitter / self.filter.period) if self._rows else EARLY)
        sure = self.filter.locked and self._steady and -off * self.filter.period > 3.5 * self.filter.jitter
        return sure and off < -EARLY and abs(off + 0.5) > HALF

    def _look_for_two(self) -> None:
        """Follow the first of two clocks, if the latest arrivals are those of two."""
        self._periods.append(self.filter.period if self.filter.locked and not self.two else math.nan)
        before = self._periods[0]
        self.doubled |= len(self._periods) == BAR and abs(2 * self._periods[-1] / before - 1) < 0.01
        self._waits -= 1
        if self.two or self._waits > 0:
            return
        self._waits = EVERY
        times = [at for at, _ in self._latest]
        row = first_row(times, self._grain)
        if row is None:
            return
        tempo = 60.0 * (len(row) - 1) / (24 * (times[row[-1]] - times[row[0]]))
        self.filter = PulseFilter(min(max(tempo, 20.0), 400.0), self._grain)
        for i in row:
            self._feed(times[i])
        self.told()
        self._owed = max(sum(moved for _, moved in self._latest) - len(row), 0)
        self.others, self._astray, self._steady, self._told = TWO, 0, True, False
        self._latest.clear()

    def _are_two(self, time: float) -> bool:
        """Whether two clocks came from the start; then the filter hears the first of them alone."""
        first = self._first
        first.append(time)
        if len(first) < FIRST or self.filter.count > 4 * FIRST:
            return False
        times = list(first)
        mine, theirs = times[0::2], times[1::2]
        apart = (mine[-1] - mine[0]) / (len(mine) - 1)
        fit = max(_misfit(mine), _misfit(theirs), LEAST)
        if _misfit(times) < max(APART * fit, SHARE * apart, self._grain):
            return False
        tempo = 60.0 / (24 * apart)
        self.filter = PulseFilter(min(max(tempo, 20.0), 400.0), self._grain)
        for at in mine:
            self._feed(at)
        self.others, self._owed, self._steady = TWO, FIRST - 1 - len(mine), True
        return True


def _line(values: Sequence[float]) -> tuple[float, float]:
    """The value in the middle and the slope of the line through values one step apart, by least squares."""
    n = len(values)
    middle = (n - 1) / 2
    mean = sum(values) / n
    slope = sum((i - middle) * (v - mean) for i, v in enumerate(values)) * 12 / (n * (n * n - 1))
    return mean, slope


def _tilt(values: Sequence[float]) -> float:
    return _line(values)[1]


def _misfit(values: Sequence[float]) -> float:
    """How far values lie from the line through them, root of the mean square."""
    mean, slope = _line(values)
    middle = (len(values) - 1) / 2
    return float((sum((v - mean - slope * (i - middle)) ** 2 for i, v in enumerate(values)) / len(values)) ** 0.5)
