"""`--tune` of `improv jam` and `improv solo`, and `improv tunes`: built-in forms, and the songs of a file."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from improv.cli import OK
from improv.core.errors import ImprovError

if TYPE_CHECKING:
    from improv.charts.tunes import NamedTune

A_LINE = 4  # bars


def set_tune(args: argparse.Namespace) -> dict[str, Any]:
    """Set what the tune says and the user does not, in args, and say so. Returns it for the session's header, under "tune".

    Raises ImprovError.
    """
    if args.tune is None:
        if getattr(args, "choruses", None) is not None:
            raise ImprovError(f"--choruses {args.choruses}: it is for --tune; without one, say how long with --bars")
        return {}
    for option in ("changes", "mood"):
        if getattr(args, option):
            raise ImprovError(f"--tune brings changes of its own, and so does --{option}: give one of the two")
    from improv.charts.tunes import tune_of

    tune = tune_of(args.tune, args.key)
    args.changes = tune.changes
    if args.metre is None:
        args.metre = f"{tune.metre[0]}/{tune.metre[1]}"
    for name, value in (("tempo", tune.tempo), ("feel", tune.feel), ("style", tune.style)):
        if getattr(args, name) is None:
            setattr(args, name, value)
    if getattr(args, "choruses", None) is not None:
        args.bars = args.choruses * tune.bars
    if not args.json:
        print(f"tune: {tune}", flush=True)
    return {"tune": {"said": args.tune, "title": tune.title, "key": tune.key}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tune", nargs="?", metavar="TUNE", help="a form's name, or a file of songs: show its chart, or list its songs")
    parser.add_argument("--key", metavar="KEY", help="show it in this key, for example Eb")
    parser.add_argument("--instrument", choices=("C", "Bb", "Eb", "F"), default="C", help="show the chart as a transposing player reads it")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """The built-in forms; the songs of a file; or one chart."""
    from improv.charts.tunes import built_in, songs_in, tune_of

    if args.tune is None:
        return _list(built_in(), args.json)
    path = Path(args.tune)
    if path.is_file() and not args.key and len(songs := songs_in(path)) != 1:
        if not songs:
            raise ImprovError(f"{path}: no song in it")
        return _list({str(number): song for number, song in enumerate(songs, 1)}, args.json)
    tune = tune_of(args.tune, args.key).read_by(args.instrument)
    if args.json:
        print(json.dumps(asdict(tune) | {"bars": tune.bars}))
        return OK
    print(tune)
    print(chart(tune))
    return OK


def _list(tunes: dict[str, NamedTune], as_json: bool) -> int:
    if as_json:
        print(json.dumps({name: asdict(tune) for name, tune in tunes.items()}))
        return OK
    rows = [("", "key", "bars", "metre", "tempo", "title")]
    unread = 0
    for name, tune in tunes.items():
        try:
            bars = str(tune.bars)
        except ImprovError:
            bars, unread = "?", unread + 1
        about = f"{tune.title}: {tune.about}" if tune.about else tune.title
        rows.append((name, tune.key or "-", bars, f"{tune.metre[0]}/{tune.metre[1]}", f"{tune.tempo:g}" if tune.tempo else "-", about))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]).rstrip())
    if unread:
        print(f"improv: {unread} of them have changes that can't be read (?)", file=sys.stderr)
    return OK


def chart(tune: NamedTune) -> str:
    """Its changes, four bars a line, a new line for each line of the chart."""
    lines = []
    for line in tune.changes.strip().splitlines():
        bars = [bar.strip() for bar in line.strip().strip("|").split("|")]
        lines += ["| " + " | ".join(bars[i : i + A_LINE]) + " |" for i in range(0, len(bars), A_LINE)]
    return "\n".join(lines)
