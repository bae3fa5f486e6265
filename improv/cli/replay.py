"""`improv replay`: a session played again and compared, or what the human played answered by another model."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from improv.cli import BROKEN, OK
from improv.cli.sessions import default_folder, printable
from improv.core.errors import ImprovError
from improv.core.events import Event, Mark, NoteOff, NoteOn
from improv.core.harmony import pitch_name
from improv.core.harmony.spelling import Key
from improv.core.heard.key_now import key_of_changes
from improv.learning.setup import learned_again
from improv.midi.files import write_take
from improv.midi.tracks import tracks_of
from improv.session import Session
from improv.session import sessions as in_folder
from improv.session.again import Replayed, replayed, take_of
from improv.session.reader import title_in


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "session", nargs="?", metavar="SESSION", help="the session's file, or its name as `improv sessions` shows it (default: the latest)"
    )
    parser.add_argument("--to", metavar="FILE", help="write the take as a MIDI file, a track for each performer")
    parser.add_argument("--model", metavar="MODEL", help="let this model answer, by name or folder")
    parser.add_argument("--from", dest="start", metavar="MM:SS", help="with --to: from the bar in which this is")
    parser.add_argument("--bars", type=int, metavar="N", help="with --to: so many bars")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    session = Session(_found(args.session))
    if args.to and not Path(args.to).absolute().parent.is_dir():
        raise ImprovError(f"--to {args.to}: there is no folder {Path(args.to).absolute().parent}")
    if (args.start or args.bars is not None) and not args.to:
        raise ImprovError("--from and --bars say which part of the take to write; say where with --to FILE")
    if args.bars is not None and args.bars < 1:
        raise ImprovError(f"--bars {args.bars}: expected 1 or more")
    start = _seconds(args.start) if args.start else None
    found = replayed(session, args.model, learned_again)
    report = _report(found)
    if args.to:
        take = take_of(found, start, args.bars)
        if not any(isinstance(e, NoteOn) for e in (*take.heard, *take.played)):
            print("improv: there are no notes in it", file=sys.stderr)
        tracks = tracks_of((p.name, p.settings.mode) for p in found.performers)
        write_take(Path(args.to), take.heard, take.played, take.tempos, take.metres, take.changes, tracks)
        report["files"] = [args.to]
    print(json.dumps(report) if args.json else _told(report))
    return BROKEN if found.same is False else OK


def _found(said: str | None) -> Path:
    """The session's file: as a path, or by its name among those that are kept; the latest in which something was played where none is
    said. Raises ImprovError."""
    folder = default_folder()
    if said is None:
        kept = in_folder(folder) if folder.is_dir() else []
        if not kept:
            raise ImprovError(f"no session is kept in {folder} yet; say which file to replay")
        return next((one for one in reversed(kept) if not one.empty), kept[-1]).path
    for path in (Path(said), folder / said, folder / f"{said}.jsonl"):
        if path.exists():
            return path
    raise ImprovError(f"no session {said} here or in {folder}; `improv sessions` lists them")


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:\.\d+)?)", text)
    if not found:
        raise ImprovError(f"--from {text!r}: expected minutes and seconds, for example 12:30")
    return 3600 * int(found[1] or 0) + 60 * int(found[2]) + float(found[3])


# Telling


def _report(found: Replayed) -> dict[str, Any]:
    session = found.session
    report: dict[str, Any] = {
        "session": str(session.path),
        "title": title_in(session.header),
        "same": found.same,
        "performers": [_row(found, number) for number in range(len(found.performers))],
        "why": [],
        "cut": session.end is None,
        "torn": session.torn,
    }
    report |= {"skipped": [{"line": n, "why": why} for n, why in session.skipped], "damaged": session.damaged, "lost": session.lost}
    report["marks"] = [{"time": e.time, "text": e.text} for e in found.parts[0].heard if isinstance(e, Mark)]
    if found.same is False:
        report["why"] = found.why()
    return report


def _row(found: Replayed, number: int) -> dict[str, Any]:
    part = found.parts[number]
    row: dict[str, Any] = {
        "name": found.performers[number].name,
        "model": found.models[number].card["name"],
        "then": _notes(part.played),
        "filled": _notes(part.filled),
        "now": _notes(found.now[number]),
    }
    if not found.other:
        row["same"] = (at := found.found[number]) is None
        if at is not None:
            bar, changes = found.bar(number, at.time), found.song.changes
            key = key_of_changes(changes) if changes else None
            row["difference"] = {"time": at.time, "bar": bar, "then": _said(at.then, key), "now": _said(at.now, key)}
    return row


def _notes(events: Sequence[Event]) -> int:
    return sum(isinstance(e, NoteOn) for e in events)


def _said(event: Event | None, key: Key | None) -> str | None:
    if isinstance(event, NoteOn):
        return f"{pitch_name(event.pitch, key)} at velocity {event.velocity}, at {event.time!r} s"
    if isinstance(event, NoteOff):
        return f"the end of {pitch_name(event.pitch, key)}, at {event.time!r} s"
    return None


def _told(report: dict[str, Any]) -> str:
    said = [f'"{report["title"]}"'] if report["title"] else []
    for row in report["performers"]:
        if report["same"] is None:
            said.append(f"{row['name']}: {row['now']} notes anew by {row['model']}; {row['then']} were played")
            continue
        filled = f", {row['filled']} more filled in for a slow model" if row["filled"] else ""
        if row["same"]:
            said.append(f"{row['name']}: the same, {row['then']} notes, bit for bit{filled}")
        else:
            at = row["difference"]
            where = f"{_clock(at['time'])}, bar {at['bar']}"
            said.append(f"{row['name']}: differs from {where} on: was {at['then'] or 'nothing'}, is {at['now'] or 'nothing'}{filled}")
    said += [f"why: {why}" for why in report["why"]]
    if report["same"] is False and not report["why"]:
        said.append("why: not known; version, model and machine are those of the record")
    said += [f"mark at {_clock(mark['time'])} {mark['text']}".rstrip() for mark in report["marks"]]
    said += [f"line {line['line']}: {line['why']}; passed over" for line in report["skipped"]]
    if report["cut"]:
        said.append("the recording was cut off" + (" in its last line, which is left out" if report["torn"] else ""))
    return "\n".join(printable(line) for line in [*said, *(f"wrote {name}" for name in report.get("files", ()))])


def _clock(time: float) -> str:
    return f"{int(time // 60)}:{time % 60:06.3f}"
