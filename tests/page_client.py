"""A page without a browser: what it sends and gets, by its messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

STEER, WATCH = "steer-steer-steer-steer", "watch-watch-watch-watch"


class PageClient:
    """got: all messages that came, in order."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.got: list[dict[str, Any]] = []

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind} | fields))

    async def next(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda message: True) -> dict[str, Any]:
        """The next message of a kind that fits; those before it are in `got`."""
        while True:
            message: dict[str, Any] = json.loads(await self.socket.recv())
            self.got.append(message)
            if message["type"] == kind and fits(message):
                return message

    async def ask(self, number: int, **request: Any) -> dict[str, Any]:
        await self.say("ask", id=number, request=request)
        return await self.next("reply", lambda m: m["id"] == number)


@asynccontextmanager
async def page(port: int, token: str | None = STEER, host: str = "127.0.0.1", **more: Any) -> AsyncIterator[PageClient]:
    """A page that has opened its socket, and has joined if a token is given."""
    more.setdefault("origin", f"http://{host}:{port}")
    async with connect(f"ws://{host}:{port}/socket", compression=None, max_size=2**24, **more) as socket:
        client = PageClient(socket)
        if token is not None:
            await client.say("join", token=token)
        yield client


async def fetch(port: int, head: str, end: str = "\n\n") -> bytes:
    """An HTTP response, to a head as it is; nothing, where the door is shut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write((head + end).replace("\n", "\r\n").encode())
    try:
        return await reader.read()
    except ConnectionResetError:  # shown out before it was heard
        return b""
    finally:
        writer.close()
