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

from improv.control.local_socket import connect, converse, usual_place
from improv.core.errors import ImprovError

DONE, BROKEN, REFUSED, NOBODY = 0, 1, 2, 3
CODES = "exit codes: 0 done, 1 the daemon did not reply, 2 refused or bad input, 3 no daemon is there"
PATIENCE = 15.0  # seconds
CROWDED = 2.0  # seconds in which a daemon that is busy is asked again
ACTIONS = {  # name: (its argument and whether it must be there, is it for one performer too, what it does)
    "status": (None, False, "who plays what, since when, how late, what is missing"),
    "set": (None, True, "a setting: `set temperature 0.9`"),
    "mode": ("name", True, "trade, solo, echo, comp, duet"),
    "model": ("name", True, "play with another model"),
    "preset": ("name", False, "recall settings by name"),
    "save": ("name", False, "keep the settings as a preset"),
    "mood": (None, False, "changes, tempo and settings from words: `mood hope and wonder`"),
    "keep": ("name", True, "keep the state of this moment as a bookmark"),
    "back": ("name", True, "go back to a bookmark"),
    "learn": ("name", True, "bind the next controller that moves to a setting"),
    "unlearn": ("name", False, "forget what is bound to a setting"),
    "panic": (None, False, "silence, now"),
    "mark": (None, False, "a mark in the record, with a text if you like"),
    "capture": (None, False, "the last bars as a MIDI file"),
    "reload": (None, False, "read the configuration again"),
    "stop": (None, False, "end the daemon"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions, each with its words."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the reply as JSON")
    common.add_argument(
        "--socket", metavar="PATH", default=argparse.SUPPRESS, help="the daemon's socket (default: $IMPROV_SOCKET or the usual place)"
    )
    parser.epilog = CODES
    parser.add_argument("--json", action="store_true", help="the reply as JSON")
    parser.add_argument("--socket", metavar="PATH", help="the daemon's socket (default: $IMPROV_SOCKET or the usual place)")
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=True, parser_class=type(parser))
    for name, (word, own, text) in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text, parents=[common], epilog=CODES)
        if word:
            action.add_argument(word, metavar=("MODE" if name == "mode" else "SETTING" if "learn" in name else "NAME"))
        if own:
            action.add_argument("--performer", metavar="NAME", help="for this one alone (default: all)")
        if name == "set":
            action.add_argument("name", metavar="SETTING")
            action.add_argument("value", metavar="VALUE")
        elif name == "mark":
            action.add_argument("text", metavar="TEXT", nargs="*", default=[])
        elif name == "mood":
            action.add_argument("text", metavar="WORD", nargs="+")
        elif name == "capture":
            action.add_argument("--bars", type=int, default=16, metavar="N", help="how many (default: 16)")
            action.add_argument("--to", metavar="FILE", help="where it goes (default: beside the session's record)")


def request_of(args: argparse.Namespace) -> dict[str, Any]:
    """What is asked of the daemon."""
    do = args.action
    if do == "mode":
        asked: dict[str, Any] = {"do": "set", "name": "mode", "value": args.name}
    else:
        asked = {"do": do} | {key: getattr(args, key) for key in ("name", "value", "bars") if hasattr(args, key)}
    if getattr(args, "performer", None):
        asked["performer"] = args.performer
    if getattr(args, "text", None):
        asked["text"] = " ".join(args.text)
    if getattr(args, "to", None):
        asked["file"] = str(Path(args.to).absolute())  # the daemon stands in another folder
    return asked


