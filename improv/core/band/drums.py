"""The drummer: time, comping and fills from a groove, rules or a network; the count-in, breaks and the end by rule.

A fill goes into the end of a section, more often into that of the chorus, and what comes after it begins with a crash. Comping answers:
strokes of snare and bass drum come where the soloist left room, and where he or she stressed the off-beat a bar before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from improv.core.band.bar import TICKS, BandBar, BarNote, Doing, MemberState
from improv.core.band.kit import CRASH, KEYS, KICK, RIDE, SNARE, STICK

RULES = 1
FILLED = 0  # where a state says that a fill led into the bar
LENGTH = 0.2  # beats that a stroke is held
AT_SECTION, AT_FORM = 0.45, 0.85  # how often a fill comes
LEAST_SECTION = 4  # bars, below which a section has no fill of its own


class Request(NamedTuple):
    """What a groove is asked for. fill: beats of fill at the bar's end, 0 for none. solo: whether the drummer has the bar alone.
    crash: whether it begins with one, after a fill."""

    fill: float = 0.0
    solo: bool = False
    crash: bool = False


class Groove(Protocol):
    """Who plays the time: a memory, a row of whole numbers, and the strokes of a bar."""

    @property
    def about(self) -> Mapping[str, Any]: ...
    def start(self) -> MemberState: ...
    def fits(self, memory: Sequence[int]) -> bool: ...
    def play(self, memory: MemberState, bar: BandBar, request: Request, rng: np.random.Generator) -> tuple[list[BarNote], MemberState]: ...


class Drummer:
    """A member of the band, see `bar.Member`."""

    def __init__(self, groove: Groove):
        self._groove = groove

    @property
    def about(self) -> Mapping[str, Any]:
        return self._groove.about

    def start(self) -> MemberState:
        return (0, *self._groove.start())

    def fits(self, state: Sequence[int]) -> bool:
        whole = len(state) > 0 and all(type(n) is int for n in state)
        return whole and state[FILLED] in (0, 1) and self._groove.fits(state[1:])

    def bar(self, state: MemberState, bar: BandBar, rng: np.random.Generator) -> tuple[list[BarNote], MemberState]:
        memory = state[1:]
        if bar.doing is Doing.REST:
            return [], (0, *memory)
        if bar.doing is Doing.COUNT:
            return _counted(bar), (0, *memory)
        if bar.doing in (Doing.BREAK, Doing.STOP, Doing.END):
            return _struck(bar, rng), (int(bar.doing is Doing.BREAK), *memory)
        solo = bar.doing is Doing.SOLO
        fill = 0.0 if solo else _fill(bar, rng)
        notes, memory = self._groove.play(memory, bar, Request(fill, solo, bool(state[FILLED]) and not solo), rng)
        return sorted(notes, key=lambda n: (n.onset, n.pitch)), (int(solo or fill > 0.0), *memory)


def _fill(bar: BandBar, rng: np.random.Generator) -> float:
    """How many beats of fill end the bar."""
    asked = rng.random() < (AT_FORM if bar.ends_form else AT_SECTION)
    long = rng.random() < (0.6 if bar.ends_form else 0.3)
    if not (bar.ends_form or (bar.ends_section and bar.section >= LEAST_SECTION)) or not asked or bar.dynamic < 0.12:
        return 0.0
    return min(2.0 if long else 1.0, bar.beats - 1.0) if bar.beats >= 2.0 else 0.0


def _counted(bar: BandBar) -> list[BarNote]:
    """The sticks: every other beat of the first of two bars, then each beat."""
    step = 1.5 if bar.metre[1] == 8 and bar.metre[0] % 3 == 0 and bar.metre[0] > 3 else 1.0
    beats = [i * step for i in range(max(1, round(bar.beats / step)))]
    if bar.left >= 2 and len(beats) % 2 == 0:
        beats = beats[::2]
    elif bar.left >= 2:
        beats = beats[:1]
    return [BarNote(round(at * TICKS), 0.0, 0.1, KEYS[STICK], 76 if at == 0.0 else 66) for at in beats]


def _struck(bar: BandBar, rng: np.random.Generator) -> list[BarNote]:
    """Beat one with all that one has, or in stop-time each chord, short; the end rings."""
    loud = velocity_of(8, bar.dynamic, rng)
    if bar.doing is Doing.END:
        held = max(bar.beats - 0.1, 0.5)
        return [
            BarNote(0, 0.0, LENGTH, KEYS[KICK], loud),
            BarNote(0, 0.0, held, KEYS[CRASH], max(loud - 14, 1)),
            BarNote(0, 0.0, held, KEYS[RIDE], max(loud - 20, 1)),
        ]
    hits = [at for at, _ in bar.chords] if bar.doing is Doing.STOP else [0.0]
    return [BarNote(round(at * TICKS), 0.0, LENGTH, KEYS[piece], loud) for at in hits for piece in (KICK, SNARE)]


def velocity_of(digit: float, dynamic: float, rng: np.random.Generator) -> int:
    """Of a stroke, from 1, hardly heard, to 9, at a dynamic from 0 to 1."""
    loud = (12.0 * digit + 8.0) * (0.72 + 0.56 * dynamic) + 3.0 * float(rng.standard_normal())
    return int(min(max(round(loud), 8), 122))
