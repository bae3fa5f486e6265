"""Everything that is heard and played. Frozen; `time` is in seconds on the performance clock.

Of a heard event, `time` is its arrival. Of a played event, it is the moment the music asks for.
Channels are 0-15, as on the wire. `part` says whose it is: of a heard event, the number of the input it came from; of a
played one, that of the performer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A key goes down: pitch 0-127, velocity 1-127. surprise: bits of a note of ours, see `line.surprise`; it makes no other note."""

    time: float
    pitch: int
    velocity: int
    channel: int = 0
    part: int = 0
    surprise: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NoteOff:
    """A key comes up: pitch 0-127."""

    time: float
    pitch: int
    channel: int = 0
    part: int = 0


@dataclass(frozen=True, slots=True)
class ControlChange:
    """A controller moves: control and value 0-127. 64 is the sustain pedal, 120 means silence; 121 lets the pedal up, 123 the keys."""

    time: float
    control: int
    value: int
    channel: int = 0
    part: int = 0


@dataclass(frozen=True, slots=True)
class ProgramChange:
    """A program is chosen: 0-127."""

    time: float
    program: int
    channel: int = 0
    part: int = 0


@dataclass(frozen=True, slots=True)
class Pulse:
    """One MIDI Clock pulse, 24 a quarter note. arrived: when it did, where `time` was moved, see `moved`."""

    time: float
    arrived: float | None = None


@dataclass(frozen=True, slots=True)
class Transport:
    """start, stop, continue or position, from outside; beat: the song position of `position`, in quarter notes."""

    time: float
    kind: str
    beat: float | None = None
    arrived: float | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """A timeline that is shared with others says: at `time` the beat is `beat`, at `tempo` quarter notes a minute.

    playing: whether their transport runs.
    """

    time: float
    beat: float
    tempo: float
    playing: bool = True


@dataclass(frozen=True, slots=True)
class HostTime:
    """A plugin's host says where its song is: at `time` the position is `position`, and from there it goes on at `tempo`.

    position, bar_start: in quarter notes from the song's start; bar_start is where the bar began that goes on, None if the host
    doesn't say. tempo: quarter notes a minute. count, unit: the metre. playing: whether the transport runs.
    """

    time: float
    position: float
    tempo: float
    playing: bool = True
    count: int = 4
    unit: int = 4
    bar_start: float | None = None


@dataclass(frozen=True, slots=True)
class Tap:
    """The player taps the tempo: this is a beat."""

    time: float


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting takes a new value, wherever the wish came from. part: the performer's number; None for all of them."""

    time: float
    name: str
    value: object
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned of the player from the first `number` lessons is played by from now on. part: as of a Setting."""

    time: float
    number: int
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The state of this moment is kept under a name, or gone back to. part: as of a Setting."""

    time: float
    name: str
    keep: bool
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Renewed:
    """A performer whose model had failed begins anew with another, as a Setting of this time asked for. part: the performer's number.

    since: what the performer played is the failed model's own up to then, in seconds, and not known from then on.
    """

    time: float
    name: str
    since: float
    part: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the record that somebody wants to find again."""

    time: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """The performance ends."""

    time: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """Wakes the performance: something that was thought about is ready. It is neither heard nor recorded."""

    time: float


Event = (
    NoteOn | NoteOff | ControlChange | ProgramChange | Pulse | Transport | Sync | HostTime | Tap | Setting
    | Learned | Bookmark | Renewed | Mark | Stop | Ready
)  # fmt: skip

KINDS: dict[str, type] = {
    t.__name__: t
    for t in (
        NoteOn, NoteOff, ControlChange, ProgramChange, Pulse, Transport, Sync, HostTime, Tap, Setting, Learned, Bookmark, Renewed,
        Mark,
        Stop,
    )
}  # fmt: skip


def moved(event: Event, time: float) -> Event:
    """The event as of a later time, since music of that time was already played; what it says of the beat stays true."""
    if isinstance(event, Pulse | Transport) and event.arrived is None:
        return replace(event, time=time, arrived=event.time)
    if isinstance(event, Sync) and event.playing:
        return replace(event, time=time, beat=event.beat + (time - event.time) * event.tempo / 60.0)
    if isinstance(event, HostTime) and event.playing:
        return replace(event, time=time, position=event.position + (time - event.time) * event.tempo / 60.0)
    return replace(event, time=time)


def notes_of(events: Sequence[Event]) -> list[tuple[float, float, int, int]]:
    """Note-ons and -offs as (start, end, pitch, velocity), in the events' unit of time. An unclosed note ends with the last event."""
    notes: list[tuple[float, float, int, int]] = []
    open_notes: dict[tuple[int, int], tuple[float, int]] = {}
    last = max((e.time for e in events), default=0.0)
    for event in events:
        if isinstance(event, NoteOn | NoteOff):
            key = (event.channel, event.pitch)
            if key in open_notes:
                start, velocity = open_notes.pop(key)
                notes.append((start, event.time, event.pitch, velocity))
            if isinstance(event, NoteOn):
                open_notes[key] = (event.time, event.velocity)
    notes += [(start, last, key[1], velocity) for key, (start, velocity) in open_notes.items()]
    return sorted(notes)
