"""What `improv daemon` and `improv jam --web` share: a performance that is steered from outside, and the page if there is one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from improv.cli.screen import symbols_of
from improv.cli.take import write_cut
from improv.control.bindings import Asked, Bindings
from improv.control.page.keyboard import NAME, PageKeyboard
from improv.control.page.page_end import PageEnd, PageSetup, links
from improv.control.page.tap import PageTap
from improv.control.performance_end import PerformanceEnd
from improv.control.standing import status_of
from improv.control.status import InputStatus, Status
from improv.control.steered import PerformanceClock, SteeredPerformer
from improv.control.steering import Steering
from improv.core.errors import ImprovError
from improv.core.events import Event, ProgramChange
from improv.perform.figures import StepFigure, thinking
from improv.perform.log import Log
from improv.perform.performance import Performance
from improv.perform.performing import Performing
from improv.session.capture import Capture

KEPT_BARS = 64  # of which the last can be captured


class Arrival:
    """What a port's thread hands an event to: it asks for something, or is music, which `put` takes.

    surfaces: the inputs that only steer. steering: who does what is asked for, once there is one.
    """

    def __init__(
        self, put: Callable[[Event], None], bindings: Bindings, binding: threading.Lock, surfaces: frozenset[int] = frozenset()
    ) -> None:
        self.steering: Steering | None = None
        self._put, self._bindings, self._binding, self._surfaces = put, bindings, binding, surfaces

    def __call__(self, event: Event) -> None:
        with self._binding:
            asked = self._bindings.requests(event)
        if asked is not None and self.steering:
            for said in asked:
                if isinstance(said, Asked):
                    self.steering.obey(said)
                else:
                    self.steering.learned(said)
        elif asked is None and not isinstance(event, ProgramChange) and getattr(event, "part", -1) not in self._surfaces:
            self._put(event)


@dataclass
class KeptBars:
    """The last bars of all performers, to be written when asked for."""

    capture: Capture
    performers: Sequence[SteeredPerformer]
    clock: PerformanceClock
    most: int = KEPT_BARS

    def write(self, path: Path, bars: int) -> None:
        cut = self.capture.cut(self.clock.now(), bars)
        if not cut.events:
            raise ImprovError("nothing was played in the last bars")
        write_cut(path, cut, self.performers[0].improviser.generator.changes, [(p.name, p.settings.mode) for p in self.performers])


class ToldLog:
    """A log whose words reach the page as well. taps: of the page, once there is one."""

    def __init__(self, log: Log | Callable[..., None]) -> None:
        self.taps: list[PageTap] = []
        self._log = log

    def __call__(self, text: str, level: str = "info", **fields: object) -> None:
        self._log(text, level, **fields)
        for tap in self.taps if level != "info" else ():
            tap.changed(text, {}, level in ("warning", "error"))
            tap.stir()  # as when a controller was learned


class Served:
    """A chore: the control process, which is told how the performance stands. record: the record's path, if any.

    begin: begins the process, with what is told of the page, if there is one.
    """

    def __init__(self, begin: Callable[[PageEnd | None], PerformanceEnd], record: Callable[[], Path | None]):
        self._begin, self._record = begin, record
        self._control: PerformanceEnd | None = None
        self._since = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self._step = StepFigure()
        self._page: PageEnd | None = None
        self._one_status = threading.Lock()  # two threads ask: the monitor's, and the page's

    def show(self, performance: Performance, steering: Steering, setup: PageSetup, heard: Callable[[Event], None]) -> PageEnd:
        """A page, before the performance runs. heard: takes what is played on its keys, as an input's thread would."""
        now = performance.clock.now
        tap = PageTap(performance.performers, performance.timekeeper, now, symbols_of(setup.instrument))
        performance.observe(tap)
        performance.rounded = tap.rounded
        keyboard = PageKeyboard(setup.inputs.index(NAME), now, heard)
        self._page = PageEnd(setup, steering, tap, keyboard, lambda: self._status(performance))
        steering.links = links(setup)
        return self._page

    def start(self, performance: Performing) -> None:
        self._control = self._begin(self._page)

    def look(self, performance: Performing, now: float) -> None:
        assert self._control
        self._step.look(*thinking(performance.performers))
        self._control.status(self._status(performance))
        if self._page:
            self._page.keyboard.look()

    def _status(self, performance: Performing) -> Status:
        record, counts = self._record(), performance.counters.counts
        session = None if record is None else str(record)
        waits = performance.waiting.text(performance.clock.now(), performance.harmony.key)
        with self._one_status:
            status = status_of(performance, counts, performance.lateness, self._step.us, self._since, session, performance.priority, waits)
        if self._page is None:
            return status
        pages = self._page.pages
        return status._replace(inputs={**status.inputs, NAME: InputStatus(f"{pages} page{'' if pages == 1 else 's'} open")})

    def close(self, performance: Performing) -> None:
        if self._control:
            self._control.close()
