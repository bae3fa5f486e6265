"""rtmidi2 in place of python-rtmidi, as it is where the latter has no wheel: its port objects do what those do."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from ears import Ears

from improv.midi.binding import nothing, of_rtmidi2
from improv.midi.ports import close_client

pytestmark = pytest.mark.usefixtures("jack")
MESSAGES = [[0x90, 60, 1], [0xF8], [0xC0, 5], [0x80, 60, 0]]  # MIDI Clock too, which RtMidi leaves out unless asked


@pytest.fixture
def other() -> Any:
    if find_spec("rtmidi2") is None:
        pytest.skip("rtmidi2 is not installed (pip install rtmidi2)")
    return of_rtmidi2()


@pytest.fixture
def ends(other: Any) -> Iterator[tuple[Any, Any]]:
    """An output, and an input that is connected to it."""
    out, into = other.MidiOut(other.API_UNIX_JACK, name="keys"), other.MidiIn(other.API_UNIX_JACK, name="ears", queue_size_limit=64)
    into.ignore_types(sysex=True, timing=False, active_sense=True)
    out.open_virtual_port("out")
    into.open_port(into.get_ports().index("keys:out"), "in")
    yield out, into
    close_client(into)
    close_client(out)


def test_messages_are_fetched_from_the_queue(ends: tuple[Any, Any]) -> None:
    out, into = ends
    came: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    ears = Ears(into, came.put)
    for message in MESSAGES:
        out.send_message(message)
    assert [came.get(timeout=10) for _ in MESSAGES] == MESSAGES
    ears._over.set()
    ears._thread.join()


def test_messages_are_handed_to_a_callback(ends: tuple[Any, Any]) -> None:
    out, into = ends
    came: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
    into.set_callback(lambda event, _: came.put(event[0]))
    for message in MESSAGES:
        out.send_message(message)
    assert [came.get(timeout=10) for _ in MESSAGES] == MESSAGES
    into.cancel_callback()


def test_what_is_not_there_is_one_kind_of_error(other: Any) -> None:
    port = other.MidiOut(other.API_UNIX_JACK, name="keys")
    assert (port.get_current_api(), port.get_port_count()) == (other.API_UNIX_JACK, 0)
    with pytest.raises(other.RtMidiError):
        port.open_port(7)
    close_client(port)


def test_where_neither_package_is_there_no_midi_system_works(other: Any) -> None:
    assert nothing().get_compiled_api() == []
    assert vars(nothing()).keys() == vars(other).keys()
