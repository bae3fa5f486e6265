"""One page that is connected: what it is sent, in order and bounded, and what it may send.

News (scenes, notes, lines) is dropped where the page reads too slowly, all of it at once; it gets a whole scene when it reads again.
Replies and pongs are never dropped, since there are no more of them than it asked for; who asks on without reading is shown out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from improv.control.page.doors import May
from improv.control.page.messages import Refused, ToPage, written
from improv.control.requests import Bucket

WAITING = 128  # pieces of news that wait, at most
REPLIES = 1024  # replies and pongs that wait, at most
RATE, BURST = 200.0, 400.0  # messages a second that a page may send


class Guest:
    """number: of the page while it is connected. whole: makes a whole scene, and is told whether something was lost before."""

    def __init__(self, number: int, may: May, socket: ServerConnection, whole: Callable[[bool], str]) -> None:
        self.number, self.may, self.socket = number, may, socket
        self.asked = Bucket(RATE, BURST)
        self.keys: set[int] = set()  # pitches that it holds
        self.pedals: set[int] = set()  # controllers that it has moved from 0
        self.asking = 0  # slow requests under way
        self._whole = whole
        self._news: deque[str] = deque()
        self._replies: deque[str] = deque()
        self._lost = True  # it knows nothing yet
        self._greeted = False
        self._more = asyncio.Event()

    def tell(self, text: str) -> None:
        """A piece of news, as text."""
        if self._lost:
            return
        if len(self._news) >= WAITING:
            self._news.clear()
            self._lost = True
            return
        self._news.append(text)
        self._more.set()

    def lose(self) -> None:
        """It is told a whole scene next, since news was lost on the way."""
        self._news.clear()
        self._lost = True
        self._more.set()

    def reply(self, message: ToPage) -> None:
        if len(self._replies) >= REPLIES:
            self.show_out()
            return
        self._replies.append(written(message))
        self._more.set()

    def show_out(self) -> None:
        """End the connection at once."""
        self.socket.transport.abort()

    async def send(self) -> None:
        """Send what there is, until the connection ends."""
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while self._replies or self._news or self._lost:
                    await self.socket.send(self._next())
        except ConnectionClosed:
            return

    def _next(self) -> str:
        if self._replies:
            return self._replies.popleft()
        if self._news:
            return self._news.popleft()
        lost, self._greeted, self._lost = self._greeted, True, False
        return self._whole(lost)


async def refuse(socket: ServerConnection, why: str, again: bool = False) -> None:
    """Say why, and close."""
    try:
        await socket.send(written(Refused(why, again)))
        await socket.close(1008, why[:100])
    except ConnectionClosed:
        return
