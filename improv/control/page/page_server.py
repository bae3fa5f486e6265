"""The page's server: static files over HTTP, and a socket a page, both on one port, by `websockets`.

Nobody is believed: address, Host and Origin are looked at before anything is served, the token before anything is told; messages are
checked by their schema, and bounded in size, in number and in rate. What a page may ask for are the commands with the way PAGE.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from socket import SO_SNDBUF, SOL_SOCKET
from time import perf_counter
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from improv import __version__
from improv.control.page import asking
from improv.control.page.connection import Guest, refuse
from improv.control.page.doors import Doors, read_doors
from improv.control.page.files import Answer, answer, plain, static_files
from improv.control.page.hub import Hub
from improv.control.page.messages import NO_MESSAGE, VERSION, Control, FromPage, Hello, Join, Off, On, Ping, Pong, read_message
from improv.control.page.table import command_infos, setting_infos
from improv.control.server.server_end import ServerEnd
from improv.core.settings import GROUPS

SOCKET = "/socket"
MOST = 64  # connections at once, whatever they are for
MOST_PAGES = 32  # pages at once
KERNEL = 2**16  # bytes on their way to a page that the system keeps
SIZE = 2**17  # bytes of a message: changes of 20,000 characters
JOINING = 5.0  # seconds in which the request, and then the token, must have come
ALIVE = 20.0  # seconds between two looks whether a page is still there, and for which an answer is waited for


class PageServer:
    """section: what `page_end` tells first of the page."""

    def __init__(self, end: ServerEnd, section: Mapping[str, Any]) -> None:
        self._end = end
        self._doors: Doors = read_doors(section)
        self._zero, self._folder = float(section["zero"]), Path(section["folder"])
        self._sounds = bool(section.get("sounds", True))
        self._files = static_files()
        self.hub = Hub(end, [str(n) for n in section["inputs"]], [int(c) for c in section["channels"]], self._now)
        self._connections = 0
        self._number = 0

    def _now(self) -> float:
        return perf_counter() - self._zero

    async def start(self, listen: str, port: int) -> tuple[int, Callable[[], None]]:
        """Serve there. Returns the port, and what ends it. Raises OSError."""
        logger = logging.getLogger("improv.page")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False  # what a stranger sends is nothing to say on the terminal
        server = await serve(
            self._serve,
            listen,
            port,
            process_request=self._request,
            create_connection=self._counted(),
            compression=None,
            max_size=SIZE,
            max_queue=32,
            open_timeout=JOINING,
            ping_interval=ALIVE,
            ping_timeout=ALIVE,
            close_timeout=1.0,
            server_header=None,
            logger=logger,
        )

        def close() -> None:
            self.hub.close()
            for guest in list(self.hub.guests.values()):
                guest.show_out()
            server.close(close_connections=False)

        return next(iter(server.sockets)).getsockname()[1], close

    def _counted(self) -> type[ServerConnection]:
        """A connection that counts itself, and is cut off where there are too many, or where it comes from where none may."""
        page = self

        class Counted(ServerConnection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                page._connections += 1
                super().connection_made(transport)
                wire = transport.get_extra_info("socket")
                with suppress(OSError):
                    wire.setsockopt(SOL_SOCKET, SO_SNDBUF, KERNEL)  # what waits there is news of yesterday
                address = (transport.get_extra_info("peername") or ("",))[0]
                if page._connections > MOST or not page._doors.let_in(str(address)):
                    page._end.counts["refused"] += 1
                    self.transport.abort()

            def connection_lost(self, exc: Exception | None) -> None:
                page._connections -= 1
                super().connection_lost(exc)

        return Counted

    # HTTP

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        """A file, a refusal; or None, and the socket is opened."""
        host = _one(request.headers, "Host")
        if not self._doors.knows(host):
            self._end.counts["refused"] += 1
            return _response(plain(HTTPStatus.MISDIRECTED_REQUEST, "not a name of this machine; add it to `hosts` under [control.panel]\n"))
        if request.method != "GET":
            return _response(plain(HTTPStatus.METHOD_NOT_ALLOWED, "GET\n"))
        if request.path.partition("?")[0] != SOCKET:
            return _response(answer(self._files, request.path, _one(request.headers, "If-None-Match")))
        if not self._doors.is_ours(_one(request.headers, "Origin"), host):
            self._end.counts["refused"] += 1
            return _response(plain(HTTPStatus.FORBIDDEN, "only the page that is served here may open its socket\n"))
        return None

    # The socket

    async def _serve(self, socket: ServerConnection) -> None:
        guest = await self._joined(socket)
        if guest is None:
            return
        sending = asyncio.create_task(guest.send())
        try:
            self._greet(guest)
            self.hub.enter(guest)
            async for said in socket:
                if not guest.asked.passes(asyncio.get_running_loop().time()):
                    self._end.counts["refused"] += 1
                    return await refuse(socket, "too many messages")
                try:
                    message = read_message(said)
                except NO_MESSAGE as e:
                    self._end.counts["refused"] += 1
                    return await refuse(socket, f"not a message of version {VERSION}: {e}")
                self._take(guest, message)
        except ConnectionClosed:
            pass
        finally:
            self.hub.leave(guest)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

    async def _joined(self, socket: ServerConnection) -> Guest | None:
        """A page that has said its token; None: it has not, and is gone."""
        self._end.counts["connections"] += 1
        try:
            async with asyncio.timeout(JOINING):
                message = read_message(await socket.recv())
        except (TimeoutError, ConnectionClosed, *NO_MESSAGE):
            message = None
        may = self._doors.may(message.token) if isinstance(message, Join) else None
        if may is None or not isinstance(message, Join):
            self._end.counts["refused"] += 1
            await refuse(socket, "the link has no token that is known here; take the link that improv prints (`improv ctl page`)")
            return None
        if message.version != VERSION:
            await refuse(socket, f"this page is of version {message.version}, improv of {VERSION}: reload the page")
            return None
        if len(self.hub.guests) >= MOST_PAGES:
            self._end.counts["refused"] += 1
            await refuse(socket, f"{MOST_PAGES} pages are open already; close one", again=True)
            return None
        self._number += 1
        return Guest(self._number, may, socket, self.hub.whole)

    def _greet(self, guest: Guest) -> None:
        steers = guest.may == "steer"
        guest.reply(
            Hello(
                guest.number,
                guest.may,
                __version__,
                self._now(),
                sounds=self._sounds,
                settings=setting_infos() if steers else (),
                groups=dict(GROUPS),
                commands=command_infos() if steers else (),
            )
        )

    def _take(self, guest: Guest, message: FromPage) -> None:
        """A message of a page that has joined."""
        if isinstance(message, Ping):
            guest.reply(Pong(message.page, self._now()))
        elif isinstance(message, On | Off | Control):
            if guest.may == "steer":
                self._play(guest, message)
        elif not isinstance(message, Join):
            asking.take(self._end, self.hub, self._folder, guest, message)

    def _play(self, guest: Guest, message: On | Off | Control) -> None:
        """A key of a page's. One that two pages hold comes up with the last of them."""
        hub = self.hub
        if isinstance(message, On):
            hub.struck(guest, message.pitch)
            hub.play([["on", message.time, message.pitch, message.velocity]])
        elif isinstance(message, Off):
            if message.pitch in guest.keys:
                guest.keys.discard(message.pitch)
                if not hub.held_by_others(guest, message.pitch):
                    hub.play([["off", message.time, message.pitch]])
        else:
            (guest.pedals.add if message.value else guest.pedals.discard)(message.control)
            hub.play([["cc", message.time, message.control, message.value]])


def _one(headers: Headers, name: str) -> str | None:
    """A header's value where it is said once."""
    found = headers.get_all(name)
    return found[0] if len(found) == 1 else None


def _response(told: Answer) -> Response:
    headers = Headers(told.headers)
    headers["Date"] = formatdate(usegmt=True)
    headers["Connection"] = "close"
    if told.status is not HTTPStatus.NOT_MODIFIED:
        headers["Content-Length"] = str(len(told.body))
    return Response(told.status.value, told.status.phrase, headers, told.body)
