"""The one interface of all modes, and what a mode says of itself."""

from __future__ import annotations

import math
from typing import ClassVar

from improv.core.events import Event, NoteOn
from improv.core.intent import Intent
from improv.core.meter import Meter
from improv.core.voice import Voice

BARS = 4  # what a line's or a chord's note may last at the longest
LEAST = 24.0  # beats, in the shortest of metres
RING = 2  # bars that the last note of an answer may ring on


class Mode:
    """A mode that does nothing: what each may do. voice: what it works with. Times are in seconds."""

    begins: ClassVar[bool] = False  # whether it plays before anybody else does, so that the beat is to run
    endless: ClassVar[bool] = False  # whether it plays on for ever once it has begun
    timeless: ClassVar[bool] = False  # whether it plays where no beat runs, too
    leads: ClassVar[bool] = False  # whether it plays a line, so that a riff fills in where the model is late
    yields: ClassVar[bool] = False  # whether it strikes nothing more when the player comes in
    accompanies: ClassVar[bool] = False  # whether it goes by what all the others play, see `band.together`
    pending = False  # `prepare` is to be called at once: something is to be worked out before there is anything to play

    def __init__(self, voice: Voice):
        self.voice = voice

    @classmethod
    def longest(cls, meter: Meter) -> float:
        """Seconds for which a note of it may sound. Nothing should ever reach it; what does is closed, counted and told."""
        return meter.seconds(max((BARS + RING) * max(stretch.bar for stretch in meter.metres.stretches), LEAST))

    def start(self, time: float) -> None:
        """It was chosen, the performance begins, or the beat runs (again)."""

    @property
    def waits(self) -> bool:
        """Whether it plays by itself, but was silenced, and waits to be told to go on."""
        return False

    @property
    def thinks_next(self) -> bool:
        """Whether what it wants next takes thought: a thread of its own is to do it."""
        return False

    def jumped(self) -> None:
        """The song goes on from elsewhere: what was planned is over other chords."""

    def overtaken(self) -> None:
        """There are other changes, or another model: what was planned goes with the ones before, but its place in the song holds."""
        self.jumped()

    def reharmonised(self) -> None:
        """Another chord is heard than was played by."""
        self.overtaken()

    def changed(self) -> None:
        """A setting has changed."""

    def second_take(self, time: float) -> None:
        """Somebody wants to hear another way to go on, if there is one."""

    def struck(self, event: NoteOn, time: float) -> list[Event]:
        """A key went down, and was heard. Returns what to play at once."""
        return []

    def accompanied(self, event: NoteOn, time: float) -> list[Event]:
        """A key of a hand that plays chords went down. Returns what to play at once: where we sound that key, our note ends, since
        on a synth of both its end would cut the player's."""
        voice = self.voice
        return voice.close([event.pitch], time) if voice.key(event.pitch) in voice.sounding else []

    def released(self, time: float) -> list[Event]:
        """A key or the pedal came up, or the pedal went down. Returns what to play at once."""
        return []

    def next(self) -> float:
        """When it wants to play; infinity: not before something is heard."""
        return math.inf

    def play(self, time: float) -> list[Event]:
        """Do what was wanted at this time. Returns the note that was struck, and what it ends; nothing where none was."""
        return []

    def prepare(self) -> None:
        """Work out what comes next, after a note was handed over."""

    def drop(self) -> None:
        """Forget what was planned; what sounds is being closed."""

    def intent(self) -> Intent:
        """Whose turn it is, and what is planned. It is asked for whoever watches, and changes nothing."""
        return Intent()
