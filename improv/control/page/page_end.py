"""The performance's end of the page: what it tells the server and what it takes from it, in the thread that talks with the server.

Up, beside what `server_end` tells: {"page": rows of `tap`}, {"house": what changes rarely}, and the status sooner than it comes anyway.
Down: {"pages": how many are open}, {"play": rows of `keyboard`}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from improv.charts.moving import written
from improv.control.commands import Request
from improv.control.desk import Desk
from improv.control.page.charts import lines_of
from improv.control.page.keyboard import PageKeyboard
from improv.control.page.tap import PageTap
from improv.control.status import Status, as_json
from improv.core.harmony import Changes
from improv.core.metres import FOUR, Metres

AGAIN = 5.0  # seconds between two looks at what changes rarely, where nobody asks for anything


@dataclass(frozen=True)
class PageSetup:
    """Where the page is served, and what is told once. folder: of the sessions. inputs: names, by number. sounds: see `messages.Hello`.

    title, session: of the record, empty where there is none. instrument: of the player, who reads the chart in its key.
    """

    listen: str
    port: int
    steer: str
    watch: str
    folder: Path
    inputs: tuple[str, ...]
    allow: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    sounds: bool = True
    title: str = ""
    session: str = ""
    instrument: str = "C"


class PageEnd:
    """status: of this moment; any thread may ask for it."""

    def __init__(self, setup: PageSetup, desk: Desk, tap: PageTap, keyboard: PageKeyboard, status: Callable[[], Status]) -> None:
        self._setup, self._desk, self.tap, self.keyboard, self._status = setup, desk, tap, keyboard, status
        self.pages = 0
        self._house: dict[str, Any] = {}
        self._looked = float("-inf")
        self._changes: tuple[Changes | None, Any] = (None, None)

    def introduction(self) -> dict[str, Any]:
        """What the server is told first of the page."""
        setup, performance = self._setup, self._desk.performance
        return {
            "listen": setup.listen,
            "port": setup.port,
            "steer": setup.steer,
            "watch": setup.watch,
            "folder": str(setup.folder),
            "inputs": list(setup.inputs),
            "allow": list(setup.allow),
            "hosts": list(setup.hosts),
            "sounds": setup.sounds,
            "channels": [p.improviser.channel for p in performance.performers],
            "zero": performance.clock.zero,
        }

    def bell(self, ring: Callable[[], None]) -> None:
        self.tap.ring = ring

    def take(self) -> list[dict[str, Any]]:
        """Lines to tell now."""
        if not self.tap.on:
            self.tap.take()
            return []
        lines: list[dict[str, Any]] = []
        if self.tap.stirred:
            self.tap.stirred, self._looked = False, float("-inf")
            lines.append({"status": as_json(self._status())})
        if house := self._news():
            lines.append({"house": house})
        if rows := self.tap.take():
            lines.append({"page": rows})
        return lines

    def told(self, line: Mapping[str, Any]) -> None:
        """A line of the server's that is neither a request nor news of its own."""
        if isinstance(pages := line.get("pages"), int):
            self.pages = pages
            if not pages:
                self.keyboard.release()
            self._house = {}
            self.tap.watch(pages > 0)
        elif isinstance(rows := line.get("play"), list):
            self.keyboard.play(rows)

    def answered(self, request: Request) -> None:
        """A request was answered, whoever asked: names may be others now."""
        self.tap.stir()

    def gone(self) -> None:
        """The server has died, and the pages with it."""
        self.pages = 0
        self.tap.watch(False)
        self.keyboard.release()
        self._house = {}

    def _news(self) -> dict[str, Any]:
        """What changes rarely, as far as it is other than what was told."""
        if monotonic() - self._looked < AGAIN:
            return {}
        self._looked = monotonic()
        house = self._look()
        news = {name: value for name, value in house.items() if name not in self._house or value != self._house[name]}
        self._house = house
        return news

    def _look(self) -> dict[str, Any]:
        desk = self._desk
        meter, changes = desk.performance.timekeeper.meter, desk.performance.performers[0].improviser.generator.changes
        if self._changes[0] is not changes or changes is None:
            self._changes = changes, told_changes(changes, meter.metres, self._setup.instrument)
        with desk.binding:
            learning, learned = desk.bindings.learning, desk.bindings.learned
        return {
            "title": self._setup.title,
            "instrument": self._setup.instrument,
            "session": self._setup.session,
            "metre": list(meter.metres.first.metre),
            "bar": meter.metres.first.bar,
            "changes": self._changes[1],
            "presets": sorted(desk.presets()),
            "bookmarks": desk.bookmarks(None),
            "learning": learning or "",
            "learned": [f"{b.kind}{b.number} -> {b.setting or b.action}" for b in learned],
        }


def told_changes(changes: Changes | None, metres: Metres = FOUR, instrument: str = "C") -> dict[str, Any] | None:
    """Changes as JSON takes them, over a song's metres: chords as [position, symbol, root, tones, scale], lines as of a `Chart`.

    instrument: in whose key all is written.
    """
    if changes is None:
        return None
    return {
        "text": written(changes.text, instrument),
        "length": changes.length,
        "loops": changes.loop,
        "lines": [list(line) for line in lines_of(metres, changes.length)],
        "chords": [
            [start, written(str(c), instrument), c.root, sorted(c.tones), sorted(c.scale)]
            for start, c in zip(changes.starts, changes.chords, strict=True)
        ],
    }


def links(setup: PageSetup) -> dict[str, str]:
    """The page's links, to steer and to watch."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(setup.listen, f"[{setup.listen}]" if ":" in setup.listen else setup.listen)
    where = f"http://{host}:{setup.port}/"
    return {"steer": f"{where}#{setup.steer}", "watch": f"{where}#{setup.watch}"}
