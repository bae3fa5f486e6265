"""How long a training still takes, all of it: reading, each network, what is fitted on top, scoring. Pure; it is told the time.

Each stage has an amount of work. How many seconds a unit takes is assumed until some of its kind is done, and then measured.
"""

from __future__ import annotations

from dataclasses import dataclass

# Seconds a unit, as first assumed: measured on a virtual machine with two busy cores, at laptop size.
ASSUMED = {
    "reading": 0.004,  # a file
    "training": 1 / 8000,  # a note, once
    "fitting": 1.5e-3,  # a note that is listened to, for each network
    "scoring": 0.5e-3,  # the same
}


@dataclass
class Stage:
    """kind: of ASSUMED. amount: units to do in all; done: so far; behind: what was done before it
    began here, of a training that goes on. began, ended: when, in seconds, None where it did not yet."""

    kind: str
    amount: float
    done: float = 0.0
    behind: float = 0.0
    began: float | None = None
    ended: float | None = None


class TimeLeft:
    """The stages of a whole, in order, and what is left of it."""

    def __init__(self, began: float):
        self.began = began
        self.stages: dict[str, Stage] = {}

    def plan(self, name: str, kind: str, amount: float) -> None:
        """A stage that is to come, or what is now known of its amount."""
        if name in self.stages:
            self.stages[name].amount = amount
        else:
            self.stages[name] = Stage(kind, amount)

    def did(self, name: str, done: float, now: float) -> None:
        """So much of a stage is done. The first time says that it began; all before it are over."""
        for other, stage in self.stages.items():
            if other == name:
                break
            stage.ended = stage.ended if stage.ended is not None else now
        stage = self.stages[name]
        if stage.began is None:
            stage.began, stage.behind = now, done
        stage.done, stage.ended = done - stage.behind, None

    def left(self, now: float) -> float:
        """Seconds until all is done, if no network ends before its last epoch."""
        total = 0.0
        for stage in self.stages.values():
            if stage.ended is None:
                total += max(stage.amount - stage.behind - stage.done, 0.0) * self._pace(stage.kind, now)
        return total

    def share(self, now: float) -> float:
        """How much of the time is over, 0 to 1."""
        spent, left = now - self.began, self.left(now)
        return spent / (spent + left) if spent + left > 0 else 0.0

    def _pace(self, kind: str, now: float) -> float:
        """Seconds a unit: measured where a hundredth of a stage of the kind is done, else assumed."""
        known = [s for s in self.stages.values() if s.kind == kind and s.began is not None and s.done > 0.01 * s.amount]
        seconds = sum((s.ended if s.ended is not None else now) - s.began for s in known if s.began is not None)
        units = sum(s.done for s in known)
        return seconds / units if units and seconds else ASSUMED[kind]


def in_words(seconds: float) -> str:
    """A time as one says it: "under a minute", "3 minutes", "2 h 10 min"."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return "under a minute"
    if minutes < 100:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{minutes // 60} h {minutes % 60} min"
