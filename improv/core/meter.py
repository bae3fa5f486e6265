"""Seconds to beats and back: tempo, metres, place in the bar.

Beats are quarter notes, counted from where the beat began to run and never set back. A song position can jump; it
differs from the beat by a shift, and bar lines, metres and changes go by it. Bars count from 0 here.
A meter is a value: who says where the beat is (see `beats`) makes a new one, and nobody's changes under their hands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from improv.core.metres import FOUR, NEAR, MeterError, Metre, Metres, Unit

SLOWEST, FASTEST = 20.0, 400.0  # bpm
SLACK = 1 / 48  # beats: half a pulse


class _Map(NamedTuple):
    """Where the beat is, as far as it is known."""

    time: float = 0.0  # a moment at which both are known
    beat: float = 0.0
    tempo: float = 120.0
    bend_time: float = 0.0  # from `time` to here it goes straight, and on at the tempo
    bend_beat: float = 0.0
    until: float = math.inf  # the beat up to which this is known; there the beat stands still
    shift: float = 0.0  # song position less beat, from `since` on
    since: float = -math.inf  # beat
    before: float = 0.0  # the shift until then


@dataclass(frozen=True, slots=True, init=False)
class Meter:
    """A tempo in a song's metres, and where its beat is. A change of tempo keeps the beat.

    tempo: quarter notes a minute, 20 to 400. metres: those of the song, or the one that it has.
    running: whether the beat goes on; where not, times of later beats are infinite.
    Raises MeterError outside of that.
    """

    metres: Metres
    _map: _Map

    def __init__(self, tempo: float = 120.0, metres: Metres | Metre = FOUR):
        self._fill(metres if isinstance(metres, Metres) else Metres.of(*metres), _Map(tempo=_checked(tempo)))

    def _fill(self, metres: Metres, known: _Map) -> None:
        object.__setattr__(self, "metres", metres)
        object.__setattr__(self, "_map", known)

    def _with(self, known: _Map) -> Meter:
        meter = object.__new__(Meter)
        meter._fill(self.metres, known)
        return meter

    # What is known

    @property
    def tempo(self) -> float:
        return self._map.tempo

    @property
    def running(self) -> bool:
        return self._map.until > self._map.beat

    @property
    def until(self) -> float:
        """The beat at which it stands still if nothing more is known; infinity where it goes on."""
        return self._map.until

    @property
    def shift(self) -> float:
        """How far the song position lies ahead of the beat, in beats."""
        return self._map.shift

    # What becomes of it

    def started(self, time: float, beat: float = 0.0) -> Meter:
        """The beat is `beat` at `time`, and runs."""
        return self._with(self._map._replace(time=time, beat=beat, bend_time=time, bend_beat=beat, until=math.inf))

    def stopped(self, time: float) -> Meter:
        """The beat stands still from `time` on."""
        beat = self.beat(time)
        return self._with(self._map._replace(time=time, beat=beat, bend_time=time, bend_beat=beat, until=beat))

    def at_tempo(self, time: float, tempo: float) -> Meter:
        """From `time` on the tempo is another; the beat goes on without a jump."""
        found = self._map
        if found.until > found.beat:
            beat = self.beat(time)
            found = found._replace(time=time, beat=beat, bend_time=time, bend_beat=beat)
        return self._with(found._replace(tempo=_checked(tempo)))

    def locked(self, time: float, beat: float, tempo: float, until: float = math.inf, bend: tuple[float, float] | None = None) -> Meter:
        """The beat is `beat` at `time` and goes on at a tempo, as far as `until`. A tempo beyond the limits is taken as the limit.

        bend: a later time and its beat, to which it goes straight before it goes on at the tempo: a correction, spread.
        """
        bend_time, bend_beat = bend or (time, beat)
        known = self._map._replace(time=time, beat=beat, tempo=limited(tempo), bend_time=bend_time, bend_beat=bend_beat, until=until)
        return self._with(known)

    def in_metre(self, metre: tuple[int, int]) -> Meter:
        """The same beat, counted in bars of another metre. Raises MeterError for an impossible one."""
        meter = object.__new__(Meter)
        meter._fill(Metres.of(*metre), self._map)
        return meter

    def jumped(self, beat: float, position: float) -> Meter:
        """From `beat` on the song goes on from another position."""
        m = self._map
        return self._with(m._replace(shift=position - beat, since=beat, before=m.shift))

    # Beats and seconds

    def beat(self, time: float) -> float:
        """The beat at a time in seconds."""
        m = self._map
        if m.time < time < m.bend_time:
            return min(m.beat + (time - m.time) * (m.bend_beat - m.beat) / (m.bend_time - m.time), m.until)
        t, b = (m.time, m.beat) if time <= m.time else (m.bend_time, m.bend_beat)
        return min(b + (time - t) * m.tempo / 60.0, m.until)

    def time(self, beat: float) -> float:
        """The time in seconds of a beat; infinity if it is beyond what is known."""
        m = self._map
        if beat > m.until:
            return math.inf
        if m.beat < beat < m.bend_beat:
            return m.time + (beat - m.beat) * (m.bend_time - m.time) / (m.bend_beat - m.beat)
        t, b = (m.time, m.beat) if beat <= m.beat else (m.bend_time, m.bend_beat)
        return t + (beat - b) * 60.0 / m.tempo

    def end(self, beat: float) -> float:
        """The time in seconds at which a note ends that is to last until a beat: where the beat stands still, it ends.
        Infinity for what is not to end by itself."""
        return self.time(min(beat, self._map.until)) if beat < math.inf else math.inf

    def seconds(self, beats: float) -> float:
        """How long so many beats last at the present tempo."""
        return beats * 60.0 / self._map.tempo

    # The song

    def position(self, beat: float) -> float:
        """The song position at a beat, in beats from bar one."""
        return beat + self._shift(beat)

    def _shift(self, beat: float) -> float:
        m = self._map
        return m.shift if beat > m.since - SLACK / 2 else m.before

    def within_bar(self, beat: float) -> float:
        """Beats since the bar line."""
        return self.metres.within_bar(self.position(beat))

    def bar_of(self, beat: float) -> int:
        """The bar in which a beat lies, from 0."""
        return self.metres.bar_of(self.position(beat))

    def bar_at(self, beat: float) -> float:
        """How many beats the bar has in which a beat lies."""
        return self.metres.bar_at(self.position(beat))

    def felt_at(self, beat: float) -> float:
        """How long the beat is that one taps there, in beats."""
        return self.metres.at(self.position(beat)).felt

    def next(self, beat: float, step: float) -> float:
        """The first beat from `beat` on whose song position is a multiple of `step`."""
        shift = self._shift(beat)
        return math.ceil((beat + shift) / step - NEAR) * step - shift

    def steps(self, beat: float, unit: Unit) -> Iterator[float]:
        """The beats from `beat` on that lie on a quarter note, a felt beat or a bar line of the song."""
        shift = self._shift(beat)
        for position in self.metres.steps(beat + shift, unit):
            yield position - shift

    def next_on(self, beat: float, unit: Unit) -> float:
        """The first of those."""
        return next(self.steps(beat, unit))

    def next_bar(self, beat: float) -> float:
        """The first bar line from `beat` on."""
        return self.next_on(beat, Unit.BAR)

    def line(self, bar: int, beat: float) -> float:
        """The beat on which a bar of the song begins, as it is counted at `beat`."""
        return self.metres.line(bar) - self._shift(beat)

    def opening(self, beat: float) -> float:
        """The beat, or bar one of the song if that is still to come (a count-in, a pick-up)."""
        return max(beat, beat - self.position(beat))

    def just_before(self, beat: float) -> float:
        """A moment before a beat, in the same stretch of the song: what begins with a pulse may find the beat, as it is
        filtered, a little past it."""
        since = self._map.since
        return max(beat - SLACK, since) if beat >= since else beat


def limited(tempo: float) -> float:
    """The tempo, or the limit that it is beyond."""
    return min(max(tempo, SLOWEST), FASTEST)


def _checked(tempo: float) -> float:
    if not SLOWEST <= tempo <= FASTEST:
        raise MeterError(f"tempo {tempo:g}: expected {SLOWEST:g} to {FASTEST:g} quarter notes a minute")
    return float(tempo)
