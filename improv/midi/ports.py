"""MIDI ports through python-rtmidi: any API, virtual ports where the system has them.

An input port's thread stamps each message with the performance clock, puts it in the inbox and returns.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rtmidi

from improv.core.errors import ImprovError
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, ProgramChange, Pulse, Transport

CLIENT = "improv"
APIS = {
    "alsa": rtmidi.API_LINUX_ALSA,
    "jack": rtmidi.API_UNIX_JACK,
    "core": rtmidi.API_MACOSX_CORE,
    "winmm": rtmidi.API_WINDOWS_MM,
}
DRAIN = 0.1  # seconds
_TRANSPORT = {0xFA: "start", 0xFB: "continue", 0xFC: "stop"}
_STATUS = {kind: status for status, kind in _TRANSPORT.items()}


class PortError(ImprovError):
    """A port that can't be opened; the message says what there is instead."""


def decode(message: list[int], time: float) -> Event | None:
    """A MIDI message's bytes as an event; None for what the improviser has no use for, or broken bytes."""
    if not message:
        return None
    status = message[0]
    if status == 0xF8:
        return Pulse(time)
    if status in _TRANSPORT:
        return Transport(time, _TRANSPORT[status])
    if status == 0xF2 and len(message) == 3:
        return Transport(time, "position", (message[1] | message[2] << 7) / 4)
    if status & 0xF0 == 0xC0 and len(message) == 2 and message[1] <= 127:
        return ProgramChange(time, message[1], status & 0x0F)
    if status >= 0xF0 or len(message) != 3 or max(message[1:]) > 127:
        return None
    kind, channel, first, second = status & 0xF0, status & 0x0F, message[1], message[2]
    if kind == 0x90 and second:
        return NoteOn(time, first, second, channel)
    if kind in (0x80, 0x90):
        return NoteOff(time, first, channel)
    if kind == 0xB0:
        return ControlChange(time, first, second, channel)
    return None


def encode(event: Event) -> list[int] | None:
    """A played event as bytes; None for what is not sent."""
    if isinstance(event, NoteOn):
        return [0x90 | event.channel, event.pitch, event.velocity]
    if isinstance(event, NoteOff):
        return [0x80 | event.channel, event.pitch, 0]
    if isinstance(event, ControlChange):
        return [0xB0 | event.channel, event.control, event.value]
    if isinstance(event, ProgramChange):
        return [0xC0 | event.channel, event.program]
    if isinstance(event, Pulse):
        return [0xF8]
    if isinstance(event, Transport):
        if event.kind != "position":
            return [_STATUS[event.kind]]
        sixteenths = min(max(round((event.beat or 0.0) * 4), 0), 0x3FFF)
        return [0xF2, sixteenths & 0x7F, sixteenths >> 7]
    return None


def working_apis() -> dict[str, int]:
    """Names and numbers of the APIs that work here now: compiled in, and their system answers."""
    compiled = set(rtmidi.get_compiled_api())
    working = {}
    for name, number in APIS.items():
        if number in compiled:
            with _hushed():
                port = _client(rtmidi.MidiOut, number)
            if port is not None:
                port.delete()
                working[name] = number
    return working


def _client(kind: Any, api: int) -> Any:
    """A port object of an API whose system answers, or None."""
    try:
        port = kind(api, name=CLIENT)
        if port.get_current_api() != api:
            port.delete()
            return None
        port.get_port_count()
        return port
    except rtmidi.RtMidiError:
        return None


def listed(api: int) -> tuple[list[str], list[str]]:
    """Names of the API's inputs (what we can hear) and outputs (what we can play to)."""
    names = []
    for kind in (rtmidi.MidiIn, rtmidi.MidiOut):
        with _hushed():
            port = _client(kind, api)
            names.append([] if port is None else port.get_ports())
        if port is not None:
            port.delete()
    return names[0], names[1]


