"""From notes, bars and chords in beats to a piece: what every format but the annotated solos goes through."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from improv.charts.spelling import from_harte
from improv.core.harmony import NO_CHORD, Changes, Chord, HarmonyError, parse_chord
from improv.core.line.tracker import COMPING_BELOW, TOGETHER
from improv.core.metres import MOST, MeterError, Metre, Metres
from improv.core.vocabulary import GRID, Vocabulary
from improv.train.errors import CorpusError
from improv.train.notes import pack
from improv.train.piece import Piece

SLOWEST, FASTEST = 20.0, 500.0  # bpm that a piece may have
ON_GRID = 0.006  # beats within which an onset counts as written, not played
HELD_ON = 0.1  # beats that a note may last into the next, lower one, as legato


class ScoreNote(NamedTuple):
    """One note: onset and length in beats, MIDI pitch, velocity 1 to 127 or None."""

    on: float
    length: float
    pitch: int
    velocity: int | None = None


@dataclass(frozen=True)
class Score:
    """What a file holds of one part. Beats are quarter notes from any origin.

    bars: bar lines in beats, ascending; further ones follow at the last distance. bar: beats a bar. A first bar that is too short is
    a pick-up. metres: what the file says of them, from bar one on, which is on beat `one`; None: what the bar lines say.
    tempi: (beat, bpm), ascending. chords: (beat, symbol), or changes already read.
    """

    name: str
    notes: Sequence[ScoreNote]
    bars: Sequence[float] = (0.0,)
    bar: float = 4.0
    metres: Metres | None = None
    one: float | None = None
    tempi: Sequence[tuple[float, float]] = ()
    chords: Sequence[tuple[float, str]] | Changes = ()
    feel: str = "any"
    split: str = ""
    track: str = ""


def piece_of(score: Score, vocabulary: Vocabulary, unknown: Counter[str], left_out: Counter[str]) -> Piece:
    """The piece of a score's top line. Unknown chord symbols and left-out notes are counted.

    Raises CorpusError when fewer than two notes are left.
    """
    tempo_at = _tempo(score.tempi, left_out)
    sounding = _sound(score.notes, left_out)
    start = sounding[0].on if sounding else 0.0
    notes = top_line(sounding, TOGETHER * tempo_at(start) / 60.0, left_out)
    if len(notes) < 2:
        raise CorpusError(f"{len(notes)} notes in its melody; at least 2 are needed")
    changes = score.chords if isinstance(score.chords, Changes) else changes_of(score.chords, unknown)
    played = is_played([n.on for n in notes])
    place_at = _places(score.bars, score.bar)
    one, lined = metres_by(score.bars, score.bar)
    onsets = [math.floor(n.on * GRID + 0.5) for n in notes]
    values = []
    for i, (note, onset) in enumerate(zip(notes, onsets, strict=True)):
        ioi = (onset - onsets[i - 1]) / GRID if i else 0.0
        values.append(vocabulary.encode(ioi, note.pitch, note.length, note.on - onset / GRID if played else 0.0))
    places, tempi, velocities = [place_at(onset) for onset in onsets], [tempo_at(n.on) for n in notes], [n.velocity for n in notes]
    return Piece(
        score.name,
        score.split,
        pack(onsets, values, places, None, tempi, score.feel, None, velocities),
        metres=score.metres or lined,
        one=one if score.one is None else score.one,
        bpm=tempo_at(notes[0].on),
        changes=changes,
        track=score.track,
    )


def _sound(notes: Iterable[ScoreNote], left_out: Counter[str]) -> list[ScoreNote]:
    """The notes that can sound, in order, highest first where several begin together."""
    kept = []
    for note in notes:
        if not math.isfinite(note.on) or not math.isfinite(note.length) or note.length <= 0:
            left_out["notes without length"] += 1
        elif not 0 <= note.pitch <= 127:
            left_out["notes out of range"] += 1
        else:
            kept.append(note)
    return sorted(kept, key=lambda n: (n.on, -n.pitch))


def top_line(notes: Sequence[ScoreNote], together: float, left_out: Counter[str]) -> list[ScoreNote]:
    """One note at a time: the top of what begins together, no note under one that is held, no low chords.

    notes: in order of onset. together: beats within which notes begin together. A note ends where the next begins.
    """
    line: list[ScoreNote] = []
    before: int | None = None
    i = dropped = 0
    while i < len(notes):
        first, j = notes[i], i + 1
        while j < len(notes) and notes[j].on - first.on < together:
            j += 1
        top = first if j == i + 1 else max(notes[i:j], key=lambda n: (n.pitch, n.length))
        chord = j - i >= 3 and len({n.pitch for n in notes[i:j]}) >= 3
        last = line[-1] if line else None
        held = last.on + last.length - top.on if last else 0.0
        under = last is not None and top.pitch < last.pitch and held > HELD_ON and held >= top.length / 2
        low = chord and before is not None and top.pitch < before - COMPING_BELOW
        dropped += j - i
        if not under and not low:
            if last is not None and held > 0:
                line[-1] = ScoreNote(last.on, top.on - last.on, last.pitch, last.velocity)
            line.append(top if top is first else ScoreNote(first.on, top.length, top.pitch, top.velocity))
            before = top.pitch
            dropped -= 1
        i = j
    if notes:
        left_out["notes under the top line"] += dropped
    return line


def is_played(onsets: Sequence[float]) -> bool:
    """Whether onsets (beats) were played rather than written: most lie on no simple division of the beat."""

    on = np.asarray(onsets)
    twelfths, sixteenths = (np.abs(on * parts - np.round(on * parts)) <= ON_GRID * parts for parts in (12, 16))
    return int(np.count_nonzero(twelfths | sixteenths)) < 0.7 * len(onsets)


def changes_of(chords: Iterable[tuple[float, str]], unknown: Counter[str]) -> Changes | None:
    """Changes from (beat, symbol); symbols that can't be read are no chord, and counted."""
    starts: list[float] = []
    read: list[Chord] = []
    for start, symbol in chords:
        if starts and float(start) < starts[-1]:
            raise CorpusError("chords go backwards")
        starts.append(float(start))
        read.append(read_chord(symbol, unknown))
    return Changes(starts, read, math.inf, loop=False) if starts else None


