"""A whole jam with a page, in its processes: a call on the page's keys is answered, and the page outlives the death of its server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from page_client import PageClient, page
from websockets.exceptions import InvalidMessage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the server in /proc")
PHRASE = (62, 65, 69, 72, 71, 67)


def answers(message: dict[str, Any]) -> bool:
    """Whether notes tell of one of improv's that begins."""
    return any(e["is"] == "on" and not e.get("heard") for e in message.get("events", ()))


def struck(message: dict[str, Any]) -> bool:
    """Whether they tell of a key that goes down."""
    return any(e["is"] == "on" and e.get("heard") for e in message.get("events", ()))


def colder(scene: dict[str, Any]) -> bool:
    return "performers" in scene and scene["performers"]["improv"]["settings"]["temperature"] == 0.7


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@asynccontextmanager
async def jamming(folder: Path, *words: str) -> AsyncIterator[tuple[int, str, str, asyncio.subprocess.Process]]:
    """A jam without MIDI: its port, the tokens to steer and to watch, its process."""
    port = free_port()
    without = {"PATH": "", "DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": "", "JACK_NO_START_SERVER": "1", "JACK_DEFAULT_SERVER": "none"}
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data")} | without
    command = [
        sys.executable,
        "-m",
        "improv",
        "jam",
        "--web",
        str(port),
        "--quiet",
        "--tempo",
        "300",
        "--model",
        "pocket",
        "--seed",
        "7",
        *words,
    ]
    jam = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    assert jam.stdout is not None
    try:
        tokens = []
        while len(tokens) < 2:
            line = (await jam.stdout.readline()).decode()
            assert line, "the jam has ended"
            if "#" in line:
                tokens.append(line.strip().rpartition("#")[2])
        yield port, tokens[0], tokens[1], jam
    finally:
        if jam.returncode is None:
            jam.send_signal(signal.SIGINT)
        await jam.wait()


def server_of(parent: int) -> int:
    """The process id of a jam's server."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                ours = (folder / "stat").read_text().rpartition(")")[2].split()[1] == str(parent)
                if ours and b"improv.control.server.process" in (folder / "cmdline").read_bytes():
                    return int(folder.name)
    raise AssertionError("the jam has no server")


@asynccontextmanager
async def again(port: int, token: str) -> AsyncIterator[PageClient]:
    """A page that tries until it is let in, as a browser's does."""
    while True:
        try:
            async with page(port, token) as client:
                yield client
                return
        except (ConnectionRefusedError, InvalidMessage):  # nobody there, or one who was just killed
            await asyncio.sleep(0.05)


async def clock_of(client: PageClient) -> float:
    """What is added to this process's clock to have the performance's."""
    found = []
    for _ in range(10):
        await client.say("ping", page=perf_counter())
        pong = await client.next("pong")
        now = perf_counter()
        found.append((now - pong["page"], pong["time"] - (now + pong["page"]) / 2))
    return min(found)[1]


async def call(client: PageClient) -> None:
    """Play a phrase, as fast as it goes, stamped as if in time."""
    offset = await clock_of(client)
    for pitch in PHRASE:
        await client.say("on", time=perf_counter() + offset, pitch=pitch, velocity=80)
        await client.next("notes", struck)
        await client.say("off", time=perf_counter() + offset, pitch=pitch)


def test_a_call_on_a_page_is_answered_even_after_its_server_was_killed(tmp_path: Path) -> None:
    async def talk() -> None:
        async with jamming(tmp_path, "--changes", "Dm7 | G7") as (port, steer, watch, jam):
            planned: dict[int, dict[str, Any]] = {}
            async with page(port, steer) as client, page(port, watch) as audience:
                hello = await client.next("hello")
                assert (hello["may"], hello["sounds"]) == ("steer", True)
                assert (await audience.next("hello"))["may"] == "watch"
                await call(client)
                answer = await client.next("notes", answers)
                note = next(e for e in answer["events"] if e["is"] == "on")
                for message in client.got:
                    for plan in message.get("plans", {}).get("improv", ()):
                        planned[plan["id"]] = plan
                plan = planned[note["id"]]  # it was told before it sounded
                assert (plan["pitch"], plan["velocity"]) == (note["pitch"], note["velocity"])
                assert abs(plan["time"] - note["time"]) < 0.002
                await audience.next("notes", answers)
                assert (await client.ask(1, do="set", name="temperature", value=0.7))["ok"] is True
                await client.next("scene", colder)
                await client.say("on", time=0.0, pitch=50, velocity=80)  # held as the server dies
                await client.next("notes", struck)
                os.kill(server_of(jam.pid), signal.SIGKILL)
            async with again(port, steer) as client:
                scene = await client.next("scene", lambda m: m.get("whole", False))
                assert scene["performers"]["improv"]["settings"]["temperature"] == 0.7
                await call(client)
                await client.next("notes", answers)
        (session,) = (tmp_path / "data" / "improv" / "sessions").glob("*.jsonl")
        header, *lines = session.read_text(encoding="utf-8").splitlines()
        assert json.loads(header)["sources"] == ["in", "page"]
        offs = [row for row in map(json.loads, lines) if row.get("heard") == "NoteOff" and row["pitch"] == 50]
        assert len(offs) == 1  # the key that was held came up when its page was gone

    asyncio.run(asyncio.wait_for(talk(), 120))
