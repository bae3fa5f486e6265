"""What was read before, kept beside a corpus: a second reading costs what is new, and a killed one goes on.

One SQLite file in the folder, hidden, since a kill at any time leaves it whole. A file's reading is found by what the file and the
charts beside it hold, by its name, by what was asked for and by the code that reads: a change of any is read anew. Where the folder
can't be written nothing is kept.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import improv
from improv.charts.beside import ENDINGS
from improv.models.card import ModelError
from improv.models.loader import EAR, read_folder
from improv.train.piece import Reading
from improv.train.reading import How
from improv.train.reading.packed import PackedError, unpacked

NAME = ".improv-readings"
TABLE = "CREATE TABLE reading (key BLOB PRIMARY KEY, packed BLOB NOT NULL) WITHOUT ROWID"
KEPT = (".mid", ".midi", ".kar", ".rmi", ".musicxml", ".mxl")  # formats of a piece a file, slow to read
LARGEST = 2**24  # bytes of a file whose reading is kept
EVERY = 1.0  # seconds between writings to disk
_CODE = ("midi", "charts", "train/reading", "core/harmony")  # folders of the package that say what a file holds
_MODULES = ("core/vocabulary.py", "models/ear.py", "core/line/tracker.py", "train/notes.py", "train/piece.py")


class KeptReadings:
    """The readings that are kept in a folder. A context manager: what is new is on disk when it ends."""

    def __init__(self, folder: Path, how: How):
        self._about = f"{_code()}\0{_ear()}\0{how.vocabulary.hash}\0{how.track}\0{how.listens}".encode()
        self._connection: sqlite3.Connection | None = None
        self._asked: set[bytes] = set()
        self._written = time.monotonic()
        file = folder / NAME
        if file.is_symlink() or (file.exists() and not file.is_file()):
            return
        try:
            self._connection = connection = sqlite3.connect(file, timeout=1.0, isolation_level=None)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")
            if not (tables := connection.execute("SELECT sql FROM sqlite_master LIMIT 2").fetchall()):
                connection.execute(TABLE)
            elif tables != [(TABLE,)]:  # another's file: it is left alone
                self._close()
        except sqlite3.Error:  # no room, no right, no database: everything is read anew
            self._close()

    def __enter__(self) -> KeptReadings:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._connection is not None:  # all was asked for: what was not, no file has any more
            with suppress(sqlite3.Error):
                self._connection.executemany("DELETE FROM reading WHERE key = ?", [(key,) for key in self.keys() - self._asked])
        self._commit()
        self._close()

    def key(self, path: Path) -> bytes | None:
        """By which the reading of a file is found; None where none is kept of such a file."""
        if self._connection is None or not path.name.lower().endswith(KEPT):
            return None
        digest = hashlib.blake2b(self._about, digest_size=20)
        try:
            if not path.is_file() or path.stat().st_size > LARGEST:
                return None
            for part in (path, *(path.with_suffix(ending) for ending in ENDINGS)):
                if part == path or part.is_file():
                    content = part.read_bytes()
                    digest.update(f"\0{part.name}\0{len(content)}\0".encode(errors="surrogateescape"))
                    digest.update(content)
        except OSError:
            return None
        key = digest.digest()
        self._asked.add(key)
        return key

    def keys(self) -> set[bytes]:
        """The keys of all that is kept."""
        if self._connection is None:
            return set()
        try:
            return {key for (key,) in self._connection.execute("SELECT key FROM reading") if isinstance(key, bytes)}
        except sqlite3.Error:
            return set()

    def find(self, key: bytes) -> Reading | None:
        """What was kept under a key."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute("SELECT packed FROM reading WHERE key = ?", (key,)).fetchone()
            return unpacked(row[0]) if row and isinstance(row[0], bytes) else None
        except (sqlite3.Error, PackedError):
            return None

    def keep(self, key: bytes, packed: bytes) -> None:
        """Keep a reading."""
        if self._connection is None:
            return
        try:
            self._connection.execute("INSERT OR REPLACE INTO reading VALUES (?, ?)", (key, packed))
        except sqlite3.Error:
            self._close()
            return
        if time.monotonic() - self._written > EVERY:
            self._commit()
            self._begin()

    def _begin(self) -> None:
        if self._connection is not None:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error:
                self._close()

    def _commit(self) -> None:
        if self._connection is not None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._close()
        self._written = time.monotonic()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@lru_cache(maxsize=1)
def _code() -> str:
    """A mark of the code that reads: the same code gives the same readings."""
    home = Path(improv.__file__).parent
    modules = [home / name for name in _MODULES] + sorted(path for name in _CODE for path in (home / name).rglob("*.py"))
    digest = hashlib.blake2b(improv.__version__.encode(), digest_size=16)
    for path in modules:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _ear() -> str:
    """Which ear listens: the hash of its weights."""
    try:
        return str(read_folder(EAR)[0].get("weights_sha256"))
    except ModelError:
        return ""
