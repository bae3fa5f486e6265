"""A model that is slow, one that fails, a clock that jumps, and a call to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from improv.core.events import Event, NoteOff, NoteOn
from improv.models.model import Model
from improv.perform.clock import OfflineClock

BEAT = 0.5  # seconds at 120


class Sleeping:
    """A model whose steps take so long, in seconds."""

    def __init__(self, model: Model, asleep: Callable[[], float]):
        self._model, self._asleep = model, asleep
        self.slept = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def step(self, *args: Any) -> Any:
        self.slept += self._asleep()
        return self._model.step(*args)


class FailsAfter:
    """A model that draws so many pitches and then says what is no number."""

    def __init__(self, model: Any, notes: int):
        self._model, self.left = model, notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def pitch(self, *args: Any) -> Any:
        self.left -= 1
        said = self._model.pitch(*args)
        return said if self.left >= 0 else np.full_like(said, np.nan)


class Thinking:
    """A thinker on a clock that jumps: a thought is ready when the model has slept enough."""

    def __init__(self, clock: OfflineClock, model: Sleeping):
        self._clock, self._model = clock, model

    def give(self, thought: Callable[[], list[Event]]) -> None:
        before = self._model.slept
        self._said = thought()
        self._ready = self._clock.now() + self._model.slept - before

    @property
    def ready(self) -> bool:
        return self._clock.now() >= self._ready

    def take(self, patience: float) -> list[Event] | None:
        return self._said if self._clock.now() + patience >= self._ready else None


def call() -> list[Event]:
    events: list[Event] = []
    for i, pitch in enumerate([62, 65, 69, 72, 71, 67, 65, 62]):
        events += [NoteOn(i * BEAT / 2, pitch, 80), NoteOff((i + 0.8) * BEAT / 2, pitch)]
    return events
