"""What a step of the model takes, from the time that thoughts take. See `control.status`."""

from __future__ import annotations

from collections.abc import Iterable

from improv.perform.deadline import Worker
from improv.perform.performers import PerformerAtWork


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


def thinking(performers: Iterable[PerformerAtWork]) -> tuple[int, float]:
    """The models' steps in all thoughts that are over, and the seconds that these took; of performers that think in threads."""
    found = [(p.deadline.steps, p.worker.seconds) for p in performers if p.deadline and isinstance(p.worker, Worker)]
    return sum(steps for steps, _ in found), sum(seconds for _, seconds in found)
