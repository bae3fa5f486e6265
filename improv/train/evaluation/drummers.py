"""How well drumming is foretold beside tables and n-grams, and what ours does beside drummers'."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from improv.core.band.bar import TICKS, BandBar, Member
from improv.core.band.kit import KEYS, KICK, PEDAL, PIECES, RIDE, SNARE
from improv.core.band.styles import STYLES
from improv.models.drum_groove import LIKE, drawn_pieces, drawn_touch
from improv.models.drums import COUNT, FAMILIES, MEMORY, RIDES, STEPS, DrumNets, loudness_class, pieces_of, step_signs, touch_signs
from improv.train.drumming import DrumTake, described
from improv.train.evaluation.judges import Judged, auc, boosted_trees

STYLE_OF = {"swing": "swing", "shuffle": "shuffle", "bossa": "bossa", "samba": "samba", "latin": "latin", "funk": "funk"}  # by family
ALL = (0, 1, 2, 3)
PLACES = (  # name, piece, beats of four, sixth of the beat
    ("ride on 1 and 3", RIDE, (0, 2), 0), ("ride on 2 and 4", RIDE, (1, 3), 0), ("ride, off-beat of 2 and 4", RIDE, (1, 3), 4),
    ("hi-hat by foot on 2 and 4", PEDAL, (1, 3), 0), ("snare on the off-beat", SNARE, ALL, 4), ("snare on the beat", SNARE, ALL, 0),
    ("bass drum on the beat", KICK, ALL, 0), ("bass drum on the off-beat", KICK, ALL, 4),
)  # fmt: skip
FIGURES = ("struck, %", "velocity", "its spread", "late, ms", "spread, ms")
Contexts = tuple[Hashable, ...]


def place_nats(train: Sequence[DrumTake], takes: Sequence[DrumTake]) -> np.ndarray:
    """Nats a step where each piece is struck as often as on this place of a bar of the family, whatever came before."""
    hits: dict[Hashable, np.ndarray] = defaultdict(lambda: np.zeros(COUNT))
    counts: Counter[Hashable] = Counter()
    for take in train:
        for at in range(len(take.masks)):
            key = _place(take, at)
            hits[key] += take.velocity[at] > 0
            counts[key] += 1
    found = []
    for take in takes:
        for at in range(len(take.masks)):
            key = _place(take, at)
            p = (hits[key] + 0.05) / (counts[key] + 1.0)
            struck = take.velocity[at] > 0
            found.append(-np.log(np.where(struck, p, 1 - p)).sum())
    return np.array(found)


def ngram_nats(train: Sequence[DrumTake], takes: Sequence[DrumTake]) -> np.ndarray:
    """Nats a step of an n-gram over what is struck at once: from the place, the same place a bar ago, and the step before, each backed
    by less (I. Witten and T. Bell 1991); what never came is split into its pieces."""
    counts: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for take in train:
        for at, mask in enumerate(take.masks.tolist()):
            for context in enumerate(_contexts(take, at)):
                counts[context][mask] += 1
    found = []
    by_place = iter(place_nats(train, takes))
    for take in takes:
        for at, mask in enumerate(take.masks.tolist()):
            chance = float(np.exp(-next(by_place)))
            for context in enumerate(_contexts(take, at)):
                known = counts.get(context)
                if known is None:
                    break
                total, kinds = sum(known.values()), len(known)
                chance = (known[mask] + kinds * chance) / (total + kinds)
            found.append(-np.log(chance))
    return np.array(found)


def _place(take: DrumTake, at: int) -> Hashable:
    return take.family, take.grid, take.beats, at % take.length


def _contexts(take: DrumTake, at: int) -> Iterator[Hashable]:
    masks, length = take.masks, take.length
    step = at % length, take.grid, take.beats
    ago = int(masks[at - length]) if at >= length else -1
    before = int(masks[at - 1]) if at else -1
    earlier = int(masks[at - 2]) if at > 1 else -1
    yield (*step, take.family)
    yield (*step, take.family, ago)
    yield (*step, ago, before)
    yield (*step, ago, before, earlier)


# What ours does


def played_like(take: DrumTake, member: Member, seed: int) -> DrumTake:
    """A take of ours as long as a drummer's, in the same style, metre and tempo, about as loud; sections of eight bars."""
    loud = float(np.median([bar.loud or 0 for bar in take.bars]))
    style = STYLE_OF[FAMILIES[take.family]]
    dynamic = float(np.clip(0.5 + (loud - LIKE[style][4]) / 5.0, 0.0, 1.0))
    state, a_beat = member.start(), STEPS[take.grid]
    velocity, lag = np.zeros_like(take.velocity), np.zeros_like(take.lag)
    for number in range(len(take.bars)):
        bar = BandBar(beats=float(take.beats), metre=(take.beats, 4), tempo=take.tempo, style=STYLES[style], dynamic=dynamic)
        bar = replace(bar, of_section=number % 8, of_form=number % 32)
        notes, state = member.bar(state, bar, np.random.default_rng((seed, number)))
        for note in notes:
            place = (note.tick / TICKS + note.lag) * a_beat
            step = min(round(number * take.length + note.tick / TICKS * a_beat), len(velocity) - 1)
            piece = KEYS.index(note.pitch)
            velocity[step, piece] = note.velocity
            lag[step, piece] = np.clip(place - (step - number * take.length), -0.5, 0.5)
    masks = ((velocity > 0) << np.arange(COUNT)).sum(1)
    return described(take._replace(masks=masks, velocity=velocity, lag=lag, real=False, kind="beat"))


