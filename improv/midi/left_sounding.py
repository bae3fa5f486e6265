"""What sounds on an output, kept where a restart finds it: a performer that is killed sends no note-offs, and a synth holds for ever.

One small mapped file a port, in the runtime folder (a RAM disk where there is one: no disk that fills or fails is in a note's
way). A byte a channel and pitch: SOUNDS before a note-on is sent; CLOSED after its note-off was, which two looks later is 0, for
what was sent a moment ago may not have left this program. A byte a channel: whether anything was ever sent on it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from improv.outside import OutsideError, read_file
from improv.places import runtime_folder

CHANNELS, PITCHES = 16, 128
SIZE = CHANNELS + CHANNELS * PITCHES
SOUNDS, CLOSED, FADING = 1, 2, 3
_LOOKED = bytes.maketrans(bytes([CLOSED, FADING]), bytes([FADING, 0]))
Key = tuple[int, int]  # channel 0-15, pitch


class Left(NamedTuple):
    """What a performance that was killed left on a port. channels: those on which it played."""

    keys: frozenset[Key] = frozenset()
    channels: frozenset[int] = frozenset()


def sounding_folder() -> Path:
    """Where the files are: in a folder that only its user can read."""
    return runtime_folder() / "sounding"


class SoundingFile:
    """What sounds on one port. Where there can be no file, it is kept all the same, and dies with the program.

    left: what those that were killed before have left there; it counts as sounding until it is `ended`.
    """

    def __init__(self, folder: Path | None, port: str):
        self._file: int | None = None
        self._path: Path | None = None
        self._bytes: mmap.mmap | bytearray = bytearray(SIZE)
        self.left = Left()
        if folder is not None:
            with contextlib.suppress(OSError, ValueError):
                self._open(folder, port)

    def _open(self, folder: Path, port: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = _name(port)
        kept = bytearray(SIZE)
        for path in sorted(folder.glob(f"{name}.*")):
            for i, byte in enumerate(_taken(path)):
                kept[i] |= byte
        self.left = Left(
            frozenset((i // PITCHES, i % PITCHES) for i, byte in enumerate(kept[CHANNELS:]) if byte),
            frozenset(i for i, byte in enumerate(kept[:CHANNELS]) if byte),
        )
        path = folder / f"{name}.{os.getpid()}-{id(self):x}"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0), 0o600)
        self._path = path
        _lock(self._file)
        os.write(self._file, bytes(kept))  # all of its room is taken now, so that no note has to wait for any
        self._bytes = mmap.mmap(self._file, SIZE)
        self.end([])

    def begin(self, key: Key) -> None:
        """A note-on is about to be sent."""
        channel, pitch = key
        self._bytes[channel] = 1
        self._bytes[CHANNELS + channel * PITCHES + pitch] = SOUNDS

    def end(self, keys: Iterable[Key]) -> None:
        """Note-offs were sent."""
        for channel, pitch in keys:
            self._bytes[CHANNELS + channel * PITCHES + pitch] = CLOSED

    def look(self) -> None:
        """Some time has passed. Not while another thread begins a note."""
        self._bytes[CHANNELS:] = bytes(self._bytes[CHANNELS:]).translate(_LOOKED)

    def close(self, keep: bool) -> None:
        """keep: something sounds there still, and its port is away; for the next performance to end."""
        if isinstance(self._bytes, mmap.mmap):
            self._bytes.close()
            self._bytes = bytearray(SIZE)
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._path is not None and not keep:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._path = None


def _name(port: str) -> str:
    """A file's name for a port: its own, without what changes from start to start, and what tells it from all others."""
    plain = re.sub(r" \d+:\d+$", "", port)  # ALSA's numbers of the day
    return re.sub(r"\W+", "-", plain)[:40].strip("-") + "-" + sha256(plain.encode()).hexdigest()[:8]


def _taken(path: Path) -> Iterator[int]:
    """The bytes of a file that a program which is no more has left; the file is removed. None of one that is in use, or no such file."""
    try:
        file = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return iter(())
    try:
        if not _lock(file):
            return iter(())
        blob = read_file(path, SIZE)
        path.unlink()  # Windows removes none that is in use
        return iter(blob if len(blob) == SIZE else b"")
    except (OSError, OutsideError):
        return iter(())
    finally:
        os.close(file)


def _lock(file: int) -> bool:
    """Mark a file as in use; False: it is already."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
