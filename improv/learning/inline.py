"""A learner in the performance's own thread: for a performance that waits for nobody, and for one that is played again."""

from __future__ import annotations

from collections.abc import Callable

from improv.core.heads import Heads
from improv.core.line.lessons import Lesson
from improv.learning.learner import Learner, Profile
from improv.models.model import Model


class Inline:
    """Learns when a version is asked for. profile: what was known before. told: gets the number of each version that can be had."""

    def __init__(self, model: Model, profile: Profile | None = None, told: Callable[[int], None] = lambda number: None):
        self.told = told
        self._learner, self._before = Learner(model, profile), profile
        self._lessons: list[Lesson] = []
        self._done = self._given = 0
        self._heads: Heads | None = None

    def give(self, lesson: Lesson) -> None:
        self._lessons.append(lesson)
        self._given += 1
        self.told(self._given)

    def version(self, number: int) -> Heads | None:
        if number == 0:
            return self._before.heads if self._before else None
        while self._done < number and self._lessons:
            self._heads = self._learner.learn(self._lessons.pop(0))
            self._done += 1
        return self._heads if self._done == number else None

    def close(self) -> Profile:
        """All that was learned, the last lesson included."""
        self.version(self._given)
        return self._learner.profile


class Known:
    """What was learned before, from which nothing more is learned."""

    def __init__(self, profile: Profile):
        self._heads = profile.heads

    def give(self, lesson: Lesson) -> None:
        pass

    def version(self, number: int) -> Heads | None:
        return self._heads if number == 0 else None
