"""`improv ctl`: steer a daemon that performs, over its local socket. Starts fast: it loads nothing of the music."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from improv.control.commands import (
    BARS,
    CAPTURED,
    CHANGES,
    COMMANDS,
    CTL,
    FILE,
    MODEL,
    NAME,
    OLDER,
    PERFORMER,
    SETTING,
    TEXT,
    VALUE,
    Command,
    Request,
    by_way,
    expanded,
)  # fmt: skip
from improv.control.local_socket import connect, converse, found_path
from improv.control.status import Status, read_status
from improv.core.errors import ImprovError

DONE, BROKEN, REFUSED, NOBODY = 0, 1, 2, 3
CODES = "exit codes: 0 done, 1 the daemon did not reply, 2 refused or bad input, 3 no daemon is there"
PATIENCE = 15.0  # seconds
CROWDED = 2.0  # seconds in which a daemon that is busy is asked again
WORDS = {
    "mode": "MODE",
    SETTING: "SETTING",
    VALUE: "VALUE",
    NAME: "NAME",
    MODEL: "MODEL",
    TEXT: "WORD",
    CHANGES: "CHANGES",
}  # for a field, by command or kind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The commands, each with its fields."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="show the reply as JSON")
    common.add_argument(
        "--socket", metavar="PATH", default=argparse.SUPPRESS, help="the daemon's socket (default: $IMPROV_SOCKET or the usual place)"
    )
    parser.epilog = CODES
    parser.add_argument("--json", action="store_true", help="show the reply as JSON")
    parser.add_argument("--socket", metavar="PATH", help="the daemon's socket (default: $IMPROV_SOCKET or the usual place)")
    actions = parser.add_subparsers(metavar="COMMAND", dest="action", required=True, parser_class=type(parser))
    for row in by_way(CTL):
        text = row.help + (f", for example `{row.example}`" if row.example else "")
        _add_fields(actions.add_parser(row.name, help=text, description=text, parents=[common], epilog=CODES), row)
        for old in row.older:  # not listed
            _add_fields(actions.add_parser(old, description=f"{text} (now called `{row.name}`)", parents=[common], epilog=CODES), row)


def _add_fields(action: argparse.ArgumentParser, row: Command) -> None:
    for field in row.fields:
        word = WORDS.get(row.name, WORDS.get(field.kind))
        if field.kind == PERFORMER:
            action.add_argument("--performer", metavar="NAME", help="for this performer alone (default: for all)")
        elif field.kind == BARS:
            action.add_argument("--bars", type=int, default=CAPTURED, metavar="N", help=f"how many (default: {CAPTURED})")
        elif field.kind == FILE:
            action.add_argument("--to", dest="file", metavar="FILE", help="where it goes (default: beside the session's record)")
        elif field.kind in (TEXT, CHANGES):
            action.add_argument(field.name, metavar=word, nargs="+" if field.needed else "*", default=[])
        else:
            action.add_argument(field.name, metavar=word)


def request_of(args: argparse.Namespace) -> Request:
    """What is asked of the daemon."""
    row = COMMANDS[OLDER.get(args.action, args.action)]
    request: Request = {"do": row.name}
    for field in row.fields:
        given = getattr(args, field.name, None)
        if not given and given != 0:
            continue
        if field.kind in (TEXT, CHANGES):
            given = " ".join(given)
        elif field.kind == FILE:
            given = str(Path(given).absolute())  # the daemon stands in another folder
        request[field.name] = given
    return expanded(request)


def run(args: argparse.Namespace) -> int:
    """Ask, and show the reply. Returns the exit code."""
    said = args.socket or os.environ.get("IMPROV_SOCKET")
    path = Path(said) if said else found_path()
    if args.action in OLDER:
        print(f"improv: `{args.action}` is called `{OLDER[args.action]}` now; both work", file=sys.stderr)
    try:
        reply = _ask(path, request_of(args))
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        where = "" if said else "; with a `socket` in its configuration, say --socket PATH"
        return _failed(args, f"no daemon is running at {path}{where}", NOBODY)
    except PermissionError:
        raise ImprovError(f"{path}: {_owned(path)}") from None
    except OSError as e:
        return _failed(args, f"the daemon at {path} does not reply: {e}", BROKEN)
    if args.json:
        print(json.dumps(reply))
    elif reply.get("ok") is not True:
        print(f"improv: {_clean(reply.get('error', 'refused'))}", file=sys.stderr)
    elif args.action == "status":
        told = described(read_status(reply.get("status")), float(reply.get("age") or 0.0), time.time())
        print("\n".join(map(_clean, told)))
    else:
        print(_said(reply))
    return DONE if reply.get("ok") is True else BROKEN if reply.get("busy") else REFUSED


def _failed(args: argparse.Namespace, text: str, code: int) -> int:
    if args.json:
        print(json.dumps({"ok": False, "error": text}))
    else:
        print(f"improv: {text}", file=sys.stderr)
    return code


def _owned(path: Path) -> str:
    """Whose a socket is that is not ours to open."""
    try:
        import pwd

        name = pwd.getpwuid((path if os.access(path.parent, os.X_OK) else path.parent).stat().st_uid).pw_name
    except (ImportError, OSError, KeyError):
        return "the daemon is another user's; run this as that user"
    return f"the daemon is another user's; run this as {name} (sudo -u {name} ...), or as root"


def _ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """The reply; where the daemon is busy, it is asked again for a while. Raises OSError."""
    until = time.monotonic() + CROWDED
    while True:
        failure: OSError | None = None
        reply: dict[str, Any] = {"busy": True}
        try:
            with connect(path, PATIENCE) as sock:
                reply = converse(sock, request)
        except (BrokenPipeError, ConnectionResetError, BlockingIOError) as e:  # shown out before it was heard
            failure = e
        if not reply.get("busy") or time.monotonic() > until:
            if failure:
                raise failure
            return reply
        time.sleep(0.1)


def described(status: Status, age: float, now: float) -> Iterator[str]:
    """The status in a few lines, for a technician. age: seconds since it was told. now: seconds since 1970."""
    session = f", session {Path(status.session).name}" if status.session else ""
    yield f"performing since {_since(status.since, now)}{session}"
    if age > 5:
        yield f"ATTENTION: nothing was heard from the performance for {age:.0f} s"
    tempo = f", {status.tempo:.1f} bpm" if status.tempo is not None else ""
    place = f", bar {status.bar}, beat {int(status.beat)}" if status.bar is not None and status.beat is not None else ""
    yield f"clock {status.clock or '?'}{tempo}{place}, {'running' if status.running else 'stopped'}"
    if status.waits:
        yield status.waits
    if status.harmony:
        yield status.harmony
    wide = max(map(len, status.performers), default=0)
    for name, performer in status.performers.items():
        words = [word for word in (performer.mode, performer.model) if word]
        words += [f"temperature {performer.temperature:.3g}"] if performer.temperature is not None else []
        if performer.quoted is not None and performer.longest_quote is not None:
            words.append(f"quotes {100 * performer.quoted:.0f} %, {performer.longest_quote} notes at most")
        yield f"  {name:{wide}}  {', '.join(words)} -> {performer.port or 'a virtual port'}{'' if performer.there else ' (MISSING)'}"
    yield ", ".join(f"{name} {getattr(status, name)}" for name in COUNTED)
    late, step = status.lateness_ms, status.step_us
    shown = [f"{getattr(late, name):.2f} {word}" for name, word in LATE.items() if getattr(late, name) is not None]
    timing = [f"lateness in ms: {', '.join(shown)}"] if shown else []
    timing += [f"a model step {step:.0f} us"] if step is not None else []
    if timing:
        yield "; ".join([*timing, *([status.priority] if status.priority else [])])
    gone = [f"input {name} ({part.port or 'virtual'})" for name, part in status.inputs.items() if not part.there]
    gone += [f"output of {name} ({part.port or 'virtual'})" for name, part in status.performers.items() if not part.there]
    waiting = [name for name, performer in status.performers.items() if performer.waits]
    if waiting:
        yield f"SILENT: {', '.join(waiting)}, after a panic; say `improv ctl play`, or play a note"
    if gone:
        yield f"MISSING: {', '.join(gone)}"
    elif not waiting:
        yield "nothing is missing"


COUNTED = ("heard", "played", "filled", "dropped", "sounding", "queue", "reconnects")
LATE = {"p50": "p50", "p99": "p99", "p999": "p99.9", "max": "worst"}


def _since(since: str | None, now: float) -> str:
    """A date and time as the daemon writes it, and how long ago that is. now: seconds since 1970."""
    from datetime import datetime

    try:
        began = datetime.fromisoformat(since or "")
    except ValueError:
        return since or "?"
    minutes = int(max(0.0, now - began.timestamp()) // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    long = f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
    return f"{began:%Y-%m-%d %H:%M} ({long})"


def _said(reply: Mapping[str, Any]) -> str:
    """A reply in one line: its text, or what else it tells."""
    if "text" in reply:
        return _clean(reply["text"])
    return _clean(", ".join(f"{key} {value}" for key, value in reply.items() if key != "ok") or "done")


def _clean(text: object) -> str:
    """Nothing in it can steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))
