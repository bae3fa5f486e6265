"""The jazz grammar: a line as terminals, each what a note is over its chord, how long, and how far from the note before.

    C 2/3 -1..5      a chord tone of two thirds of a beat, one semitone below to five above the note before
    R 1              a rest of a beat

Tones: C of the chord, S of its scale, A a semitone from one of the chord's (an approach), X any other, R none. A line
over some changes becomes terminals (`encode`), and terminals become another line over any changes (`decode`): the
shape is kept, the chord of the moment decides the pitches.
Source: Gillick, Tang and Keller 2009, Learning jazz grammars. There an approach must resolve; here it is told by the
pitch alone, so that a terminal can be read off one note. Ranges are the measured interval and a minor third either way.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from improv.core.errors import ImprovError
from improv.core.harmony import Changes, Chord
from improv.core.vocabulary import GRID

TONES = "CSAX"  # kinds of notes; their numbers in arrays
REST = "R"
MARGIN = 3  # semitones that a range reaches beyond the measured interval: a minor third
BREATH = 5  # 1/12 beat; a shorter silence belongs to the note before it
PLACES = (0, 3, 4, 6, 8, 9, 12)  # where in a beat notes may begin: sixteenths, triplets and swung eighths
REPEATED = 0.2  # how much rarer a pitch is that the measured line did not repeat
OFF_BEAT = 1e-4  # chance of a place in the beat to which none led from where we are
LONGEST = 1200  # 1/12 beat, of a terminal
_TEXT = re.compile(r"([CSAX]) (\d+(?:/\d+)?)(?: (-?\d+)\.\.(-?\d+))?|(R) (\d+(?:/\d+)?)")


class GrammarError(ImprovError):
    """A terminal that can't be read."""


class Note(NamedTuple):
    """A note of a line: onset and length in 1/12 beat, pitch 0-127."""

    onset: int
    length: int
    pitch: int


class Terminal(NamedTuple):
    """A value of the grammar. kind: one of TONES, or REST. duration: 1/12 beat, 1 to LONGEST. span: the lowest and the highest
    interval from the note before, in semitones; None for a rest, and where nothing came before."""

    kind: str
    duration: int
    span: tuple[int, int] | None = None

    def __str__(self) -> str:
        reach = "" if self.span is None else f" {self.span[0]}..{self.span[1]}"
        return f"{self.kind} {Fraction(self.duration, GRID)}{reach}"

    @staticmethod
    def parse(text: str) -> Terminal:
        """A terminal as it is written. Raises GrammarError."""
        found = _TEXT.fullmatch(text) if isinstance(text, str) and len(text) <= 40 else None
        try:
            kind, beats = (found[1] or found[5], Fraction(found[2] or found[6])) if found else ("", Fraction(0))
        except ZeroDivisionError:
            kind, beats = "", Fraction(0)
        duration = beats * GRID
        span = (int(found[3]), int(found[4])) if found and found[3] else None
        if not kind or duration.denominator != 1 or not 1 <= duration <= LONGEST or (span and not -127 <= span[0] <= span[1] <= 127):
            raise GrammarError(f"terminal {str(text)[:40]!r}: expected for example 'C 2/3 -1..5' or 'R 1', durations in twelfths of a beat")
        return Terminal(kind, int(duration), span)


def hash_of(terminals: Sequence[Terminal]) -> str:
    """SHA-256 of a vocabulary of terminals, in its order."""
    return hashlib.sha256(json.dumps([str(t) for t in terminals]).encode()).hexdigest()


@lru_cache(maxsize=512)
def tones_over(chord: Chord) -> np.ndarray:
    """Which of TONES each pitch is over a chord, (128,). Without a chord all are X."""
    kinds = []
    for c in range(12):
        approaches = {(c + 1) % 12, (c - 1) % 12} & chord.tones
        kinds.append(0 if c in chord.tones else 1 if c in chord.scale else 2 if approaches else 3)
    numbers = np.array([kinds[p % 12] for p in range(128)])
    numbers.flags.writeable = False
    return numbers


def quantise(beats: float) -> int:
    """The place nearest to a time in beats, in 1/12 beat."""
    whole, part = divmod(beats * GRID, GRID)
    return int(whole) * GRID + min(PLACES, key=lambda place: abs(place - part))


def durations(length: int, ioi: int) -> tuple[int, int]:
    """How long the terminal of a note is, and the rest after it: 1/12 beat.

    length: as it sounds. ioi: up to the next note. A short silence is articulation, no rest.
    """
    return (max(ioi, 1), 0) if ioi - length < BREATH else (max(length, 1), ioi - max(length, 1))


def encode(notes: Sequence[Note], changes: Changes) -> list[Terminal]:
    """The terminals of a line: one a note, and one for each rest between notes. Onsets must rise."""
    terminals: list[Terminal] = []
    last: int | None = None
    ends: list[int | None] = [*(note.onset for note in notes[1:]), None]
    for note, following in zip(notes, ends, strict=True):
        duration, rest = (max(note.length, 1), 0) if following is None else durations(note.length, following - note.onset)
        kind = TONES[tones_over(changes.harmony(note.onset / GRID).chord)[note.pitch]]
        span: tuple[int, int] | None = None if last is None else (note.pitch - last - MARGIN, note.pitch - last + MARGIN)
        terminals.append(Terminal(kind, duration, span))
        if rest:
            terminals.append(Terminal(REST, rest))
        last = note.pitch
    return terminals