def drawn_like(take: DrumTake, nets: DrumNets, seed: int) -> DrumTake:
    """A take that the networks draw alone: told of each bar how much is comped, how loud it is, on what the time is played and where it
    fills, as it is in the take; nothing of it is mended for a band."""
    rng = np.random.default_rng(seed)
    velocity, lag = np.zeros_like(take.velocity), np.zeros_like(take.lag)
    masks: list[int] = []
    last, sway = [0] * COUNT, float(rng.standard_normal())
    for at in range(len(take.masks)):
        bar, step, fill = take.bars[at // take.length], at % take.length, int(take.fill[at])
        out = nets.steps.said(step_signs(bar, bar.common(), step, masks[-MEMORY:], fill))
        struck = drawn_pieces(out, rng.random(COUNT))
        masks.append(struck)
        for piece in pieces_of(struck):
            ago = loudness_class(int(velocity[at - take.length, piece])) if at >= take.length else 0
            said = touch_signs(bar, step, piece, struck, masks[-2] if at else 0, (last[piece], ago), fill)
            loud, late, sway = drawn_touch(nets.touch.said(said), sway, rng)
            velocity[at, piece], lag[at, piece] = loud, late
        for piece in pieces_of(struck):
            last[piece] = loudness_class(int(velocity[at, piece]))
    return described(take._replace(masks=np.array(masks), velocity=velocity, lag=lag, real=False, kind="beat"))


def by_place(takes: Sequence[DrumTake]) -> dict[str, float]:
    """Of swung takes in four: how often, how loud and how late pieces are struck, by place; lateness in ms."""
    found: dict[str, float] = {}
    steps = STEPS[1]
    for name, piece, beats, within in PLACES:
        struck, loud, late = [], [], []
        for take in takes:
            at = np.arange(len(take.masks))
            here = (at % steps == within) & np.isin(at // steps % take.beats, beats)
            hit = take.velocity[here, piece]
            struck.append(hit > 0)
            loud.append(hit[hit > 0])
            late.append(take.lag[here, piece][hit > 0] / steps * 60_000 / take.tempo)
        hits, loudness, lateness = (np.concatenate(x) for x in (struck, loud, late))
        found[f"{name}: struck, %"] = 100 * float(hits.mean())
        found[f"{name}: velocity"], found[f"{name}: its spread"] = _moments(loudness)
        found[f"{name}: late, ms"], found[f"{name}: spread, ms"] = _moments(lateness)
    return found


def _moments(xs: np.ndarray) -> tuple[float, float]:
    return (float(xs.mean()), float(xs.std())) if len(xs) else (0.0, 0.0)


# Real or generated


def judged(takes: Sequence[DrumTake], size: int, timing: bool) -> tuple[float, int]:
    """The AUC of boosted trees that tell ours from drummers' in windows of so many bars, takes never on both sides, and how many
    windows there were. timing: whether they see lateness."""
    windows = [(drum_tells(take, first, size, timing), take) for take in takes for first in range(0, len(take.bars) - size + 1, size)]
    names = sorted({take.name for _, take in windows})
    real = np.array([take.real for _, take in windows])
    folds = Judged([], real, np.array([names.index(take.name) for _, take in windows])).folds()
    table = np.array([list(told.values()) for told, _ in windows])
    said = np.zeros(len(real))
    for out in folds:
        weights = np.where(real[~out], (~real[~out]).sum() / max(real[~out].sum(), 1), 1.0)
        said[out] = boosted_trees().fit(table[~out], real[~out], sample_weight=weights).decision_function(table[out])
    return auc(real, said), len(windows)


def drum_tells(take: DrumTake, first: int, size: int, timing: bool) -> dict[str, float]:
    """What may tell drumming: of each piece how often, where in the beat, how loud, how even; how bars come again; lateness."""
    a, b = first * take.length, (first + size) * take.length
    velocity, lag, a_beat = take.velocity[a:b], take.lag[a:b], STEPS[take.grid]
    struck = velocity > 0
    told: dict[str, float] = {}
    within = np.arange(b - a) % a_beat
    for name, piece in zip(PIECES, range(COUNT), strict=True):
        hit = struck[:, piece]
        loud = velocity[hit, piece]
        bars = hit.reshape(size, -1)
        told |= {f"{name}: a bar": hit.sum() / size, f"{name}: velocity": _moments(loud)[0], f"{name}: spread": _moments(loud)[1]}
        told[f"{name}: loudest"] = float(loud.max()) if len(loud) else 0.0
        told |= {f"{name}: {k} of the beat": float(hit[within == k].mean()) if k < a_beat else -1.0 for k in range(max(STEPS))}
        told[f"{name}: as the bar before"] = float((bars[1:] == bars[:-1]).all(1).mean()) if hit.any() else 1.0
        told[f"{name}: spread over bars"] = float(bars.sum(1).std())
        told[f"{name}: like the last"] = _correlation(loud)
        if timing:
            told[f"{name}: late"], told[f"{name}: spread of that"] = _moments(lag[hit, piece])
            told[f"{name}: late like the last"] = _correlation(lag[hit, piece])
    masks = take.masks[a:b].reshape(size, -1)
    told["bars that are others"] = len({tuple(row) for row in masks.tolist()}) / size
    told["strokes at once"] = float(struck.sum(1)[struck.any(1)].mean()) if struck.any() else 0.0
    return told


def _correlation(xs: np.ndarray) -> float:
    if len(xs) < 4 or xs[1:].std() < 1e-9 or xs[:-1].std() < 1e-9:
        return 0.0
    return float(np.corrcoef(xs[1:], xs[:-1])[0, 1])


def measured(takes: dict[str, list[DrumTake]], member: Member, nets: DrumNets, rules: Member) -> str:
    """Markdown: loudness and lateness by place of drummers on the ride, of it and of the rules; and what judges say of takes that it did
    not learn from."""
    every = [t for some in takes.values() for t in some if t.kind == "beat"]
    ride = [t for t in every if FAMILIES[t.family] == "swing" and t.grid == 1 and t.beats == 4 and len(t.bars) >= 8 and _rides(t)]
    tables = {"drummers": by_place(ride)}
    for name, who in (("learned", member), ("rules", rules)):
        tables[name] = by_place([played_like(take, who, seed) for seed, take in enumerate(ride)])
    lines = ["| | " + " | ".join(tables) + " |", "| --- " * (len(tables) + 1) + "|"]
    for where, *_ in PLACES:
        cells = []
        for t in tables.values():
            struck, loud, spread, late, wide = (t[f"{where}: {what}"] for what in FIGURES)
            cells.append(f"{struck:.0f}; {loud:.0f} ± {spread:.0f}; {late:.1f} ± {wide:.1f}")
        lines.append(f"| {where} | " + " | ".join(cells) + " |")
    held = [t for split in ("validation", "test") for t in takes[split] if t.kind == "beat" and FAMILIES[t.family] in STYLE_OF]
    ours = {"networks alone": [drawn_like(take, nets, seed) for seed, take in enumerate(held)]}
    ours |= {
        name: [played_like(take, who, seed) for seed, take in enumerate(held)] for name, who in (("in the band", member), ("rules", rules))
    }
    lines += ["", "| AUC, windows of | " + " | ".join(ours) + " | windows |", "| --- " * (len(ours) + 2) + "|"]
    for size in (2, 4, 8, 16):
        found = [[judged([*held, *some], size, timing) for timing in (False, True)] for some in ours.values()]
        lines.append(f"| {size} bars | " + " | ".join(f"{a[0]:.2f}; {b[0]:.2f}" for a, b in found) + f" | {found[0][0][1]} |")
    return "\n".join(lines)


def _rides(take: DrumTake) -> bool:
    return sum(bar.time == RIDES for bar in take.bars) > 0.7 * len(take.bars)
