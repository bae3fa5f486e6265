"""What the player plays, as music: the top line note by note, what is held below it, how loud.

The top line is the melody: a lower note that comes with a higher one, or under it, accompanies.
Sounding notes (keys down, or held by the sustain pedal) make the chord where no changes are given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.harmony import Chord, chord_of
from improv.core.vocabulary import GRID

TOGETHER = 0.035  # seconds within which notes count as struck together
COMPING_BELOW = 7  # a chord of three or more whose top lies this far below the line is no melody
LEAP = 30  # steps of velocity beyond this are a change of loudness, and count as this
SUSTAIN = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """One note of the top line; times in seconds. `off` is None while it sounds.

    together: how many notes were struck with it. beat, beat_off: on and off in beats, by the tempo of that moment.
    """

    on: float
    pitch: int
    velocity: int
    off: float | None = None
    together: int = 1
    beat: float = 0.0
    beat_off: float = math.inf


class LineTracker:
    """Follows keys and pedal. `note` is the latest note of the top line, not yet superseded."""

    def __init__(self) -> None:
        self.note: Heard | None = None
        self.keys: dict[tuple[int, int], int] = {}  # (channel, pitch) -> velocity, keys that are down
        self.held: set[tuple[int, int]] = set()  # keys up, kept sounding by the pedal
        self.pedal: set[int] = set()  # channels whose pedal is down
        self.loudness = 80.0  # running mean of the player's velocities
        self.spread = 8.0  # how far they lie from it, by how they step from note to note: a crescendo is no spread
        self._struck = 0  # notes so far
        self._last: int | None = None  # the latest velocity
        self._before: int | None = None  # pitch of the top line before `note`

    def hear(self, event: Event, beat: float = 0.0) -> Heard | None:
        """Take in an event, which comes on a beat. Returns the top line's note that it supersedes, if any."""
        if not isinstance(event, NoteOn):
            self._let_go(event, beat)
            return None
        self.keys[event.channel, event.pitch] = event.velocity
        self.held.discard((event.channel, event.pitch))
        self._weigh(event.velocity)
        note = self.note
        if note and event.time - note.on < TOGETHER:
            top = max((note.pitch, note.velocity), (event.pitch, event.velocity))
            self.note = Heard(note.on, *top, together=note.together + 1, beat=note.beat)
            return None
        if note and note.off is None and event.pitch < note.pitch and any(p == note.pitch for _, p in self.keys):
            return None  # under a held top note: accompaniment
        self.note = Heard(event.time, event.pitch, event.velocity, beat=beat)
        if note is None or self._comping(note):
            return None
        self._before = note.pitch
        return note if note.off is not None else replace(note, off=event.time, beat_off=beat)

    def _let_go(self, event: Event, beat: float) -> None:
        """A key comes up, or the pedal moves."""
        if isinstance(event, NoteOff):
            key = (event.channel, event.pitch)
            if self.keys.pop(key, None) is not None and event.channel in self.pedal:
                self.held.add(key)
            self._close(event.time, beat)
        elif isinstance(event, ControlChange) and event.control == SUSTAIN:
            if event.value >= 64:
                self.pedal.add(event.channel)
            else:
                self.pedal.discard(event.channel)
                self.held = {k for k in self.held if k[0] != event.channel}
                self._close(event.time, beat)

    def _weigh(self, velocity: int) -> None:
        """Take a velocity into loudness and spread. The first note is believed at once."""
        self._struck += 1
        self.loudness += max(0.2, 1 / self._struck) * (velocity - self.loudness)
        if self._last is not None:
            step = min(abs(velocity - self._last), LEAP)
            self.spread += 0.1 * (0.886 * step - self.spread)  # of a mean step to a standard deviation, if normal
        self._last = velocity

    def _comping(self, note: Heard) -> bool:
        return note.together >= 3 and self._before is not None and note.pitch < self._before - COMPING_BELOW

    def _close(self, time: float, beat: float) -> None:
        note = self.note
        if note and note.off is None and note.pitch not in self.sounding:
            self.note = replace(note, off=time, beat_off=beat)

    @property
    def line(self) -> Heard | None:
        """The latest note of the top line, unless it was a chord below it."""
        return self.note if self.note and not self._comping(self.note) else None

    @property
    def sounding(self) -> set[int]:
        """Pitches that sound now."""
        return {p for _, p in self.keys} | {p for _, p in self.held}

    @property
    def chord(self) -> Chord:
        """The chord that the sounding notes make."""
        return _chord_of(frozenset(self.sounding))

    def forget(self) -> None:
        """The top line so far has been taken over; its next note starts afresh."""
        self.note = None

    def release(self) -> None:
        """All keys and pedals are taken as up (panic, a vanished port)."""
        self.keys.clear()
        self.held.clear()
        self.pedal.clear()


_chord_of = lru_cache(maxsize=64)(chord_of)  # asked for with every note, and the hands rarely change


def quantise(beat: float, last: int | None, log_probability: np.ndarray | None, tempo: float) -> int:
    """The grid position (1/12 beat) that a note played at `beat` was meant for.

    Weighs how far the note lies from each position near it against how likely the model
    holds each one (log_probability of the inter-onset classes, (49,); last: position of the
    note before). So swung and laid-back notes find the place they belong to.
    """
    played = beat * GRID
    nearest = math.floor(played + 0.5)
    if last is None or log_probability is None:
        return nearest if last is None else max(nearest, last)
    spread = max(0.7, 0.02 * tempo / 60.0 * GRID)  # 20 ms of freedom, in grid positions
    candidates = range(max(nearest - 2, last), max(nearest + 2, last) + 1)

    def fit(position: int) -> float:
        ioi = min(position - last, len(log_probability) - 1)
        return float(log_probability[ioi]) - 0.5 * ((played - position) / spread) ** 2

    return max(candidates, key=fit)
