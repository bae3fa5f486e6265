"""The local socket: one request a line, one reply a line. Bounded in connections, length of lines, patience."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from improv.control.local_socket import LINE, LocalSocket
from improv.control.requests import Reply, RequestError, read_request
from improv.control.server.server_end import ServerEnd
from improv.core.errors import ImprovError

MOST = 64  # connections at once
IDLE = 300.0  # seconds until a connection that says nothing is closed
RESTED = 1.0  # seconds after which an idle connection makes room for a new one
SLOW = 5.0  # seconds in which a reply must have been read, and a token said
CROWDED = {"ok": False, "busy": True, "error": "too many connections; try again"}


class LocalServer:
    """Serves the connections of a local_socket."""

    def __init__(self, end: ServerEnd, local_socket: LocalSocket) -> None:
        self._end, self._socket = end, local_socket
        self._loop = asyncio.get_running_loop()
        self._open: dict[asyncio.StreamWriter, float | None] = {}  # since when it idles; None: it waits for a reply

    async def start(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, sock=self._socket.sock, limit=LINE)

    async def finish(self) -> None:
        """Let replies that are on their way out leave."""
        for _ in range(20):
            if all(since is not None for since in self._open.values()):
                break
            await asyncio.sleep(0.01)
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._end.counts["connections"] += 1
        if len(self._open) >= MOST and not self._made_room():
            self._end.counts["refused"] += 1
            writer.write(_line(CROWDED))
            writer.close()
            return
        self._open[writer] = self._loop.time()
        writer.transport.set_write_buffer_limits(high=LINE)
        try:
            await self._converse(reader, writer)
        except (OSError, ValueError, TimeoutError):
            pass
        finally:
            self._open.pop(writer, None)
            if writer.transport.get_write_buffer_size():
                self._loop.call_later(SLOW, writer.transport.abort)
            writer.close()

    def _made_room(self) -> bool:
        """Close the connection that has idled longest, if it has for a while: who says nothing can't keep others out."""
        idle = [(since, writer) for writer, since in self._open.items() if since is not None]
        since, writer = min(idle, key=lambda pair: pair[0], default=(None, None))
        if since is None or writer is None or self._loop.time() - since < RESTED:
            return False
        del self._open[writer]
        writer.transport.abort()
        return True

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._socket.token is not None:
            async with asyncio.timeout(SLOW):
                said = await _read_line(reader)
            if said is None or not self._socket.opens_to(said):
                self._end.counts["refused"] += 1
                writer.write(_line({"ok": False, "error": "the first line must be the token of the daemon's file"}))
                return
        while True:
            self._open[writer] = self._loop.time()
            try:
                async with asyncio.timeout(IDLE):
                    said = await _read_line(reader)
            except ValueError:
                writer.write(_line({"ok": False, "error": f"a line of more than {LINE} bytes"}))
                return
            if said is None:
                return
            if not said.strip():
                continue
            self._open[writer] = None
            reply = await self._reply(said, writer)
            writer.write(_line(reply))
            async with asyncio.timeout(SLOW):
                await writer.drain()

    async def _reply(self, said: bytes, who: object) -> Reply:
        try:
            request = read_request(_read_json(said), self._end.performers)
        except ImprovError as e:
            return {"ok": False, "error": str(e)}
        if request["do"] == "status":
            await self._end.settled()
            return self._end.reply_of_status()
        replied: asyncio.Future[Reply] = self._loop.create_future()
        self._end.offer(request, id(who), lambda reply: None if replied.done() else replied.set_result(reply))
        return await replied


async def _read_line(reader: asyncio.StreamReader) -> bytes | None:
    """A line without its end; None where there is no whole one any more. Raises ValueError where it is too long."""
    try:
        return (await reader.readuntil(b"\n"))[:-1]
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as e:
        raise ValueError(str(e)) from None


def _read_json(said: bytes) -> Any:
    """Strict JSON. Raises RequestError."""
    with suppress(ValueError, RecursionError):
        return json.loads(said.decode("utf-8"), parse_constant=_no_constant)
    raise RequestError("not a line of JSON in UTF-8")


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _line(reply: Reply) -> bytes:
    return json.dumps(reply).encode() + b"\n"
