"""What a page asks for and gets a reply to: commands, changes as they are typed, sessions. What takes long is done in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from improv.control.commands import PAGE
from improv.control.page.charts import checked
from improv.control.page.connection import Guest
from improv.control.page.hub import Hub
from improv.control.page.messages import Ask, Check, LookAtSession, Reply, Sessions
from improv.control.page.messages import SessionMidi as MidiAsked
from improv.control.requests import RequestError, plain, read_request, shown
from improv.control.server.server_end import ServerEnd
from improv.core.errors import ImprovError
from improv.core.harmony import HarmonyError
from improv.core.metres import Metres

MOST = 4  # slow requests of a page under way at once
WATCHES = "this link only watches; to steer takes the other link (`improv ctl page`)"

Question = Ask | Check | Sessions | LookAtSession | MidiAsked


def take(end: ServerEnd, hub: Hub, folder: Path, guest: Guest, message: Question) -> None:
    """Reply, now or later. folder: of the sessions."""
    if guest.may != "steer":
        guest.reply(Reply(message.id, False, WATCHES))
    elif isinstance(message, Ask):
        _ask(end, hub, guest, message)
    elif isinstance(message, Check):
        guest.reply(_check(message, hub.scene.metres))
    elif guest.asking >= MOST:
        guest.reply(Reply(message.id, False, "one thing after the other: several requests of this page are under way"))
    else:
        _later(hub, guest, message.id, lambda: _of_sessions(folder, message))


def _ask(end: ServerEnd, hub: Hub, guest: Guest, message: Ask) -> None:
    """A command, by the rows."""

    def replied(reply: dict[str, Any]) -> None:
        told = {k: v for k, v in reply.items() if k not in ("ok", "error")}
        ok = reply.get("ok") is True
        if ok and message.request.get("do") == "capture" and isinstance(path := told.get("file"), str):
            _later(hub, guest, message.id, lambda: _file(message.id, Path(path)))
            return
        guest.reply(Reply(message.id, ok, None if ok else str(reply.get("error", "refused")), told))

    asked = message.request
    if asked.get("do") == "changes" and isinstance(text := asked.get("text"), str):
        asked = asked | {"text": hub.scene.sounding(text)}
    try:
        request = read_request(asked, end.performers, PAGE)
    except ImprovError as e:
        guest.reply(Reply(message.id, False, str(e)))
        return
    end.offer(request, ("page", guest.number, message.id), replied)


def _check(message: Check, metres: Metres) -> Reply:
    try:
        return Reply(message.id, True, chart=checked(message.text, metres))
    except HarmonyError as e:
        return Reply(message.id, False, str(e), at=e.position)


def _later(hub: Hub, guest: Guest, number: int, work: Callable[[], Reply]) -> None:
    """Do it in a thread, and reply."""

    async def done() -> None:
        try:
            async with hub.slow:
                guest.reply(await asyncio.to_thread(work))
        except ImprovError as e:
            guest.reply(Reply(number, False, str(e)))
        except Exception as e:
            guest.reply(Reply(number, False, f"internal error: {type(e).__name__}: {e}"))
        finally:
            guest.asking -= 1
            _tasks.discard(task)

    guest.asking += 1
    task = asyncio.get_running_loop().create_task(done())
    _tasks.add(task)


_tasks: set[asyncio.Task[None]] = set()  # that are under way; asyncio itself holds none


def _of_sessions(folder: Path, message: Sessions | LookAtSession | MidiAsked) -> Reply:
    from improv.control.page import sessions  # loads much, and is seldom needed

    if isinstance(message, Sessions):
        return Reply(message.id, True, sessions=sessions.listed(folder, message.most, message.skip))
    if isinstance(message, LookAtSession):
        return Reply(message.id, True, session=sessions.looked_at(folder, message.name))
    stem = message.name.removesuffix(".jsonl")
    if message.model is None:
        return Reply(message.id, True, file=f"{stem}.mid", midi=sessions.as_midi(folder, message.name))
    if not plain(message.model):
        raise RequestError(f"model {shown(message.model)}: here a model is chosen by its name, not by a path")
    return Reply(message.id, True, file=f"{stem}-{message.model}.mid", midi=sessions.answered_by(folder, message.name, message.model))


def _file(number: int, path: Path) -> Reply:
    from improv.control.page.sessions import read_midi

    return Reply(number, True, file=path.name, midi=read_midi(path))