def run(args: argparse.Namespace) -> int:
    """Ask, and show the reply. Returns the exit code."""
    said = args.socket or os.environ.get("IMPROV_SOCKET")
    path = Path(said) if said else usual_place()
    try:
        reply = _ask(path, request_of(args))
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        where = "" if said else "; with a `socket` in its configuration, say --socket PATH"
        return _failed(args, f"no daemon performs at {path}{where}", NOBODY)
    except PermissionError:
        raise ImprovError(f"{path}: the daemon is another user's; run this as that user") from None
    except OSError as e:
        return _failed(args, f"the daemon at {path} does not reply: {e}", BROKEN)
    if args.json:
        print(json.dumps(reply))
    elif reply.get("ok") is not True:
        print(f"improv: {_clean(reply.get('error', 'refused'))}", file=sys.stderr)
    elif args.action == "status":
        print("\n".join(described(reply, time.time())))
    else:
        print(_said(reply))
    return DONE if reply.get("ok") is True else BROKEN if reply.get("busy") else REFUSED


def _failed(args: argparse.Namespace, text: str, code: int) -> int:
    if args.json:
        print(json.dumps({"ok": False, "error": text}))
    else:
        print(f"improv: {text}", file=sys.stderr)
    return code


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


def described(reply: Mapping[str, Any], now: float) -> Iterator[str]:
    """The status in a few lines, for a technician. What the daemon does not tell is left out. now: seconds since 1970."""
    status = reply.get("status") or {}
    age = reply.get("age") or 0
    session = f", session {Path(str(status['session'])).name}" if status.get("session") else ""
    yield _clean(f"performing since {_since(status.get('since'), now)}{session}")
    if age > 5:
        yield f"ATTENTION: nothing was heard from the performance for {age:.0f} s"
    place = f", bar {status['bar']}" if _is_number(status.get("bar")) else ""
    place += f" beat {status['beat']:.3g}" if place and _is_number(status.get("beat")) else ""
    tempo = f", {status['tempo']:.1f} a minute" if _is_number(status.get("tempo")) else ""
    yield _clean(f"clock {status.get('clock', '?')}{tempo}{place}, {'running' if status.get('running') else 'standing'}")
    performers: Mapping[str, Any] = status.get("performers") or {}
    wide = max(map(len, performers), default=0)
    for name, part in performers.items():
        there = "" if part.get("there", True) else " (MISSING)"
        words = [str(part[key]) for key in ("mode", "model") if part.get(key)]
        words += [f"{key} {part[key]:.3g}" for key in ("temperature",) if _is_number(part.get(key))]
        yield _clean(f"  {name:{wide}}  {', '.join(words)} -> {part.get('output') or 'a virtual port'}{there}")
    counted = [
        f"{key} {status[key]}" for key in ("heard", "played", "filled", "dropped", "sounding", "queue", "reconnects") if key in status
    ]
    yield _clean(", ".join(counted))
    late = status.get("lateness_ms") or {}
    shown = [f"{late[key]:.2f} {word}" for key, word in LATE.items() if _is_number(late.get(key))]
    step = [f"a step {status['step_us']:.0f} us"] if _is_number(status.get("step_us")) else []
    if shown or step:
        lateness = [f"lateness in ms: {', '.join(shown)}"] if shown else []
        yield _clean("; ".join([*lateness, *step, *([str(status["priority"])] if status.get("priority") else [])]))
    gone = [
        f"input {name} ({part.get('port') or 'virtual'})"
        for name, part in (status.get("inputs") or {}).items()
        if not part.get("there", True)
    ]
    gone += [f"output of {name} ({part.get('output') or 'virtual'})" for name, part in performers.items() if not part.get("there", True)]
    yield _clean(f"MISSING: {', '.join(gone)}" if gone else "nothing is missing")


LATE = {"p50": "p50", "p99": "p99", "p999": "p99.9", "max": "worst"}


def _since(since: object, now: float) -> str:
    """since: seconds since 1970, or a text."""
    if not _is_number(since):
        return str(since or "?")
    assert isinstance(since, int | float)
    minutes = int(max(0.0, now - since) // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    long = f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
    return f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(since))} ({long})"


def _said(reply: Mapping[str, Any]) -> str:
    """A reply in one line: its text, or what else it tells."""
    if "text" in reply:
        return _clean(reply["text"])
    return _clean(", ".join(f"{key} {value}" for key, value in reply.items() if key != "ok") or "done")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _clean(text: object) -> str:
    """Nothing in it can steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))
