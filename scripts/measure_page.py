"""How late a jam's notes are with a page open and without, in one run, alternately: nothing may be lost to whoever looks on.

    python scripts/measure_page.py --rounds 4 --seconds 30

Starts `improv jam --web` in mode solo, without MIDI; a page that reads all of it comes and goes. Also told: how long a note takes from
the moment it is handed over to the page (on this machine, without a browser), and how far ahead and how exactly it was planned.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from websockets.asyncio.client import ClientConnection, connect


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4, help="how often without and with a page (default: 4)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each (default: 30)")
    parser.add_argument("--pages", type=int, default=1, help="pages that are open at once (default: 1)")
    parser.add_argument("--mode", default="solo")
    args = parser.parse_args()
    asyncio.run(measure(args))


async def measure(args: argparse.Namespace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        words = ["jam", "--web", str(port), "--quiet", "--tempo", "200", "--mode", args.mode, "--changes", "Dm7 | G7 | Cmaj7 | A7"]
        environment = os.environ | {"XDG_DATA_HOME": folder, "DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""}
        jam = await asyncio.create_subprocess_exec(sys.executable, "-m", "improv", *words, env=environment, stdout=asyncio.subprocess.PIPE)
        assert jam.stdout
        token = ""
        while not token:
            line = (await jam.stdout.readline()).decode().strip()
            token = line.rpartition("#")[2] if "#" in line else ""
        spans, seen = [], Seen()
        async with opened(port, token) as first:
            await first.send(json.dumps({"type": "ask", "id": 1, "request": {"do": "play"}}))
            zero = await clock_of(first)
        for _ in range(args.rounds):
            for pages in (0, args.pages):
                start = perf_counter() + zero
                await asyncio.gather(*(look(port, token, zero, args.seconds, seen) for _ in range(pages)), asyncio.sleep(args.seconds))
                spans.append((pages, start, perf_counter() + zero))
        jam.send_signal(2)
        await jam.communicate()
        (session,) = (Path(folder) / "improv" / "sessions").glob("*.jsonl")
        rows = list(map(json.loads, session.read_text().splitlines()[1:]))
        late = [(r["time"], r["late"]) for r in rows if r.get("played") == "NoteOn"]
        lost = [r["time"] for r in rows if r.get("dropped") == "NoteOn"]
    for pages in (0, args.pages):
        found_late = [1000 * x for t, x in late for n, a, b in spans if n == pages and a <= t < b]
        dropped = sum(a <= t < b for t in lost for n, a, b in spans if n == pages)
        print(f"{pages} pages open: {told(found_late)}; {dropped} dropped as too late")
    print(f"from the moment of a note to the page: {told(seen.late)}")
    print(f"planned ahead: {told(seen.ahead)}; off the plan: {told(seen.off)}; unplanned: {seen.unplanned}")


class Seen:
    """In ms: how late notes came to the page, how far ahead they were planned, how far off their plan they were."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.ahead: list[float] = []
        self.off: list[float] = []
        self.unplanned = 0


async def look(port: int, token: str, zero: float, seconds: float, seen: Seen) -> None:
    plans: dict[int, tuple[float, float]] = {}
    async with opened(port, token) as page:
        try:
            async with asyncio.timeout(seconds):
                async for text in page:
                    now, message = perf_counter() + zero, json.loads(text)
                    for event in message.get("events", ()):
                        if event["is"] == "on" and not event.get("heard"):
                            seen.late.append(1000 * (now - event["time"]))
                            if event["id"] in plans:
                                time, told_at = plans[event["id"]]
                                seen.ahead.append(1000 * (time - told_at))
                                seen.off.append(1000 * abs(event["time"] - time))
                            else:
                                seen.unplanned += 1
                    for plan in message.get("plans", {}).get("improv", ()):
                        plans.setdefault(plan["id"], (plan["time"], now))
                        plans[plan["id"]] = plan["time"], plans[plan["id"]][1]
        except TimeoutError:
            return


@asynccontextmanager
async def opened(port: int, token: str) -> AsyncIterator[ClientConnection]:
    """A page that has joined."""
    origin: Any = f"http://127.0.0.1:{port}"
    async with connect(f"ws://127.0.0.1:{port}/socket", origin=origin, compression=None, max_size=2**24) as page:
        await page.send(json.dumps({"type": "join", "token": token}))
        yield page


async def clock_of(page: ClientConnection) -> float:
    found = []
    for _ in range(30):
        await page.send(json.dumps({"type": "ping", "page": perf_counter()}))
        async for text in page:
            pong = json.loads(text)
            if pong["type"] == "pong":
                now = perf_counter()
                found.append((now - pong["page"], pong["time"] - (now + pong["page"]) / 2))
                break
    return min(found)[1]


def told(ms: list[float]) -> str:
    if len(ms) < 2:
        return f"{len(ms)} notes"
    cuts = statistics.quantiles(ms, n=100)
    return f"{len(ms)} notes, p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms, most {max(ms):.2f} ms"


if __name__ == "__main__":
    main()
