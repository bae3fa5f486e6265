"""Figures that a performance gathers over time, for its status: how late notes were, what a step of the model takes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from improv.perform.deadline import DeadlinePlayer, Worker

BOUNDS = (0.1, 0.2, 0.4, 0.6, 1.0, 1.5, 2.5, 5.0, 10.0, 50.0)  # ms of the lateness histogram


class LatenessFigures:
    """How late notes were: all of them as a histogram; as a spread, those since the turn before the last.

    So what is shown is there from the first note on, and rests on a minute or more where a turn comes every minute.
    spread: works out the spread in ms, from seconds.
    """

    def __init__(self, spread: Callable[[Sequence[float]], dict[str, float]]) -> None:
        self._spread_of = spread
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0  # ms
        self._before: list[float] = []
        self._since: list[float] = []
        self._spread: dict[str, float] = {}

    def add(self, lateness: Sequence[float]) -> None:
        """Notes were handed over, so many seconds late."""
        if not lateness:
            return
        for ms in (1000 * late for late in lateness):
            self._counts[bisect_left(BOUNDS, ms)] += 1
            self._sum += ms
        self._since += lateness
        self._spread = self._spread_of([*self._before, *self._since])

    def turn(self) -> list[float]:
        """A stretch of time is over. Returns the lateness of its notes, in seconds."""
        self._before, self._since = self._since, []
        return self._before

    @property
    def spread(self) -> dict[str, float]:
        """As `spread` has it, in ms; empty before the first note."""
        return self._spread

    @property
    def histogram(self) -> tuple[tuple[float, ...], tuple[int, ...], float]:
        """BOUNDS; how many notes were within each alone, and beyond the last; the sum in ms."""
        return BOUNDS, tuple(self._counts), round(self._sum, 3)


class StepFigure:
    """What a step of the model takes, in microseconds: of the latest steps, the thinking around them included."""

    def __init__(self) -> None:
        self._steps, self._seconds = 0, 0.0
        self.us: float | None = None

    def look(self, steps: int, seconds: float) -> None:
        """So many steps were taken since the beginning, and so long was spent on thinking."""
        if steps > self._steps:
            self.us = round(1e6 * max(0.0, seconds - self._seconds) / (steps - self._steps), 1)
            self._steps, self._seconds = steps, seconds


class Thinking(Protocol):
    """A performer with a thread to think in."""

    @property
    def deadline(self) -> DeadlinePlayer: ...
    @property
    def worker(self) -> Worker: ...


def thinking(performers: Iterable[Thinking]) -> tuple[int, float]:
    """The models' steps in all thoughts that are over, and the seconds that these took."""
    several = list(performers)
    return sum(p.deadline.steps for p in several), sum(p.worker.seconds for p in several)
