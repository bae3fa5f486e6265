"""What may tell a real solo from ours, in a window of bars: some hundred numbers, by area. A judge learns from them.

Each area is one function: a window in, numbers by name out. Names of the area `microtiming` begin with it, so that a judge can
do without. A window has six notes or more.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from improv.core.harmony import Chord
from improv.core.vocabulary import GRID
from improv.train.evaluation.figures import ANTICIPATION
from improv.train.evaluation.takes import Take, TakeNote

REST = 9  # 1/12 beat of silence that part two phrases
FEWEST = 1.5  # notes a bar in a window that is judged
TIMES = (1, 2, 3, 4, 5, 6, 8, 9, 12, 18, 24)  # 1/12 beat between onsets, those that are told apart
MICROTIMING = "microtiming"
Numbers = dict[str, Any]  # of NumPy's kinds or plain ones


@dataclass(frozen=True)
class Window:
    """Some bars of a take. onsets, pitches, lengths, lags (notes,); chords: what sounds under each; bars: which has each, from 0."""

    onsets: np.ndarray
    pitches: np.ndarray
    lengths: np.ndarray
    lags: np.ndarray
    chords: Sequence[Chord]
    bars: np.ndarray
    size: int
    bar: int  # 1/12 beat

    @property
    def steps(self) -> np.ndarray:
        """Semitones from each note to the next, (notes - 1,)."""
        return np.diff(self.pitches)

    @property
    def times(self) -> np.ndarray:
        """1/12 beat from each onset to the next, (notes - 1,)."""
        return np.diff(self.onsets)


def windows(take: Take, size: int) -> Iterator[Window]:
    """A take cut into windows of so many bars; what is left at its end is left out, and so are windows of few notes."""
    bar = GRID * take.bar
    for first in range(0, take.bars - size + 1, size):
        inside = [n for n in take.notes if first * bar <= n.position < (first + size) * bar]
        if len(inside) >= max(6, FEWEST * size):
            yield _window(take, inside, first * bar, size)


def _window(take: Take, inside: Sequence[TakeNote], begins: int, size: int) -> Window:
    onsets, pitches, lengths, lags = np.array(inside, int).T
    onsets = onsets - begins
    chords = [take.changes.harmony(n.position / GRID + ANTICIPATION).chord for n in inside]
    bar = GRID * take.bar
    return Window(onsets, pitches, lengths, lags, chords, onsets // bar, size, bar)


def tells(window: Window, microtiming: bool = True) -> dict[str, float]:
    """All numbers of a window, by name."""
    told = {f"{area}: {name}": float(x) for area, of in AREAS.items() for name, x in of(window).items()}
    return told if microtiming else {name: x for name, x in told.items() if not name.startswith(MICROTIMING)}


# The areas


def _rhythm(w: Window) -> Numbers:
    place, times = w.onsets % GRID, w.times
    told: Numbers = {f"{k}/12 into the beat": np.mean(place == k) for k in range(GRID)}
    told |= {f"{k}/12 beat to the next": np.mean(times == k) for k in TIMES}
    told |= {"over two beats to the next": np.mean(times > 2 * GRID)}
    told |= {"variety of places": _bits(place), "variety of places in the bar": _bits(w.onsets % w.bar // 3)}
    told |= {"variety of times": _bits(times), "bar's first beat": np.mean(w.onsets % w.bar == 0)}
    runs = _runs(times)
    told |= {"same time again": np.mean(times[1:] == times[:-1]), "longest run of one time": max(runs), "run of one time": np.mean(runs)}
    count = np.bincount(w.bars, minlength=w.size)
    told |= {"notes a bar": np.mean(count), "spread of notes a bar": np.std(count), "empty bars": np.mean(count == 0)}
    told |= {"fullest bar": np.max(count), "busy bar after busy": _correlation(count)}
    return told


def _line(w: Window) -> Numbers:
    steps, size = w.steps, np.abs(w.steps)
    bounds = {"repeated": (0, 0), "semitones": (1, 1), "whole tones": (2, 2), "thirds": (3, 4), "to an octave": (5, 12), "wider": (13, 127)}
    told: Numbers = {name: np.mean((size >= low) & (size <= high)) for name, (low, high) in bounds.items()}
    signs = np.sign(steps)
    runs = _runs(signs)
    told |= {"interval": np.mean(size), "spread of intervals": np.std(steps), "upwards": np.mean(steps > 0)}
    told |= {"turns": np.mean(signs[1:] * signs[:-1] < 0), "run in one direction": np.mean(runs), "longest run": max(runs)}
    same = signs[1:] * signs[:-1] > 0
    told |= {"chromatic run": np.mean((size[1:] == 1) & (size[:-1] == 1) & same)}
    told |= {"scale run": np.mean((size[1:] <= 2) & (size[:-1] <= 2) & same)}
    told |= {"arpeggio": np.mean((np.abs(size[1:] - 3.5) < 1) & (np.abs(size[:-1] - 3.5) < 1) & same)}
    told |= {
        "leap and back": np.mean((size[:-1] > 4) & (signs[1:] * signs[:-1] < 0)),
        "two leaps": np.mean((size[:-1] > 4) & (size[1:] > 4)),
    }
    told |= {"enclosure": np.mean((size[:-1] <= 4) & (size[1:] <= 2) & (signs[1:] * signs[:-1] < 0))}
    pitches = w.pitches
    told |= {"range": np.ptp(pitches), "mean pitch": np.mean(pitches), "spread of pitches": np.std(pitches)}
    told |= {"variety of pitches": _bits(pitches), "variety of pitch classes": _bits(pitches % 12)}
    told |= {"place of the highest": np.argmax(pitches) / len(pitches), "place of the lowest": np.argmin(pitches) / len(pitches)}
    means = [float(pitches[w.bars == b].mean()) for b in range(w.size) if (w.bars == b).any()]
    return told | {"bar to bar": np.mean(np.abs(np.diff(means))) if len(means) > 1 else 0.0}


def _harmony(w: Window) -> Numbers:
    known = np.array([c.root is not None for c in w.chords])
    tone = np.array([p % 12 in c.tones for p, c in zip(w.pitches.tolist(), w.chords, strict=True)])
    scale = np.array([p % 12 in c.scale for p, c in zip(w.pitches.tolist(), w.chords, strict=True)])
    degree = np.array([(p - (c.root or 0)) % 12 for p, c in zip(w.pitches.tolist(), w.chords, strict=True)])
    on = w.onsets % GRID == 0
    new = np.array([True, *(a is not b for a, b in itertools.pairwise(w.chords))])
    told: Numbers = {"chord tones": _share(tone, known), "scale tones": _share(scale, known), "on the beat": _share(tone, known & on)}
    told |= {"off the beat": _share(tone, known & ~on), "at a change": _share(tone, known & new), "root": _share(degree == 0, known)}
    told |= {"third": _share((degree == 3) | (degree == 4), known), "seventh": _share((degree == 10) | (degree == 11), known)}
    near = np.append(np.abs(w.steps) <= 2, True)
    told |= {"outside, then a step": _share(near, known & ~tone & on), "semitone into a tone": np.mean((np.abs(w.steps) == 1) & tone[1:])}
    return told


def _phrases(w: Window) -> Numbers:
    ends = np.append(w.onsets[1:], w.size * w.bar) - w.onsets - w.lengths
    cuts = (np.flatnonzero(ends[:-1] >= REST) + 1).tolist()
    spans = list(itertools.pairwise([0, *cuts, len(w.onsets)]))
    notes = np.array([b - a for a, b in spans])
    firsts, lasts = np.array([a for a, _ in spans]), np.array([b - 1 for _, b in spans])
    told: Numbers = {"a bar": len(spans) / w.size, "notes": np.mean(notes), "spread of notes": np.std(notes), "longest": np.max(notes)}
    told |= {"rest": np.mean(ends[lasts]), "spread of rests": np.std(ends[lasts]), "last note": np.mean(w.lengths[lasts])}
    told |= {"spread of last notes": np.std(w.lengths[lasts]), "begin on the beat": np.mean(w.onsets[firsts] % GRID == 0)}
    told |= {"end on the beat": np.mean(w.onsets[lasts] % GRID == 0), "rise": np.mean(w.pitches[lasts] - w.pitches[firsts])}
    joins = np.abs(w.pitches[firsts[1:]] - w.pitches[lasts[:-1]])
    told |= {"join": np.mean(joins) if len(joins) else 4.0}
    told |= {"last interval": np.mean([abs(int(w.steps[b - 2])) if b - a > 1 else 3 for a, b in spans])}
    tone = [w.pitches[k] % 12 in w.chords[k].tones for k in lasts]
    told |= {"end on a chord tone": np.mean(tone), "height": np.mean([np.ptp(w.pitches[a:b]) for a, b in spans])}
    return told


def _repetition(w: Window) -> Numbers:
    steps, times, pitches = w.steps.tolist(), w.times.tolist(), w.pitches.tolist()
    both = list(zip(steps, times, strict=True))
    told: Numbers = {f"{n} intervals": _again(steps, n) for n in (3, 4, 5, 6, 8)}
    told |= {f"{n} pitches": _again(pitches, n) for n in (3, 4, 6)} | {f"{n} times": _again(times, n) for n in (4, 6, 8)}
    told |= {f"{n} intervals and times": _again(both, n) for n in (2, 3, 4, 6)}
    rhythms = [tuple((w.onsets[w.bars == b] % w.bar).tolist()) for b in range(w.size)]
    played = [r for r in rhythms if r]
    told |= {"bars of a rhythm heard": 1 - len(set(played)) / len(played)}
    alike = [len(set(a) & set(b)) / len(set(a) | set(b)) for a, b in itertools.pairwise(rhythms) if a or b]
    return told | {"bar like the one before": float(np.mean(alike)) if alike else 0.0}


def _articulation(w: Window) -> Numbers:
    times = np.append(w.times, max(int(w.lengths[-1]), 1))
    held = np.minimum(w.lengths, times) / times
    on = w.onsets % GRID == 0
    told: Numbers = {"share that sounds": np.mean(held), "its spread": np.std(held), "sounds to the next": np.mean(held >= 1)}
    told |= {"on the beat": np.mean(held[on]) if on.any() else 0.8, "off the beat": np.mean(held[~on]) if (~on).any() else 0.8}
    told |= {"length": np.mean(w.lengths), "spread of lengths": np.std(w.lengths), "variety of lengths": _bits(w.lengths)}
    return told | {"over two beats": np.mean(w.lengths > 2 * GRID), "short": np.mean(w.lengths <= 2), "same again": _correlation(held)}


def _microtiming(w: Window) -> Numbers:
    lags, place = w.lags.astype(float), w.onsets % GRID
    on, off = place == 0, (place >= 6) & (place <= 8)
    told: Numbers = {"mean": np.mean(lags), "spread": np.std(lags), "like the last": _correlation(lags)}
    told |= {"step": np.mean(np.abs(np.diff(lags)))}
    told |= {"on the beat": np.mean(lags[on]) if on.any() else 6.5, "on the off-beat": np.mean(lags[off]) if off.any() else 6.5}
    return told | {
        "variety": _bits(w.lags),
        "furthest": np.max(np.abs(lags - 6)),
        "spread on the beat": np.std(lags[on]) if on.any() else 1.0,
    }


AREAS: dict[str, Callable[[Window], Numbers]] = {
    "rhythm": _rhythm, "line": _line, "harmony": _harmony, "phrases": _phrases, "again": _repetition, "length": _articulation,
    MICROTIMING: _microtiming,
}  # fmt: skip


# Small sums


def _bits(xs: np.ndarray) -> float:
    """Entropy of a histogram."""
    _, counts = np.unique(xs, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum())


def _runs(xs: np.ndarray) -> list[int]:
    """Lengths of runs of equal numbers."""
    edges = np.flatnonzero(np.diff(xs)) + 1
    return [b - a for a, b in itertools.pairwise([0, *edges.tolist(), len(xs)])]


def _share(hits: np.ndarray, among: np.ndarray) -> float:
    return float(hits[among].mean()) if among.any() else -1.0


def _correlation(xs: np.ndarray) -> float:
    """Of each with the next; 0 where nothing varies."""
    if len(xs) < 4 or np.std(xs[1:]) * np.std(xs[:-1]) < 1e-9:
        return 0.0
    return float(np.corrcoef(xs[1:], xs[:-1])[0, 1])


def _again(xs: Sequence[Hashable], n: int) -> float:
    """Share of the n-grams that were heard before in the window."""
    grams: Iterable[tuple[Hashable, ...]] = zip(*(xs[i:] for i in range(n)), strict=False)
    counts = Counter(grams)
    total = sum(counts.values())
    return 1 - len(counts) / total if total else 0.0
