"""The performance's end: begins the server, answers its requests, and begins it again when it dies. The music never waits for it.

One thread, asleep unless something is asked or told.
"""

from __future__ import annotations

import json
import random
import selectors
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from improv.control.lines import line_of
from improv.control.status import Status, as_json
from improv.core.errors import ImprovError

if TYPE_CHECKING:
    from improv.control.surprises import SurpriseTap

LINE = 65536  # bytes of a line, at most, both ways
BACKOFF = (0.5, 30.0)  # seconds until a dead server is begun again: at first, and at the most
LIVED = 60.0  # seconds after which a server was a good one
CLOGGED = 2**20  # bytes that wait to be told, from which on news of the page is left out
END = 2.0  # seconds that a server has to end
COMMAND = (sys.executable, "-m", "improv.control.server.process")


class Named(Protocol):
    @property
    def name(self) -> str: ...


class Configured(Protocol):
    """What is read of a configuration: `control`, with socket, osc and metrics, and the performers' names."""

    @property
    def control(self) -> Any: ...
    @property
    def performers(self) -> Sequence[Named]: ...


class ServedPage(Protocol):
    """What is told of the page, and what comes from it; all in the thread of `PerformanceEnd`. See `page.page_end`."""

    def introduction(self) -> dict[str, Any]:
        """What the server is told first of it."""

    def bell(self, ring: Callable[[], None]) -> None:
        """ring: to be called, from any thread, when there is something to take."""

    def take(self) -> list[dict[str, Any]]:
        """Lines to tell now."""

    def told(self, line: Mapping[str, Any]) -> None:
        """A line of the server's for it."""

    def answered(self, request: dict[str, Any]) -> None:
        """A request was answered."""

    def gone(self) -> None:
        """The server has ended."""


