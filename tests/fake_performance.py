"""A performance that only replies: the other end of the server's pipe, and words to talk with the server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from improv.control.server.process import serve
from improv.control.status import InputStatus, Lateness, LatenessHistogram, PerformerStatus, Status, as_json

STATUS = Status(
    since="2026-11-18T14:26:40+00:00",
    time=12.5,
    tempo=132.0,
    bar=3,
    beat=2.5,
    position=9.5,
    clock="internal",
    running=True,
    heard=40,
    played=30,
    filled=1,
    reconnects=2,
    sounding=1,
    step_us=117.0,
    session="sessions/2026-11-21T20-15.jsonl",
    priority="SCHED_FIFO 60",
    lateness_ms=Lateness(0.1, 0.4, 1.25, 3.0, 0.3),
    lateness_histogram=LatenessHistogram((0.5, 1.0), (20, 8, 2), 21.5),
    performers={
        "left": PerformerStatus("trade", "jazz", 1.1, "FLUID", quoted=0.27, longest_quote=13, surprise_bits=4.25),
        "right": PerformerStatus("comp", "pocket", 0.9, "Synth", False, settings={"mode": "comp", "temperature": 0.9}),
    },
    inputs={"keys": InputStatus("Keystation", False)},
)


class FakePerformance:
    """asked: all requests that came. path: of the local socket. ready: what the server listens on; said: all else that it told."""

    def __init__(self, path: Path, answer: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        self.path, self.answer = path, answer
        self.asked: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.ready: dict[str, Any] = {}
        self.settled, self.writer = asyncio.Event(), None

    def tell(self, told: dict[str, Any]) -> None:
        assert self.writer is not None
        self.writer.write(json.dumps(told).encode() + b"\n")

    async def converse(self, reader: asyncio.StreamReader, writer: Any) -> None:
        self.writer = writer
        while line := await reader.readline():
            told = json.loads(line)
            if "request" in told:
                self.asked.append(told["request"])
                if (reply := self.answer(told["request"])) is not None:
                    self.tell({"id": told["id"], "reply": reply})
            else:
                self.said.append(told)
                self.ready |= told.get("ready", {})
                if "ready" in told or "refused" in told:
                    self.settled.set()


def agree(request: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "text": f"{request['do']} it is"}


@asynccontextmanager
async def performing(
    folder: Path, answer: Callable[[dict[str, Any]], dict[str, Any] | None] = agree, page: dict[str, Any] | None = None, **control: Any
) -> AsyncIterator[FakePerformance]:
    """A server and its performance, until the block is left; then the pipe is closed and the server must have ended well."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    server = asyncio.create_task(serve(theirs))
    reader, writer = await asyncio.open_connection(sock=ours)
    fake = FakePerformance(folder / "control.sock", answer)
    talk = asyncio.create_task(fake.converse(reader, writer))
    first = {"control": {"socket": str(fake.path)} | control, "performers": ["left", "right"], "page": page}
    writer.write(json.dumps(first).encode() + b"\n")
    await asyncio.wait_for(fake.settled.wait(), 10)
    fake.tell({"status": as_json(STATUS)})
    try:
        yield fake
        assert not server.done() or not fake.ready
    finally:
        writer.close()
        assert await asyncio.wait_for(server, 10) == (0 if fake.ready else 2)
        talk.cancel()
        await asyncio.gather(talk, return_exceptions=True)
    assert not fake.path.exists()


async def says(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    """Say lines over the local socket, then nothing more; all replies."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.writelines(lines)
    writer.write_eof()
    replies = (await reader.read()).splitlines()
    writer.close()
    return [json.loads(r) for r in replies]


async def asks(path: Path, **request: Any) -> dict[str, Any]:
    """One request, one reply."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(json.dumps(request).encode() + b"\n")
    reply: dict[str, Any] = json.loads(await reader.readline())
    writer.close()
    return reply


class Phone(asyncio.DatagramProtocol):
    """An OSC sender; heard: the packets that came back."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, packet: bytes, sender: Any) -> None:
        self.heard.put_nowait(packet)


@asynccontextmanager
async def phone(port: int) -> AsyncIterator[tuple[Phone, asyncio.DatagramTransport]]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Phone, remote_addr=("127.0.0.1", port))
    try:
        yield protocol, transport
    finally:
        transport.close()
