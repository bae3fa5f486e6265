"""`improv replay`: a session played again and compared, or what the human played answered by another model."""

from __future__ import annotations

import argparse
import json
import math
import platform
import queue
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from improv import __version__
from improv.cli import BROKEN, OK
from improv.cli.sessions import printable
from improv.core.beats.timekeeper import Timekeeper, in_beats
from improv.core.errors import ImprovError
from improv.core.events import Bookmark, Event, Learned, Mark, NoteOff, NoteOn, Setting
from improv.core.harmony import READING, Changes, parse_changes, pitch_name
from improv.core.improviser import Improviser
from improv.core.line.lessons import Learning
from improv.core.note_model import NoteModel
from improv.core.settings import Settings
from improv.learning.setup import learned_again
from improv.midi.files import write_take
from improv.models.card import ModelError
from improv.models.loader import load_model, voicings_for
from improv.models.model import State
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.session import Session, SessionError, excerpt
from improv.session.capture import tempos_from, turned
from improv.session.compare import Difference, Part, as_of, difference, known_until, parts_of, play_again
from improv.session.reader import title_in
from improv.session.snapshot import read_snapshot, state_beside

MOST_MODELS = 16
MOST_PERFORMERS = 64


@dataclass(frozen=True)
class RecordedPerformer:
    """A performer as the header has it."""

    name: str
    model: str
    sha256: str
    settings: Settings
    seed: int
    channel: int
    hears: frozenset[int]
    inputs: frozenset[int] | None
    learns: Mapping[str, Any]  # what it says of learning, see `learned_again`


@dataclass(frozen=True)
class Piece:
    """What all performers share."""

    changes: Changes | None
    metre: tuple[int, int]
    bars: int | None
    reading: int = READING


def made_with() -> dict[str, Any]:
    """What the notes depend on beside the model, for a session's header."""
    voicings = voicings_for()
    said: dict[str, Any] = {"reading": READING, "improv": __version__, "numpy": np.__version__, "machine": platform.machine()}
    return said | ({"voicings": str(voicings.card["weights_sha256"])[:12]} if voicings else {})