@contextmanager
def _hushed() -> Iterator[None]:
    """The MIDI libraries write to standard error from C; we say what matters ourselves."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


class Ports:
    """An input and an output of one API, virtual or connected by name.

    heard: takes each event from the input, in the port's own thread, stamped by `now`.
    source, target: a name or a part of one; None opens a virtual port (`in`, `out`), which other
    programs connect to. begin: is called once in the port's own thread, at its first
    message, for instance to raise its priority. Raises PortError.
    """

    def __init__(
        self,
        api: int,
        now: Callable[[], float],
        heard: Callable[[Event], None],
        source: str | None = None,
        target: str | None = None,
        begin: Callable[[], object] | None = None,
    ):
        self._struck: set[tuple[int, int]] = set()  # every channel and pitch that was ever sent
        self._server: _JackServer | None = None
        with _hushed():
            self._output = _client(rtmidi.MidiOut, api)
            self._input = _client(rtmidi.MidiIn, api)
        if self._output is None or self._input is None:
            self.close()
            raise PortError(f"the {api_name(api)} MIDI system does not answer; `improv ports` shows what works here")
        try:
            with _hushed():
                self.target = _open(self._output, target, "out", "output")
                self.source = _open(self._input, source, "in", "input")
        except PortError:
            self.close()
            raise
        self._names = {self._output: target and self.target, self._input: source and self.source}
        if api == rtmidi.API_UNIX_JACK:
            with _hushed():
                self._server = _JackServer(alias=source is None)

        def arrived(message: tuple[list[int], float], data: object = None) -> None:
            nonlocal begin
            event = decode(message[0], now())
            if event is not None:
                heard(event)
            if begin:
                begin()
                begin = None

        self._input.ignore_types(sysex=True, timing=False, active_sense=True)  # by default RtMidi drops MIDI Clock
        self._input.set_callback(arrived)

    def send(self, event: Event) -> None:
        """Hand a played event to the port."""
        message = encode(event)
        if message:
            self._output.send_message(message)
            if isinstance(event, NoteOn):
                self._struck.add((event.channel, event.pitch))

    @property
    def period(self) -> float | None:
        """Seconds between two looks of the JACK server at its ports; None for other systems."""
        return self._server.period() if self._server else None

    def missing(self) -> str | None:
        """The name of a connected port, or of the server, that is no longer there; None when all are."""
        if self._server and self._server.gone:
            return "JACK server"
        for port, name in self._names.items():
            if name:
                with _hushed():
                    there = port.get_ports()
                if name not in there:
                    return name
        return None

    def close(self) -> None:
        """Close both ports, once the last note-offs are surely out.

        A message that was sent is still in RtMidi's buffer until the MIDI system's next period
        (at most 93 ms: JACK with 4096 frames at 44.1 kHz), and a JACK server without real-time
        priority drops what was sent in a period that it missed. So all that was struck is closed
        twice more, a moment apart; a note-off for a note that is silent does nothing.
        """
        if self._output is not None and self._struck:
            for _ in range(2):
                time.sleep(DRAIN)
                for channel, pitch in sorted(self._struck):
                    self._output.send_message([0x80 | channel, pitch, 0])
            time.sleep(DRAIN)
        if self._server:
            self._server.close()
        for port in (self._input, self._output):
            if port is not None:
                if port is self._input:
                    port.cancel_callback()
                port.close_port()
                port.delete()
        self._input = self._output = None


def api_name(api: int) -> str:
    """The name of an API's number, of APIS."""
    return next(name for name, number in APIS.items() if number == api)


def _open(port: Any, wanted: str | None, virtual: str, what: str) -> str:
    """Open a virtual port, or the one port whose name is or contains `wanted`. Returns its name."""
    if wanted is None:
        try:
            port.open_virtual_port(virtual)
        except (rtmidi.RtMidiError, NotImplementedError) as e:
            raise PortError(
                f"this system has no virtual MIDI ports ({e}); name a port with --{virtual}, "
                "or install a virtual cable (loopMIDI on Windows)"
            ) from None
        return f"{CLIENT}:{virtual}"
    names = port.get_ports()
    exact = [i for i, name in enumerate(names) if name == wanted]
    found = exact or [i for i, name in enumerate(names) if wanted.lower() in name.lower()]
    if not found:
        there = "; there are: " + ", ".join(repr(n) for n in names) if names else "; there is none at all"
        raise PortError(f"no MIDI {what} {wanted!r}{there}")
    if len(found) > 1:
        raise PortError(f"MIDI {what} {wanted!r} fits several: {', '.join(repr(names[i]) for i in found)}; say more of its name")
    port.open_port(found[0], virtual)
    return str(names[found[0]])


class _JackServer:
    """What RtMidi does not do for us on JACK: a plain name for our input, and word when the server dies.

    RtMidi opens one JACK client a port, and JACK numbers the second of a name (`improv-01:in`), so the input
    gets `improv:in` as an alias: `jack_connect keys:out improv:in` works. Best effort, through libjack itself,
    by a client that is never activated and so costs the audio graph nothing.
    """

    def __init__(self, alias: bool):
        self.gone = False
        self._client = None
        library = ctypes.util.find_library("jack")
        if not library:
            return
        self._jack = jack = ctypes.CDLL(library)
        jack.jack_client_open.restype = jack.jack_port_by_name.restype = ctypes.c_void_p
        self._client = ctypes.c_void_p(jack.jack_client_open(f"{CLIENT}-watch".encode(), 1, None))  # 1: start no server
        if not self._client:
            return
        self._on_shutdown = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._shut_down)
        jack.jack_on_shutdown(self._client, self._on_shutdown, None)
        port = ctypes.c_void_p(jack.jack_port_by_name(self._client, f"{CLIENT}-01:in".encode())) if alias else None
        if port:
            jack.jack_port_set_alias(port, f"{CLIENT}:in".encode())

    def period(self) -> float | None:
        if not self._client or self.gone:
            return None
        frames, rate = self._jack.jack_get_buffer_size(self._client), self._jack.jack_get_sample_rate(self._client)
        return frames / rate if rate else None

    def _shut_down(self, _: object) -> None:
        self.gone = True

    def close(self) -> None:
        if self._client and not self.gone:
            self._jack.jack_client_close(self._client)
        self._client = None
