"""Seconds to beats and back: tempo, metre, place in the bar.

Beats are quarter notes counted from the first beat of bar one; bars count from 0 here.
"""

from __future__ import annotations

import math

from improv.core.errors import ImprovError

SLOWEST, FASTEST = 20.0, 400.0  # bpm


class MeterError(ImprovError):
    """An impossible tempo or metre."""


class Meter:
    """A set tempo in a metre. Beat 0 falls where `start` puts it; a tempo change keeps the beat.

    tempo: quarter notes a minute, 20 to 400. metre: beats a bar and the note that counts, (4, 4).
    Raises MeterError outside of that.
    """

    def __init__(self, tempo: float = 120.0, metre: tuple[int, int] = (4, 4)):
        count, unit = metre
        if not 1 <= count <= 16 or unit not in (2, 4, 8, 16):
            raise MeterError(f"metre {count}/{unit}: beats a bar go from 1 to 16, over 2, 4, 8 or 16")
        self.metre = metre
        self.bar = 4.0 * count / unit
        self.tempo = _checked(tempo)
        self._time, self._beat = 0.0, 0.0  # a moment at which both are known

    def start(self, time: float) -> None:
        """Beat 0 of bar 0 is at `time`."""
        self._time, self._beat = time, 0.0

    def set_tempo(self, time: float, tempo: float) -> None:
        """From `time` on the tempo is another; the beat goes on without a jump."""
        self._beat, self._time = self.beat(time), time
        self.tempo = _checked(tempo)

    def beat(self, time: float) -> float:
        """The beat at a time in seconds."""
        return self._beat + (time - self._time) * self.tempo / 60.0

    def time(self, beat: float) -> float:
        """The time in seconds of a beat."""
        return self._time + (beat - self._beat) * 60.0 / self.tempo

    def seconds(self, beats: float) -> float:
        """How long so many beats last at the present tempo."""
        return beats * 60.0 / self.tempo

    def within_bar(self, beat: float) -> float:
        """Beats since the bar line."""
        return beat % self.bar

    def bar_of(self, beat: float) -> int:
        """The bar in which a beat lies, from 0."""
        return math.floor(beat / self.bar + 1e-9)


def _checked(tempo: float) -> float:
    if not SLOWEST <= tempo <= FASTEST:
        raise MeterError(f"tempo {tempo:g}: expected {SLOWEST:g} to {FASTEST:g} quarter notes a minute")
    return float(tempo)
