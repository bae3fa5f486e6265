"""Which recorded sessions a model is to learn from: listed, asked, taken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from improv.cli.sessions import printable
from improv.core.errors import ImprovError
from improv.session import Kept, Session
from improv.session import sessions as in_folder

FEWEST = 10  # notes of the player: fewer teach nothing


def pick(folder: Path, since: str | None, profile: str | None, yes: bool, say: Callable[[Iterable[str]], None]) -> list[str]:
    """The files of the sessions to learn from. since: a date, as 2026-11-01; profile: the name of the profile that learned in them.

    Asks on a terminal, unless `yes`; elsewhere takes all. Raises ImprovError where there are none.
    """
    found = in_folder(folder) if folder.is_dir() else []
    after = _seconds(since) if since else None
    fitting = [
        kept
        for kept in found
        if kept.state != "damaged"
        and kept.heard >= FEWEST
        and (after is None or kept.began >= after)
        and (profile is None or profile in _profiles(kept.path))
    ]
    if not fitting:
        which = "".join([f" since {since}" if since else "", f" with profile {profile}" if profile else ""])
        raise ImprovError(f"{folder}: no session{which} in which you played {FEWEST} notes or more ({len(found)} sessions there)")
    say(f"{number:>4}  {_line(kept)}" for number, kept in enumerate(fitting, 1))
    if not yes and sys.stdin.isatty():
        fitting = _asked(fitting)
    say([f"learning from {len(fitting)} of {len(found)} sessions in {folder}: {sum(k.heard for k in fitting):,} notes that you played"])
    return [str(kept.path) for kept in fitting]


def chosen(answer: str, count: int) -> list[int]:
    """The numbers, from 1, of an answer such as "1,3-5"; all where it is empty. Raises ImprovError."""
    numbers: set[int] = set()
    for part in answer.strip().replace(" ", ",").split(","):
        low, dash, high = part.partition("-")
        if part and not (low.isdecimal() and (not dash or high.isdecimal())):
            raise ImprovError(f"{part}: expected numbers of the list, as in 1,3-5")
        if part:
            numbers |= set(range(int(low), min(int(high), count) + 1)) if dash else {int(low)}
    if not numbers <= set(range(1, count + 1)):
        raise ImprovError(f"{answer.strip()}: expected numbers from 1 to {count}")
    return sorted(numbers) or list(range(1, count + 1))


def _asked(found: list[Kept]) -> list[Kept]:
    print("Which ones? Enter takes all; 1,3-5 takes some: ", end="", file=sys.stderr, flush=True)
    return [found[number - 1] for number in chosen(sys.stdin.readline(), len(found))]


def _line(kept: Kept) -> str:
    when = kept.started.replace("T", " ")[:16]
    title = f'  "{kept.title}"' if kept.title else ""
    return printable(f"{when:<16}  {kept.heard:>6,} notes of yours  {kept.path.name}{title}")


def _profiles(path: Path) -> set[str]:
    """The names of the profiles of a session's performers."""
    header = Session(path).header
    performers = header.get("performers", [header])
    said = [p.get("profile") for p in performers if isinstance(p, dict)] if isinstance(performers, list) else []
    return {Path(name).stem for name in said if isinstance(name, str)}


def _seconds(since: str) -> float:
    try:
        return datetime.fromisoformat(since).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ImprovError(f"--since {since}: expected a date, as in 2026-11-01") from None
