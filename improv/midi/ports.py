"""MIDI messages and MIDI systems, through python-rtmidi. What opens ports is in patchbay.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from improv.core.errors import ImprovError
from improv.midi.binding import rtmidi
from improv.midi.jack import JackServer, settle

CLIENT = "improv"
APIS = {
    "alsa": rtmidi.API_LINUX_ALSA,
    "jack": rtmidi.API_UNIX_JACK,
    "core": rtmidi.API_MACOSX_CORE,
    "winmm": rtmidi.API_WINDOWS_MM,
}
ENOUGH_HANDLES = 64


class PortError(ImprovError):
    """A port that can't be opened; the message says what there is instead."""


def working_apis() -> dict[str, int]:
    """Names and numbers of the APIs that work here now: compiled in, and their system answers."""
    compiled = set(rtmidi.get_compiled_api())
    working = {}
    for name, number in APIS.items():
        if number in compiled:
            with hushed():
                port = new_client(rtmidi.MidiOut, number)
            if port is not None:
                close_client(port)
                working[name] = number
    return working


def new_client(kind: Any, api: int, **options: Any) -> Any:
    """A port object of an API whose system answers, or None."""
    try:
        port = kind(api, name=CLIENT, **options)
        if port.get_current_api() != api:
            close_client(port)
            return None
        port.get_port_count()
        return port
    except rtmidi.RtMidiError:
        return None


def close_client(port: Any) -> None:
    """Close a port object for good."""
    if port.get_current_api() == rtmidi.API_UNIX_JACK:
        settle()
    port.close_port()
    port.delete()


def listed(api: int) -> tuple[list[str], list[str]]:
    """Names of the API's inputs (what we can hear) and outputs (what we can play to)."""
    names = []
    for kind in (rtmidi.MidiIn, rtmidi.MidiOut):
        with hushed():
            port = new_client(kind, api)
            names.append([] if port is None else port.get_ports())
        if port is not None:
            close_client(port)
    return names[0], names[1]


def aliases(api: int, *sides: list[str]) -> dict[str, list[str]]:
    """Other names of an API's ports, by name, where they have any: JACK's aliases and pretty names."""
    if api != rtmidi.API_UNIX_JACK:
        return {}
    server = JackServer()
    try:
        return {name: also for names in sides for name in names if (also := server.other_names(name))}
    finally:
        server.close()


@contextmanager
def hushed() -> Iterator[None]:
    """The MIDI libraries write to standard error from C; we say what matters ourselves."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # no file handles left: then not hushed
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        os.close(kept)
        yield
        return
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def api_name(api: int) -> str:
    """The name of an API's number, of APIS."""
    return next(name for name, number in APIS.items() if number == api)


def few_handles() -> str:
    """What to add to a complaint where so few file handles are allowed that a MIDI system can't be reached; mostly nothing."""
    try:
        import resource
    except ImportError:  # Windows
        return ""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return f" (only {limit} file handles are allowed here: ulimit -n 1024)" if 0 <= limit < ENOUGH_HANDLES else ""
