"""What the page is told of the music as it goes: an observer, which notes down in the performance's thread and lets another thread write.

A row is a list, as JSON takes it; times in seconds, positions and lengths in quarter notes, channels 0-15, `heard` whether it was:

    ["on", heard, part, channel, pitch, velocity, time, late, filled]
    ["off", heard, part, channel, pitch, time]
    ["cc", heard, part, channel, control, value, time]
    ["plan", performer, whose, notes, enters, on_beat, over]     notes: [time, end, pitch, velocity]; the rest as of `core.intent`
    ["chord", symbol, root, tones, scale]                        that is played over where there are no changes; root null: none
    ["beat", time, position, tempo, running, bar, beat]          as of a moment; the beat goes on from there
    ["said", text, warning]
    ["lost"]                                                     rows are missing before this one

While no page is open it does nothing. Where nobody takes the rows, the oldest are dropped; the music waits for none of this.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from improv.control.standing import beat_in_bar
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Bookmark, ControlChange, Event, NoteOff, NoteOn, Setting, Transport
from improv.core.harmony import Chord
from improv.core.improviser import Improviser
from improv.core.intent import Intent
from improv.core.meter import Meter
from improv.core.observer import Observer

MOST = 4096  # rows that wait
PEDAL = 64
ALL_SOUND_OFF = 120
CLOCK = 0.1  # seconds between two looks at an outside clock
STRAYED = 0.002  # seconds by which the beat may be off what was told
FINE = 1000  # parts of a second: a plan that moves by less is the same

Row = list[Any]


class PlayerWithIntent(Protocol):
    def intent(self) -> Intent | None: ...


class WatchedPerformer(Protocol):
    @property
    def number(self) -> int: ...
    @property
    def player(self) -> PlayerWithIntent: ...
    @property
    def improviser(self) -> Improviser: ...


class PageTap(Observer):
    """ring: is called, in any thread, when there is something to take that nobody was told of. now: the performance's clock.

    stirred: something other than notes has changed, and the status is another: for whoever takes the rows, who resets it.
    reads: a chord's symbol as the player reads it, of an instrument that transposes.
    """

    def __init__(
        self, performers: Sequence[WatchedPerformer], keeper: Timekeeper, now: Callable[[], float], reads: Callable[[str], str] = str
    ):
        self.ring: Callable[[], None] = lambda: None
        self.on = self.stirred = False
        self._performers, self._keeper, self._now, self._reads = performers, keeper, now, reads
        self._rows: deque[Row] = deque(maxlen=MOST)
        self._noted = self._taken = 0  # rows, up to now
        self._plans: dict[int, tuple[Any, ...]] = {}  # what was told of each performer
        self._chord: Chord | None = None
        self._clock_at = -math.inf  # when an outside clock was last looked at
        self._beat: tuple[Meter, float, float] | None = None  # as told: the meter, a time, the position there

    def watch(self, on: bool) -> None:
        """A page is open, or none is any more."""
        if on and not self.on:
            self._plans.clear()
            self._beat, self._chord, self.stirred = None, None, True
            self._put(["lost"])  # while nobody looked, notes ended
        self.on = on
        self.ring()

    # In the performance's thread

    def heard(self, event: Event) -> None:
        if not self.on:
            return
        if isinstance(event, NoteOn | NoteOff | ControlChange):
            self._note(event, True)
        elif isinstance(event, Setting | Transport | Bookmark):
            self.stirred = True
        elif event.time - self._clock_at > CLOCK:
            self._clock_at = event.time
            self.ring()

    def played(self, event: Event, late: float, filled: bool) -> None:
        if self.on:
            self._note(event, False, late, filled)

    def rounded(self) -> None:
        """After a round of the engine: what the performers have in mind now."""
        if not self.on:
            return
        try:
            self._plan()
        except Exception as e:  # whatever is wrong here, the music goes on
            self.on = False
            self._put(["said", f"the page can't be told any more what is planned ({type(e).__name__}: {e})", True])
        if self.stirred:
            self.ring()

    def _plan(self) -> None:
        meter = self._keeper.meter
        improviser = self._performers[0].improviser
        generator = improviser.generator
        told = improviser.listening.told
        chord = told.chord if told else generator.heard_chord
        if generator.changes is None and chord is not self._chord:
            self._chord = chord
            symbol = self._reads(told.symbol(chord) if told else str(chord))
            self._put(["chord", symbol, chord.root, sorted(chord.tones), sorted(chord.scale)])
        for performer in self._performers:
            intent = performer.player.intent()
            if intent is None:
                continue
            times = [(meter.time(n.onset), meter.time(n.onset + n.duration)) for n in intent.notes]
            enters = None if intent.enters is None else meter.time(intent.enters)
            of = intent, *(round(start * FINE) for start, _ in times if start < math.inf)
            if self._plans.get(performer.number) == of:
                continue
            self._plans[performer.number] = of
            notes = [
                [start, end, note.pitch, note.velocity]
                for (start, end), note in zip(times, intent.notes, strict=True)
                if start < math.inf and end < math.inf
            ]
            on_beat = None if intent.enters is None else beat_in_bar(meter, intent.enters)
            self._put(["plan", performer.number, intent.whose, notes, enters if enters != math.inf else None, on_beat, intent.over])

    # In any thread

    def changed(self, text: str, fact: Mapping[str, Any], warning: bool = False) -> None:
        if self.on:
            self._put(["said", text, warning])

    def stir(self) -> None:
        """Something other than notes may be another now."""
        self.stirred = True
        self.ring()

    # In the thread that takes

    def take(self) -> list[Row]:
        """What there is to tell."""
        rows: list[Row] = []
        noted = self._noted
        while self._rows:
            rows.append(self._rows.popleft())
        if noted - self._taken > len(rows):
            rows.insert(0, ["lost"])
        self._taken = noted
        if self.on and (beat := self._strayed()):
            rows.append(beat)
        return rows

    def _strayed(self) -> Row | None:
        """Where the beat is, if it is not where it was told to be."""
        meter, now = self._keeper.meter, self._now()
        position = meter.position(meter.beat(now))
        if self._beat is not None:
            told, time, before = self._beat
            expected = before + (now - time) * told.tempo / 60 if told.running else before
            same = (told.tempo, told.running) == (meter.tempo, meter.running)
            if same and abs(expected - position) * 60 / meter.tempo < STRAYED:
                return None
        self._beat = meter, now, position
        return self.beat_row(meter, now)

    @staticmethod
    def beat_row(meter: Meter, now: float) -> Row:
        beat = meter.beat(now)
        return ["beat", now, meter.position(beat), meter.tempo, meter.running, meter.bar_of(beat) + 1, beat_in_bar(meter, beat)]

    def _note(self, event: Event, heard: bool, late: float = 0.0, filled: bool = False) -> None:
        if isinstance(event, NoteOn):
            self._put(["on", heard, event.part, event.channel, event.pitch, event.velocity, event.time, late, filled])
        elif isinstance(event, NoteOff):
            self._put(["off", heard, event.part, event.channel, event.pitch, event.time])
        elif isinstance(event, ControlChange):
            self._put(["cc", heard, event.part, event.channel, event.control, event.value, event.time])

    def _put(self, row: Row) -> None:
        first = not self._rows
        self._rows.append(row)
        self._noted += 1
        if first:
            self.ring()
