"""The plugin's C core without a host: its own side and the engine's, as tests call them, and its file's words."""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_double, c_int, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_void_p
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MIDI, TRANSPORT, PARAMETER, ACTIVATED, RESTORED, LOST, PREPARED = range(1, 8)
PLAYING, LOOPING, OFFLINE, BYPASSED = 1, 2, 4, 8
WENT_ON, STARTED, STOPPED, JUMPED, LOOPED, SWITCHED = range(6)
RATE = 48000
BEAT = RATE // 2  # frames of a quarter note at 120


class Event(ctypes.Structure):
    _fields_ = (
        ("frame", c_int64), ("generation", c_uint32), ("kind", c_uint16), ("size", c_uint16), ("bytes", c_uint8 * 4),
        ("epoch", c_uint32), ("value", c_double * 5),
    )  # fmt: skip


class Now(ctypes.Structure):
    _fields_ = (
        ("frame", c_int64), ("ns", c_int64), ("rate", c_double), ("tempo", c_double), ("position", c_double), ("bar_start", c_double),
        ("loop_start", c_double), ("loop_end", c_double), ("numerator", c_int32), ("denominator", c_int32), ("flags", c_uint32),
        ("block", c_int32), ("longest", c_int32), ("epoch", c_uint32), ("spare", c_double),
    )  # fmt: skip


class Note(ctypes.Structure):
    _fields_ = (("offset", c_int32), ("size", c_uint8), ("bytes", c_uint8 * 3))


def compiler() -> str:
    """A C compiler, or the test is skipped."""
    if sys.platform == "win32":
        pytest.skip("the plugin isn't built on Windows")
    found = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if found is None:
        pytest.skip("no C compiler is installed (Debian: apt-get install gcc)")
    return found


@cache
def library(folder: Path) -> Any:
    """The plugin, built into a folder, with the types of its functions."""
    sys.path.insert(0, str(ROOT / "plugin"))
    try:
        import hatch_build
    finally:
        sys.path.remove(str(ROOT / "plugin"))
    machine = hatch_build.this_machine()
    assert machine
    lib = ctypes.CDLL(str(hatch_build.build([compiler()], machine, out=folder / hatch_build.binary_of(machine).name)))
    types: dict[str, tuple[Any, list[Any]]] = {
        "improv_plugin_new": (c_void_p, []),
        "improv_plugin_free": (None, [c_void_p]),
        "improv_plugin_activate": (c_int, [c_void_p, c_double, c_int]),
        "improv_plugin_deactivate": (None, [c_void_p]),
        "improv_plugin_instance": (c_char_p, [c_void_p]),
        "improv_plugin_status": (c_int, [c_void_p]),
        "improv_plugin_text": (c_int, [c_void_p, c_char_p, c_int]),
        "improv_plugin_set": (None, [c_void_p, c_int, c_int, c_double]),
        "improv_plugin_want": (None, [c_void_p, c_int, c_double]),
        "improv_plugin_get": (c_double, [c_void_p, c_int]),
        "improv_plugin_heard": (None, [c_void_p, c_int, c_char_p, c_int]),
        "improv_plugin_run": (c_int, [c_void_p, POINTER(Now), c_int, POINTER(Note), c_int]),
        "improv_plugin_state": (c_int, [c_void_p, c_char_p, c_int]),
        "improv_plugin_put_state": (c_int, [c_void_p, c_char_p, c_int]),
        "improv_folder": (c_int, [c_char_p, c_int]),
        "improv_now_ns": (c_int64, []),
        "improv_engine_open": (c_void_p, [c_char_p, c_char_p, c_char_p, c_int]),
        "improv_engine_close": (None, [c_void_p]),
        "improv_engine_life": (c_int, [c_void_p]),
        "improv_engine_beat": (None, [c_void_p]),
        "improv_engine_say": (None, [c_void_p, c_int, c_char_p]),
        "improv_engine_look": (c_int, [c_void_p, POINTER(Now)]),
        "improv_engine_heard_to": (c_int64, [c_void_p]),
        "improv_engine_take": (c_int, [c_void_p, POINTER(Event), c_int]),
        "improv_engine_put": (c_int, [c_void_p, POINTER(Event), c_int]),
        "improv_engine_planned_to": (None, [c_void_p, c_int64]),
        "improv_engine_take_back": (c_uint32, [c_void_p]),
        "improv_engine_text": (c_int, [c_void_p, c_char_p, c_int]),
        "improv_engine_put_text": (c_int, [c_void_p, c_char_p, c_int]),
        "improv_engine_count": (c_int, [c_void_p, c_int]),
        "improv_engine_set_parameter": (None, [c_void_p, c_int, c_double]),
        "improv_plugin_moved": (c_int, [c_void_p, POINTER(c_int), c_int]),
    }
    for name, (result, arguments) in types.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def folder_of(lib: Any) -> Path:
    """Where instances have their files."""
    room = ctypes.create_string_buffer(4096)
    assert lib.improv_folder(room, 4096) > 0
    return Path(room.value.decode())


