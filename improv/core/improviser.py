"""The improviser: told what was heard and what time it is, it says what to play and when it is next due.

What it plays is its mode's affair (see modes): an answer, a solo, chords. It does no I/O and reads no clock.
What it plays depends on the model, the settings, the seed and the stamped events alone, in the order of their
times: never on `now`, which only says how far to go. So the same performance, live, offline or replayed, gives
the same notes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from improv.core.beats.timekeeper import News, Timekeeper
from improv.core.events import Bookmark, ControlChange, Event, Learned, NoteOff, NoteOn, Setting
from improv.core.harmony import READING, Changes, parse_changes
from improv.core.line.dynamics import velocity
from improv.core.line.generator import LineGenerator, Plan
from improv.core.line.lessons import Learning, Lessons
from improv.core.line.phrasing import Playing
from improv.core.line.tracker import SUSTAIN, Heard, LineTracker
from improv.core.modes import MODES
from improv.core.modes.mode import Mode
from improv.core.note_model import ChordVoicer, ModelState, NoteModel
from improv.core.settings import Settings
from improv.core.vocabulary import GRID

ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123
BY_THE_BAR = ("mode", "model", "changes")  # settings that change with the bar


class Improviser:
    """One player. See the module's first lines; the contract is `due`, `advance`, `silence`.

    changes: chords to play over, or None to follow the chords that are held. bars: in solo mode, how
    many to play; None for no end. seed: of the generator that draws every note. channel: 0-15, what it plays on.
    inputs: the numbers of the inputs that it listens to; None for all. Other performers that it hears are to be told to it alone.
    models: those that a setting `model` may change to, by name.
    learning: what learns from the player, and has learned; None for nothing. voicings: what voices chords as learned, likewise.
    reading: how changes that come as a text are read, see `parse_changes`.
    """

    def __init__(
        self,
        model: NoteModel,
        settings: Settings | None = None,
        changes: Changes | None = None,
        metre: tuple[int, int] = (4, 4),
        seed: int = 0,
        bars: int | None = None,
        channel: int = 0,
        inputs: frozenset[int] | None = None,
        models: Mapping[str, NoteModel] | None = None,
        learning: Learning | None = None,
        voicings: ChordVoicer | None = None,
        reading: int = READING,
    ):
        settings = settings or Settings()
        self.channel = channel
        self._inputs = inputs
        self._models = {} if models is None else models
        self.voicings = voicings
        self._reading = reading
        self.keeper = Timekeeper(settings, metre)
        self.meter = self.keeper.meter
        self.time = 0.0  # how far the music has come, in seconds: the latest thing heard or played
        self.done = -math.inf  # when the latest thing was played; what is heard after that must be stamped later
        # What modes work with
        self.tracker = LineTracker()
        self.generator = LineGenerator(model, settings, changes, self.meter, self.tracker, seed)
        self._learning = learning
        self._lessons = Lessons(learning.give) if learning else None
        self.learned_from = 0  # lessons of this performance that it plays by
        if learning and (known := learning.version(0)) is not None:
            self.generator.learn(known)
        self.sounding: dict[int, float] = {}  # pitch -> the beat on which it ends
        self.call: float | None = None  # the beat on which the player's call began
        self.playing = Playing()  # the player's top line, up to the note before `tracker.note`
        self.end = None if bars is None else round(bars * self.meter.bar * GRID)  # in 1/12 beat
        self._wishes: list[tuple[float, Setting]] = []  # what waits for a bar line: its beat, the setting
        self._mode: Mode = MODES[self.settings.mode](self)
        self._mode.start(0.0)

    @property
    def settings(self) -> Settings:
        return self.generator.settings

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

    def restore(self, state: ModelState) -> None:
        """Go on from a state of the model's, before anything is heard."""
        self.generator.restore(state)
        self._mode.jumped()  # what was planned came from another memory

    def prime(self, notes: Iterable[tuple[int, int, float, float]], call: float | None = None) -> None:
        """Take notes for heard that were played before, as (position, pitch, duration, lag), in order.

        position: in 1/12 beat from beat 0, which is now at 0 s. duration, lag: in beats. call: the beat on which
        the call began that is still going on, if any.
        """
        self.keeper.begin(0.0)
        for position, pitch, duration, lag in notes:
            beat = position / GRID + lag
            self.playing = self.playing.after(beat, beat + duration)
            self.generator.take(pitch, position, duration, lag)
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
        elif isinstance(event, Learned):
            if self._learning and (learned := self._learning.version(event.number)) is not None:
                self.generator.learn(learned)
                self.learned_from = event.number
        elif isinstance(event, ControlChange) and event.control in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            self.yield_(time, played)
            self.tracker.release()
            self.forget()
        elif isinstance(event, NoteOn):
            note = self.tracker.hear(event, beat)
            if self.tracker.chord.root is not None:
                self.generator.heard_chord = self.tracker.chord
            if self._goes_on(beat):
                if self.call is None:
                    self.call = beat
                if note:
                    self.generator.memory = self.generator.after(note, beat)
                    self._teach()
                    self.playing = self.playing_after(note)
            if self._goes_on(beat) or self._mode.timeless:
                self._mode.struck(event, time, played)
        elif isinstance(event, NoteOff) or (isinstance(event, ControlChange) and event.control == SUSTAIN):
            self.tracker.hear(event, beat)
            if self._goes_on(beat) or self._mode.timeless:
                self._mode.released(time, played)

    def _goes_on(self, beat: float) -> bool:
        """Whether the beat runs on; where it stands still there is no rhythm to hear."""
        return beat < self.meter.until

    def _teach(self) -> None:
        """What is remembered now may be learned from."""
        if self._lessons:
            self._lessons.take(self.generator.memory.told)

    def playing_after(self, note: Heard) -> Playing:
        """How the player plays once a note of the top line is in it."""
        return self.playing.after(note.beat, self.meter.beat(self.time) if note.off is None else note.beat_off)

    def forget(self) -> None:
        """The player's top line is taken over; his next note starts afresh."""
        self.tracker.forget()
        self.playing = self.playing.rested()

    # Wishes

    def _set(self, setting: Setting, time: float, played: list[Event]) -> None:
        """Take a setting over: mode, model and changes at the next bar line, if the beat runs, all else at once.

        Beside those of the table there are `model`, a name, and `changes`, a text, empty for none.
        """
        if setting.name == "model" and setting.value not in self._models:
            return  # whoever wished for it was to bring it
        if setting.name in BY_THE_BAR and self.meter.beat(time) < self.meter.until:
            self._wishes.append((self.meter.next_bar(self.meter.beat(time)), setting))
        else:
            self._grant(setting, time, played)

    def _grant(self, setting: Setting, time: float, played: list[Event]) -> None:
        before = self.settings
        if setting.name == "model":
            self.generator.tell(self._models[str(setting.value)])
            self._mode.jumped()
            return
        if setting.name == "changes":
            self.generator.changes = parse_changes(str(setting.value), self.meter.bar, self._reading) if setting.value else None
            self._mode.jumped()
            return
        self.generator.settings = before.taken(setting.name, setting.value)
        if setting.name == "learned":
            self.generator.blend()
        if setting.name == "mode" and self.settings.mode != before.mode:
            self.yield_(time, played)
            self._mode = MODES[self.settings.mode](self)
            self._mode.start(time)

    def _bookmark(self, event: Bookmark) -> None:
        """Keep the state under a name, or go back to it; a name under which nothing was kept changes nothing."""
        if event.keep:
            self.generator.keep(event.name)
        elif self.generator.go_back(event.name):
            self._mode.jumped()

    def _next_wish(self) -> float:
        return max(self.meter.time(self._wishes[0][0]), self.time) if self._wishes else math.inf

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
        self.generator.memory = plan.then
        self._teach()
        self.generator.last_onset = plan.onset
        loudness = self.tracker.loudness + self.settings.loudness
        loud = velocity(loudness, self.tracker.spread, plan.accent, self.settings.accents)
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
                if self._mode.pending:  # now, before anything later
                    self._mode.prepare()
            elif ends <= starts:
                self.close([p for p, end in self.sounding.items() if self.meter.end(end) <= ends], self.time, played)
            elif self._mode.play(starts, played):
                return
