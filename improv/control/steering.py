"""Requests for a daemon, from the control process, a controller, a pad or a reloaded file: checked, and handed on as events.

What each command does is in `apply`; here is what all of them share.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from improv.control.apply import FUNCTIONS, READY
from improv.control.bindings import Asked, Bindings, Learned, as_toml
from improv.control.commands import COMMANDS, Request, expanded
from improv.control.config.tree import Config
from improv.control.kept import keep_learned, saved_presets
from improv.control.steered import SteeredPerformance, SteeredPerformer
from improv.core.errors import ImprovError
from improv.core.events import Event, Tap
from improv.core.line.generator import BOOKMARKS


class LastBars(Protocol):
    """most: bars that are kept. write: the last of them as a MIDI file; raises ImprovError where nothing was played in them."""

    @property
    def most(self) -> int: ...
    def write(self, path: Path, bars: int) -> None: ...


class Steering:
    """Answers requests, and does what bindings ask for. Any thread may ask.

    path: of the configuration. binding: the lock of the bindings.
    """

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
        self._lock = threading.RLock()
        # The performers keep their bookmarks in threads of their own, so the names are kept here as well, by the same rule.
        self._bookmarks: dict[int, dict[str, None]] = {}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request says. The reply has `ok`, and `error` where it is false.

        What takes long is made ready before the lock is taken: no controller waits while a model is loaded.
        """
        try:
            wanted = expanded(dict(request))
            ready = READY.get(wanted["do"])
            if ready:
                wanted = ready(self, wanted)
            with self._lock:
                return {"ok": True} | self.do(wanted)
        except ImprovError as e:
            return {"ok": False, "error": str(e)}
        except (KeyError, TypeError, ValueError) as e:
            return {"ok": False, "error": f"not a request that makes sense: {type(e).__name__} {e}"}

    def do(self, request: Request) -> dict[str, Any]:
        """Do what a request says whose models and files are at hand. Returns what is to be told. Raises ImprovError."""
        function = FUNCTIONS.get(request["do"])
        if function is None:
            raise ImprovError(f"no command {request['do']!r}")
        return function(self, request) or {}

    def obey(self, asked: Asked) -> None:
        """Do what a controller, a key or a program change asks for; what can't be done is logged."""
        request = dict(asked.request)
        if request["do"] == "tap":
            self.put(Tap(asked.time))  # a tap counts from when it was struck
        elif COMMANDS[request["do"]].quick:
            self._log_reply(self.answer(request))
        else:  # what takes longer than a port's thread should
            threading.Thread(target=lambda: self._log_reply(self.answer(request)), daemon=True).start()

    def learned(self, learned: Learned) -> None:
        """A controller was bound to a setting: tell it, and keep it."""
        self.log(f"learned: {as_toml(learned.binding)}", "notice")
        threading.Thread(target=self.keep_learned, daemon=True).start()

    def reload(self) -> None:
        """Read the file again, and take over what can be changed between two notes. A bad file changes nothing."""
        self._log_reply(self.answer({"do": "reload"}), always=True)

    def _log_reply(self, reply: Mapping[str, Any], always: bool = False) -> None:
        if not reply["ok"]:
            self.log(str(reply["error"]), "warning")
        elif always:
            self.log("reloaded: " + ("; ".join(reply.get("changed", [])) or "nothing has changed"), "notice")
            if reply.get("restart"):
                self.log("restart the daemon for: " + "; ".join(reply["restart"]), "notice")

    # What the commands share

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
