"""What RtMidi does not do for us on JACK, through libjack itself.

A plain name for our ports, word when the server dies, and connecting: RtMidi does these while it keeps every other Python
thread waiting (10 to 40 ms each, measured), calls through ctypes let them run. Our client is never activated, so it costs the
audio graph nothing.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
import time
from functools import lru_cache
from typing import Any

CLIENT = "improv"
MIDI = b"8 bit raw midi"
INPUT, OUTPUT = 1, 2  # of the port's own view: what can be played to, what can be heard
NO_SERVER_START = 1
SETTLE = 0.1  # seconds: at 0.02 a loaded machine still hung, once in some hundred closings
LONGEST_NAME = 512  # bytes; jack_port_name_size says 320
PRETTY_NAME = b"http://jackaudio.org/metadata/pretty-name"


def hush_jack() -> None:
    """Keep libjack, every copy of it that this program has loaded, from writing to standard error."""
    try:
        with open("/proc/self/maps") as maps:
            loaded = {line.split(None, 5)[5].strip() for line in maps if "libjack" in line}
        nothing = ctypes.cast(ctypes.CDLL(None).labs, ctypes.c_void_p)  # C's, for JACK's threads are not to wait for Python
    except (OSError, IndexError, AttributeError):
        return
    for path in loaded:
        try:
            library = ctypes.CDLL(path)
            library.jack_set_error_function(nothing)
            library.jack_set_info_function(nothing)
        except (OSError, AttributeError):
            continue


def settle() -> None:
    """To be called before a client of this program closes.

    Each client is told of others that come and go by a thread of libjack's, which is cancelled as the client closes. Where that
    happens in the middle of such news, a lock of libjack's stays locked, and the next client that closes waits for ever.
    """
    time.sleep(SETTLE)


@lru_cache(maxsize=1)
def libjack() -> Any:
    """The system's library, or None. It is loaded for all of this program, so that copies loaded after it are not used."""
    name = "libjack.so.0" if sys.platform == "linux" else ctypes.util.find_library("jack")
    try:
        jack = ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL) if name else None
    except OSError:
        return None
    if jack is not None:
        jack.jack_client_open.restype = jack.jack_port_by_name.restype = jack.jack_get_ports.restype = ctypes.c_void_p
        jack.jack_port_get_all_connections.restype = ctypes.c_void_p
        jack.jack_last_frame_time.restype = ctypes.c_uint32
        if hasattr(jack, "jack_port_uuid"):
            jack.jack_port_uuid.restype = ctypes.c_uint64
        jack.jack_free.argtypes = [ctypes.c_void_p]
        hush_jack()
    return jack


class ServerTime:
    """Whether a server's time goes on. One whose time has never moved is not judged: PipeWire tells none to a client like ours."""

    def __init__(self) -> None:
        self._frame: int | None = None
        self._moved = False

    def goes_on(self, frame: int) -> bool:
        """Whether it went on since the frame before, as far as that can be told."""
        stands = frame == self._frame
        self._moved |= self._frame is not None and not stands
        self._frame = frame
        return not (stands and self._moved)


class JackServer:
    """A JACK server that is there; see `up` and `gone`."""

    def __init__(self) -> None:
        self.gone = False
        self._client: ctypes.c_void_p | None = None
        self._pace = ServerTime()
        self._jack = jack = libjack()
        if jack is None:
            return
        client = ctypes.c_void_p(jack.jack_client_open(f"{CLIENT}-watch".encode(), NO_SERVER_START, None))
        if not client:
            return
        self._client = client
        self._on_shutdown = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._shut_down)
        jack.jack_on_shutdown(client, self._on_shutdown, None)

    @property
    def up(self) -> bool:
        """Whether the server was there, and has not died since."""
        return self._client is not None and not self.gone

    def moves(self) -> bool:
        """Whether its time has gone on since this was last asked: a server that stands still takes no messages."""
        return self.up and self._pace.goes_on(self._jack.jack_last_frame_time(self._client))

    def ports(self, flag: int) -> list[str]:
        """MIDI ports that are INPUT or OUTPUT."""
        if not self.up:
            return []
        return self._names(self._jack.jack_get_ports(self._client, None, MIDI, ctypes.c_ulong(flag)))

    def _names(self, found: int | None) -> list[str]:
        """A list of names of libjack's, which is freed."""
        if not found:
            return []
        names: list[str] = []
        array = ctypes.cast(found, ctypes.POINTER(ctypes.c_char_p))
        while (name := array[len(names)]) is not None:
            names.append(name.decode(errors="replace"))
        self._jack.jack_free(found)
        return names

    def connect(self, source: str, target: str) -> bool:
        """Whether what `source` sends reaches `target` from now on."""
        done = self._jack.jack_connect(self._client, source.encode(), target.encode()) if self.up else -1
        return done in (0, 17)  # EEXIST: it did already

    def connections(self, name: str) -> list[str]:
        """What is connected to a port."""
        port = ctypes.c_void_p(self._jack.jack_port_by_name(self._client, name.encode())) if self.up else None
        return self._names(self._jack.jack_port_get_all_connections(self._client, port)) if port else []

    def alias(self, name: str, plain: str) -> None:
        """Another name for a port, best effort."""
        port = ctypes.c_void_p(self._jack.jack_port_by_name(self._client, name.encode())) if self.up else None
        if port:
            self._jack.jack_port_set_alias(port, plain.encode())

    def other_names(self, name: str) -> list[str]:
        """A port's aliases and its pretty name, as far as it has any."""
        port = ctypes.c_void_p(self._jack.jack_port_by_name(self._client, name.encode())) if self.up else None
        if not port:
            return []
        room = [ctypes.create_string_buffer(LONGEST_NAME) for _ in range(2)]
        pointers = (ctypes.c_void_p * 2)(*map(ctypes.addressof, room))
        count = self._jack.jack_port_get_aliases(port, pointers)
        found = [buffer.value.decode(errors="replace") for buffer in room[: max(0, count)]]
        if hasattr(self._jack, "jack_get_property"):  # JACK 1 before 0.124 has none
            value, kind = ctypes.c_char_p(), ctypes.c_char_p()
            uuid = ctypes.c_uint64(self._jack.jack_port_uuid(port))
            if self._jack.jack_get_property(uuid, PRETTY_NAME, ctypes.byref(value), ctypes.byref(kind)) == 0:
                found.append((value.value or b"").decode(errors="replace"))
                for text in (value, kind):
                    self._jack.jack_free(ctypes.cast(text, ctypes.c_void_p))
        return [n for n in found if n and n != name]

    def period(self) -> float | None:
        """Seconds between two looks of the server at its ports."""
        if not self.up:
            return None
        frames, rate = self._jack.jack_get_buffer_size(self._client), self._jack.jack_get_sample_rate(self._client)
        return frames / rate if rate else None

    def _shut_down(self, _: Any) -> None:
        self.gone = True

    def close(self) -> None:
        if self.up:
            settle()
            self._jack.jack_client_close(self._client)
        self._client = None
