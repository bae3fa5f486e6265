"""What a daemon looks after while it performs: status, watchdog, state on disk, old sessions, and what is to be told."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from improv.cli.take import spread
from improv.control.performance_end import PerformanceEnd
from improv.control.standing import status_of
from improv.control.status import Status
from improv.core.errors import ImprovError
from improv.core.events import Ready
from improv.perform.figures import LatenessFigures, StepFigure, thinking
from improv.perform.inbox import Tally
from improv.perform.log import Log
from improv.perform.sd_notify import notify, watchdog
from improv.session.index import prune
from improv.session.snapshot import write_snapshot

LOOK = 0.5  # seconds
SNAPSHOT = 20.0  # seconds between two states on disk
PRUNE = 3600.0  # seconds
STUCK = 30.0  # seconds after which a thought is taken for lost
TELL = 60.0  # seconds between two lines on how punctual it is, where anything was played


class Housekeeping:
    """A thread that looks twice a second. The watchdog is fed as long as the threads that perform and think go on."""

    def __init__(
        self,
        config: Any,
        performance: Any,
        recorder: Any,
        punctuality: Any,
        counts: dict[str, int],
        steering: Any,
        state: Path,
        log: Log,
    ):
        self._config, self._performance = config, performance
        self._members, self._clock, self._inbox = performance.performers, performance.clock, performance.inbox
        self._recorder, self._punctuality, self._counts, self._steering = recorder, punctuality, counts, steering
        self._state, self._log = state, log
        self._tally = Tally(performance.inbox)
        self._over = threading.Event()
        self._since = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self._lateness, self._step = LatenessFigures(spread), StepFigure()
        self._priority = ""
        self._woken = -1  # how often the thread that performs had waited, at the last look
        self._thinking = 0.0  # since when somebody is behind with thinking, in seconds
        self._control = PerformanceEnd(config, steering.answer, log)
        self._thread = threading.Thread(target=self._look_on, name="upkeep", daemon=True)

    def start(self, priority: str) -> None:
        self._priority = priority
        self._control.start()
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(5.0)
        self._control.close()
        keep_state(self._state, self._members, self._log)

    def _look_on(self) -> None:
        within = watchdog()
        kept = pruned = told = self._clock.now()
        while not self._over.wait(LOOK):
            now = self._clock.now()
            self._lateness.add(self._punctuality.lately())
            self._control.status(self.status())
            if self._alive(now) and within:
                notify("WATCHDOG=1")
            if news := self._tally.news(now):
                self._log(news, "warning", **self._inbox.dropped)
            if now - kept > SNAPSHOT:
                kept = now
                keep_state(self._state, self._members, self._log)
            if now - pruned > PRUNE:
                pruned = now
                self._prune()
            if now - told > TELL:
                told = now
                self._tell()

    def _alive(self, now: float) -> bool:
        """Whether the thread that performs has woken since the last look, and no thought goes on for ever."""
        woke, self._woken = self._clock.waits != self._woken, self._clock.waits
        self._inbox.put(Ready(now))  # it wakes, if it can
        if all(m.deadline.unknown_since is None for m in self._members):
            self._thinking = now
        return bool(woke and now - self._thinking < STUCK)

    def _prune(self) -> None:
        record = self._steering.config.record
        if record.on and (record.keep_days is not None or record.keep_mb is not None):
            for path in prune(record.folder, record.keep_days, record.keep_mb, time.time(), self._recorder.path):
                self._log(f"old session deleted: {path.name}", "notice")

    def _tell(self) -> None:
        if lately := self._lateness.turn():
            self._recorder.note({"punctual": spread(lately) | {"notes": len(lately), "time": self._clock.now()}})

    def status(self) -> Status:
        """How it stands, for whoever asks."""
        self._step.look(*thinking(self._members))
        return status_of(
            self._performance,
            self._counts,
            self._lateness,
            self._step.us,
            self._since,
            str(self._recorder.path) if self._recorder.path else None,
            self._priority,
        )


def keep_state(path: Path, members: Any, log: Log) -> None:
    """Write what the performers remember; where that fails, it is logged."""
    minds = {m.name: m.improviser.generator for m in members}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_snapshot(path, {name: (generator.model, generator.memory.state) for name, generator in minds.items()})
    except (ImprovError, OSError) as e:
        log(str(e), "warning")
