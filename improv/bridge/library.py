"""The bridge's own library, loaded by ctypes: Python has no ordering of memory of its own, so both sides use the same C atomics.

`plugin/bridge.h` says what each function does and where each word of the mapped file is. The library is the plugin's own binary.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from ctypes import POINTER, c_char_p, c_double, c_int, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_void_p
from enum import IntEnum, IntFlag
from functools import cache
from pathlib import Path

from improv.bridge.bundles import binary
from improv.core.errors import ImprovError

LEFT_OUT = (
    "the plugin was left out as improv was installed, since there was no C compiler: install one (Debian: apt-get install gcc), "
    "then improv again, with `pip install --force-reinstall --no-deps`"
)
MOST = 256  # events that are taken at once
ROOM = 65536  # bytes of a text
TAKEN, TELLS = 1664, 188  # where in the file a word is


class BridgeError(ImprovError):
    """The plugin's library is not here, or a mapped file is none of its."""


class RecordKind(IntEnum):
    """Of an event."""

    MIDI = 1
    TRANSPORT = 2
    PARAMETER = 3
    ACTIVATED = 4
    RESTORED = 5
    LOST = 6
    PREPARED = 7


class Flags(IntFlag):
    """Of a transport."""

    PLAYING = 1
    LOOPING = 2
    OFFLINE = 4
    BYPASSED = 8


class Why(IntEnum):
    """What began with a transport event."""

    WENT_ON = 0
    STARTED = 1
    STOPPED = 2
    JUMPED = 3
    LOOPED = 4
    SWITCHED = 5


class Life(IntEnum):
    """Of the plugin's instance."""

    MADE = 0
    ACTIVE = 1
    RESTING = 2
    GONE = 3


class Tells(IntEnum):
    """What becomes of a parameter that the engine changes."""

    UNTOLD = 0  # nobody knows: a plugin of an older version
    TOLD = 1
    UNTELLABLE = 2  # the host has no way to be told


class EngineState(IntEnum):
    STARTS = 0
    READY = 1
    PLAYS = 2
    FAILS = 3


class Record(ctypes.Structure):
    """An event in a ring: 64 bytes."""

    _fields_ = (
        ("frame", c_int64),
        ("generation", c_uint32),
        ("kind", c_uint16),
        ("size", c_uint16),
        ("bytes", c_uint8 * 4),
        ("epoch", c_uint32),
        ("value", c_double * 5),
    )
    frame: int
    generation: int
    kind: int
    size: int
    bytes: ctypes.Array[c_uint8]
    epoch: int
    value: ctypes.Array[c_double]


class TransportBlock(ctypes.Structure):
    """The latest block: 96 bytes. `frame`: its first; `ns`: when it began."""

    _fields_ = (
        ("frame", c_int64),
        ("ns", c_int64),
        ("rate", c_double),
        ("tempo", c_double),
        ("position", c_double),
        ("bar_start", c_double),
        ("loop_start", c_double),
        ("loop_end", c_double),
        ("numerator", c_int32),
        ("denominator", c_int32),
        ("flags", c_uint32),
        ("block", c_int32),
        ("longest", c_int32),
        ("epoch", c_uint32),
        ("spare", c_double),
    )
    frame: int
    ns: int
    rate: float
    tempo: float
    position: float
    bar_start: float
    loop_start: float
    loop_end: float
    numerator: int
    denominator: int
    flags: int
    block: int
    longest: int
    epoch: int


_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "improv_now_ns": (c_int64, []),
    "improv_folder": (c_int, [c_char_p, c_int]),
    "improv_settings_path": (c_int, [c_char_p, c_int]),
    "improv_version": (c_char_p, []),
    "improv_engine_open": (c_void_p, [c_char_p, c_char_p, c_char_p, c_int]),
    "improv_engine_close": (None, [c_void_p]),
    "improv_engine_instance": (c_char_p, [c_void_p]),
    "improv_engine_life": (c_int, [c_void_p]),
    "improv_engine_beat": (None, [c_void_p]),
    "improv_engine_say": (None, [c_void_p, c_int, c_char_p]),
    "improv_engine_port": (None, [c_void_p, c_int]),
    "improv_engine_look": (c_int, [c_void_p, POINTER(TransportBlock)]),
    "improv_engine_heard_to": (c_int64, [c_void_p]),
    "improv_engine_take": (c_int, [c_void_p, POINTER(Record), c_int]),
    "improv_engine_put": (c_int, [c_void_p, POINTER(Record), c_int]),
    "improv_engine_room": (c_int, [c_void_p]),
    "improv_engine_planned_to": (None, [c_void_p, c_int64]),
    "improv_engine_take_back": (c_uint32, [c_void_p]),
    "improv_engine_epoch": (c_uint32, [c_void_p]),
    "improv_engine_text": (c_int, [c_void_p, c_char_p, c_int]),
    "improv_engine_put_text": (c_int, [c_void_p, c_char_p, c_int]),
    "improv_engine_count": (c_int, [c_void_p, c_int]),
    "improv_engine_parameter": (c_double, [c_void_p, c_int]),
    "improv_engine_set_parameter": (None, [c_void_p, c_int, c_double]),
}


