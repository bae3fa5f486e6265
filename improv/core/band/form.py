"""A song's form, as a rhythm section counts it: choruses and sections, and what the chart says that a band does in a bar.

Sections are those that the chart marks; where it marks none, they are eight bars long, four in twelve-bar forms. A form of a few bars
is counted on until it has eight. A bar without a chord is silent; `[break]` and `[stop time]` hold up to the next mark,
which may be `[play]`.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from improv.core.band.bar import ChordsOfBar, Doing
from improv.core.harmony import Changes, Chord
from improv.core.metres import NEAR, Metres

UNKNOWN = 32  # bars of a form that nobody knows
MOST_CHORDS = 64  # of a bar
SECTION, FOURS = 8, 4  # bars of a section: usually, and in twelve-bar forms
_BAND_WORDS = (
    (re.compile(r"break|solo break|tacet", re.I), Doing.BREAK),
    (re.compile(r"stop([ -]?time)?", re.I), Doing.STOP),
    (re.compile(r"play|band|time|in time", re.I), Doing.PLAY),
)
LEADING = frozenset({"7", "7#11", "7alt", "7sus", "7+", "m7b5", "dim"})  # kinds of chords that nobody ends on, where they lead on


class BarPlace(NamedTuple):
    """Where a bar is. of_section, section: which bar of its section it is, from 0, and how many that has; of_form, form, chorus."""

    of_section: int
    section: int
    of_form: int
    form: int
    chorus: int


@dataclass(frozen=True, slots=True)
class Form:
    """bars: of a chorus. starts: the bars on which its sections begin, ascending from 0. doing: what the chart says of a bar.

    rests: whether one can end on its last bar; otherwise that leads back to the first.
    """

    bars: int = UNKNOWN
    starts: tuple[int, ...] = tuple(range(0, UNKNOWN, SECTION))
    doing: Mapping[int, Doing] | None = None
    rests: bool = False

    def place(self, bar: int) -> BarPlace:
        """Of a bar of the song, from 0."""
        of_form = bar % self.bars
        i = bisect_right(self.starts, of_form) - 1
        end = self.starts[i + 1] if i + 1 < len(self.starts) else self.bars
        return BarPlace(of_form - self.starts[i], end - self.starts[i], of_form, self.bars, bar // self.bars)

    def said(self, bar: int) -> Doing:
        """What the chart says that the band does in a bar of the song."""
        return (self.doing or {}).get(bar % self.bars, Doing.PLAY)

    def last(self, end: int) -> int:
        """The bar on which a band ends, that is asked to end with the bar before `end`, on which a chorus would begin."""
        return end - 1 if self.rests else end


def form_of(changes: Changes | None, metres: Metres) -> Form:
    """The form of changes; of none, one of 32 bars."""
    if changes is None or not changes.form:
        return Form()
    written = len(changes.form)
    again = -(-SECTION // written)  # how often a form of a few bars is counted as one
    marks = [_word(mark) for mark in changes.form]
    starts = tuple(i for i, (mark, doing) in enumerate(zip(changes.form, marks, strict=True)) if mark and doing is None)
    bars = written * again
    if not starts or starts == (0,):
        step = FOURS if written % 12 == 0 and written % SECTION else SECTION
        starts = tuple(range(0, bars, step))
    elif starts[0] > 0:
        starts = (0, *starts)
    return Form(bars, starts, _doings(changes, marks, metres, again), _rests(changes, metres, written))


def _word(mark: str) -> Doing | None:
    return next((doing for word, doing in _BAND_WORDS if word.fullmatch(mark.strip())), None)


def _doings(changes: Changes, marks: list[Doing | None], metres: Metres, again: int) -> dict[int, Doing]:
    found: dict[int, Doing] = {}
    holds: Doing | None = None
    for bar, mark in enumerate(changes.form):
        begins = bool(mark)
        holds = marks[bar] if begins else holds
        line = metres.line(bar)
        silent = all(chord.root is None for _, chord in chords_between(changes, line, metres.bar_at(line)))
        if silent or (holds is Doing.BREAK and not begins):
            found[bar] = Doing.REST
        elif holds not in (None, Doing.PLAY):
            found[bar] = holds
    return {bar + i * len(changes.form): doing for bar, doing in found.items() for i in range(again)}


def chords_between(changes: Changes, position: float, beats: float) -> ChordsOfBar:
    """The chords of a stretch of the song, as (beats from its beginning, chord), ascending; the first at 0."""
    found: list[tuple[float, Chord]] = []
    at = 0.0
    while at < beats - NEAR and len(found) < MOST_CHORDS:
        here = changes.harmony(position + at)
        found.append((at, here.chord))
        at += min(here.until, here.before[1] if here.before else math.inf)
    return tuple(found)


def _rests(changes: Changes, metres: Metres, written: int) -> bool:
    """Whether the last bar has but one chord, and one that leads nowhere."""
    line = metres.line(written - 1)
    last = chords_between(changes, line, metres.bar_at(line))
    return len(last) == 1 and (last[0][1].root == changes.chords[0].root or last[0][1].kind not in LEADING)
