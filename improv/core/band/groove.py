"""The groove by rule: figures of the style, drawn comping, and fills over the drums. It is what a network is measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from improv.core.band.bar import TICKS, BandBar, BarNote, MemberState
from improv.core.band.drum_figures import strokes
from improv.core.band.drums import LENGTH, RULES, Drummer, Request, velocity_of
from improv.core.band.kit import CRASH, HIGH, KEYS, LOW, MID, PIECES, SNARE
from improv.core.band.swing import TRIPLET, off_beat, swing_lag

SPREAD = 0.005  # seconds
COMPS = {"swing", "two", "shuffle", "even", "latin"}  # styles whose snare and bass drum answer the soloist
DRUMS = (SNARE, HIGH, MID, LOW)  # of a fill, downwards


class GrooveByRule:
    """See `drums.Groove`. It remembers nothing."""

    @property
    def about(self) -> Mapping[str, Any]:
        return {"kind": "drums", "name": "rules", "version": RULES}

    def start(self) -> MemberState:
        return ()

    def fits(self, memory: Sequence[int]) -> bool:
        return len(memory) == 0

    def play(self, memory: MemberState, bar: BandBar, request: Request, rng: np.random.Generator) -> tuple[list[BarNote], MemberState]:
        filled = bar.beats if request.solo else request.fill
        from_tick = round((bar.beats - filled) * TICKS)
        found = {(tick, piece): float(digit) for tick, piece, digit in strokes(bar.style.drums, max(1, round(bar.beats)), bar.of_form)}
        hits = {(tick, piece): d for (tick, piece), d in found.items() if tick < bar.ticks and (tick < from_tick or piece == "pedal")}
        if bar.style.drums in COMPS:
            hits = _comped(bar, from_tick, rng) | hits
        if filled:
            hits |= _filled(bar, from_tick, request.solo, rng)
        if request.crash:
            hits |= {(0, "crash"): 7.0, (0, "kick"): 7.0}
        notes = [_note(tick, piece, digit, bar, rng) for (tick, piece), digit in sorted(hits.items())]
        return notes, memory


def drums_by_rule() -> Drummer:
    """A drummer without a network."""
    return Drummer(GrooveByRule())


def _comped(bar: BandBar, until: int, rng: np.random.Generator) -> dict[tuple[int, str], float]:
    """Strokes of snare and bass drum off the beat: more where the band is up and the soloist leaves room, and on his or her accents."""
    around = bar.around
    chance = 0.05 + 0.16 * bar.dynamic
    chance *= 1.6 if around.silence >= 1.0 else 0.7 if around.density > 3.0 else 1.0
    off = TRIPLET if bar.style.swung else TICKS // 2
    hits: dict[tuple[int, str], float] = {}
    for beat in range(max(1, round(bar.beats))):
        for at, likely in ((0, 0.5), (off, 1.0)):
            tick = beat * TICKS + at
            answers = any(abs(tick - accent) <= 8 for accent in around.accents)
            if tick < until and rng.random() < (0.45 if answers else chance * likely):
                piece = "snare" if rng.random() < 0.65 else "kick"
                hits[tick, piece] = (6.0 if answers else 2.0 + 3.0 * float(rng.random())) if piece == "snare" else 6.0
    return hits


def _filled(bar: BandBar, first: int, solo: bool, rng: np.random.Generator) -> dict[tuple[int, str], float]:
    """Strokes down the drums, with rests and accents."""
    step = 16 if bar.style.swung else 12
    hits: dict[tuple[int, str], float] = {}
    at, drum = first, 0
    while at < bar.ticks:
        if rng.random() < (0.7 if solo else 0.85):
            piece = DRUMS[min(drum, len(DRUMS) - 1)]
            hits[at, list(PIECES)[piece]] = 4.0 + 4.0 * float(rng.random())
        if rng.random() < 0.2:
            hits[at, "kick"] = 6.0
        drum = int(rng.integers(len(DRUMS))) if solo else drum + int(rng.random() < 0.4)
        at += step
    return hits


def _note(tick: int, piece: str, digit: float, bar: BandBar, rng: np.random.Generator) -> BarNote:
    lag = SPREAD * bar.tempo / 60.0 * float(rng.standard_normal())
    if bar.style.swung and tick % TICKS == TRIPLET:
        lag += swing_lag(bar.tempo)
    elif bar.style.swung and tick % TICKS == TICKS // 2:
        lag += off_beat(bar.tempo) - 0.5
    number = list(PIECES).index(piece)
    length = 1.0 if number == CRASH else LENGTH
    return BarNote(tick, lag, length, KEYS[number], velocity_of(digit, bar.dynamic, rng))
