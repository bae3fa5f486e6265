"""The learned drums: two small networks, one for which pieces of the kit are struck on a step, one for how loud and how exactly.

A bar is cut into steps: six a beat where it swings, four where it doesn't. A step is struck piece by piece, cymbals first, each
knowing those before it. The first network sees the last twelve steps, the same place one and two bars ago, the place in the bar, the
style, the tempo, on what the time is played; and, as far as it is asked for, how much is comped, how loud, and whether it fills. The
second sees the stroke's place and company, and gives shares of loudness and of lateness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from improv.core.band.kit import BELL, CLOSED, CRASH, HIGH, KICK, LOW, MID, OPEN, PEDAL, PIECES, RIDE, SNARE, STICK
from improv.models.card import ModelError, check_weights
from improv.models.small_net import MOST, SmallNet, net_shapes

KIND, FORMAT = "drums", 1
COUNT = len(PIECES)
ORDER = (RIDE, BELL, CLOSED, OPEN, CRASH, PEDAL, STICK, SNARE, HIGH, MID, LOW, KICK)  # who is decided first
COMPING = (SNARE, STICK, KICK, HIGH, MID, LOW)
STEPS = (4, 6)  # a beat: straight, swung
AGO = 12  # steps that are seen one by one
MEMORY = 96  # steps that are kept
FAMILIES = ("swing", "shuffle", "bossa", "samba", "latin", "funk", "rock", "street", "other")
RIDES, HATS, DRUMS = range(3)  # on what the time is played
TEMPI = (75, 95, 115, 135, 160, 190, 230)  # bpm
DENSITIES = (0.25, 0.75, 1.25, 1.75, 2.5)  # comping strokes a beat
LOUDNESSES = (30, 40, 50, 60, 70, 80, 95)  # mean velocity of a bar
VELOCITIES = 16  # classes, 8 steps each
LAGS = 15  # classes, over one step
LAST = 9
TABLES = {
    "within": sum(STEPS), "beat": 8, "place": 4 * sum(STEPS), "beats": 4, "family": len(FAMILIES), "tempo": len(TEMPI) + 1, "time": 3,
    "bar": 8, "fill": 2, "density": len(DENSITIES) + 1, "loud": len(LOUDNESSES) + 1, "start": 1, "ago": len(STEPS) * AGO * COUNT,
    "bar ago": 3 * COUNT, "two bars ago": COUNT, "again": 6,
}  # fmt: skip
TOUCH_TABLES = {
    "piece": COUNT, "place": COUNT * sum(STEPS), "beat": 8, "family": COUNT * len(FAMILIES), "tempo": len(TEMPI) + 1, "fill": 2,
    "loud": len(LOUDNESSES) + 1, "last": COUNT * LAST, "ago": COUNT * LAST, "bar": COUNT * 4 * sum(STEPS),
    "with": COUNT, "before": COUNT, "time": 3, "time family": 3 * len(FAMILIES),
}  # fmt: skip


def _starts(tables: Mapping[str, int]) -> dict[str, int]:
    return dict(zip(tables, np.concatenate([[0], np.cumsum(list(tables.values()))[:-1]]).tolist(), strict=True))


AT, TOUCH_AT = _starts(TABLES), _starts(TOUCH_TABLES)
SIGNS, TOUCH_SIGNS = sum(TABLES.values()), sum(TOUCH_TABLES.values())
OUTPUTS, TOUCH_OUTPUTS = COUNT + COUNT * COUNT, VELOCITIES + LAGS


@lru_cache(maxsize=4096)
def pieces_of(mask: int) -> tuple[int, ...]:
    """The pieces of a mask."""
    return tuple(k for k in range(COUNT) if mask >> k & 1)


def loudness_class(velocity: int) -> int:
    """Of a stroke, as later ones of its piece are told it; 0 for none."""
    return 1 + min(velocity // 16, LAST - 2) if velocity else 0


class BarOfDrums(NamedTuple):
    """What holds for all steps of a bar, or of a part of one. straight: 0 swung 1, an index of STEPS. beats: of the part; length: steps of
    the whole bar. density, loud: classes, None where nobody asks."""

    grid: int
    beats: int
    length: int
    family: int
    tempo: float
    time: int
    bar: int = 0
    density: int | None = None
    loud: int | None = None

    def common(self) -> list[int]:
        """The signs that all its steps have."""
        found = [AT["beats"] + {2: 1, 3: 0, 4: 1, 5: 2}.get(self.beats, 3), AT["family"] + self.family]
        found += [AT["tempo"] + tempo_class(self.tempo), AT["time"] + self.time, AT["bar"] + self.bar % 8]
        if self.density is not None:
            found.append(AT["density"] + self.density)
        if self.loud is not None:
            found.append(AT["loud"] + self.loud)
        return found


def tempo_class(tempo: float) -> int:
    return sum(tempo >= t for t in TEMPI)


def step_signs(bar: BarOfDrums, common: Sequence[int], step: int, past: Sequence[int], fill: int | None) -> list[int]:
    """The signs of a step. step: of the part; past: masks of the steps before, the latest last; fill: 1 within one, 0 outside, None where
    nobody says."""
    a_beat = STEPS[bar.grid]
    beat, within = divmod(step, a_beat)
    base = STEPS[0] * bar.grid
    found = [*common, AT["within"] + base + within, AT["beat"] + min(beat, 7)]
    found.append(AT["place"] + (beat % 4) * a_beat + within + 4 * base)
    if fill is not None:
        found.append(AT["fill"] + fill)
    count = len(past)
    if not count:
        found.append(AT["start"])
    start = AT["ago"] + bar.grid * AGO * COUNT - COUNT
    for k in range(1, min(AGO, count) + 1):
        if mask := past[-k]:
            found += [start + k * COUNT + piece for piece in pieces_of(mask)]
    for k, ago in enumerate((bar.length + 1, bar.length, bar.length - 1)):
        if 0 < ago <= count and (mask := past[-ago]):
            found += [AT["bar ago"] + k * COUNT + piece for piece in pieces_of(mask)]
    if 2 * bar.length <= count and (mask := past[-2 * bar.length]):
        found += [AT["two bars ago"] + piece for piece in pieces_of(mask)]
    if (again := _again(past, bar.length)) is not None:
        found.append(AT["again"] + again)
    return found


def _again(past: Sequence[int], length: int) -> int | None:
    """How much of the last bar is as the bar before: of its steps with strokes, a class; None where less than a bar came before."""
    count = min(length, len(past) - length)
    if count <= 0:
        return None
    lately, before = past[-count:], past[-count - length : -length]
    pairs = [(a, b) for a, b in zip(lately, before, strict=True) if a or b]
    return int(5 * sum(a == b for a, b in pairs) / len(pairs)) if pairs else None


def touch_signs(bar: BarOfDrums, step: int, piece: int, mask: int, before: int, last: tuple[int, int], fill: int | None) -> list[int]:
    """The signs of a stroke. mask: what is struck on its step; before: on the step before; last: classes of the piece's last loudness,
    and of its loudness on this place a bar ago, 0 for none."""
    a_beat = STEPS[bar.grid]
    beat, within = divmod(step, a_beat)
    found = [TOUCH_AT["piece"] + piece, TOUCH_AT["place"] + piece * sum(STEPS) + STEPS[0] * bar.grid + within]
    found += [TOUCH_AT["beat"] + min(beat, 7), TOUCH_AT["family"] + piece * len(FAMILIES) + bar.family]
    found += [TOUCH_AT["tempo"] + tempo_class(bar.tempo), TOUCH_AT["last"] + piece * LAST + last[0], TOUCH_AT["time"] + bar.time]
    found += [TOUCH_AT["time family"] + 3 * bar.family + bar.time, TOUCH_AT["ago"] + piece * LAST + last[1]]
    found.append(TOUCH_AT["bar"] + 4 * (piece * sum(STEPS) + STEPS[0] * bar.grid) + (beat % 4) * a_beat + within)
    if fill is not None:
        found.append(TOUCH_AT["fill"] + fill)
    if bar.loud is not None:
        found.append(TOUCH_AT["loud"] + bar.loud)
    found += [TOUCH_AT["with"] + k for k in pieces_of(mask)]
    found += [TOUCH_AT["before"] + k for k in pieces_of(before)]
    return found


def drums_shapes(card: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the weights that a card promises. Raises ModelError."""
    if card.get("kind") != KIND or card.get("format") != FORMAT:
        raise ModelError(f"its card is of kind {card.get('kind')!r}, format {card.get('format')!r}; expected {KIND!r}, {FORMAT}")
    sizes = card.get("units")
    if not isinstance(sizes, list) or len(sizes) != 4 or not all(type(n) is int and 1 <= n <= MOST for n in sizes):
        raise ModelError(f"its card says {str(sizes)[:40]!r} units; expected four whole numbers up to {MOST}")
    if card.get("tables") != TABLES | {f"touch {name}": size for name, size in TOUCH_TABLES.items()}:
        raise ModelError("it knows other signs than this version of improv; train it again")
    return net_shapes("steps", SIGNS, sizes[0], sizes[1], OUTPUTS) | net_shapes("touch", TOUCH_SIGNS, sizes[2], sizes[3], TOUCH_OUTPUTS)


class DrumNets(NamedTuple):
    """Both networks."""

    steps: SmallNet
    touch: SmallNet

    @classmethod
    def read(cls, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> DrumNets:
        """From a card and its weights. Raises ModelError where they are not what they should be."""
        check_weights(drums_shapes(card), weights)
        return cls(SmallNet.of(weights, "steps"), SmallNet.of(weights, "touch"))

    def weights(self) -> dict[str, np.ndarray]:
        """Their weights by name, for a file."""
        return self.steps.weights("steps") | self.touch.weights("touch")
