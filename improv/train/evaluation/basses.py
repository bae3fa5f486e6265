"""How well a walking bass is foretold, and what it does: nats a note beside rules and n-grams, and a table beside the real basses."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence

import numpy as np

from improv.core.band.bar import BandBar, Member
from improv.core.band.walking import HIGH, LOW, BassPlace, Foretell
from improv.train.walking import BassTake, places_of

MIXED = 0.02  # of a uniform draw among what rules say, or a note that they rule out would cost infinitely much
INTERVALS = 2 * (HIGH - LOW) + 1
Contexts = tuple[Hashable, ...]


def nats_of(foretell: Foretell, takes: Iterable[BassTake]) -> np.ndarray:
    """What each note costs where somebody foretells the pitches, with a little of everything mixed in."""
    found = []
    for take in takes:
        for place, pitch in places_of(take):
            chance = float(foretell(place)[pitch - LOW])
            found.append(-np.log((1.0 - MIXED) * chance + MIXED / (HIGH - LOW + 1)))
    return np.array(found)


def by_intervals(place: BassPlace) -> Contexts:
    """Contexts of a plain n-gram, each within the one before: the last interval, the last two, the last three."""
    h = place.history
    steps = [h[-k] - h[-k - 1] if h[-k] and h[-k - 1] else None for k in range(1, 4)]
    return (), (steps[0],), (steps[0], steps[1]), tuple(steps)


def by_harmony(place: BassPlace) -> Contexts:
    """Contexts of one that reads the chords: the last note above the root, the beats until the next chord and where that lies, the
    kind, and the last interval."""
    root, (coming, until) = place.chord.root or 0, place.bar.next_change(place.beat)
    last, before = place.history[-1], place.history[-2]
    above = (last - root) % 12 if last else None
    leads = min(round(until), 4), None if coming.root is None else (coming.root - root) % 12
    step = last - before if last and before else None
    return (), (above,), (above, leads[0], place.since < 0.5), (above, *leads), (above, *leads, place.chord.kind), (above, *leads, step)


class Ngram:
    """Intervals, foretold from contexts, each backed by the one before (I. Witten and T. Bell, The zero-frequency problem, 1991)."""

    def __init__(self, contexts: object, takes: Iterable[BassTake]):
        self._contexts = contexts
        self._counts: dict[Hashable, Counter[int]] = defaultdict(Counter)
        for take in takes:
            for place, pitch in places_of(take):
                for context in enumerate(contexts(place)):  # type: ignore[operator]
                    self._counts[context][pitch - _from(place)] += 1

    def __call__(self, place: BassPlace) -> np.ndarray:
        chances = np.full(INTERVALS, 1.0 / INTERVALS)
        for context in enumerate(self._contexts(place)):  # type: ignore[operator]
            counts = self._counts.get(context)
            if counts is None:
                break
            kinds, total = len(counts), sum(counts.values())
            chances *= kinds / (kinds + total)
            for step, count in counts.items():
                chances[step + HIGH - LOW] += count / (kinds + total)
        steps = np.arange(LOW, HIGH + 1) - _from(place) + HIGH - LOW
        found: np.ndarray = chances[steps] / chances[steps].sum()
        return found


def _from(place: BassPlace) -> int:
    return place.history[-1] or (LOW + HIGH) // 2


# What they do


def played_over(take: BassTake, member: Member, seed: int) -> BassTake:
    """The take with the bass played by a member of the band: the pitch that sounds on each beat."""
    state, pitches, last = member.start(), [], 0
    for number, bar in enumerate(take.bars):
        notes, state = member.bar(state, bar, np.random.default_rng((seed, number)))
        row = []
        for beat in range(round(bar.beats)):
            struck = [n.pitch for n in notes if n.tick <= 48 * beat]
            last = struck[-1] if struck else last
            row.append(last)
        pitches.append(row)
    return take._replace(pitches=pitches)


def figures_of(takes: Sequence[BassTake]) -> dict[str, float]:
    """What the basses of some takes do, in percent and semitones."""
    beats = [found for take in takes for found in _beats(take)]
    steps = [(b, p, q) for take in takes for (b, p, _), (_, q, _) in itertools.pairwise(_beats(take)) if p and q]
    size = np.abs([q - p for _, p, q in steps])
    ones = [(bar.chord(0.0).root, p) for bar, p, beat in beats if beat == 0 and p]
    new = [(bar.chord(beat).root, p) for bar, p, beat in beats if p and _changes(bar, beat)]
    tones = [p % 12 in bar.chord(beat).tones for bar, p, beat in beats if p]
    found = {
        "root on one, %": 100 * _share(root == p % 12 for root, p in ones),
        "root where the chord changes, %": 100 * _share(root == p % 12 for root, p in new),
        "chord tones, %": 100 * _share(tones),
        "repeats, %": 100 * float(np.mean(size == 0)),
        "steps, %": 100 * float(np.mean((size >= 1) & (size <= 2))),
        "thirds, %": 100 * float(np.mean((size >= 3) & (size <= 4))),
        "fourths to sixths, %": 100 * float(np.mean((size >= 5) & (size <= 9))),
        "wider, %": 100 * float(np.mean(size >= 10)),
    }
    approach = [(p, q, bar.chord(beat).root) for p, q, bar, beat in _approaches(takes)]
    found |= {
        "into a new root: semitone, %": 100 * _share(abs(q - p) == 1 for p, q, _ in approach),
        "whole tone, %": 100 * _share(abs(q - p) == 2 for p, q, _ in approach),
        "fourth or fifth, %": 100 * _share(abs(q - p) in (5, 7) for p, q, _ in approach),
    }
    turns = [(b - a) * (c - b) for take in takes for (_, a, _), (_, b, _), (_, c, _) in _threes(take) if a and b and c and a != b != c]
    pitches = [[p for _, p, _ in _beats(take) if p] for take in takes]
    found |= {
        "goes on in its direction, %": 100 * _share(t > 0 for t in turns),
        "mean pitch": float(np.mean([np.mean(p) for p in pitches])),
        "spread within a solo": float(np.mean([np.std(p) for p in pitches])),
        "range of a solo (5th to 95th)": float(np.mean([np.percentile(p, 95) - np.percentile(p, 5) for p in pitches])),
        "bars heard before, %": 100 * float(np.mean([_again(take) for take in takes])),
    }
    return found


def _beats(take: BassTake) -> list[tuple[BandBar, int, int]]:
    return [(bar, p, beat) for bar, row in zip(take.bars, take.pitches, strict=True) for beat, p in enumerate(row)]


def _threes(take: BassTake) -> Iterator[tuple[tuple[BandBar, int, int], ...]]:
    beats = _beats(take)
    yield from zip(beats, beats[1:], beats[2:], strict=False)


def _changes(bar: BandBar, beat: int) -> bool:
    return any(at == beat for at, _ in bar.chords) and bar.chord(beat).root is not None


def _approaches(takes: Sequence[BassTake]) -> Iterator[tuple[int, int, BandBar, int]]:
    """Where a chord with another root begins on its root: the note before, that root, and where."""
    for take in takes:
        for (bar, p, beat), (then, q, first) in itertools.pairwise(_beats(take)):
            root = then.chord(first).root
            if p and q and root is not None and root != bar.chord(beat).root and q % 12 == root:
                yield p, q, then, first


def _again(take: BassTake) -> float:
    """Share of the bars whose pitches were heard in the take before."""
    bars = [tuple(row) for row in take.pitches if all(row)]
    return 1.0 - len(set(bars)) / len(bars) if bars else 0.0


def _share(true: Iterable[bool]) -> float:
    found = list(true)
    return sum(found) / len(found) if found else 0.0
