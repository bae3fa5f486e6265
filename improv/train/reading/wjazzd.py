"""The Weimar Jazz Database as its site gives it: one SQLite file (wjazzd.db, tables as MeloSpy writes them).

melody: one row a note, with onset and duration in seconds and its place on the annotated grid (bar, beat,
tatum, division, beatdur), and how loud it was, in dB, where that was measured (loud_med, the median over the note; else loud_max).
beats: onset, bar, beat, and chord and form where they change. sections: of type
PHRASE, from one event to another, counted from 0 in each solo. solo_info: title, tempo, feel, signature.
"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
from bisect import bisect_right
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from improv.outside import number
from improv.train.errors import CorpusError
from improv.train.notes import MOSTLY
from improv.train.piece import Reading
from improv.train.reading import How
from improv.train.reading.solos import read_solo

TABLES = {"melody", "beats", "solo_info"}
LARGEST = 256 * 2**20  # bytes of the file
LONGEST = 2**20  # bytes of a value
MOST_SOLOS, MOST_ROWS = 10_000, 50_000  # rows of a solo in one of its tables
LOUD = ("loud_med", "loud_max")  # columns that may say how loud a note is, the best first
USUAL, DECIBELS = 80, 40.0  # velocity of a solo's median note; dB for ten times the velocity
MOST_DECIBELS = 200.0
WORK, LOOKS = 100_000, 20_000  # steps of all statements between two looks, and how many looks they may take


def reads(path: Path, head: bytes) -> bool:
    """An SQLite file."""
    return head.startswith(b"SQLite format 3\x00")


def read(path: Path, how: How) -> Reading:
    """All solos of the database. Raises CorpusError when it is another one."""
    reading = Reading()
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as base:
            _bound(base, path)
            base.row_factory = sqlite3.Row
            plain = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'"  # no views, nothing that is run
            there = {row[0] for row in base.execute(plain).fetchmany(MOST_ROWS)}
            if not there >= TABLES:
                raise CorpusError(f"an SQLite file, but without {', '.join(sorted(TABLES - there))}: not the Weimar Jazz Database")
            for solo in _rows(base, "SELECT * FROM solo_info ORDER BY melid", MOST_SOLOS):
                name = f"wjd{solo['melid']:03}"
                try:
                    record = _record(base, solo, "sections" in there) | {"id": name}
                    reading.pieces.append(read_solo(record, how.vocabulary, reading.unknown_chords))
                except (CorpusError, KeyError, TypeError, ValueError, IndexError, ArithmeticError, AttributeError) as e:
                    reading.skipped.append(f"{path.name}: {name}: {e}")
    except (sqlite3.Error, IndexError, TypeError, ValueError, OverflowError, MemoryError) as e:
        raise CorpusError(f"can't be read as the Weimar Jazz Database ({e})") from None
    return reading


def _bound(base: sqlite3.Connection, path: Path) -> None:
    """Nothing of a stranger's database is run, and no value or statement is without an end."""
    if path.stat().st_size > LARGEST:
        raise CorpusError(f"{path.stat().st_size:,} bytes; a database may have {LARGEST:,}")
    base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    base.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    base.execute("PRAGMA trusted_schema = OFF")
    looks = itertools.count()
    base.set_progress_handler(lambda: next(looks) > LOOKS, WORK)


def _rows(base: sqlite3.Connection, statement: str, most: int, *values: Any) -> list[sqlite3.Row]:
    rows = base.execute(statement, values).fetchmany(most + 1)
    if len(rows) > most:
        raise CorpusError(f"more than {most:,} rows")
    return rows


def _record(base: sqlite3.Connection, solo: sqlite3.Row, sections: bool) -> dict[str, Any]:
    """One solo with the fields that `read_solo` takes."""
    melid = solo["melid"]
    beats = _rows(base, "SELECT onset, bar, beat, chord, form FROM beats WHERE melid = ? ORDER BY onset", MOST_ROWS, melid)
    events = _rows(base, "SELECT * FROM melody WHERE melid = ? ORDER BY eventid", MOST_ROWS, melid)
    phrases = {}
    if sections:
        bounds = _rows(base, "SELECT start, end FROM sections WHERE melid = ? AND type = 'PHRASE' ORDER BY start", MOST_ROWS, melid)
        phrases = {event: number for number, (start, end) in enumerate(bounds) for event in range(max(start, 0), min(end, len(events)) + 1)}
    at = {(b["bar"], b["beat"]): i for i, b in enumerate(beats)}
    onsets = [b["onset"] for b in beats]
    notes = []
    for i, e in enumerate(events):
        if not e["division"]:
            raise CorpusError(f"note {i + 1}: division {e['division']} of its beat")
        beat = at.get((e["bar"], e["beat"]), bisect_right(onsets, e["onset"]) - 1)
        on = round(beat + (e["tatum"] - 1) / e["division"], 4)  # as the JSON lines have it
        note = [
            on,
            e["duration"] / e["beatdur"] if e["beatdur"] else 0.0,
            round(e["pitch"]),
            e["onset"],
            e["duration"],
            e["bar"],
            e["beat"],
            e["tatum"],
            e["division"],
        ]
        notes.append([*note, phrases.get(i, -1)] if phrases else note)
    known = set(solo.keys())
    return {
        "notes": notes,
        "velocities": _velocities(events),
        "beats": [[b["onset"], b["bar"], b["beat"], None] for b in beats],
        "chords": [[i, b["chord"]] for i, b in enumerate(beats) if b["chord"]],
        "forms": [[i, b["form"]] for i, b in enumerate(beats) if b["form"]],
        "bpm": solo["avgtempo"],
        "feel": solo["rhythmfeel"] if "rhythmfeel" in known else "",
        "meter": solo["signature"],
        "title": solo["title"],
    }


def _velocities(events: list[sqlite3.Row]) -> list[int | None] | None:
    """Loudnesses as velocities, None for a note without; None where none of the columns has enough.

    Recordings differ in level, so a solo's median is the usual velocity. From there, a synthesizer's amplitude goes with the square of
    the velocity: R. Dannenberg, The interpretation of MIDI velocity, 2006.
    """
    for column in LOUD:
        if not events or column not in events[0].keys():  # noqa: SIM118 (a row's `in` asks for values)
            continue
        loud = [float(x) if number(x, -MOST_DECIBELS, MOST_DECIBELS) and x else None for x in (e[column] for e in events)]
        known = [x for x in loud if x is not None]
        if len(known) > MOSTLY * len(loud):  # as `pack` asks; else the next column may have it
            middle = statistics.median(known)
            return [None if x is None else min(max(round(USUAL * 10 ** ((x - middle) / DECIBELS)), 1), 127) for x in loud]
    return None
