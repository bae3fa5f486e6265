"""Drummers to learn from: the Groove MIDI Dataset's takes, on steps, with what each bar is like.

A take's steps are six a beat or four, whichever its strokes lie nearer to; what they lie off them is their lateness, less the take's
own, which is the recording's. J. Gillick et al., Learning to groove with inverse sequence transformations, 2019 (CC BY 4.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from improv.core.band.kit import BELL, CLOSED, CRASH, HIGH, KICK, LOW, MID, OPEN, PEDAL, RIDE, SNARE, STICK
from improv.models.drums import (
    COMPING,
    COUNT,
    DENSITIES,
    DRUMS,
    FAMILIES,
    HATS,
    LAGS,
    LOUDNESSES,
    MEMORY,
    ORDER,
    RIDES,
    SIGNS,
    STEPS,
    TOUCH_SIGNS,
    VELOCITIES,
    BarOfDrums,
    loudness_class,
    pieces_of,
    step_signs,
    touch_signs,
)
from improv.models.small_net import SmallNet
from improv.train.small_net import said_of

# By the keys of the Roland TD-11.
PIECE_OF = {
    36: KICK, 38: SNARE, 40: SNARE, 37: STICK, 42: CLOSED, 22: CLOSED, 46: OPEN, 26: OPEN, 44: PEDAL, 51: RIDE, 59: RIDE, 53: BELL,
    49: CRASH, 55: CRASH, 57: CRASH, 52: CRASH, 48: HIGH, 50: HIGH, 45: MID, 47: MID, 43: LOW, 58: LOW,
}  # fmt: skip
SWINGING = ("swing", "shuffle")
TOMS = (HIGH, MID, LOW)
FAMILY_OF = {  # the longest beginning of a style's name wins
    "jazz": "swing", "jazz/funk": "funk", "jazz/fusion": "funk", "jazz/linear": "other", "jazz/march": "street", "jazz/klezmer": "other",
    "blues/shuffle": "shuffle", "rock/shuffle": "shuffle", "neworleans/shuffle": "shuffle", "funk/purdieshuffle": "shuffle",
    "latin/brazilian-bossa": "bossa", "latin/brazilian-samba": "samba", "latin/brazilian-sambareggae": "other", "latin/samba": "samba",
    "latin": "latin", "afrocuban": "latin", "funk": "funk", "soul": "funk", "hiphop": "funk", "gospel": "funk", "neworleans/funk": "funk",
    "neworleans": "street", "rock": "rock", "pop": "rock", "punk": "rock", "country": "rock", "dance": "rock",
}  # fmt: skip
WEIGHTS = {"swing": 5.0, "bossa": 4.0, "samba": 4.0, "shuffle": 3.0, "latin": 2.0, "funk": 1.0, "street": 1.0, "other": 0.7, "rock": 0.3}
WINDOW = 4  # bars by which is said on what the time is played
MOST_SIGNS = 72
KNOWN = 0.5  # how often what a bar is like is told while it learns


class DrumTake(NamedTuple):
    """A take on steps. masks (steps,): what is struck; velocity, lag (steps, COUNT): 1-127, and in steps off it; real, or ours.

    bars: a bar's signs; fill (steps,): 1 within a fill, 0 outside.
    """

    name: str
    family: int
    grid: int
    beats: int  # of a bar
    tempo: float
    masks: np.ndarray
    velocity: np.ndarray
    lag: np.ndarray
    bars: list[BarOfDrums]
    fill: np.ndarray
    kind: str = "beat"
    real: bool = True

    @property
    def length(self) -> int:
        """Steps of a bar."""
        return self.beats * STEPS[self.grid]


class DrumRows(NamedTuple):
    """signs (rows, MOST_SIGNS), padded; struck (rows, COUNT) in the order in which they are decided; weights (rows,)."""

    signs: np.ndarray
    struck: np.ndarray
    weights: np.ndarray


class TouchRows(NamedTuple):
    """signs (rows, MOST_SIGNS), padded; velocity, lag (rows,): classes; weights (rows,)."""

    signs: np.ndarray
    velocity: np.ndarray
    lag: np.ndarray
    weights: np.ndarray


def family_of(style: str) -> int:
    """Which family a style of the dataset belongs to."""
    found = max((name for name in FAMILY_OF if style.startswith(name)), key=len, default="")
    return FAMILIES.index(FAMILY_OF.get(found, "other"))


def drum_take(said: Mapping[str, Any]) -> DrumTake | None:
    """A take of the dataset (`hits`, `metre`, `bpm`, `style`, `kind`); None where its metre isn't in quarter notes, or it is too short."""
    count, _, unit = str(said["metre"]).partition("/")
    hits = np.array([(b, v, PIECE_OF[int(p)]) for b, v, p in said["hits"] if int(p) in PIECE_OF], float)
    if unit != "4" or len(hits) < 8:
        return None
    family = family_of(str(said["style"]))
    grid, off = _grid(hits[:, 0], FAMILIES[family] in SWINGING)
    a_beat, beats = STEPS[grid], int(count)
    places = (hits[:, 0] - off) * a_beat
    steps = np.maximum(np.rint(places).astype(int), 0)
    total = -(-(steps.max() + 1) // (beats * a_beat)) * beats * a_beat
    velocity, lag = np.zeros((total, COUNT)), np.zeros((total, COUNT))
    for step, place, (_, loud, piece) in zip(steps, places, hits, strict=True):
        if loud > velocity[step, int(piece)]:
            velocity[step, int(piece)], lag[step, int(piece)] = loud, np.clip(place - step, -0.5, 0.5)
    masks = ((velocity > 0) << np.arange(COUNT)).sum(1)
    name, tempo, kind = str(said["id"]), float(said["bpm"]), str(said["kind"])
    return described(DrumTake(name, family, grid, beats, tempo, masks, velocity, lag, [], np.zeros(total, int), kind))


def described(take: DrumTake) -> DrumTake:
    """The take with what each bar is like, and where it fills, as its strokes show."""
    count, length = len(take.masks) // take.length, take.length
    struck = (take.velocity > 0).reshape(count, length, COUNT)
    bars = []
    for k in range(count):
        near = struck[max(k - WINDOW + 1, 0) : k + WINDOW].sum((0, 1))
        comped = struck[k][:, COMPING].sum() / take.beats
        loud = take.velocity.reshape(count, length, COUNT)[k]
        mean = float(loud[loud > 0].mean()) if (loud > 0).any() else 40.0
        density, volume = sum(comped >= d for d in DENSITIES), sum(mean >= v for v in LOUDNESSES)
        bars.append(BarOfDrums(take.grid, take.beats, length, take.family, take.tempo, _time_on(near), k, density, volume))
    return take._replace(bars=bars, fill=_fills(take))


def _grid(beats: np.ndarray, may_swing: bool) -> tuple[int, float]:
    """The grid of a take, and by how much it is late on the whole, in beats. may_swing: whether the family does.

    A family that swings does so in a take whose off-beats come late rather than even. Elsewhere it is the grid that strokes lie nearer to.
    """
    found = []
    for grid, a_beat in enumerate(STEPS):
        off = 0.0
        for _ in range(3):
            place = (beats - off) * a_beat
            off += float(np.median(place - np.rint(place))) / a_beat
        place = (beats - off) * a_beat
        found.append((float(np.abs(place - np.rint(place)).mean()), grid, off))
    if may_swing:
        within = (beats - found[1][2]) % 1.0
        late, even = ((within > 0.58) & (within < 0.8)).sum(), ((within > 0.42) & (within < 0.58)).sum()
        return found[1 if late > even else 0][1:]
    return min(found)[1:]


def _time_on(near: np.ndarray) -> int:
    """What the time is played on, by the strokes (COUNT,) of some bars."""
    ride, hats, drums = near[[RIDE, BELL]].sum(), near[[CLOSED, OPEN]].sum(), near[list(TOMS)].sum()
    return RIDES if ride >= max(hats, drums) and ride else HATS if hats >= drums and hats else DRUMS


def _fills(take: DrumTake) -> np.ndarray:
    """Which steps lie in a fill: all of a take that is one; else beats with toms and three strokes or more, where toms are rare."""
    if take.kind == "fill":
        return np.ones(len(take.masks), int)
    a_beat = STEPS[take.grid]
    struck = (take.velocity > 0).reshape(-1, a_beat, COUNT).sum(1)
    toms, drums = struck[:, TOMS].sum(1), struck[:, (*TOMS, SNARE)].sum(1)
    rare = toms.mean() < 0.5
    found: np.ndarray = np.repeat(((toms >= 1) & (drums >= 3) & rare).astype(int), a_beat)
    return found


def drum_rows(takes: Iterable[DrumTake], rng: np.random.Generator | None) -> DrumRows:
    """A row a step. rng: draws what of a bar is told; None: nothing is, which is how it is judged."""
    takes = list(takes)
    signs = np.full((sum(len(take.masks) for take in takes), MOST_SIGNS), SIGNS, np.uint16)
    struck: list[np.ndarray] = []
    weights: list[float] = []
    for take in takes:
        known, masks = _told(take, rng), take.masks.tolist()
        weight = WEIGHTS[FAMILIES[take.family]]
        hit = take.velocity > 0
        for k, bar in enumerate(known):
            common = bar.common()
            told_fill = rng is not None and rng.random() < 0.8
            for step in range(take.length):
                at = k * take.length + step
                fill = int(take.fill[at]) if told_fill else None
                said = step_signs(bar, common, step, masks[max(at - MEMORY, 0) : at], fill)[:MOST_SIGNS]
                signs[len(weights), : len(said)] = said
                weights.append(weight)
        struck.append(hit[:, ORDER])
    return DrumRows(signs, np.concatenate(struck), np.array(weights))


def touch_rows(takes: Iterable[DrumTake], rng: np.random.Generator | None) -> TouchRows:
    """A row a stroke."""
    takes = list(takes)
    signs = np.full((sum(int((take.velocity > 0).sum()) for take in takes), MOST_SIGNS), TOUCH_SIGNS, np.uint16)
    velocities: list[int] = []
    lags: list[int] = []
    weights: list[float] = []
    for take in takes:
        known, masks, last = _told(take, rng), take.masks.tolist(), [0] * COUNT
        for at, mask in enumerate(masks):
            bar = known[at // take.length]
            fill = int(take.fill[at]) if rng is not None else None
            for piece in pieces_of(mask):
                loud = take.velocity[at, piece]
                ago = loudness_class(int(take.velocity[at - take.length, piece])) if at >= take.length else 0
                told = touch_signs(bar, at % take.length, piece, mask, masks[at - 1] if at else 0, (last[piece], ago), fill)
                said = told[:MOST_SIGNS]
                signs[len(weights), : len(said)] = said
                velocities.append(min(int(loud) // 8, VELOCITIES - 1))
                lags.append(min(int((take.lag[at, piece] + 0.5) * LAGS), LAGS - 1))
                weights.append(WEIGHTS[FAMILIES[take.family]])
            for piece in pieces_of(mask):
                last[piece] = loudness_class(int(take.velocity[at, piece]))
    return TouchRows(signs, np.array(velocities), np.array(lags), np.array(weights))


def _told(take: DrumTake, rng: np.random.Generator | None) -> list[BarOfDrums]:
    """What is told of each bar."""
    if rng is None:
        return [bar._replace(density=None, loud=None) for bar in take.bars]
    return [
        bar._replace(density=bar.density if rng.random() < KNOWN else None, loud=bar.loud if rng.random() < KNOWN else None)
        for bar in take.bars
    ]


# What they cost


def chained(out: np.ndarray, struck: np.ndarray) -> np.ndarray:
    """Logits of each piece, given those that are decided before it: out (rows, OUTPUTS), struck (rows, COUNT)."""
    pairs = out[:, COUNT:].reshape(-1, COUNT, COUNT) * np.triu(np.ones((COUNT, COUNT), out.dtype), 1)
    found: np.ndarray = out[:, :COUNT] + np.einsum("rj,rjk->rk", struck.astype(out.dtype), pairs)
    return found


def step_loss(rows: DrumRows) -> Any:
    """What the steps cost, for `fit_small`."""
    later = np.triu(np.ones((COUNT, COUNT), np.float32), 1)

    def loss(chosen: np.ndarray, out: np.ndarray) -> tuple[float, np.ndarray]:
        struck = rows.struck[chosen].astype(np.float32)
        logits = chained(out, struck)
        cost = float((np.logaddexp(0.0, logits) - struck * logits).sum())
        by = 1.0 / (1.0 + np.exp(-logits)) - struck
        pairs = struck[:, :, None] * by[:, None, :] * later
        return cost, np.concatenate([by, pairs.reshape(len(chosen), -1)], 1)

    return loss


def touch_loss(rows: TouchRows) -> Any:
    """What loudness and lateness cost, for `fit_small`."""

    def loss(chosen: np.ndarray, out: np.ndarray) -> tuple[float, np.ndarray]:
        cost, by = 0.0, np.empty_like(out)
        for part, classes in ((slice(0, VELOCITIES), rows.velocity[chosen]), (slice(VELOCITIES, None), rows.lag[chosen])):
            shares = np.exp(out[:, part] - out[:, part].max(1, keepdims=True))
            shares /= shares.sum(1, keepdims=True)
            at = np.arange(len(chosen)), classes
            cost -= float(np.log(np.maximum(shares[at], 1e-12)).sum())
            shares[at] -= 1.0
            by[:, part] = shares
        return cost, by

    return loss


def step_nats(net: SmallNet, rows: DrumRows) -> np.ndarray:
    """What each step costs, (rows,)."""
    logits = chained(said_of(net, rows.signs), rows.struck)
    found: np.ndarray = (np.logaddexp(0.0, logits) - rows.struck * logits).sum(1)
    return found


def touch_nats(net: SmallNet, rows: TouchRows) -> tuple[np.ndarray, np.ndarray]:
    """What the loudness and the lateness of each stroke cost, (rows,) each."""
    out = said_of(net, rows.signs).astype(np.float64)
    found = []
    for part, classes in ((out[:, :VELOCITIES], rows.velocity), (out[:, VELOCITIES:], rows.lag)):
        most = part.max(1)
        picked = np.take_along_axis(part, classes[:, None], axis=1)[:, 0]
        found.append(most + np.log(np.exp(part - most[:, None]).sum(1)) - picked)
    return found[0], found[1]
