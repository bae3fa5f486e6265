"""The second process: what steers and watches the performance from outside.

`performance_end` begins it, as `python -m improv.control.server.process`.

Standard input is its end of a socket pair, both ways (see `server_end`). When that ends, so does the server, however the performance
went. It serves the local socket, OSC, the metrics and the page, checks every request, and never runs ahead of the music: it is a batch job
to the system, with a nice value, unless it serves the page. The OSC addresses are in `osc_addresses`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from improv.control.local_socket import LiveSocketError, LocalSocket, listen, usual_path
from improv.control.server.local import LocalServer
from improv.control.server.net import HEAD, Listening, MetricsServer, OscServer, SurpriseSender, read_listening
from improv.control.server.osc_addresses import target_of
from improv.control.server.server_end import ServerEnd
from improv.core.errors import ImprovError

UP = 2**20  # bytes of a line from the performance
AGAIN = 5.0  # seconds until a port that was taken is tried again
NICE = 5
NO_SOCKET = ""  # in place of a path: there is none, as beside a jam


def give_up_priority() -> None:
    """Whatever priority the performance had when it began us, ours is an ordinary one. Where the system refuses, it stays as it is."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500")  # if memory ends, end this, not the music


def step_back() -> None:
    """What only steers and counts can wait; a page is played on, and its keys can't."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if sys.platform != "win32":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, NICE)


async def serve(pipe: socket.socket, without_page: Callable[[], None] = lambda: None) -> int:
    """Until the pipe ends. without_page: is called where no page is to be served.

    Returns the exit code: 2 where it refuses to start, and has said why.
    """
    reader, writer = await asyncio.open_connection(sock=pipe, limit=UP)
    end = ServerEnd(reader, writer)
    try:
        first = json.loads(await reader.readline())
        end.performers = [str(name) for name in first["performers"]]
        control: dict[str, Any] = first["control"]
        osc, metrics = read_listening(control.get("osc"), "osc", True), read_listening(control.get("metrics"), "metrics", False)
        section = first.get("page")
        page = read_listening(section, "page", False)
        if page is None:
            without_page()
        sock = None if control.get("socket") == NO_SOCKET else await open_socket(_path(control))
    except ImprovError as e:
        end.tell({"refused": str(e)})
        with suppress(OSError):
            await writer.drain()
        writer.close()
        return 2
    except (ValueError, LookupError, TypeError, OSError):
        return 1  # a performance that ended before it began, or no performance at all
    asyncio.get_running_loop().set_exception_handler(lambda _, context: end.say(f"control: {_told(context)}"))
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, writer.transport.abort)
    async with AsyncExitStack() as open_ones:
        ready: dict[str, Any] = {}
        if sock:
            open_ones.callback(sock.close)
            local = LocalServer(end, sock)
            open_ones.push_async_callback(local.finish)
            server = await local.start()
            open_ones.callback(server.close)
            ready["socket"] = str(_path(control))
        for name, listening, begin in (("osc", osc, _osc), ("metrics", metrics, _metrics), ("page", page, _page_of(section))):
            if listening:
                ready[name] = await _begin(name, listening, end, begin, open_ones)
        if osc and (target := target_of(str(control["osc"].get("surprise") or ""))):
            await _tell_surprises(end, target, open_ones)
        end.tell({"ready": ready})
        await end.run()
    return 0


def _path(control: dict[str, Any]) -> Path:
    return Path(control["socket"]) if control.get("socket") else usual_path()


async def open_socket(path: Path) -> LocalSocket:
    """Listen at the path. One that is still live gets two seconds to end: it may be of a daemon that was just killed."""
    for _ in range(20):
        with suppress(LiveSocketError):
            return listen(path)
        await asyncio.sleep(0.1)
    return listen(path)


Begin = Callable[[ServerEnd, Listening], Awaitable[tuple[int, Callable[[], None]]]]


async def _begin(name: str, listening: Listening, end: ServerEnd, begin: Begin, open_ones: AsyncExitStack) -> int | None:
    """Listen there, and give the port; where that fails, say so, give None, and try again and again: the rest works meanwhile."""

    async def once() -> int:
        port, close = await begin(end, listening)
        open_ones.callback(close)
        return port

    async def again() -> None:
        while True:
            await asyncio.sleep(AGAIN)
            with suppress(OSError):
                end.say(f"{name} listens on {listening.listen}, port {await once()}")
                return

    try:
        return await once()
    except OSError as e:
        end.say(f"{name} can't listen on {listening.listen}, port {listening.port}: {e.strerror or e}; it tries again every few seconds")
        task = asyncio.create_task(again())
        open_ones.callback(task.cancel)
        return None


async def _osc(end: ServerEnd, listening: Listening) -> tuple[int, Callable[[], None]]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: OscServer(end, listening), local_addr=(listening.listen, listening.port))
    return transport.get_extra_info("sockname")[1], transport.close


async def _tell_surprises(end: ServerEnd, target: tuple[str, int], open_ones: AsyncExitStack) -> None:
    """Send there how surprising each note is; where that can't be, say so."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(lambda: SurpriseSender(end), remote_addr=target, allow_broadcast=True)
    except OSError as e:
        end.say(f"osc, surprise: can't send to {target[0]}, port {target[1]}: {e.strerror or e}")
    else:
        open_ones.callback(transport.close)


async def _metrics(end: ServerEnd, listening: Listening) -> tuple[int, Callable[[], None]]:
    server = await asyncio.start_server(MetricsServer(end, listening).serve, listening.listen, listening.port, limit=HEAD)
    return server.sockets[0].getsockname()[1], server.close


def _page_of(section: Any) -> Begin:
    async def begin(end: ServerEnd, listening: Listening) -> tuple[int, Callable[[], None]]:
        from improv.control.page.page_server import PageServer  # loads what no other server needs

        return await PageServer(end, section).start(listening.listen, listening.port)

    return begin


def _told(context: dict[str, Any]) -> str:
    return f"{context.get('message')}: {context.get('exception')!r}"


def main() -> int:
    """The process."""
    give_up_priority()
    if sys.platform == "win32":  # sockets are not inherited there: the performance sends what opens it
        import base64

        pipe = socket.fromshare(base64.b64decode(sys.stdin.readline()))
    else:
        pipe = socket.socket(fileno=0)
    pipe.setblocking(False)
    with suppress(KeyboardInterrupt):
        return asyncio.run(serve(pipe, step_back))
    return 0


if __name__ == "__main__":
    sys.exit(main())