def read_chord(symbol: str, unknown: Counter[str]) -> Chord:
    """The chord of a symbol, in lead-sheet or in Harte's spelling; no chord, and counted, if it is neither."""
    try:
        return parse_chord(from_harte(symbol))
    except HarmonyError:
        unknown[symbol] += 1
        return NO_CHORD


class _Tempo:
    """beat -> bpm. Callable and picklable."""

    def __init__(self, tempi: Sequence[tuple[float, float]]):
        self.starts = [beat for beat, _ in tempi]
        self.bpms = [bpm for _, bpm in tempi]

    def __call__(self, beat: float) -> float:
        if not self.starts:
            return 120.0
        return self.bpms[max(bisect_right(self.starts, beat + 1e-6) - 1, 0)]


def _tempo(tempi: Sequence[tuple[float, float]], left_out: Counter[str]) -> _Tempo:
    possible = [(beat, bpm) for beat, bpm in tempi if SLOWEST <= bpm <= FASTEST]
    if len(possible) < len(tempi):
        left_out[f"tempi outside {SLOWEST:g} to {FASTEST:g} bpm"] += len(tempi) - len(possible)
    return _Tempo(possible)


def metres_by(bars: Sequence[float], bar: float) -> tuple[float, Metres]:
    """The beat of bar one, and the metres from there on, by bar lines; `bar`: beats a bar where they don't say.

    Bars that can't be told by a metre, or too many changes: all are as long as `bar`.
    """
    lines = list(bars) or [0.0]
    pickup = len(lines) > 1 and lines[1] - lines[0] < bar - 1e-6
    one = lines[1] if pickup else lines[0]
    lengths = [(a - one, b - a) for a, b in itertools.pairwise(lines[pickup:])]
    changes: list[tuple[float, Metre]] = []
    for at, length in lengths or [(0.0, bar)]:
        metre = _metre_of(length)
        if not changes or changes[-1][1] != metre:
            changes.append((at, metre))
    try:
        return one, Metres(tuple(changes))
    except MeterError:
        return one, Metres.of(*_metre_of(bar))


def _metre_of(length: float) -> Metre:
    """A metre whose bar is so long, in beats; of an odd length, the next longer one, which is cut short."""
    unit = next((unit for unit in (4, 8, 16) if abs(length * unit / 4 - round(length * unit / 4)) < 1e-6), 32)
    return min(max(math.ceil(length * unit / 4 - 1e-6), 1), MOST), unit


class _Places:
    """grid position -> position in the bar, in 1/12 beat."""

    def __init__(self, lines: Sequence[int], bar: int, pickup: int):
        self.lines, self.bar, self.pickup = lines, bar, pickup

    def __call__(self, onset: int) -> int:
        i = bisect_right(self.lines, onset) - 1
        if i < 0:
            return (onset - self.lines[0]) % self.bar
        if i == len(self.lines) - 1:
            return (onset - self.lines[i]) % self.bar
        return onset - self.lines[i] + (self.pickup if i == 0 else 0)


def _places(bars: Sequence[float], bar: float) -> _Places:
    """Places by bar lines; a first bar that is too short is a pick-up, and ends where a whole one would."""
    lines = [math.floor(b * GRID + 0.5) for b in bars] or [0]
    lengths = [b - a for a, b in itertools.pairwise(lines)]
    whole = max(math.floor(bar * GRID + 0.5), 1)
    pickup = whole - lengths[0] if lengths and lengths[0] < whole else 0
    last = lengths[-1] if lengths and lengths[-1] > 0 else whole
    return _Places(lines, last, pickup)
