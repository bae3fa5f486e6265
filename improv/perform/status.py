"""What a performance says of itself: the `Status` of this moment, and the figures in it that are gathered over time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from improv.cli.take import spread
from improv.control.status import InputStatus, Lateness, LatenessHistogram, PerformerStatus, Status
from improv.core.improviser import Improviser
from improv.core.meter import Meter
from improv.core.settings import SETTINGS
from improv.perform.deadline import DeadlinePlayer, Worker

BOUNDS = (0.1, 0.2, 0.4, 0.6, 1.0, 1.5, 2.5, 5.0, 10.0, 50.0)  # ms of the lateness histogram


class LatenessFigures:
    """How late notes were: all of them as a histogram; as a spread, those since the turn before the last.

    So what is shown is there from the first note on, and rests on a minute or more where a turn comes every minute.
    """

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0  # ms
        self._before: list[float] = []
        self._since: list[float] = []
        self._spread = Lateness()

    def add(self, lateness: Sequence[float]) -> None:
        """Notes were handed over, so many seconds late."""
        if not lateness:
            return
        for ms in (1000 * late for late in lateness):
            self._counts[bisect_left(BOUNDS, ms)] += 1
            self._sum += ms
        self._since += lateness
        self._spread = Lateness(**spread([*self._before, *self._since]))

    def turn(self) -> list[float]:
        """A stretch of time is over. Returns the lateness of its notes, in seconds."""
        self._before, self._since = self._since, []
        return self._before

    @property
    def spread(self) -> Lateness:
        return self._spread

    @property
    def histogram(self) -> LatenessHistogram:
        return LatenessHistogram(BOUNDS, tuple(self._counts), round(self._sum, 3))


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


class Member(Protocol):
    """A performer, as far as its status goes."""

    @property
    def number(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def improviser(self) -> Improviser: ...
    @property
    def model_name(self) -> str: ...


class Thinking(Protocol):
    """A performer with a thread to think in."""

    @property
    def deadline(self) -> DeadlinePlayer: ...
    @property
    def worker(self) -> Worker: ...


def status_of(
    performers: Sequence[Member],
    now: float,
    ports: Mapping[str, Any],
    inbox: Any,
    counts: Mapping[str, int],
    lateness: LatenessFigures,
    step: StepFigure,
    since: str,
    session: str | None,
    priority: str,
) -> Status:
    """The status. now: of the performance clock. ports: as `Patchbay.status` says. counts: heard, played, filled, dropped, guarded."""
    first = performers[0].improviser
    meter = first.meter
    at = meter.beat(now)
    return Status(
        since=since,
        time=round(now, 3),
        mode=first.settings.mode,
        model=performers[0].model_name,
        tempo=round(meter.tempo, 2),
        beat=round(beat_in_bar(meter, at), 2),
        bar=meter.bar_of(at) + 1,
        position=round(meter.position(at), 2),
        clock=first.settings.clock,
        sure=round(first.keeper.source.sure, 2),
        running=meter.running,
        **counts,
        inbox_dropped=dict(inbox.dropped),
        queue=inbox.qsize(),
        reconnects=ports["reconnects"],
        step_us=step.us,
        lateness_ms=lateness.spread,
        lateness_histogram=lateness.histogram,
        sounding=sum(len(p.improviser.sounding) for p in performers),
        session=session,
        priority=priority,
        performers={p.name: _performer(p, ports["outputs"].get(p.number, {})) for p in performers},
        inputs={name: InputStatus(**part) for name, part in ports["inputs"].items()},
    )


def _performer(performer: Member, port: Mapping[str, Any]) -> PerformerStatus:
    settings = asdict(performer.improviser.settings)
    others = {name: value for name, value in settings.items() if value != SETTINGS[name].default}
    return PerformerStatus(settings["mode"], performer.model_name, settings["temperature"], **port, settings=others)


def beat_in_bar(meter: Meter, beat: float) -> float:
    """The beat of the bar, from 1, as the metre counts: six of them in 6/8."""
    count, _ = meter.metre
    whole = meter.position(beat) / meter.bar
    return 1.0 + count * max(0.0, whole - meter.bar_of(beat))


def thinking(performers: Iterable[Thinking]) -> tuple[int, float]:
    """The models' steps in all thoughts that are over, and the seconds that these took."""
    several = list(performers)
    return sum(p.deadline.steps for p in several), sum(p.worker.seconds for p in several)
