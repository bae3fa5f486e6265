"""`improv jam --web`: the page beside a jam. It loads what a jam without it does not need."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from improv.cli.sessions import default_folder
from improv.cli.steered import KEPT_BARS, Arrival, KeptBars, Served, ToldLog
from improv.control.bindings import Bindings
from improv.control.config.reading import completed
from improv.control.config.tree import RecordConfig, Tables
from improv.control.kept import learned_bindings, page_tokens
from improv.control.page.keyboard import NAME
from improv.control.page.page_end import PageEnd, PageSetup
from improv.control.performance_end import PerformanceEnd
from improv.control.server.process import NO_SOCKET
from improv.control.steering import Steering
from improv.core.events import Event
from improv.perform.performance import Performance
from improv.perform.performing import Chore
from improv.session import Recorder
from improv.session.capture import Capture

LISTEN = "127.0.0.1"


@dataclass(frozen=True)
class JamControl:
    """What is controlled of a jam: the page alone, without a local socket."""

    socket: str = NO_SOCKET


@dataclass(frozen=True)
class JamPerformer:
    name: str


@dataclass(frozen=True)
class JamControlled:
    """A jam as `PerformanceEnd` reads a configuration."""

    control: JamControl
    performers: tuple[JamPerformer, ...]


class Web:
    """The page of a jam. put: takes what is heard. sounds: whether a port leads to a synth. out: where its links are said.

    harmony: whether another port brings chords. arrival: what the ports hand events to. instrument: in whose key the chart is shown.
    """

    def __init__(self, port: int, put: Callable[[Event], None], sounds: bool, out: TextIO, instrument: str = "C", harmony: bool = False):
        self._instrument = instrument
        self.sources = ["in", NAME, *(["harmony"] if harmony else [])]  # by their numbers
        folder = default_folder()
        self.config = completed(Tables(record=RecordConfig(folder=folder)), folder)
        self._bindings, self._binding = Bindings((), self.sources), threading.Lock()
        self._bindings.learned = learned_bindings(folder, _warn)
        self._bindings.replace(())
        self.arrival = Arrival(put, self._bindings, self._binding)
        self._out = out
        self._port, self._tokens, self._sounds = port, page_tokens(folder, _warn), not sounds

    def chores(self, performance: Performance, recorder: Recorder, header: Mapping[str, Any]) -> list[Chore]:
        """The page, joined to a performance that has not begun, and what serves it meanwhile."""
        log = ToldLog(_log)
        capture = Capture(lambda: performance.meter, KEPT_BARS)
        performance.observe(capture)
        last_bars = KeptBars(capture, performance.performers, performance.clock)
        steering = Steering(default_folder() / "improv.toml", self.config, performance, self._bindings, self._binding, last_bars, log)
        self.arrival.steering = steering
        told = JamControlled(JamControl(), tuple(JamPerformer(p.name) for p in performance.performers))
        served = Served(lambda page: _begun(told, steering, log, page, self._out), lambda: recorder.path)
        setup = PageSetup(
            LISTEN,
            self._port,
            *self._tokens,
            self.config.record.folder,
            tuple(self.sources),
            sounds=self._sounds,
            title=str(header.get("title") or ""),
            session=recorder.path.name if recorder.path else "",
            instrument=self._instrument,
        )
        page = served.show(performance, steering, setup, self.arrival)
        log.taps.append(page.tap)
        return [served]


def _begun(told: JamControlled, steering: Steering, log: Callable[..., None], page: PageEnd | None, out: TextIO) -> PerformanceEnd:
    control = PerformanceEnd(told, steering.answer, log, page=page).start()
    threading.Thread(target=_open_when_ready, args=(control, steering.links, log, out), name="browser", daemon=True).start()
    return control


def _open_when_ready(control: PerformanceEnd, links: Mapping[str, str], log: Callable[..., None], out: TextIO) -> None:
    """Say the links once the page is there, and open it in the browser, where there is one."""
    if not control.wait(20.0):
        return
    if control.ready is not None and control.ready.get("page") is None:
        log("is another jam open? With a port of its own this one has a page too: improv jam --web 8421", "notice")
        return
    print(f"the page: {links['steer']}\nto watch only: {links['watch']}", file=out, flush=True)
    if has_browser():
        try:
            webbrowser.open(links["steer"])
        except (OSError, webbrowser.Error) as e:
            log(f"the browser does not open ({e}): open the link yourself", "notice")


def has_browser() -> bool:
    """Whether there is a screen on which a browser could open: one in a terminal would take it from the jam."""
    if os.environ.get("BROWSER"):
        return True
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _warn(text: str) -> None:
    print(f"improv: {text}", file=sys.stderr, flush=True)


def _log(text: str, level: str = "info", **fields: object) -> None:
    print(f"improv: {text}", file=sys.stderr, flush=True)
