"""Storm the control server: connections at once and in a row, OSC packets of garbage, a fader that never rests. What was lost?

    python scripts/control_flood.py [--connections 10000] [--packets 100000]

It begins the server as the daemon does, with a performance that only replies, and prints what it saw: how long `status` took
through a new connection during each storm, descriptors and memory of the server before and after, and whether it lived.
Linux alone: descriptors and memory are read from /proc.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from improv.control import local_socket as place
from improv.control.performance_end import PerformanceEnd
from improv.control.server.osc import write_message


@dataclass(frozen=True, slots=True)
class Post:
    listen: str
    port: int


@dataclass(frozen=True, slots=True)
class Section:
    socket: Path
    osc: Post
    metrics: Post | None = None


@dataclass(frozen=True, slots=True)
class Performer:
    name: str


@dataclass(frozen=True, slots=True)
class Config:
    control: Section
    performers: tuple[Performer, ...] = (Performer("left"),)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--packets", type=int, default=100_000)
    args = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asked: list[dict[str, Any]] = []

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return {"ok": True}

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "control.sock"
        with PerformanceEnd(Config(Section(path, Post("127.0.0.1", 0))), answer, lambda text: print("log:", text)) as control:
            if not control.wait(10) or control.ready is None or control.child is None:
                raise SystemExit("the server does not start")
            control.status({"bar": 1})
            child, port = control.child, control.ready["osc"]
            print(f"before: {seen(child)}")
            for name, storm in (
                (f"{args.connections} connections at once, silent", lambda: at_once(path, args.connections)),
                (f"{args.connections} connections in a row", lambda: in_a_row(path, args.connections)),
                (f"{args.packets} packets of garbage over OSC", lambda: garbage(port, args.packets)),
                (f"{args.packets} values of one setting over OSC", lambda: fader(port, args.packets)),
            ):
                before = len(asked)
                took, worst = during(path, storm)
                print(f"{name}: {took:.1f} s; status took {worst * 1000:.0f} ms at worst; {len(asked) - before} requests got through")
            print(f"after: {seen(child)}; same server: {control.child == child}; {ask(path, 'status').get('control')}")


def seen(child: int) -> str:
    """The server's descriptors and memory."""
    kib = next(line.split()[1] for line in Path(f"/proc/{child}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return f"{len(os.listdir(f'/proc/{child}/fd'))} descriptors, {int(kib) / 1024:.1f} MiB"


def ask(path: Path, do: str) -> dict[str, Any]:
    """One request; asked again where there is no room, as `improv ctl` does."""
    while True:
        with suppress(OSError), place.connect(path, 10) as sock:
            reply = place.converse(sock, {"do": do})
            if not reply.get("busy"):
                return reply
        time.sleep(0.01)


def during(path: Path, storm: Callable[[], None]) -> tuple[float, float]:
    """How long the storm was, and how long `status` took at worst meanwhile, in seconds."""
    over, worst = threading.Event(), [0.0]

    def watch() -> None:
        while not over.is_set():
            began = time.perf_counter()
            ask(path, "status")
            worst[0] = max(worst[0], time.perf_counter() - began)
            over.wait(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    try:
        storm()
    finally:
        took = time.perf_counter() - began
        over.set()
        watcher.join()
    return took, worst[0]


def at_once(path: Path, number: int) -> None:
    """All held open by us, whether the server lets them in or not."""
    held = []
    for _ in range(number):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(path))
        held.append(sock)
    for sock in held:
        sock.close()


def in_a_row(path: Path, number: int) -> None:
    for _ in range(number):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))


def garbage(port: int, number: int) -> None:
    random.seed(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        for _ in range(number):
            wire.sendto(random.choice((b"", b"#bundle\0", b"/improv/set/")) + random.randbytes(random.randrange(200)), ("127.0.0.1", port))


def fader(port: int, number: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        for i in range(number):
            wire.sendto(write_message("/improv/set/loudness", i % 64), ("127.0.0.1", port))


if __name__ == "__main__":
    main()
