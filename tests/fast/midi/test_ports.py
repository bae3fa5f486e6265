import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, ProgramChange, Pulse, Transport
from improv.midi.messages import decode, encode, events_of


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ([0x90, 60, 80], NoteOn(1.0, 60, 80)),
        ([0x95, 60, 80], NoteOn(1.0, 60, 80, 5)),
        ([0x90, 60, 0], NoteOff(1.0, 60)),
        ([0x83, 60, 64], NoteOff(1.0, 60, 3)),
        ([0xB0, 64, 127], ControlChange(1.0, 64, 127)),
        ([0xC2, 5], ProgramChange(1.0, 5, 2)),
        ([0xC2, 128], None),
        ([0xC2, 5, 5], None),
        ([0xF8], Pulse(1.0)),
        ([0xFA], Transport(1.0, "start")),
        ([0xFC], Transport(1.0, "stop")),
        ([0xFB], Transport(1.0, "continue")),
        ([0xF2, 8, 1], Transport(1.0, "position", 34.0)),
        ([0xFE], None),
        ([0xF0, 1, 2, 0xF7], None),
        ([0x90, 60], None),
        ([], None),
    ],
)
def test_messages(message: list[int], event: Event | None) -> None:
    assert decode(message, 1.0) == event


@given(st.lists(st.integers(0, 255), max_size=6))
def test_any_bytes_are_an_event_or_nothing(message: list[int]) -> None:
    event = decode(message, 0.0)
    if event is not None:
        assert decode(encode(event) or [], 0.0) == event


def test_real_time_bytes_inside_a_message_are_events_of_their_own() -> None:
    assert events_of([0x90, 0xF8, 60, 0xFA, 80], 1.0, 2) == [Pulse(1.0), Transport(1.0, "start"), NoteOn(1.0, 60, 80, 0, 2)]
    assert events_of([0xF0, 1, 0xF8, 2, 0xF7], 1.0) == [Pulse(1.0)]
    assert events_of([0xF8, 0xFE, 0xFF], 1.0) == [Pulse(1.0)]
    assert events_of([0xF0, *[1] * 1_000_000, 0xF7], 1.0) == []
