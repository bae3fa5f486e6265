"""Everything that is heard and played. Frozen; `time` is in seconds on the performance clock.

Of a heard event, `time` is its arrival. Of a played event, it is the moment the music asks for.
Channels are 0-15, as on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A key goes down: pitch 0-127, velocity 1-127."""

    time: float
    pitch: int
    velocity: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class NoteOff:
    """A key comes up: pitch 0-127."""

    time: float
    pitch: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class ControlChange:
    """A controller moves: control and value 0-127. 64 is the sustain pedal, 120 and 123 mean silence."""

    time: float
    control: int
    value: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Pulse:
    """One MIDI Clock pulse, 24 a quarter note."""

    time: float


@dataclass(frozen=True, slots=True)
class Transport:
    """Start, stop or continue from outside; `beat` is the song position where one is given."""

    time: float
    kind: str
    beat: float | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """An outside timeline says: at `time` the beat is `beat`, at `tempo` bpm; playing False: it is stopped."""

    time: float
    beat: float
    tempo: float
    playing: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting takes a new value, wherever the wish came from."""

    time: float
    name: str
    value: object


@dataclass(frozen=True, slots=True)
class Stop:
    """The performance ends."""

    time: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """Wakes the performance: something that was thought about is ready. It is neither heard nor recorded."""

    time: float


Event = NoteOn | NoteOff | ControlChange | Pulse | Transport | Sync | Setting | Stop | Ready
KINDS: dict[str, type] = {t.__name__: t for t in (NoteOn, NoteOff, ControlChange, Pulse, Transport, Sync, Setting, Stop)}
