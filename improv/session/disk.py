"""A session's file as it grows. What goes wrong with it is told once, and never raised: the music goes on.

`append` writes, and has the disk confirm (fsync): what it was given before is safe from a crash and from a power cut.
Where that fails, the file is closed and left as it is. From time to time a new file is begun beside it, if there is room
again: SESSION-2.jsonl, whose header says what it continues.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from improv.session.lines import encode
from improv.session.reader import VERSION

AGAIN, SELDOM = 30.0, 600.0  # seconds after which it is tried again, at first and later
MOST = 2 * 2**30  # bytes of a file: six weeks of playing, or twenty minutes of the worst flood
ROOM = 4 * 2**20  # bytes that must be free for that


class Disk:
    """path: the session's file, which must not exist; None for none. header: its first line, as a JSON object.

    path, later: the file that is written now, or was last. clock: seconds.
    """

    def __init__(self, path: Path | None, header: dict[str, Any], warn: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        self.path = path
        self._first, self._header, self._warn, self._clock = path, header, warn, clock
        self._file: BinaryIO | None = None
        self._wait, self._again = AGAIN, 0.0
        self._files = 1
        self._size, self._full = 0, False  # bytes of this file; whether no more are taken
        if path is not None:
            try:
                self._begin(path, header)
            except OSError as e:
                self._give_up(e)

    @property
    def writes(self) -> bool:
        return self._file is not None

    def append(self, text: str) -> None:
        """Put whole lines on the disk."""
        if self._full or (self._file is None and not self._try_again()):
            return
        try:
            self._put(text.encode())
        except OSError as e:
            self._give_up(e)
        if self._size >= MOST:
            self._end_full()

    def _end_full(self) -> None:
        self._full = True
        self._warn(f"improv: recording stopped: {self.path}: it has {MOST // 2**30} GiB, the most that a recording may; the music goes on")
        self.close()

    def close(self) -> None:
        if self._file:
            try:
                self._file.close()
            except OSError as e:
                self._give_up(e)
            self._file = None

    def _begin(self, path: Path, header: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._size = 0
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115 - closed by `close`
        try:
            lock(self._file)
            self._put((encode({"session": VERSION} | header) + "\n").encode())
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()  # there is nothing in it
            raise
        _sync_folder(path.parent)

    def _put(self, blob: bytes) -> None:
        file = self._file
        assert file
        self._size += len(blob)
        rest = memoryview(blob)
        while rest:
            rest = rest[file.write(rest) :]
        try:
            os.fsync(file.fileno())
        except OSError as e:
            if e.errno not in (errno.EINVAL, errno.ENOTSUP):  # no disk that could confirm
                raise
        if os.fstat(file.fileno()).st_nlink == 0:
            raise OSError(errno.ENOENT, "the file was removed")

    def _give_up(self, e: OSError) -> None:
        self._warn(f"improv: recording stopped: {self.path}: {e.strerror or e}; the music goes on")
        self._drop_file()

    def _drop_file(self) -> None:
        self._again = self._clock() + self._wait
        self._wait = min(2 * self._wait, SELDOM)
        file, self._file = self._file, None
        if file:
            with contextlib.suppress(OSError):  # what is written is written; the warning is out
                file.close()

    def _try_again(self) -> bool:
        """Whether a new file could be begun."""
        first = self._first
        if first is None or self._clock() < self._again:
            return False
        self._files += 1
        path = first.with_name(f"{first.stem}-{self._files}{first.suffix}")
        try:
            first.parent.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(first.parent).free < ROOM:
                raise OSError(errno.ENOSPC, "no room yet")
            self._begin(path, self._header | {"continues": first.name})
        except OSError:
            self._drop_file()
            return False
        self.path = path
        self._warn(f"improv: recording goes on in {path}")
        return True


def _sync_folder(folder: Path) -> None:
    """Have the disk confirm that the folder has the file; not every system can."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


if sys.platform == "win32":

    def lock(file: BinaryIO) -> bool:
        """Mark a file as being written; False: somebody else writes it. Windows deletes no open file anyway."""
        return True

else:
    import fcntl

    def lock(file: BinaryIO) -> bool:
        """Mark a file as being written; False: somebody else writes it."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks on this disk
            return True
        return True
