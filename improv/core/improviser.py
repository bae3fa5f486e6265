"""The improviser: told what was heard and what time it is, it says what to play and when it is next due.

What it plays is its mode's affair (see modes): an answer, a solo, chords. It does no I/O and reads no clock.
What it plays depends on the model, the settings, the seed and the stamped events alone, in the order of their
times: never on `now`, which only says how far to go. So the same performance, live, offline or replayed, gives
the same notes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from improv.core.beats.keeper import News, Timekeeper
from improv.core.draw import draw_note
from improv.core.dynamics import Shape, accent, follow, velocity
from improv.core.ear import SUSTAIN, Ear, Heard, quantise
from improv.core.events import Bookmark, ControlChange, Event, NoteOff, NoteOn, Setting
from improv.core.harmony import NO_CHORD, Changes, Chord, Outlook
from improv.core.model import Model, Reading, State
from improv.core.modes import MODES
from improv.core.modes.mode import Mode
from improv.core.phrasing import Playing
from improv.core.sampler import probabilities
from improv.core.settings import SettingError, Settings
from improv.core.values import GRID, Context, Value

ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123
OWN_TRUST = 0.35  # of our own notes against the player's, when what was played before is recalled
RETOLD = 64  # notes that a model which takes over is told
CLOSEST = 0.25 / GRID  # beats between two of our onsets at the least


class Memory(NamedTuple):
    """What the whole performance so far has left: the state, what it says, the last note's pitch, place and shape."""

    state: State
    said: Reading
    last: int | None  # MIDI pitch
    position: int | None  # in 1/12 beat from beat 0
    shape: Shape | None
    told: tuple[tuple[Value, int | None, Context, float], ...] = ()  # the latest notes, as `Model.step` takes them


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
    many to play; None for no end. seed: of the generator that draws every note. channel: 0-15, what it plays on.
    inputs: the numbers of the inputs that it listens to; None for all. Other performers that it hears are to be told to it alone.
    models: those that a setting `model` may change to, by name.
    """

    def __init__(
        self,
        model: Model,
        settings: Settings | None = None,
        changes: Changes | None = None,
        metre: tuple[int, int] = (4, 4),
        seed: int = 0,
        bars: int | None = None,
        channel: int = 0,
        inputs: frozenset[int] | None = None,
        models: Mapping[str, Model] | None = None,
    ):
        self.model = model
        self.settings = settings or Settings()
        self.changes = changes
        self.channel = channel
        self._inputs = inputs
        self._models = {} if models is None else models
        self.keeper = Timekeeper(self.settings, metre)
        self.meter = self.keeper.meter
        self.time = 0.0  # how far the music has come, in seconds: the latest thing heard or played
        self.done = -math.inf  # when the latest thing was played; what is heard after that must be stamped later
        # What modes work with
        self.ear = Ear()
        self.rng = np.random.default_rng(seed)
        start = model.start()
        self.memory = Memory(start, model.read(start), None, None, None)
        self.sounding: dict[int, float] = {}  # pitch -> the beat on which it ends
        self.last_onset = -math.inf  # beat of our latest note
        self.call: float | None = None  # the beat on which the player's call began
        self.playing = Playing()  # the player's top line, up to the note before `ear.note`
        self.end = None if bars is None else round(bars * self.meter.bar * GRID)  # in 1/12 beat
        self._heard_chord = NO_CHORD  # the latest that the player's notes made
        self._kept: dict[str, tuple[Model, State]] = {}  # bookmarks
        self._wishes: list[tuple[float, Setting]] = []  # what waits for a bar line: its beat, the setting
        self._mode: Mode = MODES[self.settings.mode](self)
        self._mode.start(0.0)

    # The contract

    @property
    def due(self) -> float | None:
        """When `advance` next has something to do, in clock seconds; None: not before something is heard.

        After a note was played that is at once: `advance` hands the note over before it plans the next.
        """
        if self._mode.pending:
            return self.time
        soonest = min(self._next_end(), self._next_wish(), self._mode_time())
        return None if soonest == math.inf else soonest

    @property
    def thinks(self) -> bool:
        """Whether `advance` would ask the model even if nothing was heard."""
        return self._mode.pending

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
        self.yield_(now, played)
        return played

    def restore(self, state: State) -> None:
        """Go on from a state of the model's, before anything is heard."""
        self.memory = Memory(state, self.model.read(state, self.settings.recall), None, None, None)

    def prime(self, notes: Iterable[tuple[int, int, float, float]], call: float | None = None) -> None:
        """Take notes for heard that were played before, as (position, pitch, duration, lag), in order.

        position: in 1/12 beat from beat 0, which is now at 0 s. duration, lag: in beats. call: the beat on which
        the call began that is still going on, if any.
        """
        self.keeper.begin(0.0)
        for position, pitch, duration, lag in notes:
            beat = position / GRID + lag
            self.playing = self.playing.after(beat, beat + duration)
            self.memory = self._remember(self.memory, pitch, position, duration, lag)
        self.call = call

    # Hearing

    def listens(self, event: Event) -> bool:
        """Whether it is for its ears: from an input that it listens to, from another performer, or for everybody."""
        if self._inputs is None or not isinstance(event, NoteOn | NoteOff | ControlChange):
            return True
        return event.part < 0 or event.part in self._inputs

    def _hear(self, event: Event, time: float, played: list[Event]) -> None:
        news = self.keeper.hear(event, time)
        if news is News.JUMPED:
            self._mode.jumped()
        elif news:
            self.yield_(time, played)
            self.forget()
            self.call = None
            for _, wish in self._wishes:  # no bar line is to be waited for
                self._grant(wish, time, played)
            self._wishes.clear()
            if news is News.STARTED:
                self._mode.start(time)
        if not self.listens(event):
            return
        beat = self.meter.beat(time)
        if isinstance(event, Setting):
            self._set(event, time, played)
        elif isinstance(event, Bookmark):
            self._bookmark(event)
        elif isinstance(event, ControlChange) and event.control in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            self.yield_(time, played)
            self.ear.release()
            self.forget()
        elif isinstance(event, NoteOn):
            note = self.ear.hear(event, beat)
            if self.ear.chord.root is not None:
                self._heard_chord = self.ear.chord
            if self._goes_on(beat):
                if self.call is None:
                    self.call = beat
                if note:
                    self.memory = self.after(note)
                    self.playing = self.playing_after(note)
            if self._goes_on(beat) or self._mode.timeless:
                self._mode.struck(event, time, played)
        elif isinstance(event, NoteOff) or (isinstance(event, ControlChange) and event.control == SUSTAIN):
            self.ear.hear(event, beat)
            if self._goes_on(beat) or self._mode.timeless:
                self._mode.released(time, played)

    def _goes_on(self, beat: float) -> bool:
        """Whether the beat runs on; where it stands still there is no rhythm to hear."""
        return beat < self.meter.until

    def playing_after(self, note: Heard) -> Playing:
        """How the player plays once a note of the top line is in it."""
        return self.playing.after(note.beat, self.meter.beat(self.time) if note.off is None else note.beat_off)

    def forget(self) -> None:
        """The player's top line is taken over; his next note starts afresh."""
        self.ear.forget()
        self.playing = self.playing.rested()

    # Wishes

    def _set(self, setting: Setting, time: float, played: list[Event]) -> None:
        """Take a setting over: mode and model at the next bar line, if the beat runs, all else at once."""
        if setting.name == "model" and setting.value not in self._models:
            raise SettingError(f"no model {setting.value!r} at hand; there are {', '.join(self._models) or 'none'}")
        if setting.name in ("mode", "model") and self.meter.beat(time) < self.meter.until:
            self._wishes.append((self.meter.next_bar(self.meter.beat(time)), setting))
        else:
            self._grant(setting, time, played)

    def _grant(self, setting: Setting, time: float, played: list[Event]) -> None:
        before = self.settings
        if setting.name == "model":
            self._tell(self._models[str(setting.value)])
            return
        self.settings = before.changed(setting.name, setting.value)
        if setting.name == "mode" and self.settings.mode != before.mode:
            self.yield_(time, played)
            self._mode = MODES[self.settings.mode](self)
            self._mode.start(time)

    def _tell(self, model: Model, state: State | None = None) -> None:
        """Go on with a model: in a state, or in the one that the latest notes leave it in."""
        self.model = model
        if state is None:
            state = model.start()
            for value, last, at, trust in self.memory.told:
                state = model.step(state, value, last, at, trust)
        self.memory = self.memory._replace(state=state, said=model.read(state, self.settings.recall))
        self._mode.jumped()

    def _bookmark(self, event: Bookmark) -> None:
        """Keep the state under a name, or go back to it; a name under which nothing was kept changes nothing."""
        if event.keep:
            self._kept[event.name] = self.model, self.memory.state
        elif event.name in self._kept:
            self._tell(*self._kept[event.name])

    def _next_wish(self) -> float:
        return max(self.meter.time(self._wishes[0][0]), self.time) if self._wishes else math.inf

    # What was heard, remembered

    def after(self, note: Heard) -> Memory:
        """The memory once a note of the player's top line is in it."""
        memory, beat = self.memory, note.beat
        said = None if memory.last is None else np.log(probabilities(memory.said.ioi) + 1e-9)
        position = quantise(beat, memory.position, said, self.meter.tempo)
        off = self.meter.beat(self.time) if note.off is None else note.beat_off
        return self._remember(memory, note.pitch, position, off - beat, beat - position / GRID)

    def _remember(self, memory: Memory, pitch: int, position: int, duration: float, lag: float) -> Memory:
        ioi = 0 if memory.position is None else position - memory.position
        value = self.model.vocabulary.encode(ioi / GRID, pitch, duration, lag)
        at = self.context(position)
        state = self.model.step(memory.state, value, memory.last, at)
        shape = follow(memory.shape, pitch, position / GRID, duration)
        told = (*memory.told, (value, memory.last, at, 1.0))[-RETOLD:]
        return Memory(state, self.model.read(state, self.settings.recall), pitch, position, shape, told)

    def context(self, position: int) -> Context:
        meter, beat = self.meter, position / GRID
        section = None
        if self.changes:
            outlook = self.changes.outlook(meter.position(beat))
            bars = self.changes.length / meter.bar
            twelve = bars % 12 == 0 and bars % 8 != 0
            section = meter.bar_of(beat) % (12 if twelve else 8)
        else:
            chord = self.ear.chord
            outlook = Outlook(chord, chord, math.inf)
        place = round(meter.position(beat) * GRID) % round(meter.bar * GRID)
        return Context(outlook, place, section, meter.tempo, self.settings.feel)

    def chord(self, beat: float) -> Chord:
        """The chord at a beat: of the changes, or the latest that the player held."""
        return self.changes.outlook(self.meter.position(beat)).chord if self.changes else self._heard_chord

    # Playing

    def yield_(self, time: float, played: list[Event]) -> None:
        """Stop at once: what was planned is dropped, what sounds is closed."""
        self._mode.drop()
        self.close(list(self.sounding), time, played)

    def strike(self, pitch: int, loudness: int, time: float, until: float, played: list[Event]) -> None:
        """Sound a note from a time in seconds up to a beat (infinity: until it is closed)."""
        if pitch in self.sounding:
            self.close([pitch], time, played)
        played.append(NoteOn(time, pitch, loudness, self.channel))
        self.sounding[pitch] = until

    def close(self, pitches: Iterable[int], time: float, played: list[Event]) -> None:
        """End notes that sound."""
        for pitch in sorted(pitches):
            del self.sounding[pitch]
            played.append(NoteOff(time, pitch, self.channel))

    def play(self, plan: Plan, time: float, played: list[Event]) -> None:
        """Commit a plan: sound it alone, and take over the memory that it leaves."""
        self.close(list(self.sounding), time, played)
        self.memory = plan.then
        self.last_onset = plan.onset
        loudness = self.ear.loudness + self.settings.loudness
        loud = velocity(loudness, self.ear.spread, plan.accent, self.settings.accents)
        self.strike(plan.value.pitch, loud, time, self.meter.beat(time) + plan.duration, played)

    def _next_end(self) -> float:
        return self.meter.end(min(self.sounding.values())) if self.sounding else math.inf

    def _mode_time(self) -> float:
        return max(self._mode.next(), self.time)

    def _do(self, until: float, played: list[Event]) -> None:
        """What is due up to `until`, in order of time, note-offs first; up to the next note-on."""
        if self._mode.pending and self.time <= until:
            self._mode.prepare()
        while True:
            ends, wishes, starts = self._next_end(), self._next_wish(), self._mode_time()
            soonest = min(ends, wishes, starts)
            if soonest > until or soonest == math.inf:
                return
            self.time = self.done = max(self.time, soonest)
            if wishes <= min(ends, starts):
                self._grant(self._wishes.pop(0)[1], self.time, played)
            elif ends <= starts:
                self.close([p for p, end in self.sounding.items() if self.meter.end(end) <= ends], self.time, played)
            elif self._mode.play(starts, played):
                return

    # Drawing

    def draw(self, memory: Memory, position: int, onset: float | None = None, opens: bool = False, lands: bool = False) -> Plan:
        """Draw a note for a position: its pitch, given the chord there; its length; its lag.

        onset: its exact beat, where that is settled; otherwise the model's lag decides. opens: it is the first of
        its turn. lands: it is to be a chord tone.
        """
        at = self.context(position)
        last = memory.last if memory.last is not None else self._opening_pitch(at)
        ioi = 48 if memory.position is None else min(max(position - memory.position, 0), 48)
        tones = at.outlook.chord.tones if lands else frozenset()
        value, lag = draw_note(self.model, memory.said, last, ioi, at, self.settings, self.rng, tones)
        duration = self.model.vocabulary.durations[value.duration] / GRID
        if onset is None:
            onset = max(position / GRID + lag, self.last_onset + CLOSEST)
        else:
            value = value._replace(lag=self.model.vocabulary.nearest_lag(0.0))
        state = self.model.step(memory.state, value, memory.last, at, OWN_TRUST)
        shape = follow(memory.shape, value.pitch, position / GRID, duration)
        told = (*memory.told, (value, memory.last, at, OWN_TRUST))[-RETOLD:]
        then = Memory(state, self.model.read(state, self.settings.recall), value.pitch, position, shape, told)
        chord = at.outlook.chord
        on_chord = chord.root is None or value.pitch % 12 in chord.tones
        return Plan(onset, duration, value, position, accent(shape, at.place, at.feel), on_chord, then, opens)

    def _opening_pitch(self, at: Context) -> int:
        """Where a line that follows nothing starts from: a chord tone in the middle of the range."""
        middle = (self.settings.low + self.settings.high) // 2
        tones = at.outlook.chord.tones
        return min((p for p in range(middle - 6, middle + 7) if not tones or p % 12 in tones), key=lambda p: abs(p - middle))
