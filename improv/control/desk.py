"""What all commands work with: the performance, the configuration, the bindings, what is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from improv.control.bindings import Bindings
from improv.control.config.tree import Config
from improv.control.kept import keep_learned, saved_presets
from improv.control.steered import SteeredPerformance, SteeredPerformer
from improv.core.band.together import PARTS
from improv.core.errors import ImprovError
from improv.core.events import Event
from improv.core.line.generator import BOOKMARKS


class LastBars(Protocol):
    """most: bars that are kept. write: the last of them as a MIDI file; raises ImprovError where nothing was played in them."""

    @property
    def most(self) -> int: ...
    def write(self, path: Path, bars: int) -> None: ...


class Desk:
    """path: of the configuration. binding: the lock of the bindings. last_bars: what writes the last bars. log: takes lines for people."""

    def __init__(
        self,
        path: Path,
        config: Config,
        performance: SteeredPerformance,
        bindings: Bindings,
        binding: threading.Lock,
        last_bars: LastBars,
        log: Callable[..., None],
    ):
        self.path, self.config, self.performance = path, config, performance
        self.bindings, self.binding, self.last_bars, self.log = bindings, binding, last_bars, log
        self.links: dict[str, str] = {}  # of the page, to steer and to watch; none where there is none
        self.lock = threading.RLock()  # held while a request is carried out
        # The performers keep their bookmarks in threads of their own, so the names are kept here as well, by the same rule.
        self._bookmarks: dict[int, dict[str, None]] = {}

    @property
    def now(self) -> float:
        return self.performance.clock.now()

    def put(self, event: Event) -> None:
        self.performance.put(event)

    def number_of(self, performer: object) -> int | None:
        """A performer's number by name; None: all of them. Raises ImprovError."""
        if performer is None:
            return None
        numbers = {p.name: p.number for p in self.performance.performers}
        if not isinstance(performer, str) or performer not in numbers:
            raise ImprovError(f"no performer {performer!r}; there are {', '.join(numbers)}")
        return numbers[performer]

    def those(self, number: int | None) -> Sequence[SteeredPerformer]:
        """The performer of a number, or all."""
        return [p for p in self.performance.performers if number in (None, p.number)]

    def soloists(self, number: int | None) -> Sequence[SteeredPerformer]:
        """The performer of a number, or all but those who accompany: whose mode and model a wish for all doesn't mean."""
        return [p for p in self.those(number) if number is not None or p.settings.mode not in PARTS] or self.those(number)

    def presets(self) -> dict[str, dict[str, Any]]:
        """Those of the configuration, and those that were saved."""
        return {k: dict(v) for k, v in self.config.presets.items()} | saved_presets(self.config.record.folder)

    def keep_learned(self) -> None:
        with self.binding:
            learned = self.bindings.learned
        try:
            keep_learned(self.config.record.folder, learned)
        except ImprovError as e:
            self.log(f"{e}; what was learned holds until the daemon ends", "warning")

    def note_bookmark(self, name: str, number: int | None) -> None:
        """A bookmark is kept by one performer, or by all."""
        for performer in self.those(number):
            names = self._bookmarks.setdefault(performer.number, {})
            names.pop(name, None)
            names[name] = None
            if len(names) > BOOKMARKS:
                del names[next(iter(names))]

    def bookmarks(self, number: int | None) -> list[str]:
        """The names of the bookmarks that a performer keeps, or any of them."""
        return list({name: None for p in self.those(number) for name in self._bookmarks.get(p.number, {})})
