"""A folder of sessions: what is in it, and which of them are old enough to go.

A session is known by its first and its last line, so that a thousand are listed in no time. Where the last line is
missing (the power failed), its notes are counted. Only files that begin as a session does are ever removed.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from improv.session.disk import lock
from improv.session.lines import LONGEST, SessionError
from improv.session.reader import LONGEST_HEADER, header_of, title_in

DAY = 86400.0  # seconds
MB = 10**6  # bytes
TAIL = 2**14  # bytes in which the last line is
CHUNK = 2**20
COUNTED = {"heard": b'{"heard":"NoteOn"', "played": b'{"played":"NoteOn"', "filled": b'{"filled":"NoteOn"', "marks": b'{"heard":"Mark"'}


@dataclass(frozen=True, slots=True)
class Kept:
    """A session in a folder. seconds: how long it lasted, as far as is known. late: lateness p99 in ms.

    state: "whole"; "running"; "cut" where it has no end; "damaged" where not even its first line can be read.
    reason: why it ended, or what is wrong with it. began: seconds since the epoch. title: "" where it was given none.
    """

    path: Path
    state: str
    began: float
    started: str
    seconds: float | None
    heard: int
    played: int
    filled: int
    marks: int
    late: float | None
    reason: str
    size: int  # bytes
    title: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was played in it, by anybody, and nothing marked."""
        return self.state in ("whole", "cut") and not (self.heard or self.played or self.filled or self.marks)


def sessions(folder: str | Path) -> list[Kept]:
    """The sessions of a folder, the newest last. Raises SessionError where there is no such folder."""
    try:
        found = [_kept(path, size) for path, size, _ in _files(Path(folder))]
    except OSError as e:
        raise SessionError(f"{folder}: can't be listed ({e.strerror or e})") from None
    return sorted(found, key=lambda kept: (kept.began, kept.path.name))


def cut_off(folder: str | Path) -> bool:
    """Whether the session in a folder that was written last has no end: the power failed, or the program died."""
    try:
        path, size, _ = max(_files(Path(folder)), key=lambda file: file[2])
        _, last, running = _ends(path, size)
    except (OSError, ValueError, SessionError):  # of no file, or none that can be read
        return False
    return not running and not isinstance(last.get("end"), dict)


def prune(folder: str | Path, keep_days: float | None, keep_mb: float | None, now: float, current: Path | None = None) -> list[Path]:
    """Remove sessions that were last written more than keep_days ago, and then the oldest until keep_mb (10^6 bytes) are left.

    None: no such limit. now: seconds since the epoch. current: is kept, as is every session that is being written, though
    its size counts. What can't be removed stays. Returns what was removed, the oldest first.
    """
    try:
        files = sorted(_files(Path(folder)), key=lambda f: (f[2], f[0]))
    except OSError:
        return []
    total = sum(size for _, size, _ in files)
    removed: list[Path] = []
    for path, size, written in files:
        old = keep_days is not None and now - written > keep_days * DAY
        big = keep_mb is not None and total > keep_mb * MB
        if not (old or big) or (current is not None and path.name == current.name and path.absolute() == current.absolute()):
            continue
        try:
            if not _is_session(path) or _running(path):
                continue
            path.unlink()
            for beside in (".state", ".profile"):  # what it began with
                path.with_suffix(beside).unlink(missing_ok=True)
        except OSError:
            continue
        total -= size
        removed.append(path)
    return removed


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """Plain files named as sessions, with their sizes and when they were written. Links are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.endswith(".jsonl"):
                continue
            try:
                said = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(said.st_mode):
                yield Path(entry.path), said.st_size, said.st_mtime


def _is_session(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(b'{"session":')) == b'{"session":'


def _running(path: Path) -> bool:
    """Whether somebody writes it now."""
    with open(path, "rb") as file:
        return not lock(file)


def _ends(path: Path, size: int) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """The header, the last whole line, and whether the file is being written. Raises OSError, SessionError."""
    with open(path, "rb") as file:
        header = header_of(file.readline(LONGEST_HEADER))
        file.seek(max(0, size - TAIL))
        last = _last(file.read(TAIL))
    return header, last, _running(path)


def _kept(path: Path, size: int) -> Kept:
    try:
        header, last, running = _ends(path, size)
    except (OSError, SessionError) as e:
        why = e.strerror or str(e) if isinstance(e, OSError) else str(e)
        return Kept(path, "damaged", _written(path), "", None, 0, 0, 0, 0, None, why, size)
    end = last.get("end")
    whole = isinstance(end, dict)
    end = end if isinstance(end, dict) else {}
    notes = _dict(end.get("notes")) if whole else _counted(path)
    started = str(header.get("started", ""))[:40]
    return Kept(
        path=path,
        state="running" if running else "whole" if whole else "cut",
        began=_epoch(started) or _written(path),
        started=started,
        seconds=_float(end.get("time", last.get("time"))),
        heard=_int(notes.get("heard")),
        played=_int(notes.get("played")),
        filled=_int(notes.get("filled")),
        marks=_int(notes.get("marks")),
        late=_float(_dict(end.get("lateness_ms")).get("p99")),
        reason=str(end.get("reason", ""))[:80] if whole else "" if running else "no end was written",
        size=size,
        title=title_in(header),
    )


def _last(tail: bytes) -> dict[str, Any]:
    """The last whole line that is one; empty where none is."""
    for raw in reversed(tail.split(b"\n")[:-1]):
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and ("end" in record or "time" in record):
            return record
    return {}


def _counted(path: Path) -> dict[str, int]:
    counts = dict.fromkeys(COUNTED, 0)
    rest = b""
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            chunk = rest + chunk
            cut = chunk.rfind(b"\n") + 1
            for name, start in COUNTED.items():
                counts[name] += chunk.count(start, 0, cut)
            rest = chunk[cut:][-LONGEST:]
    return counts


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e12 else None


def _epoch(started: str) -> float | None:
    try:
        return datetime.fromisoformat(started).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
