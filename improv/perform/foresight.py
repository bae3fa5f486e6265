"""What a performer will play if nothing more is heard, for whoever watches: worked out by a shadow, note by note, between its thoughts.

The performance's thread makes the shadow, at a moment when nothing is due; the thinking thread lets it play, a note at a time, and a
thought always goes first. So a thought waits for one note at the most; and shortly before something is due, nothing of it is done, so
that no note waits. Where nobody watches, nothing of it is done at all.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from improv.core.improviser import Improviser
from improv.core.shadow import Foreseen, Shadow

AGAIN = 0.25  # seconds between two shadows, at the least
FARTHER = 0.5  # seconds by which it is to see farther, before it goes on
ROOM = 0.01  # seconds before something is due in which nothing is done


class Aside(Protocol):
    """What works beside its thoughts, see `perform.deadline.Worker`."""

    def aside(self, work: Callable[[], bool]) -> None: ...


class Foresight:
    """worker: who works it out. All but `_go_on` is for the performance's thread. timer: counts seconds."""

    def __init__(self, worker: Aside, timer: Callable[[], float] = perf_counter) -> None:
        self._worker, self._timer = worker, timer
        self._shadow: Shadow | None = None
        self._made = float("-inf")
        self._works = False
        self._upto = float("-inf")  # seconds up to which it was told to foresee
        self._room = 0.0  # as the timer counts, until when it may work

    def forget(self) -> None:
        """Something was heard: all may come otherwise."""
        self._shadow = None

    def look(self, improviser: Improviser, now: float, until: float) -> tuple[Foreseen, ...]:
        """What is foreseen by now, up to `until`; more will be as this is asked again. The improviser must be at rest."""
        shadow, due = self._shadow, improviser.due
        room = 0.0 if due is None else due - now - ROOM
        if shadow is None:
            if room < 0.0 or due is None or now - self._made < AGAIN:
                return ()
            self._made, self._upto = now, float("-inf")
            shadow = self._shadow = Shadow(improviser, until)
        if not self._works and room > 0.0 and until > self._upto + FARTHER:
            self._room = self._timer() + room
            shadow.until, shadow.past = until, now
            self._works, self._upto = True, until
            self._worker.aside(self._go_on)
        return shadow.notes

    def _go_on(self) -> bool:
        """One note more, in the thinking thread; whether there is more."""
        shadow = self._shadow
        try:
            if self._timer() > self._room:
                self._upto = float("-inf")  # to go on from here later
            elif shadow is not None and shadow.go_on():
                return True
        except Exception:  # a model that fails is told of when it plays
            self._shadow = None
        self._works = False
        return False
