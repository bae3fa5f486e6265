"""The improviser: told what was heard and what time it is, it says what to play and when it is next due.

What it plays is its mode's affair (see modes): an answer, a solo, chords. It does no I/O and reads no clock.
What it plays depends on the model, the settings, the seed and the stamped events alone, in the order of their
times: never on `now`, which only says how far to go. So the same performance, live, offline or replayed, gives
the same notes.
"""
# long: the order in which things are heard, granted and played is the contract, and is read in one piece

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from improv.core import playing as rules
from improv.core.band.together import PARTS, PlayingTogether
from improv.core.beats.moment import Moment, News
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Bookmark, ControlChange, Event, Learned, NoteOff, NoteOn, Setting
from improv.core.harmony import READING, Changes, parse_changes
from improv.core.heard.harmony import EarSetup
from improv.core.heard.listening import HarmonyListener
from improv.core.hearing import FIRST, NOW
from improv.core.intent import Intent
from improv.core.line.generator import LineGenerator
from improv.core.line.lessons import Learning, Lessons
from improv.core.line.tracker import ALL_NOTES_OFF, RESET_CONTROLLERS, SUSTAIN, Heard, LineTracker
from improv.core.meter import Meter
from improv.core.modes.classes import MODES
from improv.core.modes.mode import Mode
from improv.core.note_book import NoteBook
from improv.core.note_model import ChordVoicer, ModelState, NoteModel
from improv.core.settings import ADDRESSED, BY_THE_BAR, PLAY, SECOND_TAKE, Settings
from improv.core.vocabulary import GRID
from improv.core.voice import Voice
from improv.core.wanted import Wanted

ALL_SOUND_OFF = 120


