"""Recorded sessions, JSON lines and databases as strangers make them, and what reads each. See `readers`."""

from __future__ import annotations

import functools
import gzip
import json
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from music_files import read_for_training
from mutating import changed, spoilt, strange_file
from refusing import refused

from improv.core.errors import ImprovError
from improv.learning.setup import learned_again
from improv.session import Session, sessions
from improv.session.again import replayed

OLD = Path(__file__).parent / "fast" / "session" / "old"
SHORT = ("offline-solo-waltz", "offline-echo-pedal", "offline-trade-five-enter-bar", "offline-duet-silence-ccs")


@functools.cache
def recorded() -> list[bytes]:
    """Some sessions, whole."""
    return [gzip.decompress((OLD / f"{name}.jsonl.gz").read_bytes()) for name in SHORT]


def session(r: random.Random) -> bytes:
    """A good session of which some lines are changed."""
    lines = r.choice(recorded()).splitlines()
    for _ in range(r.choice([1, 1, 3, 10])):
        at = r.choice([0, r.randrange(len(lines))])
        fate = r.randrange(5)
        if fate < 2:
            try:
                lines[at] = json.dumps(changed(r, json.loads(lines[at]))).encode()
            except (ValueError, RecursionError):
                lines[at] = b"{}"
        elif fate == 2:
            lines[at] = spoilt(r, lines[at])
        elif fate == 3:
            lines.insert(at, r.choice(lines) if r.random() < 0.5 else r.choice(lines) * 3)
        elif len(lines) > 1:
            del lines[at]
    blob = b"\n".join(lines) + b"\n"
    return spoilt(r, blob) if r.random() < 0.1 else blob


def recordings(r: random.Random, folder: Path) -> str:
    """Listed, replayed and trained on."""
    path = folder / "strange.jsonl"
    path.write_bytes(session(r))
    if r.random() < 0.03:
        strange_file(r, path)
    for kept in sessions(folder):
        assert kept.path == path
    trained = read_for_training(path)
    try:
        found = replayed(Session(path), None, learned_again)
    except ImprovError as e:
        return f"{refused(e, str(path))}, {trained} by train"
    for _, why in found.session.skipped:
        assert "\n" not in why
    return f"played again, {trained} by train"


# What is trained on

SOLO: dict[str, Any] = {
    "id": "strange",
    "notes": [[i * 0.5, 0.5, 60 + i % 12, i * 0.25, 0.25, i // 8 + 1, i // 2 % 4 + 1, i % 2 + 1, 2, i // 8] for i in range(32)],
    "beats": [[i * 0.5, i // 4 + 1, i % 4 + 1, None] for i in range(20)],
    "chords": [[0, "Dm7"], [4, "G7"], [8, "C^7"]],
    "forms": [[0, "A1"]],
    "bpm": 120.0,
    "feel": "SWING",
    "meter": "4/4",
    "title": "Strange",
}
SHEET: dict[str, Any] = {
    "id": "sheet",
    "notes": [[i * 1.0, 1.0, 60 + i] for i in range(16)],
    "bars": [4.0 * i for i in range(5)],
    "chords": [[0.0, "Dm7"], [4.0, "G7"]],
    "meter": [4, 4],
    "bpm": 120,
}
PLAYED: dict[str, Any] = {
    "id": "played",
    "melody": [[i * 0.5, 0.4, 60 + i, 80] for i in range(16)],
    "beats": [[i * 0.5, int(i % 4 == 0)] for i in range(20)],
    "chords": [[0.0, 2.0, "C:maj"], [2.0, 4.0, "G:7/3"]],
}
TABLES = {
    "solo_info": "melid, title, avgtempo, rhythmfeel, signature",
    "melody": "eventid, melid, onset, duration, pitch, bar, beat, tatum, division, beatdur",
    "beats": "melid, onset, bar, beat, chord, form",
    "sections": "melid, type, start, end",
}
ROWS = {
    "solo_info": [(1, "Strange", 120.0, "SWING", "4/4")],
    "melody": [(i, 1, i * 0.25, 0.2, 60 + i % 12, i // 8 + 1, i // 2 % 4 + 1, i % 2 + 1, 2, 0.5) for i in range(32)],
    "beats": [(1, i * 0.5, i // 4 + 1, i % 4 + 1, "Dm7" if i == 0 else "", "A1" if i == 0 else "") for i in range(20)],
    "sections": [(1, "PHRASE", 0, 15), (1, "PHRASE", 16, 31)],
}
WILD: list[Any] = [None, "", "x\n\x1b[2J", 0, -1, 2**62, -(2**62), 1e300, float("inf"), b"\0" * 10, "9" * 500, 1e-300]


def lines_of_json(r: random.Random, path: Path) -> None:
    records = []
    for _ in range(r.choice([1, 3, 20])):
        record: Any = r.choice([SOLO, SHEET, PLAYED])
        for _ in range(r.choice([0, 1, 2, 5])):
            record = changed(r, record)
        records.append(json.dumps(record).encode())
    blob = b"\n".join(records)
    if r.random() < 0.3:
        blob = spoilt(r, blob)
    packed = r.random() < 0.3
    blob = gzip.compress(blob) if packed else blob
    path.write_bytes(spoilt(r, blob) if packed and r.random() < 0.3 else blob)


def database(r: random.Random, path: Path) -> None:
    base = sqlite3.connect(path)
    for name, columns in TABLES.items():
        base.execute(f"CREATE TABLE {name} ({columns})")
        rows = [list(row) for row in ROWS[name]]
        if r.random() < 0.5:
            for _ in range(r.choice([1, 3])):
                row = r.choice(rows)
                row[r.randrange(len(row))] = r.choice(WILD)
        base.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    if r.random() < 0.2:
        base.execute(f"ALTER TABLE {r.choice(list(TABLES))} RENAME TO gone")
    base.commit()
    base.close()
    if r.random() < 0.4:
        path.write_bytes(spoilt(r, path.read_bytes()))


def corpora(r: random.Random, folder: Path) -> str:
    kind = r.choice(["solos.jsonl", "solos.jsonl.gz", "wjazzd.db"])
    path = folder / kind
    (database if kind.endswith(".db") else lines_of_json)(r, path)
    if r.random() < 0.03:
        strange_file(r, path)
    return read_for_training(path)


CORPORA: dict[str, Callable[[random.Random, Path], str]] = {"recordings": recordings, "corpora": corpora}
