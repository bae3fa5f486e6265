"""What is printed while music plays: a terminal that stands still, or a pipe that nobody reads, holds up nothing.

A terminal stands still after Ctrl-S, and on Windows while somebody marks text in it. Lines wait for it in a thread of their own, at
most MOST of them; what is printed beyond is left out, and that is told as soon as it moves again.
"""

from __future__ import annotations

import io
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

MOST = 5000  # lines that wait
BUSY = 0.02  # seconds between two tries to write
CLOSING = 1.0  # seconds that are waited for it at the end


class _Patient(io.TextIOBase):
    """Stands in for a stream; whole lines go to the writer."""

    def __init__(self, stream: TextIO, lines: queue.Queue[tuple[_Patient, str] | None]):
        self.stream, self.gone = stream, False
        self._lines = lines
        self._left, self._counting = 0, threading.Lock()  # lines left out that nobody was told of
        self._begun = threading.local()  # a line that is not whole yet, of each thread

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.stream.encoding

    def fileno(self) -> int:
        return self.stream.fileno()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        whole, line_end, rest = (getattr(self._begun, "text", "") + text).rpartition("\n")
        self._begun.text = rest
        if line_end and not self.gone:
            try:
                self._lines.put_nowait((self, whole + "\n"))
            except queue.Full:
                with self._counting:
                    self._left += whole.count("\n") + 1
        return len(text)

    def take_left(self) -> int:
        """How many lines were left out since this was asked last."""
        with self._counting:
            left, self._left = self._left, 0
        return left


def left_out(text: str) -> str:
    return f"improv: {text}"


@contextmanager
def patient(live: bool = True, told: Callable[[str], str] = left_out) -> Iterator[None]:
    """What is printed inside holds nobody up.

    live: False for music that may wait, as an offline take does: nothing is left out there. told: makes a line of what was left out.
    """
    if not live:
        yield
        return
    before = sys.stdout, sys.stderr
    lines: queue.Queue[tuple[_Patient, str] | None] = queue.Queue(MOST)
    writer = threading.Thread(target=_write, args=(lines, told), name="terminal", daemon=True)
    writer.start()
    sys.stdout, sys.stderr = (_Patient(stream, lines) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        try:
            lines.put(None, timeout=CLOSING)
        except queue.Full:
            pass
        else:
            writer.join(CLOSING)


def _write(lines: queue.Queue[tuple[_Patient, str] | None], told: Callable[[str], str]) -> None:
    while (item := lines.get()) is not None:
        shown, text = item
        if shown.gone:
            continue
        if left := shown.take_left():
            text += told(f"{left} lines were left out, since the terminal stood still") + "\n"
        try:
            _put(shown.stream, text)
        except (OSError, ValueError):  # the terminal is gone, or closed; nobody looks
            shown.gone = True


def _put(stream: TextIO, text: str) -> None:
    """Past the stream's own lock, which would end Python with an error if it was still held at the end."""
    try:
        number = stream.fileno() if os.name == "posix" else -1
    except (OSError, ValueError):
        number = -1
    if number < 0:
        stream.write(text)
        stream.flush()
        return
    stream.flush()
    rest = text.encode(stream.encoding, stream.errors or "strict")
    while rest:
        try:
            rest = rest[os.write(number, rest) :]
        except BlockingIOError:  # somebody made it so
            time.sleep(BUSY)
