"""A performer's voice: what a mode works with. What was heard, what is remembered, the beat, and the notes that sound.

A mode plays through it alone, so every note that it begins is in the note book and is closed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from improv.core import playing as rules
from improv.core.band.together import Here, PlayingTogether
from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.flood import FASTEST_LINE, WITHIN
from improv.core.intent import IntendedNote
from improv.core.line.dynamics import velocity
from improv.core.line.generator import LineGenerator
from improv.core.line.memory import Plan
from improv.core.line.phrasing import Playing
from improv.core.line.surprise import as_controller
from improv.core.line.tracker import Heard, LineTracker
from improv.core.meter import Meter
from improv.core.note_book import Key, NoteBook
from improv.core.note_model import CannotSpeakError, ChordVoicer
from improv.core.settings import Settings

MEANT = 1.0  # beats that a note of ours may sound on into the player's line, from its beginning


class Voice:
    """What one performer hears, remembers and sounds. channel: 0-15, what it plays on. end: in 1/12 beat, where it is to end.

    voicings: what voices chords as learned; None: by rule. playing: see `core.playing`. together: what it knows of a band.
    """

    def __init__(
        self,
        generator: LineGenerator,
        tracker: LineTracker,
        channel: int = 0,
        end: int | None = None,
        voicings: ChordVoicer | None = None,
        playing: int = rules.NOW,
        together: PlayingTogether | None = None,
    ):
        self.together = together or PlayingTogether()
        self.generator, self.tracker = generator, tracker
        self.channel, self.end, self.voicings = channel, end, voicings
        self.rules, self.early = playing, playing == rules.FIRST  # see `core.playing`
        self.time = 0.0  # how far the music has come, in seconds: the latest thing heard or played
        self.sounding = NoteBook()  # ends in beats
        self._lately: deque[tuple[float, float]] = deque(maxlen=FASTEST_LINE[0])  # seconds and beats, of the line's notes
        self.surprise: float | None = None  # bits of our latest note
        self.heard_surprise: float | None = None  # and of the player's, where that is asked for
        self.told_surprise: Callable[[NoteOn, float], None] | None = None  # asks for it, and is told; in whatever thread thinks
        self.call: float | None = None  # the beat on which the player's call began
        self.playing = Playing()  # the player's top line, up to the note before the tracker's latest

    @property
    def settings(self) -> Settings:
        return self.generator.settings

    @property
    def meter(self) -> Meter:
        """The beat as of the latest thing heard."""
        return self.generator.meter

    @property
    def here(self) -> Here:
        """The song at this moment."""
        generator = self.generator
        return Here(generator.meter, generator.changes, generator.chord(generator.meter.beat(self.time)), generator.settings)

    def of_the_band(self, event: NoteOn | NoteOff, time: float, accompanies: bool) -> bool:
        """Tell what is known of the band of a note. Returns whether that is all: what another member plays is no player's line."""
        if self.together.plays or accompanies:
            self.together.heard(event, self.meter.beat(time))
        return bool(self.together.plays) and event.part < 0

    # The player's line

    def playing_after(self, note: Heard) -> Playing:
        """How the player plays once a note of the top line is in it."""
        return self.playing.after(note.beat, self.meter.beat(self.time) if note.off is None else note.beat_off)

    def forget(self) -> None:
        """The player's top line is taken over; his next note starts afresh."""
        self.tracker.forget()
        self.playing = self.playing.rested()

    # Our notes

    def begin_line(self) -> None:
        """The line begins anew, since somebody silenced it or the beat started: however often that is, it is not the model's doing."""
        self._lately.clear()

    def key(self, pitch: int) -> Key:
        """A pitch of ours, as the note book has it."""
        return 0, self.channel, pitch

    def strike(self, pitch: int, loudness: int, time: float, until: float, surprise: float | None = None) -> list[Event]:
        """Sound a note from a time in seconds up to a beat (infinity: until it is closed), as loud as the fader says.

        surprise: see `NoteOn`.
        """
        closed = self.close([pitch], time) if self.key(pitch) in self.sounding else []
        if (level := self.settings.level) != 1.0:
            loudness = min(127, round(loudness * level))
            if loudness < 1:
                return closed
        on = NoteOn(time, pitch, loudness, self.channel, surprise=surprise)
        self.sounding.begin(on, until)
        return [*closed, on]

    def close(self, pitches: Iterable[int], time: float) -> list[Event]:
        """End notes that sound."""
        return self.sounding.close([self.key(pitch) for pitch in pitches], time)

    def give_way(self, pitch: int, time: float) -> list[Event]:
        """The player comes back with a key: what sounds ends as it was meant to, a beat after our latest note began at the latest.

        On his key it ends at once: on a synth of both, our note-off would cut his note.
        """
        if self.early:
            return self.sounding.close_all(time)
        self.sounding.shorten(self.generator.last_onset + MEANT)
        return self.close([pitch], time) if self.key(pitch) in self.sounding else []

    def play(self, plan: Plan, time: float) -> list[Event]:
        """Commit a plan: sound it alone, and take over the memory that it leaves. Raises CannotSpeakError for a line that is no music."""
        most, seconds = FASTEST_LINE
        first, beat = self._lately[0] if self._lately else (time, plan.onset)
        if len(self._lately) == most and 0 <= time - first < seconds and plan.onset - beat < WITHIN:
            self._lately.clear()
            raise CannotSpeakError(f"the model asks for more than {most} notes in {seconds:g} seconds")
        self._lately.append((time, plan.onset))
        closed = self.sounding.close_all(time)
        self.generator.commit(plan.then)
        self.generator.last_onset = plan.onset
        self.surprise = None if plan.surprise is None else round(plan.surprise, 3)
        if self.together.plays and self.together.others_turn(plan.onset, self.here):
            return closed
        until = self.meter.beat(time) + plan.duration
        told = self._told(self.surprise, time, 0)
        return [*closed, *told, *self.strike(plan.value.pitch, self._loudness(plan), time, until, self.surprise)]

    @property
    def tells_surprise(self) -> bool:
        """Whether somebody asks how surprising the player's notes are."""
        return bool(self.settings.surprise) or self.told_surprise is not None

    def heard(self, key: NoteOn, beat: float) -> list[Event]:
        """A key of the player's goes down. Where it begins a note of the line, and somebody asks for that, returns what tells how
        surprising it is."""
        begun = self.tracker.note
        if not self.tells_surprise or begun is None or begun.beat != beat or begun.together > 1:
            return []
        self.heard_surprise = self.generator.surprise(key.pitch, beat)
        if self.told_surprise and self.heard_surprise is not None:
            self.told_surprise(key, self.heard_surprise)
        return self._told(self.heard_surprise, self.time, 1)

    def _told(self, surprise: float | None, time: float, whose: int) -> list[Event]:
        """Bits as a controller, where one is asked for. whose: 0 for our note, 1 for the player's."""
        control = self.settings.surprise
        if not control or surprise is None:
            return []
        return [ControlChange(time, control + whose, as_controller(surprise), self.channel)]

    def intended(self, *plans: Plan | None) -> tuple[IntendedNote, ...]:
        """Plans as they would be played now, for whoever watches."""
        return tuple(IntendedNote(plan.onset, plan.duration, plan.value.pitch, self._loudness(plan)) for plan in plans if plan)

    def _loudness(self, plan: Plan) -> int:
        tracker, settings = self.tracker, self.settings
        return velocity(tracker.loudness + settings.loudness, tracker.spread, plan.accent, settings.accents)