def decode(
    terminals: Iterable[Terminal],
    changes: Changes,
    rng: np.random.Generator,
    start: int = 0,
    last: int = 67,
    low: int = 53,
    high: int = 89,
) -> list[Note]:
    """A line of these terminals over some changes.

    start: where it begins, in 1/12 beat. last: the pitch before it. low, high: the pitches that it may have.
    """
    notes, at = [], start
    for terminal in terminals:
        if terminal.kind != REST:
            last = choose(terminal, last, changes.harmony(at / GRID).chord, rng, low, high)
            notes.append(Note(at, terminal.duration, last))
        at += terminal.duration
    return notes


def choose(terminal: Terminal, last: int, chord: Chord, rng: np.random.Generator, low: int = 0, high: int = 127) -> int:
    """A pitch of the terminal's kind over a chord, in its range from `last`: see `chances`.

    Where the range, or low to high, has none such, it is widened; where the chord has none at all, any tone of its
    scale will do, and without a chord any.
    """
    kinds = tones_over(chord)
    from_, to = terminal.span or (-MARGIN, MARGIN)
    for wanted in ({TONES.index(terminal.kind)}, {0, 1}, {0, 1, 2, 3}):
        of_kind = [p for p in range(low, high + 1) if kinds[p] in wanted]
        for wider in range(0, 128 if of_kind else 0):
            fitting = [p for p in of_kind if last + from_ - wider <= p <= last + to + wider]
            if fitting:
                weights = chances(np.array(fitting) - last, np.array(from_ - wider), np.array(to + wider))
                return int(rng.choice(fitting, p=weights / weights.sum()))
    raise GrammarError(f"no pitch from {low} to {high}")


def chances(steps: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How likely intervals in semitones are in ranges, not normalised; 0 outside. Shapes are those of NumPy's broadcasting.

    What was measured lies in the middle, and the nearer to it, the likelier. The grammar's authors take any; but where a pitch
    was not repeated, it had better not be.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    near: np.ndarray = np.maximum(1 + half - abs(steps - middle), 0) * ((steps >= low) & (steps <= high))
    return near * np.where((steps == 0) & (middle != 0), REPEATED, 1.0)


def clean(notes: Sequence[Note]) -> list[Note]:
    """The line as one can play it: on places of the beat, no two onsets at one place, a pitch that is struck again within
    a third of a beat held instead, no note into the next."""
    kept: list[Note] = []
    for note in notes:
        onset, end = quantise(note.onset / GRID), quantise((note.onset + note.length) / GRID)
        if kept and onset <= kept[-1].onset:
            continue
        if kept and kept[-1].pitch == note.pitch and onset - kept[-1].onset < GRID // 3:
            kept[-1] = kept[-1]._replace(length=max(end - kept[-1].onset, kept[-1].length))
            continue
        kept.append(Note(onset, max(end - onset, 1), note.pitch))
    cut = [note._replace(length=min(note.length, after.onset - note.onset)) for note, after in itertools.pairwise(kept)]
    return cut + kept[-1:]


def moves(notes: Sequence[Note]) -> list[tuple[int, int, int]]:
    """Which places in the beat lead to which in a line, sorted: (place, next place, how often), places in 1/12 beat."""
    counted = Counter((a.onset % GRID, b.onset % GRID) for a, b in itertools.pairwise(notes))
    return [(a, b, times) for (a, b), times in sorted(counted.items())]


def moves_of(card: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    """The moves in a model's card. Raises GrammarError."""
    found = card["vocabulary"].get("moves")
    if not isinstance(found, list) or not all(isinstance(m, list) and _is_move(m) for m in found):
        raise GrammarError("vocabulary.moves is no list of a place, the next place, both from 0 to 11, and how often")
    return [(a, b, times) for a, b, times in found]


def _is_move(found: list[Any]) -> bool:
    return len(found) == 3 and all(type(x) is int for x in found) and max(found[:2]) < GRID and min(found) >= 0 and found[2] < 2**31


def beginning(terminals: Sequence[Terminal], moves: Sequence[tuple[int, int, int]]) -> int:
    """Where in a beat a line of these terminals begins, in 1/12 beat, so that it goes through the beat as in `moves`.

    A network that learned windows cut anywhere may well begin in mid-beat.
    """
    chances = move_chances(moves)

    def fit(start: int) -> float:
        at, places = start, []
        for terminal in terminals:
            places += [at % GRID] if terminal.kind != REST else []
            at += terminal.duration
        return float(sum(np.log(chances[a, b]) for a, b in itertools.pairwise(places)))

    return max(PLACES[:-1], key=fit)


def move_chances(moves: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """How likely each place in the beat leads to each, (place, next place), as counted; from where none was, to where there were some.
    No more than OFF_BEAT for what never was."""
    counts = np.zeros((GRID, GRID))
    for place, following, times in moves:
        counts[place, following] += times
    counts[counts.sum(1) == 0] = counts.sum(0)
    shares: np.ndarray = counts / np.maximum(counts.sum(1, keepdims=True), 1.0)
    return shares + OFF_BEAT
