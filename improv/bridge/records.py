"""The ring's records as events of a take, and what is played as records. Pure.

A take's times are frames since it began, divided by the rate: the host's samples are the clock, so no time is measured and none is
rounded but once, to the nearest sample, as a note goes out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from improv.bridge.library import Flags, Record, RecordKind, TransportBlock, Why
from improv.bridge.parameters import PARAMETERS
from improv.core.events import ControlChange, Event, HostTime, NoteOff, NoteOn, ProgramChange, Setting
from improv.core.meter import limited
from improv.midi.messages import decode, encode

RELEASE = (121, 123)  # controllers that let all pedals and keys of a channel up
USUAL = 120.0  # bpm, where a host tells no tempo


@dataclass(frozen=True, slots=True)
class Zero:
    """Where a take's time is 0. frame: of the instance's count. rate: frames a second."""

    frame: int
    rate: float

    def time(self, frame: int) -> float:
        """A frame in seconds of the take."""
        return (frame - self.frame) / self.rate

    def frame_of(self, time: float) -> int:
        """The frame that is nearest to a time in seconds."""
        return self.frame + math.floor(time * self.rate + 0.5)


def events_in(record: Record, zero: Zero) -> list[Event]:
    """What a record tells a performance; nothing where it is for others, or makes no sense."""
    time = max(zero.time(record.frame), 0.0)
    if record.kind == RecordKind.MIDI:
        event = decode(list(record.bytes[: min(record.size, 3)]), time)
        return [] if event is None or isinstance(event, ProgramChange) else [event]
    if record.kind == RecordKind.TRANSPORT:
        return [host_time(record, time)]
    if record.kind == RecordKind.PARAMETER and record.size < len(PARAMETERS):
        row = PARAMETERS[record.size]
        if row.setting or row.symbol == "model":
            return [Setting(time, row.symbol, row.value_of(record.value[0]))]
    if record.kind == RecordKind.LOST:
        return [ControlChange(time, control, 0, channel) for channel in range(16) for control in RELEASE]
    return []


def host_time(record: Record, time: float) -> HostTime:
    """What a transport record says, believed as far as it makes sense."""
    position, tempo, bar_start = (float(value) for value in record.value[:3])
    count, unit = record.bytes[0], record.bytes[1]
    playing = bool(record.size & Flags.PLAYING) and _sane(position) and tempo > 0
    return HostTime(
        time,
        position if _sane(position) else 0.0,
        limited(tempo) if _sane(tempo) and tempo > 0 else USUAL,
        playing,
        count or 4,
        unit or 4,
        bar_start if _sane(bar_start) else None,
    )


def transport_of(block: TransportBlock) -> Record:
    """A block's transport as the record that a take begins with, after that block."""
    frame = block.frame + block.block
    playing = block.flags & Flags.PLAYING
    position = block.position + (block.block * block.tempo / 60.0 / block.rate if playing else 0.0)
    record = Record(frame=frame, kind=RecordKind.TRANSPORT, size=block.flags, epoch=block.epoch)
    record.value[:] = [position, block.tempo, block.bar_start, block.loop_start, block.loop_end]
    record.bytes[:3] = [min(max(block.numerator, 0), 255), min(max(block.denominator, 0), 255), Why.STARTED]
    return record


def _sane(value: float) -> bool:
    return math.isfinite(value) and abs(value) < 1e9


def record_of(event: Event, frame: int, epoch: int, generation: int) -> Record | None:
    """What is played, for the ring; None for what a host has no use for."""
    message = encode(event) if isinstance(event, NoteOn | NoteOff | ControlChange | ProgramChange) else None
    if message is None:
        return None
    record = Record(frame=frame, generation=generation, kind=RecordKind.MIDI, size=len(message), epoch=epoch)
    for place, byte in enumerate(message):
        record.bytes[place] = byte
    return record
