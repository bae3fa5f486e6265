"""Echo: each note of the player's line is harmonised as it is struck, and released as it is released. Nothing is sampled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from improv.core.events import Event, NoteOn
from improv.core.modes.mode import Mode

if TYPE_CHECKING:
    from improv.core.improviser import Improviser

NEAREST, FARTHEST = 3, 9  # semitones between the two voices: thirds to sixths
EARLY = 0.1  # beats by which a note may come before the chord that it belongs to
SOFTER = 8  # steps of velocity below the player


class Echo(Mode):
    """A second voice: a chord tone a third to a sixth below, above where the range ends; or a set interval."""

    timeless = True

    def __init__(self, improviser: Improviser):
        super().__init__(improviser)
        self._voices: dict[tuple[int, int], int] = {}  # the player's (channel, pitch) -> ours

    def struck(self, event: NoteOn, time: float, played: list[Event]) -> None:
        improviser, key = self.improviser, (event.channel, event.pitch)
        if key in self._voices:
            improviser.close([self._voices.pop(key)], time, played)
        top = improviser.tracker.line
        if top is None or top.pitch != event.pitch or top.off is not None:
            return  # it accompanies
        taken = improviser.sounding.keys() | improviser.tracker.sounding
        pitch = next((p for p in self._choices(event.pitch, time) if p not in taken), None)
        if pitch is not None:
            self._voices[key] = pitch
            loudness = event.velocity - SOFTER + improviser.settings.loudness
            improviser.strike(pitch, min(max(loudness, 1), 127), time, float("inf"), played)

    def released(self, time: float, played: list[Event]) -> None:
        tracker = self.improviser.tracker
        over = [key for key in self._voices if key not in tracker.keys and key not in tracker.held]
        self.improviser.close([self._voices.pop(key) for key in over], time, played)

    def drop(self) -> None:
        self._voices.clear()

    def _choices(self, pitch: int, time: float) -> Iterator[int]:
        """Pitches that would do, the best first."""
        improviser, settings = self.improviser, self.improviser.settings
        tones = improviser.generator.chord(improviser.meter.beat(time) + EARLY).tones
        if settings.interval:
            steps = [settings.interval]
        elif tones:
            apart = range(NEAREST, FARTHEST + 1)
            steps = [s for s in (*(-a for a in apart), *apart) if (pitch + s) % 12 in tones]
        else:
            steps = [-12, 12]
        return (pitch + s for s in steps if settings.low <= pitch + s <= settings.high)