class Improviser:
    """One performer. See the module's first lines; the contract is `due`, `advance`, `silence`.

    changes: chords to play over, or None to follow the chords that are held. meter: the beat before anything is heard, as
    the timekeeper has it; None: as one in 4/4 would who keeps the beat for these settings alone. seed: of the generator
    that draws every note. bars: in solo mode, how many to play; None for no end. channel: 0-15, what it plays on.
    models: those that a setting `model` may change to, by name.
    learning: what learns from the player, and has learned; None for nothing. voicings: what voices chords as learned, likewise.
    reading: how changes that come as a text are read, and what is made of chords, see `sheet.READING`.
    hearing: see `core.hearing`. playing: see `core.playing`. band: the mode of each who performs, by number; empty: it is no band.
    ear: what hears the harmony; None: nothing does.
    """

    def __init__(
        self,
        model: NoteModel,
        settings: Settings | None = None,
        changes: Changes | None = None,
        meter: Meter | None = None,
        seed: int = 0,
        bars: int | None = None,
        channel: int = 0,
        models: Mapping[str, NoteModel] | None = None,
        learning: Learning | None = None,
        voicings: ChordVoicer | None = None,
        reading: int = READING,
        hearing: int = NOW,
        playing: int = rules.NOW,
        band: Sequence[str] = (),
        ear: EarSetup | None = None,
    ):
        settings = settings or Settings()
        meter = meter or Timekeeper(settings).meter
        self._silencing = (ALL_SOUND_OFF, ALL_NOTES_OFF) if hearing == FIRST else (ALL_SOUND_OFF,)
        self._releasing = (SUSTAIN,) if hearing == FIRST else (SUSTAIN, RESET_CONTROLLERS, ALL_NOTES_OFF)
        self.channel = channel
        self.done = -math.inf  # when the latest thing was played; what is heard after that must be stamped later
        self._models = {} if models is None else models
        self._reading, self._hearing, self._playing = reading, hearing, playing
        self._seed, self._begun = seed, 1  # how often it has begun
        self._changes = changes  # those of the beginning
        self._ear, self._band, self._accompanies = ear, band, bool(band) and settings.mode in PARTS
        end = None if bars is None else round((meter.metres.line(bars) - (meter.shift if band else 0.0)) * GRID)
        self._learning, lessons = learning, Lessons(learning.give) if learning else None
        self._play_by(model, settings, changes, meter, seed, lessons, end, voicings, bars)
        self.learned_from = 0  # lessons of this performance that it plays by
        if learning and (known := learning.version(0)) is not None:
            self.generator.learn(known)
        self._wishes: list[tuple[float, Setting]] = []  # what waits for a bar line: its beat, the setting
        self.voice.together.begin(self.voice.here)
        self._unread: tuple[Heard, float] | None = None  # a note for the model, while what answers the key at once is handed over
        self._mode: Mode = MODES[settings.mode](self.voice)
        self._mode.start(0.0)

    def _play_by(
        self,
        model: NoteModel,
        settings: Settings,
        changes: Changes | None,
        meter: Meter,
        seed: int | tuple[int, int],
        lessons: Lessons | None,
        end: int | None,
        voicings: ChordVoicer | None,
        bars: int | None,
    ) -> None:
        """Listen and play by a model from here on, with nothing heard, by the rules that this performer has from the beginning."""
        tracker = LineTracker(self._hearing)
        self.listening = HarmonyListener(tracker, self._ear, meter, changes is None)
        of = tracker, seed, lessons, self._reading, self._playing, self.listening.harmony
        self.generator = LineGenerator(model, settings, changes, meter, *of)
        together = PlayingTogether(self._band, bars)
        self.voice = Voice(self.generator, tracker, self.channel, end, voicings, self._playing, together)

    @property
    def settings(self) -> Settings:
        return self.generator.settings

    @property
    def meter(self) -> Meter:
        """The beat as of the latest thing heard."""
        return self.generator.meter

    @property
    def time(self) -> float:
        """How far its music has come, in seconds: the latest thing heard or played."""
        return self.voice.time

    @property
    def sounding(self) -> NoteBook:
        """Its notes, with their ends in beats."""
        return self.voice.sounding

    # The contract

    @property
    def due(self) -> float | None:
        """When `advance` next has something to do, in clock seconds; None: not before something is heard.

        After a note was played that is at once: `advance` hands the note over before it plans the next.
        """
        if self._mode.pending or self._unread:
            return self.voice.time
        soonest = min(self._times())
        return None if soonest == math.inf else soonest

    @property
    def waits(self) -> bool:
        """Whether it was silenced, and waits for a key or to be told to play. To be asked from any thread."""
        return self._mode.waits

    @property
    def thinks(self) -> bool:
        """Whether `advance` would ask the model even if nothing was heard."""
        return self._mode.pending or self._mode.thinks_next or self._unread is not None

    def advance(self, now: float, heard: Iterable[Moment] = ()) -> list[Event]:
        """Take in what was heard and do what is due up to `now`, or up to the next note-on, which is
        not to wait for more. Returns what to play, in order; more may be due at once."""
        played: list[Event] = []
        for moment in heard:
            time = max(moment.time, self.voice.time)
            before = math.nextafter(time, -math.inf)  # who comes in on the same instant is heard first
            while (due := self.due) is not None and due <= before:
                played += self._do(before)
            self.voice.time = time
            played += self._hear(moment, time)
        return played if played and self._unread else played + self._do(now)

    def silence(self, now: float) -> list[Event]:
        """Note-offs for all that sounds; the plan is dropped."""
        self._mode.drop()
        return self.sounding.close_all(now)

    def intent(self) -> Intent:
        """What it has in mind, for whoever watches; asking changes nothing."""
        return self._mode.intent()

    def tell_surprise(self, told: Callable[[NoteOn, float], None]) -> None:
        """Tell, from whatever thread thinks, how surprising each note of the player's line is, in bits. It changes no note."""
        self.voice.told_surprise = told

    def knows(self, setting: Setting) -> bool:
        """Whether a setting `model` names one that is at hand."""
        return setting.value in self._models

    def begin_again(self, moment: Moment, wanted: Wanted) -> None:
        """Begin anew with another model, after the one before has failed: the moment of the setting that chooses it.

        How much of what was heard reached a model that fails depends on the machine. So nothing of it is remembered, and what
        it plays from here on depends on the stamped events alone, as ever.
        """
        assert isinstance(moment.event, Setting)
        before = self.voice
        text, changes = wanted.changes, self._changes
        if text is not None:
            changes = parse_changes(text, moment.meter.metres, self._reading) if text else None
        model, seed = self._models[str(moment.event.value)], (self._seed, self._begun)
        self._play_by(model, wanted.settings, changes, moment.meter, seed, None, before.end, before.voicings, before.together.bars)
        self.voice.time, self.voice.told_surprise = moment.time, before.told_surprise
        self._begun, self._unread = self._begun + 1, None
        self._learning = None  # it was learned for the other
        self._wishes.clear()
        self._mode = MODES[wanted.settings.mode](self.voice)
        self._mode.start(moment.time)

    def restore(self, state: ModelState) -> None:
        """Go on from a state of the model's, before anything is heard."""
        self.generator.restore(state)
        self._mode.jumped()  # what was planned came from another memory

    def prime(self, notes: Iterable[tuple[int, int, float, float]], call: float | None = None) -> None:
        """Take notes for heard that were played before, as (position, pitch, duration, lag), in order.

        position: in 1/12 beat from beat 0. duration, lag: in beats. call: the beat on which the call began that is
        still going on, if any.
        """
        voice = self.voice
        for position, pitch, duration, lag in notes:
            beat = position / GRID + lag
            voice.playing = voice.playing.after(beat, beat + duration)
            self.generator.take(pitch, position, duration, lag)
        voice.call = call

    # Hearing

    def _hear(self, moment: Moment, time: float) -> list[Event]:
        self._read()
        self.generator.meter = moment.meter
        self.listening.ask(self.generator.changes is None, moment.meter, time)
        played = self._turn(moment.news, time) if moment.news else []
        event = moment.event
        if isinstance(event, NoteOn | NoteOff) and self.voice.of_the_band(event, time, self._mode.accompanies):
            pass
        elif isinstance(event, NoteOn):
            played += self._struck(event, time)
        elif isinstance(event, NoteOff) or (isinstance(event, ControlChange) and event.control in self._releasing):
            played += self._released(event, time)
        elif isinstance(event, ControlChange) and event.control in self._silencing:
            played += self.silence(time)
            self.voice.tracker.release()
            self.voice.forget()
            self.voice.begin_line()
        elif isinstance(event, Setting):
            played += self._set(event, time)
        elif isinstance(event, Bookmark):
            self._bookmark(event)
        elif isinstance(event, Learned) and self._learning and (learned := self._learning.version(event.number)) is not None:
            self.generator.learn(learned)
            self.learned_from = event.number
        return played

    def _turn(self, news: News, time: float) -> list[Event]:
        """The beat starts, stops or jumps."""
        if news is News.JUMPED:
            self._mode.jumped()
            return []
        played = self.silence(time)
        if news is News.STARTED:
            self.voice.together.begin(self.voice.here)
        self.voice.forget()
        self.voice.begin_line()
        self.voice.call = None
        self.listening.restart(self.meter.beat(time))
        for _, wish in self._wishes:  # no bar line is to be waited for
            played += self._grant(wish, time)
        self._wishes.clear()
        if news is News.STARTED:
            self._mode.start(time)
        return played

    def _struck(self, event: NoteOn, time: float) -> list[Event]:
        """A key goes down."""
        voice, beat = self.voice, self.meter.beat(time)
        goes_on = self._goes_on(beat)
        note, of_line = self.listening.hear(event, beat, self.settings, self._mode.endless)
        chord = voice.tracker.chord
        if chord.root is not None:
            self.generator.heard_chord = chord
        if goes_on:
            if voice.call is None and of_line:
                voice.call = beat
            if note:
                self._unread = note, beat
                if not self._mode.timeless or voice.tells_surprise:
                    self._read()
        if not of_line:
            return self._mode.accompanied(event, time) if goes_on else []
        told = voice.heard(event, beat) if goes_on else []
        return told + (self._mode.struck(event, time) if goes_on or self._mode.timeless else [])

    def _read(self) -> None:
        """The model reads the note that it has not read yet."""
        if self._unread:
            (note, beat), self._unread = self._unread, None
            self.generator.commit(self.generator.after(note, beat))
            self.voice.playing = self.voice.playing_after(note)

    def _released(self, event: NoteOff | ControlChange, time: float) -> list[Event]:
        """A key or the pedal comes up, or the pedal goes down."""
        beat = self.meter.beat(time)
        note, of_line = self.listening.hear(event, beat, self.settings, self._mode.endless)
        if (goes_on := self._goes_on(beat)) and note:
            self._unread = note, beat
            self._read()
        return self._mode.released(time) if of_line and (goes_on or self._mode.timeless) else []

    def _goes_on(self, beat: float) -> bool:
        """Whether the beat runs on; where it stands still there is no rhythm to hear."""
        return beat < self.meter.until

    # Wishes

    def _set(self, setting: Setting, time: float) -> list[Event]:
        """Take a setting over: mode, model and changes at the next bar line, if the beat runs, all else at once.

        Beside those of the table there are `model`, a name, and `changes`, a text, empty for none.
        """
        if (setting.name == "model" and setting.value not in self._models) or (
            setting.part is None and self._accompanies and setting.name in ADDRESSED
        ):
            return []  # whoever wished for it was to bring it; or it is meant for soloists
        if setting.name == PLAY:
            if self._mode.waits:
                self._mode.start(time)
            return []
        beat = self.meter.beat(time)
        if self.voice.together.set(setting, self.voice.here, beat):
            return []
        if setting.name == SECOND_TAKE:
            self._mode.second_take(time)
            return []
        if setting.name in BY_THE_BAR and self._goes_on(beat):
            self._wishes.append((self.meter.next_bar(beat), setting))
            return []
        return self._grant(setting, time)

    def _grant(self, setting: Setting, time: float) -> list[Event]:
        before = self.settings
        if setting.name == "model":
            self.generator.tell(self._models[str(setting.value)])
            self._mode.overtaken()
            return []
        if setting.name == "changes":
            self.generator.changes = parse_changes(str(setting.value), self.meter.metres, self._reading) if setting.value else None
            self._mode.overtaken()
            return []
        self.generator.settings = before.taken(setting.name, setting.value)
        if setting.name == "learned":
            self.generator.blend()
        self._mode.changed()
        if setting.name != "mode" or self.settings.mode == before.mode:
            return []
        closed = self.silence(time)
        self._mode = MODES[self.settings.mode](self.voice)
        self._mode.start(time)
        return closed

    def _bookmark(self, event: Bookmark) -> None:
        """Keep the state under a name, or go back to it; a name under which nothing was kept changes nothing."""
        if event.keep:
            self.generator.keep(event.name)
        elif self.generator.go_back(event.name):
            self._mode.jumped()

    # Playing

    def _times(self) -> tuple[float, float, float, float]:
        """When the next note ends, when the next wish is granted, when a chord is settled, and when the mode wants to play, in seconds."""
        voice, meter = self.voice, self.generator.meter
        wish = max(meter.time(self._wishes[0][0]), voice.time) if self._wishes else math.inf
        ends = meter.end(voice.sounding.soonest) if voice.sounding else math.inf
        return ends, wish, max(self.listening.due, voice.time), max(self._mode.next(), voice.time)

    def _settled(self, beat: float) -> bool:
        """A chord is settled. Returns whether another is played by from now on: one that was foretold is none."""
        if self._playing <= rules.PHRASES:
            return self.listening.settle(self.voice.time)
        before = self.generator.chord(beat)
        self.listening.settle(self.voice.time)
        return self.generator.chord(beat).told != before.told

    def _do(self, until: float) -> list[Event]:
        """What is due up to `until`, in order of time, note-offs first; up to the next note-on."""
        self._read()
        voice = self.voice
        played: list[Event] = []
        while self._mode.pending and voice.time <= until:
            self._mode.prepare()
        while True:
            ends, wishes, settles, starts = self._times()
            soonest = min(ends, wishes, settles, starts)
            if soonest > until or soonest == math.inf:
                return played
            voice.time = self.done = max(voice.time, soonest)
            self.listening.ask(self.generator.changes is None, self.meter, voice.time)
            if settles <= soonest:
                if self._settled(self.meter.beat(voice.time)):
                    self._mode.reharmonised()
            elif wishes <= min(ends, starts):
                played += self._grant(self._wishes.pop(0)[1], voice.time)
                while self._mode.pending:  # now, before anything later
                    self._mode.prepare()
            elif ends <= starts:
                over = [key for key, end in self.sounding.over(math.inf) if self.meter.end(end) <= ends]
                played += self.sounding.close(over, voice.time)
            elif struck := self._mode.play(starts):
                return played + struck