class PerformanceEnd:
    """answer: gets each request in the thread of this, and gives the reply. log: gets lines for people, there too.
    page: what is told of the page, if there is one. surprises: what is told of the notes, if somebody asked for it.

    refused: why the server will not start, where it won't; None otherwise. socket: where it listens, once it does.
    """

    def __init__(
        self,
        config: Configured,
        answer: Callable[[dict[str, Any]], dict[str, Any]],
        log: Callable[[str], None],
        backoff: tuple[float, float] = BACKOFF,
        command: Sequence[str] = COMMAND,
        page: ServedPage | None = None,
        surprises: SurpriseTap | None = None,
    ) -> None:
        self._answer, self._log, self._page, self._surprises = answer, log, page, surprises
        self._first = self._introduction(config)
        self._backoff, self._command = backoff, command
        self._statuses: deque[Status] = deque(maxlen=1)  # the latest, until it is told
        self._over = self._renewed = False
        self._bell, self._rung = socket.socketpair()
        self._bell.setblocking(False)
        self._rung.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self._settled = threading.Event()
        self._told_last = ""
        self.refused: str | None = None
        self.socket: str | None = None
        self.ready: dict[str, Any] | None = None
        self.restarts = 0
        self.child: int | None = None  # the server's process id
        if page:
            page.bell(self._ring)
        if surprises:
            surprises.ring = self._ring

    def start(self) -> PerformanceEnd:
        self._thread.start()
        return self

    def __enter__(self) -> PerformanceEnd:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, seconds: float) -> bool:
        """Wait until the server listens or has refused; whether it listens."""
        self._settled.wait(seconds)
        return self.ready is not None

    def status(self, status: Status) -> None:
        """Hand over the latest status. Never waits; a later one takes an earlier one's place."""
        self._statuses.append(status)
        self._ring()

    def renew(self, config: Configured) -> None:
        """A new configuration: if it changes anything here, the server is begun again with it, replies under way first."""
        first = self._introduction(config)
        if first != self._first:
            self._first, self._renewed = first, True
            self._ring()

    def close(self) -> None:
        """End the server and the thread."""
        self._over = True
        self._ring()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(2 * END)
        if not self._thread.is_alive():
            self._bell.close()
            self._rung.close()

    def _introduction(self, config: Configured) -> dict[str, Any]:
        return introduction(config) | ({"page": self._page.introduction()} if self._page else {})

    def _ring(self) -> None:
        with suppress(OSError):  # full: it is rung already; closed: it is over
            self._bell.send(b"!")

    def _run(self) -> None:
        pause = self._backoff[0]
        while not self._over:
            began = monotonic()
            self._renewed = False
            try:
                self._live()
            except OSError as e:  # no process, no descriptor: later perhaps
                self._log(f"control: the control server does not start: {e}")
            self.ready, self.child = None, None
            if self._page:
                self._page.gone()
            if self._over:
                return
            if self._renewed:
                pause = self._backoff[0]
                continue
            pause = self._backoff[0] if monotonic() - began > LIVED else pause
            if self.refused is None:
                self._log(f"control: the control server has ended; the music goes on, and a new server starts in {pause:.1f} s")
            self._rest(pause if self.refused is None else self._backoff[1])
            pause = min(2 * pause, self._backoff[1]) * random.uniform(0.9, 1.0)
            self.restarts += 1

    def _rest(self, seconds: float) -> None:
        """Wait, unless it is over or all is new."""
        until = monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._rung, selectors.EVENT_READ)
            while not self._over and not self._renewed and (left := until - monotonic()) > 0:
                if selector.select(left):
                    self._hush()

    def _hush(self) -> None:
        with suppress(BlockingIOError):
            self._rung.recv(LINE)

    def _live(self) -> None:
        """One server, from its beginning to its end."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                child = begin(self._command, theirs)
            self.child = child.pid
            try:
                ours.setblocking(False)
                with selectors.DefaultSelector() as selector:
                    self._converse(ours, selector)
            finally:
                ours.close()
                try:
                    child.wait(END)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()

    def _converse(self, ours: socket.socket, selector: selectors.BaseSelector) -> None:
        selector.register(self._rung, selectors.EVENT_READ)
        selector.register(ours, selectors.EVENT_READ)
        out, heard = bytearray(line_of(self._first)), bytearray()
        while not self._over and not (self._renewed and not out):
            selector.modify(ours, selectors.EVENT_READ | (selectors.EVENT_WRITE if out or self._statuses else 0))
            for key, events in selector.select():
                if key.fileobj is self._rung:
                    self._hush()
                elif events & selectors.EVENT_READ and not self._heard(ours, heard, out):
                    return
            if self._statuses and not out:
                out += self._written({"status": as_json(self._statuses.popleft())})
            if self._surprises and (rows := self._surprises.take()) and len(out) < CLOGGED:
                out += line_of({"surprise": rows})
            if self._page and len(out) < CLOGGED:
                for news in self._page.take():
                    out += line_of(news)
            if out:
                try:
                    del out[: ours.send(out)]
                except BlockingIOError:
                    pass
                except OSError:
                    return

    def _heard(self, ours: socket.socket, heard: bytearray, out: bytearray) -> bool:
        """Take in what came, and append the replies; False: the server is gone, or talks nonsense."""
        try:
            more = ours.recv(LINE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        heard += more
        *lines, rest = heard.split(b"\n")
        heard[:] = rest
        for line in lines:
            try:
                told = json.loads(line)
            except (ValueError, RecursionError):
                return False
            if "request" in told:
                out += self._written({"id": told.get("id"), "reply": self._reply(told["request"])})
                if self._page:
                    self._page.answered(told["request"])
            elif self._page and ("play" in told or "pages" in told):
                self._page.told(told)
            else:
                self._noted(told)
        return bool(more) and len(rest) <= LINE

    def _reply(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._answer(request)
        except ImprovError as e:
            return {"ok": False, "error": str(e)}
        except Exception as e:  # the thread must live on
            self._log(f"control: internal error at {request.get('do')}: {e!r}")
            return {"ok": False, "error": f"internal error: {type(e).__name__}; see the daemon's log"}

    def _written(self, told: dict[str, Any]) -> bytes:
        """A line; where it can't be written, the reply says so and a status is left out, which the log tells once."""
        try:
            line = line_of(told)
            if len(line) <= LINE:
                return line
            why = "too long for a line"
        except (TypeError, ValueError) as e:
            why = f"not to be written as JSON: {e}"
        text = f"control: a {'reply' if 'reply' in told else 'status'} is {why}"
        if text != self._told_last:
            self._log(text)
        self._told_last = text
        return line_of({"id": told["id"], "reply": {"ok": False, "error": why}}) if "reply" in told else b""

    def _noted(self, told: dict[str, Any]) -> None:
        if isinstance(ready := told.get("ready"), dict):
            self.ready, self.refused, self.socket = ready, None, ready.get("socket")
            self._settled.set()
        elif (why := told.get("refused")) is not None:
            if why != self.refused:
                self._log(f"control: {why}")
            self.refused = str(why)
            self._settled.set()
        elif isinstance(text := told.get("log"), str):
            self._log(text)


def introduction(config: Configured) -> dict[str, Any]:
    """The first line to the server."""
    return {
        "control": _section(config.control),
        "performers": [p.name for p in config.performers],
    }


def _section(section: Any) -> Any:
    """A section of the configuration as JSON takes it."""
    if section is None or isinstance(section, str | int):
        return section
    if isinstance(section, Path):
        return str(section)
    if isinstance(section, tuple):
        return list(section)
    names = ("socket", "osc", "metrics", "listen", "port", "secret", "allow", "surprise")
    return {name: _section(getattr(section, name)) for name in names if hasattr(section, name)}


def begin(command: Sequence[str], theirs: socket.socket) -> subprocess.Popen[bytes]:
    """The server as a process of its own session: no signal of the terminal reaches it. Its standard input is its end of the pair."""
    if sys.platform == "win32":
        import base64

        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, creationflags=flags)
        assert child.stdin is not None
        with child.stdin as way:
            way.write(base64.b64encode(theirs.share(child.pid)) + b"\n")
        return child
    return subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, start_new_session=True)
