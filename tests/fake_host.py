"""A DAW and the plugin's C core in Python, without memory that is shared: what a block does, in the order of `plugin/audio.c`.

It runs as the engine waits: live, the blocks that fit into the time that the engine sleeps, and at least one; offline, one block
each time, played only when the engine has planned it. So a test has no threads and no clock.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from improv.bridge.library import EngineSide, EngineState, Flags, Life, Record, RecordKind, Tells, TransportBlock, Why
from improv.bridge.parameters import NUMBERS, PARAMETERS

RATE = 48000.0
CLOSE = 0.02  # quarter notes: what is off by more is a jump


@dataclass
class Place:
    """Where the song is, from a frame on. loop: quarter notes, or None."""

    frame: int = 0
    position: float = 0.0
    tempo: float = 120.0
    playing: bool = True
    metre: tuple[int, int] = (4, 4)
    bar_start: float = math.nan
    loop: tuple[float, float] | None = None

    def at(self, frame: int) -> float:
        return self.position + (frame - self.frame) * self.tempo / 60.0 / RATE if self.playing else self.position


@dataclass
class Played:
    frame: int
    bytes: tuple[int, int, int]
    late: int  # frames


@dataclass
class _Item:
    frame: int
    epoch: int
    generation: int
    bytes: tuple[int, int, int]


@dataclass
class FakeHost(EngineSide):
    """heard: (frame, message). course: places, by frame. end: the frame at which the plugin is taken out."""

    heard: Sequence[tuple[int, tuple[int, int, int]]]
    course: Sequence[Place]
    end: int
    blocks: Iterable[int] = (64,)
    offline: bool = False
    values: dict[str, float] = field(default_factory=dict)
    moves: Sequence[tuple[int, str, float]] = ()  # parameters that move: frame, symbol, value
    project: str = ""

    def __post_init__(self) -> None:
        self.sizes: Iterator[int] = itertools.cycle(self.blocks)
        self.ring: list[Record] = []
        self.plan: list[_Item] = []
        self.played: list[Played] = []
        self.sounding: dict[tuple[int, int], int] = {}
        self.frame = self.heard_frame = self.done = 0
        self.epoch_now, self.generation, self.size = 0, 0, 0
        self.taken_back = self.dropped = 0
        self.events = self.settled = 0  # events that were put into the ring; those of the latest that set anything
        self.prepared: list[Record] = []  # a beginning: its head, and its notes
        self.changed: list[tuple[int, float]] = []  # parameters that the engine changed
        self.said: list[tuple[EngineState, str]] = []
        self.kept: list[str] = []
        self._events = sorted(self.heard, key=lambda event: event[0])
        self._moves = sorted(self.moves)
        self._places = sorted(self.course, key=lambda place: place.frame)
        self._place = Place(playing=False)
        self._told: Place | None = None
        self._waits_for_plan = False
        self._put(RecordKind.ACTIVATED, 0, value=(RATE, 2048.0))

    # As the engine sees it

    def close(self) -> None: ...
    def beat(self) -> None: ...
    def port(self, number: int) -> None: ...

    @property
    def instance(self) -> str:
        return "0123456789abcdef"

    @property
    def life(self) -> Life:
        return Life.GONE if self.frame >= self.end else Life.ACTIVE

    @property
    def heard_to(self) -> int:
        return self.heard_frame

    @property
    def epoch(self) -> int:
        return self.epoch_now

    def say(self, state: EngineState, text: str) -> None:
        self.said.append((state, text))

    def look(self) -> TransportBlock | None:
        told = self._told
        if told is None:
            return None
        first = self.heard_frame - self.size
        count, unit = told.metre
        flags = Flags.PLAYING * told.playing | Flags.LOOPING * bool(told.loop) | Flags.OFFLINE * self.offline
        return TransportBlock(
            frame=first, block=self.size, rate=RATE, tempo=told.tempo, position=told.at(first), bar_start=told.bar_start, flags=int(flags),
            numerator=count, denominator=unit, epoch=self.epoch_now,
        )  # fmt: skip

    @property
    def tells(self) -> Tells:
        return Tells.TOLD

    @property
    def taken(self) -> int:
        return self.events - len(self.ring)

    def set_parameter(self, number: int, value: float) -> None:
        self.changed.append((number, value))

    def take(self) -> list[Record]:
        taken, self.ring = self.ring, []
        return taken

    def put(self, records: Sequence[Record]) -> int:
        for r in records:
            if r.kind == RecordKind.PREPARED:
                self.prepared = [r] if r.size == 0 else [*self.prepared, r]
                continue
            a, b, c = list(r.bytes)[:3]
            self.plan.append(_Item(r.frame, r.epoch, r.generation, (a, b, c)))
        self.plan.sort(key=lambda item: item.frame)
        return len(records)

    def planned_to(self, frame: int) -> None:
        self.done = frame

    def take_back(self) -> int:
        self.generation += 1
        return self.generation

    def text(self) -> str:
        return self.project

    def put_text(self, text: str) -> None:
        self.kept.append(text)

    def parameter(self, number: int) -> float:
        row = PARAMETERS[number]
        return self.values.get(row.symbol, row.default)

    # What happens while it waits

    def wait(self, seconds: float) -> None:
        if self.offline:
            if self._waits_for_plan:
                assert self.done >= self.heard_frame, "a bounce would wait here for ever"
                self._play()
            self._hear()
            self._waits_for_plan = True
            return
        until = self.frame + seconds * RATE
        while True:
            self._hear()
            self._play()
            if self.ring or self.frame + self.size > until or self.frame >= self.end:  # what is heard wakes the engine
                return

    def now(self) -> float:
        """Of the wall, in seconds: a host that plays in real time."""
        return self.frame / RATE

    def _hear(self) -> None:
        """A block begins: what is heard in it is put into the ring."""
        self.size = size = min(next(self.sizes), self._cut(self.frame))
        first = self.frame
        while self._places and self._places[0].frame <= first:
            self._place = self._places.pop(0)
        place = self._place
        position = place.at(first)
        if place.loop and place.playing and position >= place.loop[1] - 1e-9:
            loop = place.loop
            position = loop[0] + (position - loop[1])
            place = self._place = Place(first, position, place.tempo, True, place.metre, place.bar_start, loop)
        self._tell(place, first, position)
        for frame, symbol, value in [move for move in self._moves if move[0] < first + size]:
            self._put(RecordKind.PARAMETER, max(frame, first), NUMBERS[symbol], value=(value,))
            self._moves.remove((frame, symbol, value))
        while self._events and self._events[0][0] < first + size:
            frame, message = self._events.pop(0)
            self._put(RecordKind.MIDI, max(frame, first), 3, message)
        self.heard_frame = first + size

    def _cut(self, first: int) -> int:
        """A block ends where the loop ends, and where the course changes."""
        cuts = [place.frame - first for place in self._places if place.frame > first]
        place = self._place
        if place.loop and place.playing and place.at(first) < place.loop[1]:
            frames = math.ceil((place.loop[1] - place.at(first)) * 60.0 * RATE / place.tempo - 1e-6)
            cuts += [frames] if frames else []
        return min(cuts, default=1 << 30)

    def _tell(self, place: Place, first: int, position: float) -> None:
        told, why = self._told, Why.WENT_ON
        if told is not None:
            off = position - told.at(first)
            same = (told.playing, told.metre, told.loop) == (place.playing, place.metre, place.loop)
            if same and told.tempo == place.tempo and abs(off) * 60.0 * RATE / place.tempo < 1:
                return
            if place.playing and told.playing and abs(off) > CLOSE:
                why = Why.LOOPED if place.loop and abs(position - place.loop[0]) < CLOSE else Why.JUMPED
        if place.playing and not (told and told.playing):
            why = Why.STARTED
        elif told and told.playing and not place.playing:
            why = Why.STOPPED
        if why is not Why.WENT_ON:
            self.epoch_now += 1 if why is Why.LOOPED else 2
            for channel, pitch in list(self.sounding):
                self._out(0, (0x80 | channel, pitch, 0), first)
            self.sounding.clear()
        self._told = Place(first, position, place.tempo, place.playing, place.metre, place.bar_start, place.loop)
        flags = Flags.PLAYING * place.playing | Flags.LOOPING * bool(place.loop) | Flags.OFFLINE * self.offline
        loop = place.loop or (math.nan, math.nan)
        number = self._begun(first, place, position) if why is Why.STARTED else 0
        self._put(
            RecordKind.TRANSPORT, first, int(flags), (*place.metre, int(why), number), (position, place.tempo, place.bar_start, *loop)
        )

    def _begun(self, first: int, place: Place, position: float) -> int:
        """Plans the beginning that was prepared, if it is for here. Returns its number, else 0."""
        head, *notes = self.prepared or [Record()]
        wanted = (head.value[0], head.value[1], *head.bytes[:2], head.epoch + 2, head.frame)
        if wanted != (position, place.tempo, *place.metre, self.epoch_now, len(notes)) or head.generation < self.settled or self.offline:
            return 0
        for r in notes:
            a, b, c = list(r.bytes)[:3]
            self.plan.append(_Item(first + r.frame, self.epoch_now, self.generation, (a, b, c)))
        self.prepared = []
        return head.bytes[3]

    def _put(self, kind: RecordKind, frame: int, size: int = 0, message: Sequence[int] = (), value: Sequence[float] = ()) -> None:
        record = Record(frame=frame, generation=self.generation, kind=int(kind), size=size, epoch=self.epoch_now)
        for i, byte in enumerate(message):
            record.bytes[i] = byte
        for i, number in enumerate(value):
            record.value[i] = number
        self.ring.append(record)
        self.events += 1
        if kind in (RecordKind.PARAMETER, RecordKind.RESTORED):
            self.settled = self.events

    def _play(self) -> None:
        first, self.frame = self.frame, self.frame + self.size
        while self.plan and self.plan[0].frame < self.frame:
            item = self.plan.pop(0)
            status, pitch, _ = item.bytes
            key = status & 15, pitch
            if status & 0xF0 == 0x90:
                if (item.epoch, item.generation) != (self.epoch_now, self.generation):
                    self.taken_back += 1
                elif first - item.frame > 0.05 * RATE:
                    self.dropped += 1
                else:
                    self.sounding[key] = item.generation
                    self._out(max(first - item.frame, 0), item.bytes, max(item.frame, first))
            elif status & 0xF0 == 0x80 and key in self.sounding and item.epoch >= self.epoch_now and item.generation >= self.sounding[key]:
                del self.sounding[key]
                self._out(max(first - item.frame, 0), item.bytes, max(item.frame, first))

    def _out(self, late: int, message: tuple[int, int, int], frame: int) -> None:
        self.played.append(Played(frame, message, late))

    # For tests

    @property
    def notes(self) -> list[tuple[int, int, int]]:
        """Note-ons: frame, pitch, velocity."""
        return [(p.frame, p.bytes[1], p.bytes[2]) for p in self.played if p.bytes[0] & 0xF0 == 0x90]
