"""What is looked after on disk while a performance goes on: what the performers remember, and sessions that are too old."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from improv.core.errors import ImprovError
from improv.core.note_model import NoteModel
from improv.models.model import State
from improv.outside import put_aside
from improv.perform.performing import Performing
from improv.session.index import prune
from improv.session.snapshot import SnapshotError, read_snapshot, write_snapshot

SNAPSHOT = 20.0  # seconds between two states on disk
PRUNE = 3600.0  # seconds between two looks for old sessions
Say = Callable[[str, str], None]  # a line for people, and its level


class StateOnDisk:
    """A chore: writes what the performers remember to a file every SNAPSHOT and at the end. Where that fails, it is said."""

    def __init__(self, path: Path, say: Say):
        self._path, self._say = path, say
        self._kept = 0.0

    def before(self, models: Mapping[str, NoteModel]) -> dict[str, State]:
        """What was remembered at the last end, by the performers' names; models: those that they play by now."""
        try:
            return read_snapshot(self._path, models)
        except SnapshotError as e:
            self._say(f"{e}; {put_aside(self._path)}", "warning")
            return {}

    def start(self, performance: Performing) -> None: ...

    def look(self, performance: Performing, now: float) -> None:
        if now - self._kept > SNAPSHOT:
            self._kept = now
            self._keep(performance)

    def close(self, performance: Performing) -> None:
        self._keep(performance)

    def _keep(self, performance: Performing) -> None:
        generators = {p.name: p.improviser.generator for p in performance.performers}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            remembered = {name: (g.model, g.memory.state) for name, g in generators.items() if isinstance(g.memory.state, State)}
            write_snapshot(self._path, remembered)
        except (ImprovError, OSError) as e:
            self._say(str(e), "warning")


class Pruning:
    """A chore: deletes old sessions. limits: the folder, and of its sessions the most days and the most MB, None for any number."""

    def __init__(self, limits: Callable[[], tuple[Path, float | None, float | None]], record: Callable[[], Path | None], say: Say):
        self._limits, self._record, self._say = limits, record, say
        self._pruned = 0.0

    def start(self, performance: Performing) -> None: ...

    def look(self, performance: Performing, now: float) -> None:
        if now - self._pruned <= PRUNE:
            return
        self._pruned = now
        folder, days, megabytes = self._limits()
        if days is not None or megabytes is not None:
            for path in prune(folder, days, megabytes, time.time(), self._record()):
                self._say(f"old session deleted: {path.name}", "notice")

    def close(self, performance: Performing) -> None: ...
