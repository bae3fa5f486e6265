"""RtMidi, by whichever of its two Python packages is here: python-rtmidi, or rtmidi2 made to look like it.

python-rtmidi has no wheels for Python 3.13 and later, rtmidi2 has. Both bring a libjack of their own, which may not understand
this system's JACK server and never PipeWire's; so on Linux the system's is loaded before them, and they use that one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from improv.midi.jack import libjack

DUMMY = 5  # python-rtmidi's number of the API that does nothing


class RtMidiError(Exception):
    """What RtMidi complains of, where rtmidi2 is the package."""


class _Port:
    """A port object of rtmidi2, as python-rtmidi has it."""

    def __init__(self, api: int = 0, name: str = "improv", **made_with: int) -> None:
        self._port = _tried(self._kind(), name, api=api, **made_with)

    @staticmethod
    def _kind() -> Callable[..., Any]:
        raise NotImplementedError

    def get_current_api(self) -> int:
        return int(self._port.get_current_api())

    def get_ports(self) -> list[str]:
        return list(_tried(lambda: self._port.ports))

    def get_port_count(self) -> int:
        return len(self.get_ports())

    def open_port(self, number: int = 0, name: str | None = None) -> None:  # rtmidi2 names its own end itself
        _tried(self._port.open_port, number)

    def open_virtual_port(self, name: str) -> None:
        _tried(self._port.open_virtual_port, name)

    def close_port(self) -> None:
        _tried(self._port.close_port)

    def delete(self) -> None:
        self._port = None


class Incoming(_Port):
    """As rtmidi.MidiIn. queue_size_limit: messages."""

    def __init__(self, api: int = 0, name: str = "improv", queue_size_limit: int = 1024) -> None:
        super().__init__(api, name, queuesize=queue_size_limit)

    @staticmethod
    def _kind() -> Callable[..., Any]:
        return import_module("rtmidi2").MidiIn  # type: ignore[no-any-return]

    def ignore_types(self, sysex: bool = True, timing: bool = True, active_sense: bool = True) -> None:
        self._port.ignore_types(sysex, timing, active_sense)

    def set_callback(self, called: Callable[..., None], extra: object = None) -> None:
        self._port.callback = lambda message, seconds: called((message, seconds), extra)

    def cancel_callback(self) -> None:
        self._port.callback = None

    def get_message(self) -> tuple[list[int], float] | None:
        """The next message and the seconds since the one before; None where none waits."""
        message = self._port.get_message()
        return None if message is None else (message, self._port.deltatime)


class Outgoing(_Port):
    """As rtmidi.MidiOut."""

    @staticmethod
    def _kind() -> Callable[..., Any]:
        return import_module("rtmidi2").MidiOut  # type: ignore[no-any-return]

    def send_message(self, message: Sequence[int]) -> None:
        _tried(self._port.send_message, message)


def _tried(call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """What a call gives. Raises RtMidiError for what rtmidi2 raises."""
    try:
        return call(*args, **named)
    except (RuntimeError, ValueError, OSError) as e:
        raise RtMidiError(str(e).strip()) from None


def of_rtmidi2() -> Any:
    """rtmidi2 as a module that looks like python-rtmidi, as far as improv uses it. Raises ImportError."""
    there = import_module("rtmidi2")
    numbers = {name: getattr(there, name) for name in ("API_LINUX_ALSA", "API_UNIX_JACK", "API_MACOSX_CORE", "API_WINDOWS_MM")}
    compiled = {"linux": ("API_LINUX_ALSA", "API_UNIX_JACK"), "darwin": ("API_MACOSX_CORE",), "win32": ("API_WINDOWS_MM",)}
    working = [numbers[name] for name in compiled.get(sys.platform, ())]
    kinds = {"MidiIn": Incoming, "MidiOut": Outgoing, "RtMidiError": RtMidiError}
    return SimpleNamespace(**numbers, **kinds, API_RTMIDI_DUMMY=there.API_RTMIDI_DUMMY, get_compiled_api=lambda: working)


def _chosen() -> Any:
    if sys.platform == "linux":
        libjack()
    for load in (lambda: import_module("rtmidi"), of_rtmidi2):
        try:
            return load()
        except ImportError:
            continue
    return nothing()


def nothing() -> Any:
    """What stands for the package where there is none: no API is compiled in, so no MIDI system works."""
    numbers = {"API_MACOSX_CORE": 1, "API_LINUX_ALSA": 2, "API_UNIX_JACK": 3, "API_WINDOWS_MM": 4, "API_RTMIDI_DUMMY": DUMMY}
    return SimpleNamespace(**numbers, MidiIn=None, MidiOut=None, RtMidiError=RtMidiError, get_compiled_api=lambda: [])


rtmidi = _chosen()
