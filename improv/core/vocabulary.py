"""Notes to values and back: the vocabulary, and what the network is shown of a note.

A value is one note in four fields: when it comes (inter-onset interval), which pitch, how
long it sounds, and how far it lies off the grid. This is the only place that knows both
notes and the network's integers.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from improv.core.harmony import KIND_INDEX, KINDS, OPEN, Chord, HarmonicContext

GRID = 12  # grid positions a beat
FEELS = ("swing", "straight", "any")


class Value(NamedTuple):
    """One note as the network counts: four class numbers."""

    ioi: int
    pitch: int
    duration: int
    lag: int


@dataclass(frozen=True)
class Vocabulary:
    """What each field of a value can say. Stored, with its hash, in a model's card.

    iois: number of inter-onset classes, 1/12 beat each, the last one open (four beats or more).
    pitches: MIDI pitches. durations: sounding lengths in 1/12 beat. lags: offsets from the
    grid in beats, positive is late. kinds, feels: chord kinds and feels the model knows.
    """

    iois: int = 49
    pitches: int = 128
    durations: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 21, 24, 30, 36, 48, 72)
    lags: tuple[float, ...] = tuple(i / 24 for i in range(-6, 7))
    kinds: tuple[str, ...] = tuple(KINDS)
    feels: tuple[str, ...] = FEELS

    @property
    def hash(self) -> str:
        """SHA-256 of the vocabulary's canonical JSON."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def encode(self, ioi: float, pitch: int, duration: float, lag: float = 0.0) -> Value:
        """The value nearest to a note; ioi, duration and lag in beats."""
        return Value(
            min(max(math.floor(ioi * GRID + 0.5), 0), self.iois - 1),
            pitch,
            _nearest(self.durations, duration * GRID),
            self.nearest_lag(lag),
        )

    def nearest_lag(self, lag: float) -> int:
        """The class of a lag in beats."""
        return _nearest(self.lags, lag)

    def decode(self, value: Value) -> tuple[float, int, float, float]:
        """(ioi, pitch, duration, lag) of a value; ioi, duration and lag in beats."""
        return value.ioi / GRID, value.pitch, self.durations[value.duration] / GRID, self.lags[value.lag]


def _nearest(steps: Sequence[float], x: float) -> int:
    i = bisect_left(steps, x)
    if i == 0:
        return 0
    if i == len(steps):
        return i - 1
    return i if steps[i] - x < x - steps[i - 1] else i - 1


class Context(NamedTuple):
    """Where a note falls: harmony from its onset on, place, tempo, feel.

    place: position in the bar in 1/12 beat. section: bars since the section began, or None.
    tempo: quarter notes a minute. feel: one of FEELS.
    """

    harmony: HarmonicContext = OPEN
    place: int = 0
    section: int | None = None
    tempo: float = 120.0
    feel: str = "any"


# Tables the network looks up, with their sizes. Their order is the order of the columns.
STEP_TABLES = {
    "interval": 50, "register": 33, "degree": 13 * len(KINDS), "coming_degree": 13 * len(KINDS),
    "motion": 13, "until": 10, "ioi": 49, "duration": 21, "lag": 13, "place": 96, "section": 13, "tempo": 11, "feel": 3,
}  # fmt: skip
ONSET_TABLES = {
    "degree": 13 * len(KINDS), "coming_degree": 13 * len(KINDS), "motion": 13, "until": 10,
    "ioi": 49, "place": 96, "section": 13, "tempo": 11, "register": 33,
}  # fmt: skip
ARTICULATION_TABLES = {"ioi": 49, "interval": 50, "place": 96, "degree": 13 * len(KINDS), "tempo": 11, "feel": 3}
INTERVAL_LIMIT = 24  # semitones either way that are told apart where intervals are heard
REACH = 36  # and where the next is foretold
INTERVALS = 2 * REACH + 1
_UNTIL = (0.5, 1, 2, 3, 4, 6, 8, 12)


def _interval(pitch: int, last: int | None) -> int:
    if last is None:
        return 2 * INTERVAL_LIMIT + 1
    return min(max(pitch - last, -INTERVAL_LIMIT), INTERVAL_LIMIT) + INTERVAL_LIMIT


def interval_class(last: int, pitch: int) -> int:
    """Which of INTERVALS leads from one pitch to the next."""
    return min(max(pitch - last, -REACH), REACH) + REACH


def degree_class(pitch: int, root: int | None) -> int:
    """Semitones above a chord's root, within the octave; 12 without a root."""
    return 12 if root is None else (pitch - root) % 12


def _degree(pitch: int, chord: Chord) -> int:
    """Which tone of which kind of chord a pitch is: one of 13 for each kind."""
    return 13 * KIND_INDEX[chord.kind] + degree_class(pitch, chord.root)


def _tempo(bpm: float) -> int:
    return min(max(round(3 * math.log2(bpm / 40)), 0), 10)


def _section(bars: int | None) -> int:
    if bars is None:
        return 12
    return bars if bars < 12 else bars % 4 + 8


def _harmony(pitch: int, harmony: HarmonicContext) -> tuple[int, int, int, int]:
    now, coming = harmony.chord, harmony.coming
    motion = 12 if now.root is None or coming.root is None else (coming.root - now.root) % 12
    until = bisect_left(_UNTIL, harmony.until) if harmony.until < math.inf else len(_UNTIL) + 1
    return _degree(pitch, now), _degree(pitch, coming), motion, until


def step_columns(value: Value, last: int | None, at: Context) -> tuple[int, ...]:
    """What the network hears of a note: one class for each of STEP_TABLES.

    last: the pitch before, or None. at: the context of the note's own onset.
    """
    return (
        _interval(value.pitch, last),
        value.pitch // 4,
        *_harmony(value.pitch, at.harmony),
        value.ioi,
        value.duration,
        value.lag,
        min(at.place, 95),
        _section(at.section),
        _tempo(at.tempo),
        FEELS.index(at.feel),
    )


def onset_columns(last: int, ioi: int, at: Context) -> tuple[int, ...]:
    """What is known of a note before its pitch: one class for each of ONSET_TABLES."""
    return (*_harmony(last, at.harmony), ioi, min(at.place, 95), _section(at.section), _tempo(at.tempo), last // 4)


def articulation_columns(pitch: int, last: int, ioi: int, at: Context) -> tuple[int, ...]:
    """What is known of a note before its length and its lag: one class for each of ARTICULATION_TABLES."""
    return (
        ioi,
        _interval(pitch, last),
        min(at.place, 95),
        _degree(pitch, at.harmony.chord),
        _tempo(at.tempo),
        FEELS.index(at.feel),
    )