def performed_by(
    name: str,
    model: NoteModel,
    settings: Settings,
    seed: int,
    channel: int,
    hears: Collection[int] = (),
    inputs: Collection[int] | None = None,
) -> dict[str, Any]:
    """A performer, for a session's header: what `_performer` reads. hears: other performers; inputs: None for all."""
    return {
        "name": name,
        "model": {"name": model.card["name"], "weights_sha256": model.card["weights_sha256"]},
        "settings": asdict(settings),
        "seed": seed,
        "channel": channel,
        "hears": sorted(hears),
        "inputs": None if inputs is None else sorted(inputs),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", metavar="SESSION", help="the session's file; `improv sessions` lists them")
    parser.add_argument("--to", metavar="FILE", help="write the take as a MIDI file, a track for each performer")
    parser.add_argument("--model", metavar="MODEL", help="let this model answer, by name or folder")
    parser.add_argument("--from", dest="start", metavar="MM:SS", help="with --to: from the bar in which this is")
    parser.add_argument("--bars", type=int, metavar="N", help="with --to: so many bars")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    session = Session(args.session)
    if args.to and not Path(args.to).absolute().parent.is_dir():
        raise ImprovError(f"--to {args.to}: there is no folder {Path(args.to).absolute().parent}")
    if (args.start or args.bars is not None) and not args.to:
        raise ImprovError("--from and --bars say which part of the take to write; say where with --to FILE")
    if args.bars is not None and args.bars < 1:
        raise ImprovError(f"--bars {args.bars}: expected 1 or more")
    start = _seconds(args.start) if args.start else None
    performers, piece = _performers(session), _piece(session)
    models = [_model(session, p, args.model) for p in performers]
    other = args.model is not None and any(m.card["weights_sha256"] != p.sha256 for m, p in zip(models, performers, strict=True))
    before = session.header.get("continues")
    if before and not other:
        raise SessionError(
            f"{session.path}: goes on from {str(before)[:80]}, and what was played before is not in it; try --model with another model"
        )
    states = {} if other else _states(session, performers, models)
    parts, latest, stopped = parts_of(session.lines(), len(performers))
    shelf = _shelf(session, models[0] if args.model is not None else None)
    learning = [None if other else learned_again(Path(session.path), p.learns, m) for p, m in zip(performers, models, strict=True)]
    players = [_improviser(p, m, piece, shelf, learns) for p, m, learns in zip(performers, models, learning, strict=True)]
    for player, performer in zip(players, performers, strict=True):
        if performer.name in states:
            player.restore(states[performer.name])
    found: list[Difference | None] = []
    again: list[list[Event]]
    if other:
        again = _anew(players, performers, session, latest)
    else:
        again = [play_again(player, part.heard, latest) for player, part in zip(players, parts, strict=True)]
        found = [difference(part, again[n], n, known_until(n, stopped, session.end)) for n, part in enumerate(parts)]
    same = None if other else not any(found)
    report = _report(session, performers, parts, again, found, same, models, piece)
    if args.to:
        sounded = [e for number, now in enumerate(again) for e in as_of(now, number)]
        if same:  # as it sounded: what was dropped did not
            sounded = [line.event for line in session.lines() if line.side in ("played", "filled")]
        _write(Path(args.to), session, sounded, performers, piece, start, args.bars)
        report["files"] = [args.to]
    print(json.dumps(report) if args.json else _told(report))
    return BROKEN if same is False else OK


# The header


def _performers(session: Session) -> list[RecordedPerformer]:
    said = session.header.get("performers", [session.header])  # at first a session had but one
    if not isinstance(said, list) or not 1 <= len(said) <= MOST_PERFORMERS:
        raise SessionError(f"{session.path}: its first line names no performers")
    try:
        return [_performer(p, number) for number, p in enumerate(said)]
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise SessionError(f"{session.path}: its first line does not say how it was played ({type(e).__name__}: {e})") from None


def _performer(said: Mapping[str, Any], number: int) -> RecordedPerformer:
    seed, channel, inputs = said["seed"], said.get("channel", 0), said.get("inputs")
    if not isinstance(seed, int) or seed < 0 or not isinstance(channel, int) or not 0 <= channel <= 15:
        raise ValueError("seed or channel")
    known = {f.name for f in fields(Settings)}
    settings = Settings(**{k: v for k, v in said["settings"].items() if k in known})
    return RecordedPerformer(
        str(said.get("name") or f"improv {number + 1}")[:40] if "name" in said else "improv",
        str(said["model"]["name"]),
        str(said["model"]["weights_sha256"]),
        settings,
        seed,
        channel,
        frozenset(int(n) for n in said.get("hears") or ()),
        None if inputs is None else frozenset(int(n) for n in inputs),
        {what: said.get(what) for what in ("learns", "profile")},
    )


def _piece(session: Session) -> Piece:
    try:
        count, unit = session.header.get("metre", (4, 4))
        bars, text = session.header.get("bars"), session.header.get("changes")
        if not all(isinstance(n, int) for n in (count, unit)) or not (bars is None or isinstance(bars, int)):
            raise ValueError("metre or bars")
        reading = session.header.get("reading", 1)  # until symbols were read as they are written, it was not said
        if reading not in (1, READING):
            raise SessionError(f"{session.path}: its changes are read as only a newer improv does; update improv")
        return Piece(parse_changes(str(text), 4.0 * count / unit, reading) if text else None, (count, unit), bars, reading)
    except (TypeError, ValueError, ZeroDivisionError) as e:
        raise SessionError(f"{session.path}: its first line does not say how it was played ({e})") from None


def _model(session: Session, performer: RecordedPerformer, wanted: str | None) -> NoteModel:
    """The model that is asked for, or the one of the record, by its name alone: a session of somebody else's opens no folder."""
    return load_model(wanted) if wanted is not None else _named(session, performer.model)


def _named(session: Session, name: str) -> NoteModel:
    if not re.fullmatch(r"\w[\w.+ -]*", name):
        raise SessionError(f"{session.path}: names no model; give the folder with --model")
    try:
        return load_model(name)
    except ModelError as e:
        raise ImprovError(f"{session.path}: was played with {name}: {e}. If you have it elsewhere: --model FOLDER") from None


def _shelf(session: Session, instead: NoteModel | None) -> dict[str, NoteModel]:
    """The models that were changed to while it was played; or one in place of them all."""
    heard = (line.event for line in session.lines() if line.side == "heard")
    names = {str(e.value) for e in heard if isinstance(e, Setting) and e.name == "model"}
    if len(names) > MOST_MODELS:
        raise SessionError(f"{session.path}: names {len(names)} models; at most {MOST_MODELS} are loaded")
    return {name: instead or _named(session, name) for name in names}


def _states(session: Session, performers: Sequence[RecordedPerformer], models: Sequence[NoteModel]) -> dict[str, State]:
    """What the performers remembered from before, kept beside the session under its name; empty where they remembered nothing."""
    restored = session.header.get("restored")
    if not restored:
        return {}
    path = state_beside(Path(session.path))
    states = read_snapshot(path, {p.name: m for p, m in zip(performers, models, strict=True)})
    if set(states) != {str(name) for name in restored}:
        raise SessionError(f"{path}: what was remembered from before is not there, so this can't be played again; try --model")
    return states


def _improviser(
    p: RecordedPerformer, model: NoteModel, piece: Piece, shelf: Mapping[str, NoteModel], learning: Learning | None
) -> Improviser:
    voicings = voicings_for(p.settings)
    return Improviser(
        model,
        p.settings,
        piece.changes,
        piece.metre,
        p.seed,
        piece.bars,
        p.channel,
        p.inputs,
        shelf,
        learning,
        voicings,
        piece.reading,
    )


# Playing


def _anew(players: Sequence[Improviser], performers: Sequence[RecordedPerformer], session: Session, until: float) -> list[list[Event]]:
    """What they play to what was heard from outside, hearing one another as they do now."""
    script = sorted((line.event for line in session.lines() if line.side == "heard"), key=lambda e: e.time)
    band = Band([Slot(player, number, p.hears) for number, (player, p) in enumerate(zip(players, performers, strict=True))])
    played: list[list[Event]] = [[] for _ in players]

    def send(event: Event) -> None:
        number = getattr(event, "part", 0)
        played[number if number < len(played) else 0].append(event)

    perform(band, OfflineClock(script, until), queue.SimpleQueue(), send)
    return played


# Telling


def _report(
    session: Session,
    performers: Sequence[RecordedPerformer],
    parts: Sequence[Part],
    again: Sequence[Sequence[Event]],
    found: Sequence[Difference | None],
    same: bool | None,
    models: Sequence[NoteModel],
    piece: Piece,
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for number, (p, part, now) in enumerate(zip(performers, parts, again, strict=True)):
        row = {
            "name": p.name,
            "model": models[number].card["name"],
            "then": _notes(part.played),
            "filled": _notes(part.filled),
            "now": _notes(now),
        }
        if found:
            row["same"] = found[number] is None
        if found and (at := found[number]) is not None:
            bar = _bar(Timekeeper(p.settings, piece.metre), part.heard, at.time)
            row["difference"] = {"time": at.time, "bar": bar, "then": _said(at.then), "now": _said(at.now)}
        rows.append(row)
    report: dict[str, Any] = {
        "session": str(session.path),
        "title": title_in(session.header),
        "same": same,
        "performers": rows,
        "why": [],
        "cut": session.end is None,
        "torn": session.torn,
    }
    report |= {"skipped": [{"line": n, "why": why} for n, why in session.skipped], "damaged": session.damaged, "lost": session.lost}
    report["marks"] = [{"time": e.time, "text": e.text} for e in parts[0].heard if isinstance(e, Mark)]
    if same is False:
        report["why"] = _why(session, performers, models)
    return report


def _why(session: Session, performers: Sequence[RecordedPerformer], models: Sequence[NoteModel]) -> list[str]:
    """What may be the cause of a difference."""
    why = []
    for name, here in made_with().items():
        then = session.header.get(name)
        if then is not None and then != here:
            why.append(f"{name} was {str(then)[:40]}, is {here}")
    for p, model in zip(performers, models, strict=True):
        now = model.card["weights_sha256"]
        if now != p.sha256:
            why.append(f"{p.name}: the weights of {p.model} were {p.sha256[:12]}, are {now[:12]}")
    if session.damaged:
        why.append(f"{session.damaged} lines of the record can't be read, the first is line {session.skipped[0][0]}")
    if session.lost:
        why.append(f"{session.lost} events are missing from the record, since the disk was too slow")
    return why


def _notes(events: Sequence[Event]) -> int:
    return sum(isinstance(e, NoteOn) for e in events)


def _said(event: Event | None) -> str | None:
    if isinstance(event, NoteOn):
        return f"{pitch_name(event.pitch)} at velocity {event.velocity}, at {event.time!r} s"
    if isinstance(event, NoteOff):
        return f"the end of {pitch_name(event.pitch)}, at {event.time!r} s"
    return None


def _bar(keeper: Timekeeper, heard: Sequence[Event], time: float) -> int:
    """The bar, from 1, in which a time in seconds lies."""
    for event in heard:
        if event.time > time:
            break
        keeper.hear(event, event.time)
    return keeper.meter.bar_of(keeper.meter.beat(time)) + 1


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


# The take


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:\.\d+)?)", text)
    if not found:
        raise ImprovError(f"--from {text!r}: expected minutes and seconds, for example 12:30")
    return 3600 * int(found[1] or 0) + 60 * int(found[2]) + float(found[3])


