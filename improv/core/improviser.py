"""The improviser: told what was heard and what time it is, it says what to play and when it is next due.

It does no I/O and reads no clock. What it plays depends on the model, the settings, the seed and the
stamped events alone, in the order of their times: never on `now`, which only says how far to go.
So the same performance, live, offline or replayed, gives the same notes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from improv.core.dynamics import Shape, accent, follow, velocity
from improv.core.ear import SUSTAIN, Ear, Heard, quantise
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Setting
from improv.core.harmony import Changes, Outlook
from improv.core.meter import Meter
from improv.core.model import Model, Reading, State
from improv.core.phrasing import Turn, answer_length, entry
from improv.core.sampler import mask, probabilities, sample
from improv.core.settings import Settings
from improv.core.values import GRID, Context, Value

ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123
LONGEST_REST = 2 * GRID  # a longer rest inside an answer ends it
SHY = 4  # semitones from the edge of the range within which notes get rarer
LONG_REST_ENDS = 0.37  # chance of each beat after the fourth; real solos rest 5.7 beats on average where it is four or more
OWN_TRUST = 0.5  # of our own notes against the player's, when what was played before is recalled
CLOSEST = 0.25 / GRID  # beats between two of our onsets at the least


class Memory(NamedTuple):
    """What the whole performance so far has left: the state, what it says, the last note's pitch, place and shape."""

    state: State
    said: Reading
    last: int | None  # MIDI pitch
    position: int | None  # in 1/12 beat from beat 0
    shape: Shape | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The next note, drawn ahead, so that at its time there is nothing left to compute. Beats."""

    onset: float
    duration: float
    value: Value
    position: int
    accent: float  # how far it stands out, see dynamics.py
    on_chord: bool  # a chord tone, or no chord is known
    then: Memory  # the memory that it will leave
    opens: bool  # the first note of an answer


class Improviser:
    """One player. See the module's first lines; the contract is `due`, `advance`, `silence`.

    changes: chords to play over, or None to follow the chords that are held. bars: in solo mode, how
    many to play; None for no end. seed: of the generator that draws every note.
    """

    def __init__(
        self,
        model: Model,
        settings: Settings | None = None,
        changes: Changes | None = None,
        metre: tuple[int, int] = (4, 4),
        seed: int = 0,
        bars: int | None = None,
    ):
        self.model = model
        self.settings = settings or Settings()
        self.changes = changes
        self.meter = Meter(self.settings.tempo, metre)
        self.time = 0.0  # how far the music has come, in seconds: the latest thing heard or played
        self.done = -math.inf  # when the latest thing was played; what is heard after that must be stamped later
        self.ear = Ear()
        self._rng = np.random.default_rng(seed)
        start = model.start()
        self._memory = Memory(start, model.read(start), None, None, None)
        self._plan: Plan | None = None
        self._unplanned = False  # a note was played in this turn, and the next is still to be drawn
        self._turn: Turn | None = None
        self._sounding: dict[int, float] = {}  # pitch -> when it ends, in seconds
        self._last_onset = -math.inf  # beat of our latest note
        self._call: float | None = None  # the beat on which the player's call began
        self.began: float | None = None  # the time of beat 0, in seconds
        self._end = None if bars is None else round(bars * self.meter.bar * GRID)
        if self.settings.mode == "solo":
            self._start_solo(0.0)

    # The contract

    @property
    def due(self) -> float | None:
        """When `advance` next has something to do, in clock seconds; None: not before something is heard.

        After a note was played that is at once: `advance` hands the note over before it plans the next.
        """
        if self._unplanned:
            return self.time
        ends = min(self._sounding.values(), default=math.inf)
        soonest = min(ends, self._plan_time())
        return None if soonest == math.inf else soonest

    @property
    def thinks(self) -> bool:
        """Whether `advance` would ask the model even if nothing was heard."""
        return self._unplanned

    @property
    def sounding(self) -> dict[int, float]:
        """What sounds: each pitch with its end in clock seconds; a copy."""
        return dict(self._sounding)

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        """Take in what was heard and do what is due up to `now`, or up to the next note-on, which is
        not to wait for more. Returns what to play, in order; more may be due at once."""
        played: list[Event] = []
        for event in heard:
            time = max(event.time, self.time)
            before = math.nextafter(time, -math.inf)  # who comes in on the same instant is heard first
            while self.due is not None and self.due <= before:
                self._do(before, played)
            self.time = time
            self._hear(event, time, played)
        self._do(now, played)
        return played

    def silence(self, now: float) -> list[Event]:
        """Note-offs for all that sounds; the plan is dropped."""
        played: list[Event] = []
        self._yield(now, played)
        return played

    def prime(self, notes: Iterable[tuple[int, int, float, float]], call: float | None = None) -> None:
        """Take notes for heard that were played before, as (position, pitch, duration, lag), in order.

        position: in 1/12 beat from beat 0, which is now at 0 s. duration, lag: in beats. call: the beat on which
        the call began that is still going on, if any.
        """
        if self.began is None:
            self._begin(0.0)
        for position, pitch, duration, lag in notes:
            self._memory = self._remember(self._memory, pitch, position, duration, lag)
        self._call = call

    # Hearing

    def _hear(self, event: Event, time: float, played: list[Event]) -> None:
        if isinstance(event, Setting):
            self._set(event, time, played)
        elif isinstance(event, ControlChange) and event.control in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            self._yield(time, played)
            self.ear.release()
            self.ear.forget()
        elif isinstance(event, NoteOn):
            if self.began is None:
                self._begin(time)
            self._yield(time, played)
            if self._call is None:
                self._call = self.meter.beat(time)
            note = self.ear.hear(event)
            if note:
                self._memory = self._after(note)
        elif isinstance(event, NoteOff) or (isinstance(event, ControlChange) and event.control == SUSTAIN):
            self.ear.hear(event)
            if self._turn is None or self._turn.notes == 0:
                self._consider_entry()

    def _set(self, setting: Setting, time: float, played: list[Event]) -> None:
        before = self.settings
        self.settings = before.changed(setting.name, setting.value)
        if setting.name == "tempo":
            self.meter.set_tempo(time, self.settings.tempo)
        elif setting.name == "mode" and self.settings.mode != before.mode:
            self._yield(time, played)
            if self.settings.mode == "solo":
                self._start_solo(time)

    def _begin(self, time: float) -> None:
        self.meter.start(time)
        self.began = time

    def _after(self, note: Heard) -> Memory:
        """The memory once a note of the player's top line is in it."""
        memory, meter = self._memory, self.meter
        beat = meter.beat(note.on)
        said = None if memory.last is None else np.log(probabilities(memory.said.ioi) + 1e-9)
        position = quantise(beat, memory.position, said, meter.tempo)
        off = self.time if note.off is None else note.off
        return self._remember(memory, note.pitch, position, meter.beat(off) - beat, beat - position / GRID)

    def _remember(self, memory: Memory, pitch: int, position: int, duration: float, lag: float) -> Memory:
        ioi = 0 if memory.position is None else position - memory.position
        value = self.model.vocabulary.encode(ioi / GRID, pitch, duration, lag)
        state = self.model.step(memory.state, value, memory.last, self._context(position))
        shape = follow(memory.shape, pitch, position / GRID, duration)
        return Memory(state, self.model.read(state, self.settings.recall), pitch, position, shape)

    def _context(self, position: int) -> Context:
        meter, beat = self.meter, position / GRID
        section = None
        if self.changes:
            outlook = self.changes.outlook(beat)
            bars = self.changes.length / meter.bar
            twelve = bars % 12 == 0 and bars % 8 != 0
            section = meter.bar_of(beat) % (12 if twelve else 8)
        else:
            chord = self.ear.chord
            outlook = Outlook(chord, chord, math.inf)
        place = position % round(meter.bar * GRID)
        return Context(outlook, place, section, meter.tempo, self.settings.feel)

    # Turns

    def _yield(self, time: float, played: list[Event]) -> None:
        """Stop at once: the plan is dropped, what sounds is closed."""
        self._plan = self._turn = None
        self._unplanned = False
        played += [NoteOff(time, pitch) for pitch in sorted(self._sounding)]
        self._sounding.clear()

    def _consider_entry(self) -> None:
        """Plan to answer, if the top line has stopped sounding. Drawn afresh whenever something is heard."""
        self._plan = self._turn = None
        note = self.ear.line
        if note is None or note.off is None:
            return
        memory = self._after(note)
        beat_on, beat_off = self.meter.beat(note.on), self.meter.beat(note.off)
        grid = {"beat": 4.0 / self.meter.metre[1], "bar": self.meter.bar, "now": 0.0}[self.settings.enter]
        beat = entry(beat_on, beat_off, memory.said.end, probabilities(memory.said.ioi), grid)
        if beat < self.meter.beat(self.time):
            beat = math.ceil(self.meter.beat(self.time) / (grid or 1 / GRID)) * (grid or 1 / GRID)
        call = beat_off - (beat_on if self._call is None else self._call)
        endless = self.settings.mode == "solo"
        self._turn = Turn(beat, math.inf if endless else answer_length(call))
        self._plan = self._draw(memory, math.floor(beat * GRID + 0.5), onset=beat)

    def _start_solo(self, time: float) -> None:
        if self.began is None:
            self._begin(time)
        beat = float(math.ceil(self.meter.beat(time) - 1e-9))
        self._turn = Turn(beat, math.inf)
        self._plan = self._draw(self._memory, round(beat * GRID), onset=beat)

    # Playing

    def _plan_time(self) -> float:
        return max(self.meter.time(self._plan.onset), self.time) if self._plan else math.inf

    def _do(self, until: float, played: list[Event]) -> None:
        """What is due up to `until`, in order of time, note-offs first; up to the next note-on."""
        if self._unplanned and self.time <= until:
            self._unplanned = False
            self._go_on()
        while True:
            ends, starts = min(self._sounding.values(), default=math.inf), self._plan_time()
            if min(ends, starts) > until:
                return
            self.time = self.done = max(self.time, min(ends, starts))
            if ends <= starts:
                for pitch in sorted(p for p, end in self._sounding.items() if end <= ends):
                    del self._sounding[pitch]
                    played.append(NoteOff(self.time, pitch))
            else:
                self._play(starts, played)
                return

    def _play(self, time: float, played: list[Event]) -> None:
        """Commit the plan: sound it, and take over the memory that it leaves."""
        plan, turn = self._plan, self._turn
        if plan is None or turn is None:
            return
        self._plan = None
        if plan.opens:
            self.ear.forget()
            self._call = None
        played += [NoteOff(time, sounding) for sounding in sorted(self._sounding)]
        self._sounding.clear()
        pitch, settings = plan.value.pitch, self.settings
        self._memory = plan.then
        turn.notes += 1
        ending = turn.finished(plan.onset, plan.then.said.end, plan.on_chord)
        loudness = self.ear.loudness + settings.loudness
        played.append(NoteOn(time, pitch, velocity(loudness, self.ear.spread, plan.accent, settings.accents)))
        self._sounding[pitch] = time + self.meter.seconds(plan.duration)
        self._last_onset = plan.onset
        if ending:
            self._turn = None
        else:
            self._unplanned = True

    def _go_on(self) -> None:
        """Draw when the next note comes, then the note; or end the turn."""
        memory, settings, turn = self._memory, self.settings, self._turn
        if turn is None or memory.position is None:
            return
        trading = settings.mode == "trade"
        longest = LONGEST_REST if trading and turn.notes < 4 else len(memory.said.ioi) - 1
        allowed = mask(len(memory.said.ioi), 1, longest)
        ioi = sample(memory.said.ioi, self._rng, settings.rhythm_temperature, bias=allowed)
        if ioi == len(memory.said.ioi) - 1:  # "four beats or more"
            ioi += GRID * (int(self._rng.geometric(LONG_REST_ENDS)) - 1)
        position = memory.position + ioi
        if (trading and ioi > LONGEST_REST) or (self._end is not None and position >= self._end):
            self._turn = None
            return
        self._plan = self._draw(memory, position)

    def _draw(self, memory: Memory, position: int, onset: float | None = None) -> Plan:
        """Draw a note for a position: its pitch, given the chord there; its length; its lag.

        onset: its exact beat, where that is settled; otherwise the model's lag decides.
        """
        at = self._context(position)
        last = memory.last if memory.last is not None else self._opening_pitch(at)
        ioi = 48 if memory.position is None else min(max(position - memory.position, 0), 48)
        value, lag = draw_note(self.model, memory.said, last, ioi, at, self.settings, self._rng)
        duration = self.model.vocabulary.durations[value.duration] / GRID
        if onset is None:
            onset = max(position / GRID + lag, self._last_onset + CLOSEST)
        else:
            value = value._replace(lag=self.model.vocabulary.nearest_lag(0.0))
        state = self.model.step(memory.state, value, memory.last, at, OWN_TRUST)
        shape = follow(memory.shape, value.pitch, position / GRID, duration)
        then = Memory(state, self.model.read(state, self.settings.recall), value.pitch, position, shape)
        chord = at.outlook.chord
        on_chord = chord.root is None or value.pitch % 12 in chord.tones
        opens = self._turn is None or self._turn.notes == 0
        return Plan(onset, duration, value, position, accent(shape, at.place, at.feel), on_chord, then, opens)

    def _opening_pitch(self, at: Context) -> int:
        """Where a line that follows nothing starts from: a chord tone in the middle of the range."""
        middle = (self.settings.low + self.settings.high) // 2
        tones = at.outlook.chord.tones
        return min((p for p in range(middle - 6, middle + 7) if not tones or p % 12 in tones), key=lambda p: abs(p - middle))


def draw_note(
    model: Model, said: Reading, last: int, ioi: int, at: Context, settings: Settings, rng: np.random.Generator
) -> tuple[Value, float]:
    """Draw the fields of a note whose time is settled: its value, and its lag in beats (the expected one).

    said: what the state says; last: the pitch before; ioi: class of its inter-onset interval; at: its context.
    """
    foretold = model.pitch(said, last, ioi, at, settings.recall)
    pitch = sample(foretold, rng, settings.temperature, settings.top_p, _range(settings.low, settings.high))
    lengths, lags = model.touch(said, pitch, last, ioi, at)
    length = sample(lengths, rng, settings.temperature, settings.top_p)
    lag = model.expected_lag(lags)
    return Value(ioi, pitch, length, model.vocabulary.nearest_lag(lag)), lag


@lru_cache(maxsize=16)
def _range(low: int, high: int) -> np.ndarray:
    """A bias (128,) for a range of pitches: none outside, and shy of its edges, so that lines turn before them."""
    pitches = np.arange(128)
    room = np.minimum(pitches - low, high - pitches)
    bias: np.ndarray = mask(128, low, high) - 0.4 * np.maximum(0, SHY - room)
    bias.flags.writeable = False
    return bias
