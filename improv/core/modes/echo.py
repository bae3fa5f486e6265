"""Echo: each note of the player's line is harmonised as it is struck, and released as it is released. Nothing is sampled."""

from __future__ import annotations

import math
from collections.abc import Iterator

from improv.core.events import Event, NoteOn
from improv.core.intent import BOTH, Intent
from improv.core.line.tracker import Key
from improv.core.meter import Meter
from improv.core.modes.mode import Mode
from improv.core.voice import Voice

NEAREST, FARTHEST = 3, 9  # semitones between the two voices: thirds to sixths
EARLY = 0.1  # beats by which a note may come before the chord that it belongs to
SOFTER = 8  # steps of velocity below the player
HELD = 3600.0  # seconds: as long as a key may be down


class Echo(Mode):
    """A second voice: a chord tone a third to a sixth below, above where the range ends; or a set interval."""

    timeless = True

    def __init__(self, voice: Voice):
        super().__init__(voice)
        self._second: dict[Key, int] = {}  # the player's key -> our pitch

    @classmethod
    def longest(cls, meter: Meter) -> float:
        return HELD

    def struck(self, event: NoteOn, time: float) -> list[Event]:
        voice, key = self.voice, self.voice.tracker.key_of(event)
        played = voice.close([self._second.pop(key)], time) if key in self._second else []
        top = voice.tracker.line
        if top is None or top.pitch != event.pitch or top.off is not None:
            return played  # it accompanies
        heard = voice.tracker.sounding
        free = (p for p in self._choices(event.pitch, time) if p not in heard and voice.key(p) not in voice.sounding)
        pitch = next(free, None)
        if pitch is None:
            return played
        self._second[key] = pitch
        loudness = event.velocity - SOFTER + voice.settings.loudness
        return [*played, *voice.strike(pitch, min(max(loudness, 1), 127), time, math.inf)]

    def released(self, time: float) -> list[Event]:
        tracker = self.voice.tracker
        over = [key for key in self._second if key not in tracker.keys and key not in tracker.held]
        return self.voice.close([self._second.pop(key) for key in over], time)

    def accompanied(self, event: NoteOn, time: float) -> list[Event]:
        self._second = {key: pitch for key, pitch in self._second.items() if pitch != event.pitch}
        return super().accompanied(event, time)

    def drop(self) -> None:
        self._second.clear()

    def intent(self) -> Intent:
        return Intent(BOTH)

    def _choices(self, pitch: int, time: float) -> Iterator[int]:
        """Pitches that would do, the best first."""
        voice, settings = self.voice, self.voice.settings
        tones = voice.generator.chord(voice.meter.beat(time) + EARLY).tones
        if settings.interval:
            steps = [settings.interval]
        elif tones:
            apart = range(NEAREST, FARTHEST + 1)
            steps = [s for s in (*(-a for a in apart), *apart) if (pitch + s) % 12 in tones]
        else:
            steps = [-12, 12]
        return (pitch + s for s in steps if settings.low <= pitch + s <= settings.high)
