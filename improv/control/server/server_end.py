"""The server's end of the pipe to the performance: requests down, replies and the status up. When it ends, the server ends.

Lines of JSON. Up, first: {"control": {...}, "performers": [...]}; then {"id", "reply"} and {"status"}. Down: {"id", "request"},
{"ready": {...}}, {"refused": "why"}, {"log": "text"}. What else goes up and down for the page is told in `page.page_end`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from typing import Any

from improv.control.commands import Request
from improv.control.requests import Bucket, Reply, RequestQueue, Then
from improv.control.status import Status, as_json, read_status

IN_FLIGHT = 64  # requests that the performance has and has not replied to, at most
PATIENCE = 10.0  # seconds until a request is given up
TAKEN_UP, FRESH = 0.1, 1.2  # seconds until the performance has done what it said it would; until a status is given up that knows of it
FULL = {"ok": False, "busy": True, "error": "too many requests at once; try again"}
SILENT = {"ok": False, "error": "the performance does not reply"}


class ServerEnd:
    """counts: by the names of `metrics.CONTROL`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._loop = asyncio.get_running_loop()
        self.performers: list[str] = []
        self.status: Status | None = None
        self.counts: Counter[str] = Counter()
        self.queue = RequestQueue()
        self.listeners: list[Callable[[Mapping[str, Any]], None]] = []  # of all that the performance tells
        self._told: float | None = None  # when the status came
        self._acted: float | None = None  # when a request was last replied to, so that the status may have changed
        self._news = asyncio.Event()  # a status came
        self._flying: dict[int, tuple[list[Then], float]] = {}
        self._number = 0
        self._more = asyncio.Event()
        self._talk = Bucket(0.5, 20)

    @property
    def age(self) -> float | None:
        """Seconds since the status came."""
        return None if self._told is None else self._loop.time() - self._told

    def offer(self, request: Request, who: Hashable, then: Then) -> None:
        """Hand a request, read by `read_request`, to the performance in its turn; then: takes the reply, once, maybe at once."""
        if self.queue.offer(request, who, then):
            self._more.set()
        else:
            then(dict(FULL))

    async def settled(self) -> None:
        """Wait until a status has come that knows what was last asked for; not for long, and not where nothing was asked for."""
        until = self._loop.time() + FRESH
        while self._acted is not None and (self._told is None or self._told < self._acted + TAKEN_UP) and self._loop.time() < until:
            self._news.clear()
            await _set_within(self._news, until - self._loop.time())

    def reply_of_status(self) -> Reply:
        """The latest status. The performance is not asked."""
        if self.status is None:
            return {"ok": False, "busy": True, "error": "the performance has not told its status yet"}
        counts = dict(self.all_counts())
        return {"ok": True, "status": as_json(self.status), "age": round(self.age or 0.0, 3), "control": counts}

    def all_counts(self) -> Counter[str]:
        """What was counted, here and in the waiting line."""
        return self.counts + Counter(replaced=self.queue.replaced, requests_dropped=self.queue.dropped)

    def say(self, text: str) -> None:
        """Into the daemon's log; where it gets too much, nothing."""
        if self._talk.passes(self._loop.time()):
            self.tell({"log": text[:1000]})

    def tell(self, line: dict[str, Any]) -> None:
        """Write a line down the pipe; nothing where it is clogged."""
        if not self._writer.is_closing() and self._writer.transport.get_write_buffer_size() < 2**20:
            self._writer.write(json.dumps(line).encode() + b"\n")

    async def run(self) -> None:
        """Until the pipe ends."""
        tasks = [asyncio.create_task(part) for part in (self._read(), self._send(), self._give_up())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for number in list(self._flying):
                self._replied(number, {"ok": False, "error": "the performance has ended"})
            self._writer.close()

    async def _read(self) -> None:
        while True:
            try:
                line = await self._reader.readline()
            except (ValueError, OSError):  # longer than any line of ours
                return
            if not line.endswith(b"\n"):
                return
            try:
                told = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if not isinstance(told, dict):
                continue
            if isinstance(told.get("status"), dict):
                self.status, self._told = read_status(told["status"]), self._loop.time()
                self._news.set()
            elif isinstance(told.get("reply"), dict):
                self._replied(told.get("id"), told["reply"])
            for listener in self.listeners:
                listener(told)

    def _replied(self, number: object, reply: Reply) -> None:
        thens, _ = self._flying.pop(number, ((), 0.0)) if isinstance(number, int) else ((), 0.0)
        self._more.set()
        self._acted = self._loop.time()
        for then in thens:
            then(reply)

    async def _send(self) -> None:
        while True:
            self._more.clear()
            wait = self.queue.wait(self._loop.time()) if len(self._flying) < IN_FLIGHT else None
            if wait is None or wait > 0:
                await _set_within(self._more, wait)
                continue
            taken = self.queue.take(self._loop.time())
            if taken is None:
                continue
            request, thens = taken
            self._number += 1
            self._flying[self._number] = (thens, self._loop.time() + PATIENCE)
            self.counts["requests"] += 1
            self._writer.write(json.dumps({"id": self._number, "request": request}).encode() + b"\n")
            try:
                await self._writer.drain()
            except OSError:
                return

    async def _give_up(self) -> None:
        """Requests that the performance does not reply to don't hold up others for ever."""
        while True:
            await asyncio.sleep(PATIENCE / 10)
            for number, (_, until) in list(self._flying.items()):
                if self._loop.time() >= until:
                    self._replied(number, dict(SILENT))


async def _set_within(event: asyncio.Event, seconds: float | None) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
