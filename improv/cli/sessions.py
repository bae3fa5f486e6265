"""`improv sessions`: what was recorded: when, how long, how many notes, how late, which marks, how it ended."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from improv.cli import OK
from improv.session import Kept
from improv.session import sessions as in_folder

WIDE = 40  # letters of a name


def default_folder() -> Path:
    """Where sessions go if nobody says otherwise."""
    import platformdirs

    return Path(platformdirs.user_data_dir("improv")) / "sessions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", metavar="FOLDER", help="where they are (default: in your data folder)")
    parser.add_argument("--all", action="store_true", help="list those in which nothing was played, too")
    parser.add_argument("--json", action="store_true", help="as JSON, all of them")


def run(args: argparse.Namespace) -> int:
    folder = Path(args.folder) if args.folder else default_folder()
    found = in_folder(folder) if args.folder or folder.is_dir() else []
    if args.json:
        print(json.dumps([asdict(kept) | {"path": str(kept.path)} for kept in found]))
        return OK
    shown = [kept for kept in found if args.all or not kept.empty]
    left_out = len(found) - len(shown)
    more = f"; in {left_out} more nothing was played (--all lists them)" if left_out else ""
    if shown:
        print(table(shown))
    print(f"{'in' if shown else 'no sessions in'} {folder}{more}")
    return OK


def table(found: list[Kept]) -> str:
    """A line for each session."""
    width = min(max(len(k.path.name) for k in found), WIDE)
    widest = max(len(k.title) for k in found)
    room = f"{{:{max(widest, len('title'))}}} ".format if widest else "".format  # no column where nothing has a title
    lines = [f"{'session':{width}} {room('title')}{'length':>8} {'heard':>7} {'played':>7} {'late p99':>9} {'marks':>5} {'size':>8}  end"]
    for kept in found:
        late = "" if kept.late is None else f"{kept.late:.1f} ms"
        end = {"whole": "", "running": "goes on", "cut": "CUT: ", "damaged": "DAMAGED: "}[kept.state] + kept.reason
        played = kept.played + kept.filled
        cells = f"{_length(kept.seconds):>8} {kept.heard:>7} {played:>7} {late:>9} {kept.marks:>5} {_size(kept.size):>8}"
        lines.append(printable(f"{kept.path.name:{width}} {room(kept.title)}{cells}  {end}"))
    return "\n".join(lines)


def _length(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{int(seconds // 3600)}:{int(seconds // 60) % 60:02}:{int(seconds) % 60:02}"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def printable(text: str) -> str:
    """What a stranger's file says, without what would steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
