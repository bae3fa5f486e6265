"""Bass and drums: a member of the rhythm section, asked for each bar a little before its bar line, in time to hear the bar before.

What it plays in a bar follows from that bar, its state and a generator of that bar's own. So where the song jumps, the same bar is
asked for again, from the state before.
"""

from __future__ import annotations

import math
from collections import deque
from typing import ClassVar

import numpy as np

from improv.core.band.bar import BandBar, BarNote, Member, MemberState
from improv.core.band.bass import Bassist
from improv.core.band.groove import drums_by_rule
from improv.core.events import Event
from improv.core.intent import BOTH, IntendedNote, Intent
from improv.core.modes.mode import Mode
from improv.core.voice import Voice

AHEAD = 0.6  # beats before the bar line at which the bar is asked for: between the off-beats of straight and swung eighths


class MemberPart(Mode):
    """A member's part. The model of the performer has it, as `member`; one that has none leaves it to the rules."""

    endless = accompanies = True
    part: ClassVar[str] = ""
    ahead: ClassVar[float] = AHEAD

    def __init__(self, voice: Voice):
        super().__init__(voice)
        found: Member | None = getattr(voice.generator.model, "member", None)
        self._member = found if found is not None and found.about.get("kind") == self.part else self.by_rule()
        self._seed = int(voice.generator.rng.integers(2**32))
        self._notes: deque[tuple[float, BarNote]] = deque()  # that come, with their beats
        self._line: float | None = None  # of the bar that is asked for next
        self._asks = math.inf  # the beat on which it is asked for
        self._count = 0  # bars asked for since it began
        self._state: MemberState = self._member.start()
        self._before: tuple[float, MemberState] = (-math.inf, self._state)  # the latest bar's line, and the state before it
        self._over = False

    def by_rule(self) -> Member:
        """Who plays where nobody has learned to."""
        raise NotImplementedError

    # Mode

    def start(self, time: float) -> None:
        meter = self.voice.meter
        if not meter.running:
            return
        beat = meter.beat(time)
        self._over, self._count, self._state = False, 0, self._member.start()
        self._notes.clear()
        self._ask_from(beat)

    @property
    def waits(self) -> bool:
        return self._line is None and not self._over and self.voice.meter.running

    @property
    def thinks_next(self) -> bool:
        return self._line is not None and (not self._notes or self._asks < self._notes[0][0])

    def next(self) -> float:
        soonest = min(self._asks, self._notes[0][0]) if self._notes else self._asks
        return self.voice.meter.time(soonest) if soonest < math.inf else math.inf

    def play(self, time: float) -> list[Event]:
        if self._notes and self._notes[0][0] <= self._asks:
            return self._strike(*self._notes.popleft(), time)
        self._ask()
        return []

    def drop(self) -> None:
        self._notes.clear()
        self._line, self._asks = None, math.inf

    def jumped(self) -> None:
        if self._line is not None or self._over:
            self._over = False
            self._notes.clear()
            beat = self.voice.meter.beat(self.voice.time)
            if self._before[0] > beat:  # it has not begun
                self._state, self._count = self._before[1], self._count - 1
            self._ask_from(beat)

    def intent(self) -> Intent:
        return Intent(BOTH, tuple(IntendedNote(beat, n.length, n.pitch, n.velocity) for beat, n in self._notes))

    # Bars

    def _ask_from(self, beat: float) -> None:
        """Ask at once for the bar that begins on a beat or after it."""
        self._line, self._asks = self.voice.meter.next_bar(self.voice.meter.just_before(beat)), beat

    def _ask(self) -> None:
        voice, line = self.voice, self._line
        if line is None:
            return
        now = voice.meter.beat(voice.time)
        bar = voice.together.bar(self.part, line, voice.here)
        if bar is None:
            self.drop()
            self._over = True
            return
        self._before = line, self._state
        rng = np.random.default_rng((self._seed, self._count))
        notes, self._state = self._member.bar(self._state, bar, rng)
        coming = [*self._notes, *((max(line + note.onset, now), note) for note in notes)]  # some come before the bar line
        self._notes = deque(sorted(coming, key=lambda n: (n[0], n[1].pitch)))
        self._count += 1
        self._line = line + bar.beats
        self._asks = max(self._line - self.ahead, now)
        self.asked(bar)

    def asked(self, bar: BandBar) -> None:
        """A bar was asked for."""

    def _strike(self, beat: float, note: BarNote, time: float) -> list[Event]:
        voice = self.voice
        loudness = max(1, min(127, note.velocity + voice.settings.loudness))
        return voice.strike(note.pitch, loudness, time, beat + note.length)


class BassPart(MemberPart):
    """One note at a time."""

    part = "bass"
    ahead = AHEAD + 0.12  # not all at once

    def by_rule(self) -> Member:
        return Bassist()

    def _strike(self, beat: float, note: BarNote, time: float) -> list[Event]:
        return [*self.voice.sounding.close_all(time), *super()._strike(beat, note, time)]


class DrumPart(MemberPart):
    """On General MIDI's keys."""

    part = "drums"

    def by_rule(self) -> Member:
        return drums_by_rule()
