"""The learner in a process of its own, so that the music never waits for it; its beginning, its end, its failure.

The performance hands lessons to a thread, which begins the process with the first of them and writes them to its pipe; another
thread reads what was learned, and says that there is a new version. The process runs at the lowest priority with one thread,
and ends when its pipe does, however the performance ended. Where it falls too far behind, or dies, nothing more is learned,
which is said once; the music goes on.

On the pipe: frames of a length and a number, four bytes each, and a body. To the process: 0 the beginning, as JSON; 1 the profile
that it begins with; 2 a lesson, as JSON. From it: the number of a version, with its heads.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from improv.core.errors import ImprovError
from improv.core.harmony import Chord, HarmonicContext
from improv.core.heads import Heads
from improv.core.line.lessons import Lesson, Note
from improv.core.vocabulary import Context, Value
from improv.learning.learner import Learner, Profile
from improv.learning.profile import from_bytes, that_learns, to_bytes, write_profile
from improv.models.loader import load_model
from improv.models.model import Model

COMMAND = (sys.executable, "-m", "improv.learning.process")
BACKLOG = 64  # lessons that may wait
END = 5.0  # seconds that the process has to end
EVERY = 8  # lessons after which the profile is written
NICE = 19
LARGEST = 2**26  # bytes of a frame
BEGIN, BEFORE, LESSON = 0, 1, 2
_HEAD = struct.Struct("<II")


class LearnerProcess:
    """Learns in a process of its own. profile: what was known before. keep: where the profile is written, None for nowhere.

    folder: the model's. warn: gets a line for people, once.
    """

    def __init__(
        self,
        model: Model,
        folder: Path,
        profile: Profile | None = None,
        keep: Path | None = None,
        warn: Callable[[str], None] = lambda text: print(text, file=sys.stderr),
        command: Sequence[str] = COMMAND,
    ):
        self.told: Callable[[int], None] = lambda number: None
        self._model, self._folder, self._before, self._keep = model, folder, profile, keep
        self._warn, self._command = warn, command
        self._lessons: queue.Queue[Lesson | None] = queue.Queue(BACKLOG)
        self._versions: dict[int, Heads] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._over = self._closing = False
        self._thread = threading.Thread(target=self._write, name="learn", daemon=True)
        self._thread.start()

    @property
    def child(self) -> int | None:
        """The process's id, once it has begun."""
        return self._child.pid if self._child else None

    def give(self, lesson: Lesson) -> None:
        """Never waits."""
        if self._over:
            return
        try:
            self._lessons.put_nowait(lesson)
        except queue.Full:  # a lesson left out would make the next version none that can be learned again
            self._stop(f"it is {BACKLOG} phrases behind")

    def version(self, number: int) -> Heads | None:
        if number == 0:
            return self._before.heads if self._before else None
        for older in [n for n in list(self._versions) if n < number]:
            self._versions.pop(older)
        return self._versions.get(number)

    def close(self, seconds: float = END) -> None:
        """Let it learn what waits, write the profile, and end; for so many seconds, then it is ended."""
        self._closing = True
        with suppress(queue.Full):
            self._lessons.put(None, timeout=0.0 if self._over else seconds)
        self._thread.join(seconds)
        child = self._child
        if child is None:
            return
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self._thread.join()
        if self._reader:
            self._reader.join()

    def _stop(self, why: str) -> None:
        if not self._over:
            self._over = True
            if not self._closing:
                self._warn(f"improv: nothing more is learned: {why}; the music goes on")

    # In threads of its own

    def _write(self) -> None:
        try:
            while (lesson := self._lessons.get()) is not None and not self._over:
                if self._child is None:
                    self._begin()
                self._send(LESSON, json.dumps([packed(note) for note in lesson]).encode())
        except (OSError, ValueError) as e:
            self._stop(f"the learner can't be reached ({e})")
        if self._child and self._child.stdin:
            with suppress(OSError):  # what is left in its buffer for one that is gone
                self._child.stdin.close()

    def _begin(self) -> None:
        one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
        self._child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | one, start_new_session=True
        )
        keep = str(self._keep.absolute()) if self._keep else None
        self._reader = threading.Thread(target=self._read, args=(self._child,), name="learned", daemon=True)
        self._reader.start()
        said = {"model": str(self._folder.absolute()), "weights_sha256": self._model.card["weights_sha256"], "keep": keep}
        self._send(BEGIN, json.dumps(said).encode())
        if self._before:
            self._send(BEFORE, to_bytes(self._before, self._model))

    def _send(self, kind: int, body: bytes) -> None:
        assert self._child
        assert self._child.stdin
        self._child.stdin.write(_HEAD.pack(len(body), kind) + body)
        self._child.stdin.flush()

    def _read(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout
        with suppress(OSError, ValueError):
            while (frame := read_frame(child.stdout)) is not None:
                number, body = frame
                self._versions[number] = unpacked_heads(body, self._model.heads)
                self.told(number)
        child.stdout.close()
        if not self._closing:
            self._stop(f"the learner ended (exit code {child.wait()})")


# The frames


def read_frame(pipe: IO[bytes]) -> tuple[int, bytes] | None:
    """Number and body of the next frame; None where the pipe is at its end. Raises ValueError for none of ours."""
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, number = _HEAD.unpack(head)
    if length > LARGEST:
        raise ValueError(f"a frame of {length} bytes")
    body = pipe.read(length)
    return (number, body) if len(body) == length else None


def packed(note: Note) -> list[Any]:
    """A note for JSON. Floats come back bit for bit."""
    value, last, at, trust = note
    chords = [[c.root, c.kind, c.bass] for c in (at.harmony.chord, at.harmony.coming)]
    return [list(value), last, [chords, at.harmony.until, *at[1:]], trust]


def unpacked(said: list[Any]) -> Note:
    """A note that was packed."""
    value, last, ((now, coming), until, *where), trust = said
    return Value(*value), last, Context(HarmonicContext(Chord(*now), Chord(*coming), until), *where), trust


def packed_heads(heads: Heads) -> bytes:
    return b"".join(np.ascontiguousarray(a, np.float32).tobytes() for a in heads)


def unpacked_heads(body: bytes, like: Heads) -> Heads:
    """Heads that were packed; like: of the same shapes. Raises ValueError."""
    arrays, at = [], 0
    for a in like:
        arrays.append(np.frombuffer(body, np.float32, a.size, at).reshape(a.shape))
        at += 4 * a.size
    return Heads(*arrays)


# The process


def main() -> int:
    """Learn from frames on standard input until it ends; versions go to standard output."""
    with suppress(OSError, AttributeError):  # as far as the system knows these
        os.nice(NICE)
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    frames, out = sys.stdin.buffer, sys.stdout.buffer
    first = read_frame(frames)
    if first is None or first[0] != BEGIN:
        return 2
    said = json.loads(first[1])
    model = that_learns(load_model(said["model"]))
    if model.card["weights_sha256"] != said["weights_sha256"]:
        print("improv: the model was changed while it plays", file=sys.stderr)
        return 2
    keep = Path(said["keep"]) if said["keep"] else None
    learner = Learner(model)
    number = written = 0
    while (frame := read_frame(frames)) is not None:
        kind, body = frame
        if kind == BEFORE:
            learner = Learner(model, from_bytes(body, model, "the profile"))
            continue
        heads = learner.learn([unpacked(note) for note in json.loads(body)])
        number += 1
        body = packed_heads(heads)
        with suppress(OSError):  # the performance is over; what it still handed over is kept
            out.write(_HEAD.pack(len(body), number) + body)
            out.flush()
        if keep and number - written >= EVERY:
            write_profile(keep, learner.profile, model)
            written = number
    if keep and number > written:
        write_profile(keep, learner.profile, model)
    return 0


if __name__ == "__main__":
    try:
        code = main()
    except ImprovError as e:
        print(f"improv: {e}", file=sys.stderr)
        code = 2
    os._exit(code)  # standard output may be closed already, which nobody needs to be told