@dataclass
class EngineEnd:
    """The engine's end of one instance, without an engine."""

    lib: Any
    engine: Any = None
    path: Path = Path()
    words: Any = field(default=None, repr=False)

    def open(self, path: Path) -> None:
        why = ctypes.create_string_buffer(200)
        self.engine = self.lib.improv_engine_open(str(path).encode(), b"test", why, 200)
        assert self.engine, why.value
        self.path = path
        with open(path, "r+b") as file:
            self.words = mmap.mmap(file.fileno(), 0)
        self.forever()

    def forever(self) -> None:
        """The engine's heart has a beat that never grows old, and it has planned all there will ever be."""
        self.word(192, "<q", 1 << 62)
        self.word(200, "<q", 1 << 62)

    def word(self, offset: int, kind: str, value: int | None = None) -> int:
        """A word of the file; see the table in bridge.h. value: what to store there."""
        if value is not None:
            struct.pack_into(kind, self.words, offset, value)
        return int(struct.unpack_from(kind, self.words, offset)[0])

    @property
    def epoch(self) -> int:
        return self.word(152, "<I")

    def plan(self, *notes: tuple[int, bytes], generation: int | None = None, epoch: int | None = None) -> None:
        """The engine plans messages, each for its frame."""
        for frame, message in notes:
            e = Event(frame=frame, kind=MIDI, size=len(message), epoch=self.epoch if epoch is None else epoch)
            e.generation = self.word(208, "<I") if generation is None else generation
            e.bytes[: len(message)] = message
            assert self.lib.improv_engine_put(self.engine, e, 1) == 1

    def prepare(self, number: int, position: float, *notes: tuple[int, bytes], tempo: float = 120.0, taken: int | None = None) -> None:
        """The engine prepares a beginning, for a start where the transport stands. taken: events that it had heard; None: all."""
        head = Event(frame=len(notes), kind=PREPARED, epoch=self.epoch, generation=self.word(1664, "<I") if taken is None else taken)
        head.bytes[:] = [4, 4, 0, number]
        head.value[:2] = [position, tempo]
        assert self.lib.improv_engine_put(self.engine, head, 1) == 1
        for frame, message in notes:
            e = Event(frame=frame, kind=PREPARED, size=len(message))
            e.bytes[:] = [*message, number]
            assert self.lib.improv_engine_put(self.engine, e, 1) == 1

    def told(self) -> list[Event]:
        """What the engine hears."""
        events = (Event * 1024)()
        return list(events[: self.lib.improv_engine_take(self.engine, events, 1024)])

    def close(self) -> None:
        if self.words:
            self.words.close()
        if self.engine:
            self.lib.improv_engine_close(self.engine)


@dataclass
class Host(EngineEnd):
    """A host with one instance, and the engine's end of it. It plays from `position`, in quarter notes, at `tempo`."""

    plugin: Any = None
    frame: int = 0
    position: float = 0.0
    tempo: float = 120.0
    rate: int = RATE
    numerator: int = 4
    flags: int = PLAYING
    loop: tuple[float, float] = (0.0, 0.0)
    most: int = 4096

    def activate(self, longest: int = 512) -> None:
        assert self.lib.improv_plugin_activate(self.plugin, self.rate, longest)
        if not self.path.name:
            self.open(folder_of(self.lib) / (self.lib.improv_plugin_instance(self.plugin).decode() + ".ring"))

    def run(self, frames: int, heard: Sequence[tuple[int, bytes]] = ()) -> list[tuple[int, bytes]]:
        """One block, in which `heard` comes at its offsets. What is played, each at its frame since the start."""
        for offset, message in heard:
            self.lib.improv_plugin_heard(self.plugin, offset, message, len(message))
        now = Now(
            tempo=self.tempo, position=self.position, bar_start=float("nan"), loop_start=self.loop[0], loop_end=self.loop[1],
            numerator=self.numerator, denominator=4, flags=self.flags,
        )  # fmt: skip
        out = (Note * self.most)()
        count = self.lib.improv_plugin_run(self.plugin, now, frames, out, self.most)
        played = [(self.frame + out[i].offset, bytes(out[i].bytes[: out[i].size])) for i in range(count)]
        self.frame += frames
        if self.flags & PLAYING:
            self.position += frames * self.tempo / 60 / self.rate
            if self.flags & LOOPING and self.position > self.loop[1] - 1e-9:
                self.position -= self.loop[1] - self.loop[0]
        return played

    def play(self, frames: int, block: int | Callable[[], int] = 64) -> list[tuple[int, bytes]]:
        """Blocks until so many frames have gone by."""
        played, end = [], self.frame + frames
        while self.frame < end:
            played += self.run(min(block if isinstance(block, int) else block(), end - self.frame))
        return played

    def state(self) -> str:
        room = ctypes.create_string_buffer(1 << 17)
        assert self.lib.improv_plugin_state(self.plugin, room, 1 << 17) > 0
        return room.value.decode()

    def put_state(self, text: str) -> bool:
        return bool(self.lib.improv_plugin_put_state(self.plugin, text.encode(), len(text.encode())))

    def close(self) -> None:
        super().close()
        self.lib.improv_plugin_free(self.plugin)


@contextmanager
def hosting(folder: Path) -> Iterator[Host]:
    """A host whose instance finds no Python to start."""
    os.environ["IMPROV_PLUGIN_SETTINGS"] = str(folder / "none")
    lib = library(folder)
    host = Host(lib, plugin=lib.improv_plugin_new())
    try:
        yield host
    finally:
        host.close()


def run(*command: str | Path, **environment: str) -> str:
    """A program's output; it must end well."""
    done = subprocess.run(
        [str(c) for c in command], env=os.environ | environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout
