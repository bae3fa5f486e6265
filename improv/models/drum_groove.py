"""The groove that was learned from drummers, bar by bar: what is struck, how loud and how exactly.

Bars of other lengths are played as parts of four, three and two beats. What a bar is asked to be: comping goes with the band's dynamic,
up where the soloist left room and down where he or she is busy; strokes of snare and bass drum are likelier where the soloist stressed
the off-beat a bar before. Lateness sways from stroke to stroke, as it does in the takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from improv.core.band.bar import TICKS, BandBar, BarNote, MemberState
from improv.core.band.drum_figures import strokes
from improv.core.band.drums import LENGTH, RULES, Drummer, Request
from improv.core.band.kit import BELL, CLOSED, CRASH, KEYS, KICK, LOW, OPEN, PEDAL, PIECES, RIDE, SNARE
from improv.core.line.microtiming import drawn_lag
from improv.models.drums import (
    COUNT,
    DENSITIES,
    DRUMS,
    FAMILIES,
    HATS,
    KIND,
    LAGS,
    LAST,
    LOUDNESSES,
    MEMORY,
    ORDER,
    RIDES,
    STEPS,
    VELOCITIES,
    BarOfDrums,
    DrumNets,
    loudness_class,
    pieces_of,
    step_signs,
    touch_signs,
)

# By style: the family that it is like, whether it swings, on what the time is played, how much it comps and how loud it is, as
# classes at the usual dynamic.
LIKE = {
    "swing": ("swing", 1, RIDES, 3, 4), "two": ("swing", 1, HATS, 1, 3), "ballad": ("swing", 1, RIDES, 1, 1),
    "shuffle": ("shuffle", 1, RIDES, 4, 4), "bossa": ("bossa", 0, RIDES, 4, 2), "samba": ("samba", 0, DRUMS, 5, 3),
    "latin": ("latin", 0, RIDES, 4, 4), "even": ("bossa", 0, RIDES, 3, 2), "funk": ("funk", 0, HATS, 4, 4),
    "rock": ("rock", 0, HATS, 4, 5),
}  # fmt: skip
SWAY = 0.5  # correlation of one stroke's deviate with the next, as in the takes
ANSWERS = 1.2  # by how much logits of snare and bass drum are raised on the soloist's accents
# Of a memory: grid + 1 or 0 for none, how many steps are known, their masks, how loud they were, classes of the last loudness.
SIZE = 2 + 2 * MEMORY + COUNT
NUMBERS = {piece: number for number, piece in enumerate(PIECES)}
LAG_CLASSES = [(k + 0.5) / LAGS - 0.5 for k in range(LAGS)]  # steps
STEADY, COLDER = 0.75, 0.9  # temperatures: of what keeps the time, of all else that is struck
TIMEKEEPERS = (RIDE, CLOSED, PEDAL)
# Logit below which nothing is struck outside of fills: a stroke in fifteen, mostly on a tom that leads nowhere. Snare and bass drum comp,
# and may.
SLIP = -2.6
SLOWEST = {"swing": 95.0, "bossa": 105.0}  # felt beats a minute, below which nobody of the family was heard: it is played as there
NO_FLOORS = (-30.0,) * COUNT
CYMBALS = sum(1 << piece for piece in (RIDE, BELL, CLOSED, OPEN, CRASH))
KEEPS = 3.0  # by how much the logit of the piece that keeps the time is raised on a beat, after one without
SOFTEST = 0.8  # times the velocity, at no dynamic; as much above 1 at full. What was learned of loud and soft bars comes on top
FAST = 240.0  # felt beats a minute, from which on swing is played on straight steps


def drawn_pieces(
    out: np.ndarray, chances: np.ndarray, temperatures: Sequence[float] = (1.0,) * COUNT, floors: Sequence[float] = NO_FLOORS
) -> int:
    """The mask of what is struck, piece by piece in ORDER, each knowing those before it. out (OUTPUTS,); chances (COUNT,): drawn, 0 to 1;
    floors: logits below which nothing is struck."""
    logits, pairs, mask = out[:COUNT].tolist(), out[COUNT:].reshape(COUNT, COUNT), 0
    for k, (piece, chance) in enumerate(zip(ORDER, chances.tolist(), strict=True)):
        logit = logits[k] / temperatures[k]
        if logit > floors[k] and chance < 1.0 / (1.0 + math.exp(-min(logit, 30.0))):
            mask |= 1 << piece
            for j, more in enumerate(pairs[k, k + 1 :].tolist(), k + 1):
                logits[j] += more
    return mask


def drawn_touch(out: np.ndarray, sway: float, rng: np.random.Generator) -> tuple[int, float, float]:
    """How loud a stroke is (1-127), how late in steps, and the deviate of its lateness, given the last one's. out (TOUCH_OUTPUTS,)."""
    shares = np.exp(out[:VELOCITIES] - out[:VELOCITIES].max()).astype(np.float64)
    running = np.cumsum(shares)
    loud = min(int(np.searchsorted(running, rng.random() * running[-1])), VELOCITIES - 1) * 8 + int(rng.integers(8))
    sway = SWAY * sway + math.sqrt(1.0 - SWAY * SWAY) * float(rng.standard_normal())
    return max(loud, 1), drawn_lag(out[VELOCITIES:], sway, LAG_CLASSES), sway


class LearnedGroove:
    """See `core.band.drums.Groove`."""

    def __init__(self, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]):
        """Raises ModelError where they are not what they should be."""
        self._nets = DrumNets.read(card, weights)
        self._about = {"kind": KIND, "name": card["name"], "version": RULES, "weights_sha256": card["weights_sha256"]}

    @property
    def about(self) -> Mapping[str, Any]:
        return self._about

    def member(self) -> Drummer:
        """A drummer who plays so."""
        return Drummer(self)

    def start(self) -> MemberState:
        return (0,) * SIZE

    def fits(self, memory: Sequence[int]) -> bool:
        if len(memory) != SIZE or not all(type(n) is int for n in memory):
            return False
        masks, louds, last = memory[2 : 2 + MEMORY], memory[2 + MEMORY : 2 + 2 * MEMORY], memory[2 + 2 * MEMORY :]
        heads = 0 <= memory[0] <= len(STEPS) and 0 <= memory[1] <= MEMORY
        loud = all(0 <= n < 16**COUNT and all(n >> 4 * k & 15 < LAST for k in range(COUNT)) for n in louds)
        return heads and loud and all(0 <= m < 2**COUNT for m in masks) and all(0 <= n < LAST for n in last)

    def play(self, memory: MemberState, bar: BandBar, request: Request, rng: np.random.Generator) -> tuple[list[BarNote], MemberState]:
        hands = _Hands(self._nets, memory, bar, request, rng)
        at = 0.0
        for beats in parts_of(round(bar.beats / hands.beat)):
            hands.part(at, beats)
            at += beats * hands.beat
        return hands.notes, hands.memory


def parts_of(beats: int) -> list[int]:
    """A bar's beats as parts that drummers of the set have played: fours, threes and twos, the odd one first."""
    if beats <= 4:
        return [max(beats, 1)]
    first = {1: 3, 2: 2, 3: 3, 0: 4}[beats % 4]
    left = beats - first
    if beats % 4 == 1:  # 5: 3 + 2; 9: 3 + 2 + 4
        return [3, 2, *[4] * ((left - 2) // 4)]
    return [first, *[4] * (left // 4)]


class _Hands:
    """One bar as it is played. beat: quarter notes that the felt beat has."""

    def __init__(self, nets: DrumNets, memory: MemberState, bar: BandBar, request: Request, rng: np.random.Generator):
        self.nets, self.bar, self.request, self.rng = nets, bar, request, rng
        count, unit = bar.metre
        compound = unit == 8 and count % 3 == 0 and count > 3
        self.beat = 1.5 if compound else 1.0
        family, swings, time, comps, loud = LIKE[bar.style.name]
        self.grid = 1 if compound or (swings and bar.tempo < FAST) else 0
        self.family, self.time = FAMILIES.index(family), time
        up = bar.dynamic - 0.5
        room = 1.0 if bar.around.silence >= 1.0 and bar.around.register else -0.7 if bar.around.density > 3.5 else 0.0
        if bar.style.name == "swing" and bar.dynamic < 0.25:
            self.time = HATS
        self.density = len(DENSITIES) if request.solo else min(max(round(comps + 4.0 * up + room), 0), len(DENSITIES))
        self.loud = min(max(round(loud + 5.0 * up), 0), len(LOUDNESSES))
        known = memory[0] == self.grid + 1
        self.past = list(memory[2 : 2 + MEMORY][MEMORY - memory[1] :]) if known and memory[1] else self._taken_for_played()
        louds = memory[2 + MEMORY : 2 + 2 * MEMORY]
        self.louds = list(louds[MEMORY - memory[1] :]) if known and memory[1] else [0] * len(self.past)
        self.last = list(memory[2 + 2 * MEMORY :])
        self.sway = float(rng.standard_normal())
        self.notes: list[BarNote] = []

    def _taken_for_played(self) -> list[int]:
        """Two bars of the style's figures, which it takes for what it has played where there is nothing: so the time is there at once."""
        bar, a_beat = self.bar, STEPS[self.grid]
        found = []
        for turn in (0, 1):
            masks = [0] * (max(round(bar.beats / self.beat), 1) * a_beat)
            for tick, piece, _ in strokes(bar.style.drums, max(round(bar.beats / self.beat), 1), turn):
                if piece == "kick" and FAMILIES[self.family] == "swing":
                    continue  # feathered by rule; the drummers of the set play it seldom and as an accent
                ridden = piece == "closed" and self.time == RIDES
                masks[min(round(tick / TICKS * a_beat), len(masks) - 1)] |= 1 << NUMBERS["ride" if ridden else piece]
            found += masks
        return found[-MEMORY:]

    @property
    def memory(self) -> MemberState:
        past, nothing = self.past[-MEMORY:], [0] * (MEMORY - len(self.past[-MEMORY:]))
        return (self.grid + 1, len(past), *nothing, *past, *nothing, *self.louds[-MEMORY:], *self.last)

    def part(self, begins: float, beats: int) -> None:
        """So many felt beats, from a place in quarter notes on."""
        bar, a_beat = self.bar, STEPS[self.grid]
        whole = max(round(bar.beats / self.beat), 1) * a_beat
        tempo = max(bar.tempo / self.beat, SLOWEST.get(FAMILIES[self.family], 0.0))
        said = BarOfDrums(self.grid, beats, whole, self.family, tempo, self.time, bar.of_section, self.density, self.loud)
        common = said.common()
        fill_from = 0.0 if self.request.solo else bar.beats - self.request.fill
        for step in range(min(beats * a_beat, round((bar.beats - begins) / self.beat * a_beat))):
            place = begins + step * self.beat / a_beat
            fills = int((self.request.fill > 0 or self.request.solo) and place >= fill_from - 1e-6)
            keeps = KEEPS if not fills and step % a_beat == 0 and not self._kept(a_beat) else 0.0
            mask = self._struck(step_signs(said, common, step, self.past, fills), place, fills, keeps)
            loud = self._strike(said, step, mask, fills, place)
            self.past, self.louds = [*self.past[1 - MEMORY :], mask], [*self.louds[1 - MEMORY :], loud]

    def _struck(self, signs: list[int], place: float, fills: int, keeps: float) -> int:
        """What is struck on a step, piece by piece. keeps: by how much the time is to be kept more than it would be."""
        out = self.nets.steps.said(signs)
        logits = out[:COUNT].tolist()
        if self._answers(place):
            for k, piece in enumerate(ORDER):
                if piece in (SNARE, KICK):
                    logits[k] += ANSWERS
        if keeps and self.time != DRUMS:
            logits[ORDER.index(RIDE if self.time == RIDES else CLOSED)] += keeps
        if self.bar.style.name == "samba" and not fills and place % 2.0 == 1.0:  # the surdo's beat, and the hat by foot
            logits[ORDER.index(PEDAL)] += KEEPS
            logits[ORDER.index(LOW)] += KEEPS
        floor = [-30.0 if fills or piece in (SNARE, KICK) else SLIP for piece in ORDER]
        colder = [STEADY if piece in TIMEKEEPERS else COLDER for piece in ORDER]
        mask = drawn_pieces(np.concatenate([logits, out[COUNT:]]), self.rng.random(COUNT), colder, floor)
        if place == 0.0 and self.request.crash:
            mask |= 1 << CRASH | 1 << KICK
        return mask

    def _kept(self, a_beat: int) -> bool:
        """Whether a cymbal kept the time on the beat before."""
        return len(self.past) < a_beat or bool(self.past[-a_beat] & CYMBALS)

    def _answers(self, place: float) -> bool:
        """Whether the soloist stressed this place of the bar before."""
        tick = place * TICKS
        return any(abs(tick - accent) <= TICKS / 2 / STEPS[self.grid] for accent in self.bar.around.accents)

    def _strike(self, said: BarOfDrums, step: int, mask: int, fill: int, place: float) -> int:
        """Strike a step's pieces. Returns how loud each was, as a memory keeps it."""
        rng = self.rng
        ago = self.louds[-said.length] if said.length <= len(self.louds) else 0
        before = self.past[-1] if self.past else 0
        a_step = self.beat / STEPS[self.grid]
        struck: dict[int, int] = {}
        for piece in pieces_of(mask):
            out = self.nets.touch.said(touch_signs(said, step, piece, mask, before, (self.last[piece], ago >> 4 * piece & 15), fill))
            loud, late, self.sway = drawn_touch(out, self.sway, rng)
            loud = min(max(round(loud * (SOFTEST + 2.0 * (1.0 - SOFTEST) * self.bar.dynamic)), 6), 124)
            tick = round(place * TICKS)
            struck[piece] = loudness_class(loud)
            self.notes.append(BarNote(tick, late * a_step, 1.0 if piece == CRASH else LENGTH, KEYS[piece], loud))
        for piece, loudness in struck.items():
            self.last[piece] = loudness
        return sum(loudness << 4 * piece for piece, loudness in struck.items())
