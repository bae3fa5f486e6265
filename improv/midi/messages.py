"""MIDI messages, bytes to events and back. Pure."""

from __future__ import annotations

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, ProgramChange, Pulse, Transport

_TRANSPORT = {0xFA: "start", 0xFB: "continue", 0xFC: "stop"}
_STATUS = {kind: status for status, kind in _TRANSPORT.items()}


def decode(message: list[int], time: float, part: int = 0) -> Event | None:
    """A MIDI message's bytes as an event; None for what the improviser has no use for, or broken bytes.

    part: the number of the input that it came from.
    """
    if not message:
        return None
    status = message[0]
    if status == 0xF8:
        return Pulse(time)
    if status in _TRANSPORT:
        return Transport(time, _TRANSPORT[status])
    if status == 0xF2 and len(message) == 3 and max(message[1:]) <= 127:
        return Transport(time, "position", (message[1] | message[2] << 7) / 4)
    if status & 0xF0 == 0xC0 and len(message) == 2 and message[1] <= 127:
        return ProgramChange(time, message[1], status & 0x0F)
    if status >= 0xF0 or len(message) != 3 or max(message[1:]) > 127:
        return None
    kind, channel, first, second = status & 0xF0, status & 0x0F, message[1], message[2]
    if kind == 0x90 and second:
        return NoteOn(time, first, second, channel, part)
    if kind in (0x80, 0x90):
        return NoteOff(time, first, channel, part)
    if kind == 0xB0:
        return ControlChange(time, first, second, channel, part)
    return None


def events_of(message: list[int], time: float, part: int = 0) -> list[Event]:
    """All events of a message. Real-time bytes (248 and above) that stand inside another are events of their own."""
    if len(message) > 1 and max(message) >= 0xF8:
        inside = [[byte] for byte in message if byte >= 0xF8]
        pieces = [*inside, [byte for byte in message if byte < 0xF8]]
    else:
        pieces = [message]
    return [event for piece in pieces if (event := decode(piece, time, part)) is not None]


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
