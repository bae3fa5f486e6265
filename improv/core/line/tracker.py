"""What the player plays, as music: the top line note by note, what is held below it, how loud.

The top line is the melody: a lower note that comes with a higher one, or under it, accompanies. So do the keys of a left hand that
plays chords (see `hands`), and a key that is held far longer than what is played meanwhile: a drone, or a key whose release was lost.
A note of the line ends as its key comes up, pedal or not. Sounding notes (keys down, or held by the sustain pedal) make the chord
where no changes are given and none are heard.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.harmony import Chord, chord_of
from improv.core.hearing import FIRST, GRIPS, HANDS, NOW
from improv.core.line.hands import Hands
from improv.core.vocabulary import GRID

TOGETHER = 0.035  # seconds within which notes count as struck together
COMPING_BELOW = 7  # a chord of three or more whose top lies this far below the line is no melody
LEAP = 30  # steps of velocity beyond this are a change of loudness, and count as this
SUSTAIN, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 121, 123
RINGS = 8.0  # seconds that a note goes on sounding by the pedal alone, at the most
OVERLAP = 0.12  # seconds that a key of a legato line may be down beside the next, lower one
HELD, TIMES, OTHERS = 6.0, 10.0, 6  # a drone is held for so many seconds, for as many lengths of so many others that came and went
Key = tuple[int, int, int]  # input, channel, pitch


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
    """Follows keys and pedal. `note` is the latest note of the top line, not yet superseded. hearing: see `core.hearing`."""

    def __init__(self, hearing: int = NOW) -> None:
        self._early = hearing == FIRST
        self.hands = Hands(grips=hearing >= GRIPS) if hearing >= HANDS else None
        self.note: Heard | None = None
        self.keys: dict[Key, int] = {}  # velocities of the keys that are down
        self.held: dict[Key, float] = {}  # keys up, kept sounding by the pedal: since when, in seconds
        self.pedal: set[tuple[int, int]] = set()  # (input, channel) whose pedal is down
        self._under: Heard | None = None  # the latest note under `note`, while that is held
        self._began: dict[Key, float] = {}  # keys struck under it: when, in seconds
        self._lengths: list[float] = []  # in seconds, of the notes that came and went under it
        self.loudness = 80.0  # running mean of the player's velocities
        self.spread = 8.0  # how far they lie from it, by how they step from note to note: a crescendo is no spread
        self._struck = 0  # notes so far
        self._last: int | None = None  # the latest velocity
        self._before: int | None = None  # pitch of the top line before `note`

    def hear(self, event: Event, beat: float = 0.0) -> Heard | None:
        """Take in an event, which comes on a beat. Returns the top line's note that it supersedes, if any."""
        if not isinstance(event, NoteOn):
            return self._let_go(event, beat)
        key = self.key_of(event)
        self.keys[key] = event.velocity
        self.held.pop(key, None)
        self._silence_old(event.time)
        accompanies = self._told_apart(key, event.time)
        if not accompanies:
            self._weigh(event.velocity)
        note = self.note
        if accompanies:
            if note and note.off is None and event.pitch < note.pitch:  # which may be a key whose release was lost
                self._under = Heard(event.time, event.pitch, event.velocity, beat=beat)
                self._began[key] = event.time
            return None
        if note and event.time - note.on < TOGETHER:
            top = max((note.pitch, note.velocity), (event.pitch, event.velocity))
            self.note = Heard(note.on, *top, together=note.together + 1, beat=note.beat)
            return None
        if note and note.off is None and event.pitch < note.pitch and note.pitch in self._down:
            self._under = Heard(event.time, event.pitch, event.velocity, beat=beat)
            self._began[key] = event.time
            return None  # under a held top note: accompaniment
        self._begin_under()
        self.note = Heard(event.time, event.pitch, event.velocity, beat=beat)
        if note is None or self._comping(note):
            return None
        self._before = note.pitch
        return note if note.off is not None else replace(note, off=event.time, beat_off=beat)

    def _told_apart(self, key: Key, time: float) -> bool:
        """Whether a key that goes down plays chords. What was taken for the line may turn out to play chords, too."""
        if self.hands is None:
            return False
        accompanies, note = self.hands.struck(key, time), self.note
        if note and note.off is None and note.pitch not in self._down:
            self.note = None
            self._begin_under()
        return accompanies

    def _let_go(self, event: Event, beat: float) -> Heard | None:
        """A key comes up, or the pedal moves. Returns the top line's note that is superseded, if any."""
        if isinstance(event, NoteOff):
            return self._up([self.key_of(event)], event.time, beat)
        if isinstance(event, ControlChange):
            source = self._source(event)
            if event.control == SUSTAIN and event.value >= 64:
                self.pedal.add(source)
            elif event.control == SUSTAIN or (event.control == RESET_CONTROLLERS and not self._early):
                self.pedal.discard(source)
                self.held = {key: since for key, since in self.held.items() if key[:2] != source}
                self._close(event.time, beat)
            elif event.control == ALL_NOTES_OFF and not self._early:
                return self._up([key for key in self.keys if key[:2] == source], event.time, beat)
        return None

    def _up(self, keys: list[Key], time: float, beat: float) -> Heard | None:
        """Keys come up. Returns the note of a legato line after which the one below it goes on, if that is so."""
        self._silence_old(time)
        for key in keys:
            if self.keys.pop(key, None) is not None and key[:2] in self.pedal:
                self.held[key] = time
            if self.hands:
                self.hands.released(key)
            if (began := self._began.pop(key, None)) is not None:
                self._lengths.append(time - began)
        self._close(time, beat)
        under, note = self._under, self.note
        legato = note and under and note.off == time and under.off is None and time - under.on <= OVERLAP
        if self.hands and legato and note and under and under.pitch in self._down:  # it is of the line, and not of the chords below it
            self._before, self.note = note.pitch, under
            self._begin_under()
            return replace(note, off=under.on, beat_off=under.beat)
        if under and under.off is None and under.pitch not in self._down:
            self._under = under = replace(under, off=time, beat_off=beat)
        if under and self._drones(time):
            self.note = under
            self._begin_under()
            if self.hands:
                self.hands.begin()
        return None

    def _drones(self, time: float) -> bool:
        """Whether `note` is held for so long, while others come and go, that it is none of the line."""
        note, lengths = self.note, self._lengths
        if self._early or note is None or note.off is not None or len(lengths) < OTHERS:
            return False
        return time - note.on > max(HELD, TIMES * sum(lengths) / len(lengths))

    def _begin_under(self) -> None:
        """Nothing was played yet under `note`."""
        self._under = None
        self._began.clear()
        self._lengths.clear()

    def _silence_old(self, time: float) -> None:
        """What the pedal has held for long does not sound any more."""
        if not self._early and self.held:
            self.held = {key: since for key, since in self.held.items() if time - since < RINGS}

    def _source(self, event: NoteOn | NoteOff | ControlChange) -> tuple[int, int]:
        return (0 if self._early else event.part), event.channel

    def key_of(self, event: NoteOn | NoteOff) -> Key:
        """The key of a note, as `keys` and `held` have it."""
        return (*self._source(event), event.pitch)

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
        if note and note.off is None and note.pitch not in (self.sounding if self._early else self._down):
            self.note = replace(note, off=time, beat_off=beat)

    @property
    def line(self) -> Heard | None:
        """The latest note of the top line, unless it was a chord below it."""
        return self.note if self.note and not self._comping(self.note) else None

    @property
    def sounding(self) -> set[int]:
        """Pitches that sound now."""
        return {pitch for _, _, pitch in (*self.keys, *self.held)}

    @property
    def _down(self) -> set[int]:
        """Pitches whose keys are down, but for those of a hand that plays chords."""
        return set(self.line_keys)

    @property
    def line_keys(self) -> list[int]:
        """Pitches of the keys that are down, but for those of a hand that plays chords."""
        chords = self.hands.chords if self.hands else ()
        return [key[2] for key in self.keys if key not in chords]

    @property
    def accompanying(self) -> list[int]:
        """Pitches of the keys of a hand that plays chords."""
        return [pitch for _, _, pitch in self.hands.chords] if self.hands else []

    def is_of_line(self, event: NoteOn | NoteOff) -> bool:
        """Whether a key is none of a hand that plays chords; to be asked while it is down."""
        return not self.hands or self.key_of(event) not in self.hands.chords

    @property
    def chord(self) -> Chord:
        """The chord that the sounding notes make."""
        return _chord_of(frozenset(self.sounding))

    def forget(self) -> None:
        """The top line so far has been taken over; its next note starts afresh."""
        self.note = None
        self._begin_under()

    def release(self) -> None:
        """All keys and pedals are taken as up (panic, a vanished port)."""
        self.keys.clear()
        self.held.clear()
        self.pedal.clear()
        if self.hands:
            self.hands.release()
        self._begin_under()


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