def _write(
    path: Path,
    session: Session,
    sounded: Sequence[Event],
    performers: Sequence[RecordedPerformer],
    piece: Piece,
    start: float | None,
    bars: int | None,
) -> None:
    """The take as a MIDI file, or some bars of it from the bar line at or before `start`, in seconds."""
    heard = [line.event for line in session.lines() if line.side == "heard"]
    first = [e for e in heard if not isinstance(e, Setting | Bookmark | Learned) or e.part in (None, 0)]
    here = Mark(start or 0.0, "\0from here")  # finds out its beat on the way
    keeper = Timekeeper(performers[0].settings, piece.metre)
    told, played, tempos = in_beats(keeper, [*first, here], sounded)
    at = next(e.time for e in told if isinstance(e, Mark) and e.text == here.text)
    changes, bar = piece.changes, keeper.meter.bar
    if start is not None or bars is not None:
        begin = math.floor(at / bar + 1e-9) * bar
        end = begin + bars * bar if bars is not None else max((e.time for e in (*told, *played)), default=begin)
        told, played, tempos = excerpt(told, begin, end), excerpt(played, begin, end), tempos_from(tempos, begin)
        changes = turned(changes, begin) if changes else None
    if not any(isinstance(e, NoteOn) for e in (*told, *played)):
        print("improv: there are no notes in it", file=sys.stderr)
    write_take(path, told, played, tempos, piece.metre, changes, [p.name for p in performers])
