"""What a daemon looks after while it performs: status, watchdog, state on disk, old sessions, and what is to be told."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from improv.cli.take import spread
from improv.control.performance_end import Control
from improv.core.beats.timekeeper import Timekeeper
from improv.core.errors import ImprovError
from improv.core.events import Ready
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
BOUNDS = (0.1, 0.2, 0.4, 0.6, 1.0, 1.5, 2.5, 5.0, 10.0, 50.0)  # ms of the lateness histogram


class Housekeeping:
    """A thread that looks twice a second. The watchdog is fed as long as the threads that perform and think go on."""

    def __init__(
        self,
        config: Any,
        members: Any,
        clock: Any,
        inbox: Any,
        bay: Any,
        recorder: Any,
        punctuality: Any,
        counts: dict[str, int],
        orders: Any,
        state: Path,
        log: Log,
        timekeeper: Timekeeper,
    ):
        self._config, self._members, self._clock, self._inbox, self._bay = config, members, clock, inbox, bay
        self._recorder, self._punctuality, self._counts, self._orders = recorder, punctuality, counts, orders
        self._state, self._log, self._timekeeper = state, log, timekeeper
        self._tally = Tally(inbox)
        self._over = threading.Event()
        self._since = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self._histogram = [0] * (len(BOUNDS) + 1)
        self._priority = ""
        self._woken = -1  # how often the thread that performs had waited, at the last look
        self._thinking = 0.0  # since when somebody is behind with thinking, in seconds
        self._spread: dict[str, float] = {}
        self._control = Control(config, orders.answer, log)
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
        record = self._orders.config.record
        if record.on and (record.keep_days is not None or record.keep_mb is not None):
            for path in prune(record.folder, record.keep_days, record.keep_mb, time.time(), self._recorder.path):
                self._log(f"old session deleted: {path.name}", "notice")

    def _tell(self) -> None:
        lately = self._punctuality.lately()
        if lately:
            late = self._spread = spread(lately)
            self._recorder.note({"punctual": late | {"notes": len(lately), "time": self._clock.now()}})
            for ms in (1000 * t for t in lately):
                self._histogram[next((i for i, bound in enumerate(BOUNDS) if ms <= bound), len(BOUNDS))] += 1

    def status(self) -> dict[str, Any]:
        """How it stands, for whoever asks."""
        first = self._members[0].improviser
        meter, now = self._timekeeper.meter, self._clock.now()
        beat, there = meter.beat(now), self._bay.status()
        settings = {m.name: m.improviser.settings for m in self._members}
        return {
            "since": self._since,
            "time": round(now, 3),
            "mode": first.settings.mode,
            "model": self._members[0].model_name,
            "tempo": round(meter.tempo, 2),
            "beat": round(meter.position(beat), 2),
            "bar": meter.bar_of(beat) + 1,
            "clock": first.settings.clock,
            "sure": round(self._timekeeper.source.sure, 2),
            "running": meter.running,
            **self._counts,
            "inbox_dropped": dict(self._inbox.dropped),
            "queue": self._inbox.qsize(),
            "reconnects": there["reconnects"],
            "lateness_ms": self._spread,
            "lateness_histogram": {"le": list(BOUNDS), "count": list(self._histogram)},
            "sounding": sum(len(m.improviser.sounding) for m in self._members),
            "session": str(self._recorder.path) if self._recorder.path else None,
            "priority": self._priority,
            "performers": {
                m.name: {"mode": settings[m.name].mode, "model": m.model_name, "temperature": settings[m.name].temperature}
                | there["outputs"].get(m.number, {})
                for m in self._members
            },
            "inputs": there["inputs"],
        }


def keep_state(path: Path, members: Any, log: Log) -> None:
    """Write what the performers remember; where that fails, it is logged."""
    minds = {m.name: m.improviser.generator for m in members}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_snapshot(path, {name: (generator.model, generator.memory.state) for name, generator in minds.items()})
    except (ImprovError, OSError) as e:
        log(str(e), "warning")