@cache
def library() -> ctypes.CDLL:
    """The library, with its functions' types. Raises BridgeError."""
    path = binary()
    if path is None:
        raise BridgeError(LEFT_OUT)
    try:
        found = ctypes.CDLL(str(path))
        for name, (gives, takes) in _SIGNATURES.items():
            function = getattr(found, name)
            function.restype, function.argtypes = gives, takes
    except (OSError, AttributeError) as e:
        raise BridgeError(f"{path}: can't be loaded ({e}); install improv again") from None
    return found


def path_of(function: str) -> Path:
    """A path that the library knows: of `improv_folder`, where the mapped files are, or of `improv_settings_path`. Raises BridgeError."""
    text = ctypes.create_string_buffer(4096)
    if getattr(library(), function)(text, len(text)) < 0:
        raise BridgeError(f"the plugin finds no folder of yours: is {'LOCALAPPDATA' if sys.platform == 'win32' else 'HOME'} set?")
    return Path(text.value.decode("utf-8", "surrogateescape"))


class EngineSide:
    """A mapped file, as the engine sees it. To be used by one thread; `beat` and `say` by another. Raises BridgeError."""

    def __init__(self, path: Path, version: str):
        self._c = library()
        why = ctypes.create_string_buffer(256)
        self._e = self._c.improv_engine_open(str(path).encode("utf-8", "surrogateescape"), version.encode(), why, len(why))
        if not self._e:
            raise BridgeError(f"{path}: {why.value.decode('utf-8', 'replace')}")
        self._records = (Record * MOST)()
        self._text = ctypes.create_string_buffer(ROOM)

    def close(self) -> None:
        if self._e:
            self._c.improv_engine_close(self._e)
            self._e = None

    @property
    def instance(self) -> str:
        """16 hexadecimal digits, kept in the host's project."""
        return bytes(self._c.improv_engine_instance(self._e)).decode("ascii", "replace")

    @property
    def life(self) -> Life:
        return Life(self._c.improv_engine_life(self._e))

    @property
    def heard_to(self) -> int:
        """All that was heard before this frame is in the ring."""
        return int(self._c.improv_engine_heard_to(self._e))

    @property
    def epoch(self) -> int:
        return int(self._c.improv_engine_epoch(self._e))

    @property
    def taken(self) -> int:
        """How many events were taken from the ring."""
        return int(self._c.improv_engine_count(self._e, TAKEN)) & 0xFFFFFFFF

    @property
    def tells(self) -> Tells:
        said = int(self._c.improv_engine_count(self._e, TELLS))
        return Tells(said) if said in list(Tells) else Tells.UNTOLD

    def beat(self) -> None:
        """A sign of life."""
        self._c.improv_engine_beat(self._e)

    def say(self, state: EngineState, text: str) -> None:
        """For people, at most 119 bytes of it."""
        self._c.improv_engine_say(self._e, int(state), text.encode()[:119].decode("utf-8", "ignore").encode())

    def port(self, number: int) -> None:
        """The port of 127.0.0.1 that wakes the engine, where there are no sockets with paths."""
        self._c.improv_engine_port(self._e, number)

    def look(self) -> TransportBlock | None:
        """The latest block; None before the first."""
        block = TransportBlock()
        return block if self._c.improv_engine_look(self._e, ctypes.byref(block)) else None

    def take(self) -> list[Record]:
        """All events that wait. Raises BridgeError for a torn ring."""
        found: list[Record] = []
        while (count := self._c.improv_engine_take(self._e, self._records, MOST)) > 0:
            found += [Record.from_buffer_copy(self._records[i]) for i in range(count)]
            if count < MOST:
                break
        if count < 0:
            raise BridgeError("the plugin's file is damaged; take the plugin out and put it in again")
        return found

    def put(self, records: Sequence[Record]) -> int:
        """Returns how many found room."""
        return int(self._c.improv_engine_put(self._e, (Record * len(records))(*records), len(records)))

    def planned_to(self, frame: int) -> None:
        """All that is played before this frame is in the ring."""
        self._c.improv_engine_planned_to(self._e, frame)

    def take_back(self) -> int:
        """All planned note-ons are void. Returns the new generation."""
        return int(self._c.improv_engine_take_back(self._e))

    def text(self) -> str:
        """What the host's project keeps for the engine; "" for nothing."""
        length = self._c.improv_engine_text(self._e, self._text, ROOM)
        return self._text.raw[: max(length, 0)].decode("utf-8", "replace")

    def put_text(self, text: str) -> None:
        """For the host's project."""
        raw = text.encode()
        self._c.improv_engine_put_text(self._e, raw, len(raw))

    def count(self, offset: int) -> int:
        """A counter, by its offset in the file."""
        return int(self._c.improv_engine_count(self._e, offset))

    def parameter(self, number: int) -> float:
        """As the host has it, in its unit."""
        return float(self._c.improv_engine_parameter(self._e, number))

    def set_parameter(self, number: int, value: float) -> None:
        """The engine changed it by itself, in its unit: the plugin tells the host."""
        self._c.improv_engine_set_parameter(self._e, number, value)
