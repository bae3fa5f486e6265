"""A session's file, read whatever happened to it. It may be anybody's: nothing of it is run, and lines are bounded.

A last line that was cut short is left out. A line that can't be read is passed over, and told with its number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from improv.core.events import Event
from improv.outside import OutsideError, open_file, why
from improv.session.lines import LONGEST, SIDES, Line, SessionError, from_record

VERSION = 1
LONGEST_HEADER = 2**20  # bytes
LARGEST = 2**34  # bytes of a file: a month of clock and playing
MOST_TOLD = 100  # lines passed over that are told one by one


class Session:
    """What a session's file has. Raises SessionError for what is no session.

    header: its first line. Once `lines` was read to the end: end: what the last line says, None where the recording was
    cut off; torn: whether its last line was cut short, and left out; skipped: lines that can't be read, (number, why), the
    first MOST_TOLD of them; damaged: how many there are; lost: events that the recorder had to leave out.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.end: dict[str, Any] | None = None
        self.torn = False
        self.skipped: list[tuple[int, str]] = []
        self.damaged = 0
        self.lost = 0
        try:
            with open_file(self.path, LARGEST) as file:
                self.header = header_of(file.readline(LONGEST_HEADER))
        except OutsideError as e:
            raise SessionError(f"{path}: not a session file ({why(e, self.path)})") from None
        except SessionError as e:
            raise SessionError(f"{path}: not a session file ({e})") from None

    def lines(self) -> Iterator[Line]:
        """Its events, in the order in which they were recorded."""
        self.end, self.torn, self.skipped, self.damaged, self.lost = None, False, [], 0, 0
        with open_file(self.path, LARGEST) as file:
            file.readline(LONGEST_HEADER)
            number = 1
            while raw := file.readline(LONGEST):
                number += 1
                if not raw.endswith(b"\n"):
                    if not _to_the_end(file, raw):
                        self.torn = True
                        return
                    self._skip(number, "too long")
                    continue
                try:
                    record = json.loads(raw)
                    yield from list(from_record(record))
                except SessionError as e:
                    self._skip(number, str(e))
                except (ValueError, RecursionError):
                    self._skip(number, "not JSON")
                else:
                    self._note(record)

    def _note(self, record: dict[str, Any]) -> None:
        """Of what a line tells beside events."""
        if isinstance(record.get("end"), dict):
            self.end = record["end"]
        if isinstance(lost := record.get("lost"), int):
            self.lost += lost

    def _skip(self, number: int, why: str) -> None:
        self.damaged += 1
        if len(self.skipped) < MOST_TOLD:
            self.skipped.append((number, why))


def _to_the_end(file: BinaryIO, raw: bytes) -> bool:
    """Read on to the end of a line; whether it has one."""
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(LONGEST)
    return bool(raw)


def header_of(raw: bytes) -> dict[str, Any]:
    """The header, from a session's first line. Raises SessionError."""
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError):
        raise SessionError("empty, or its first line is no JSON") from None
    if not isinstance(header, dict) or "session" not in header:
        raise SessionError("its first line is no header")
    if header["session"] != VERSION:
        raise SessionError(f"session version {str(header['session'])[:20]!r}, expected {VERSION}")
    if not raw.endswith(b"\n"):
        raise SessionError("its first line is cut short")
    return header


def title_in(header: dict[str, Any]) -> str:
    """The title that a session was given, at most 40 characters; "" where it has none."""
    title = header.get("title")
    return title[:40] if isinstance(title, str) else ""


def read_session(path: str | Path) -> tuple[dict[str, Any], Iterator[tuple[str, Event]]]:
    """A session's header, and its events as (side, event), what can't be read left out.

    Raises SessionError for what is no session.
    """
    session = Session(path)
    return session.header, ((line.side, line.event) for line in session.lines() if line.side in SIDES)
