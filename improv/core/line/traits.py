"""What a phrase is like beside what was played before it: numbers from which a critic tells real phrases from ours.

A phrase goes on until nothing sounds for REST, or is cut where it is long. Of what was before it, the latest SPAN notes are heard,
whosever they are: so the first phrase of an answer is beside the call. No number depends on the key.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from improv.core.vocabulary import GRID, Context, Value, Vocabulary

REST = 9  # 1/12 beat of silence that part two phrases
SPAN = 128  # notes before a phrase
LENGTHS = Vocabulary().durations


class Noted(NamedTuple):
    """A note of a line. position: in 1/12 beat; pitch: MIDI's; length: in 1/12 beat; place: in its bar, in 1/12 beat.

    tone, scale: whether it is in the chord's tones, in its scale; None where no chord is known.
    """

    position: int
    pitch: int
    length: int
    place: int
    tone: bool | None
    scale: bool | None

    @classmethod
    def of(cls, position: int, value: Value, at: Context) -> Noted:
        chord, pitch = at.harmony.chord, value.pitch
        known = chord.root is not None
        tone, scale = (pitch % 12 in chord.tones, pitch % 12 in chord.scale) if known else (None, None)
        return cls(position, pitch, LENGTHS[value.duration], at.place, tone, scale)


def traits(before: Sequence[Noted], phrase: Sequence[Noted], then: int | None) -> list[float]:
    """The numbers of NAMES. before: what was played before the phrase, the latest last. phrase: one note or more. then: where the
    next note comes; None where none does."""
    before = before[-SPAN:]
    told = [*_rhythm(phrase, then), *_line(phrase), *_harmony(phrase), *_held(phrase, then)]
    return told + _beside(before, phrase) + _again(before, phrase)


def _share(hits: float, of: int) -> float:
    return hits / of if of else 0.0


def _runs(xs: Sequence[int]) -> tuple[float, int]:
    """Mean and longest run of equal numbers."""
    longest = run = runs = 0
    before: int | None = None
    for x in xs:
        run = run + 1 if x == before else 1
        runs += run == 1
        longest = max(longest, run)
        before = x
    return _share(len(xs), runs), longest


def _rhythm(phrase: Sequence[Noted], then: int | None) -> list[float]:
    times = [b.position - a.position for a, b in itertools.pairwise(phrase)]
    n, m = len(phrase), len(times)
    places = [note.place % GRID for note in phrase]
    beats = (phrase[-1].position - phrase[0].position) / GRID
    counts = Counter(times)
    mean, longest = _runs(times)
    rest = 48 if then is None else min(then - phrase[-1].position - phrase[-1].length, 96)
    same = sum(a == b for a, b in itertools.pairwise(times))
    told = [n, beats, n / (beats + 1), rest, phrase[0].place % GRID, phrase[0].place // GRID, phrase[-1].place % GRID]
    told += [_share(places.count(k), n) for k in (0, 3, 4, 6, 8, 9)]
    told += [_share(counts[k], m) for k in (2, 3, 4, 5, 6, 7, 8, 12)]
    told += [len(counts), _bits(counts, m), mean, longest, _share(same, m - 1)]
    return [*told, _share(sum(p not in (0, 3, 4, 6, 8, 9) for p in places), n)]


def _line(phrase: Sequence[Noted]) -> list[float]:
    steps = [b.pitch - a.pitch for a, b in itertools.pairwise(phrase)]
    m = len(steps)
    sizes = [abs(s) for s in steps]
    pairs = list(itertools.pairwise(steps))
    signs = [(s > 0) - (s < 0) for s in steps]
    mean, longest = _runs(signs)
    told = [_share(sum(low <= s <= high for s in sizes), m) for low, high in ((0, 0), (1, 1), (2, 2), (3, 4), (5, 12), (13, 127))]
    told += [_share(sum(sizes), m), _share(sum(s > 0 for s in steps), m), mean, longest]
    told += [_share(sum(a * b < 0 for a, b in pairs), len(pairs))]
    along = [(abs(a), abs(b)) for a, b in pairs if a * b > 0]
    told += [_share(sum(a == b == 1 for a, b in along), len(pairs)), _share(sum(a <= 2 and b <= 2 for a, b in along), len(pairs))]
    told += [_share(sum(a in (3, 4) and b in (3, 4) for a, b in along), len(pairs))]
    told += [_share(sum(abs(a) > 4 and a * b < 0 for a, b in pairs), len(pairs))]
    told += [_share(sum(abs(a) <= 4 and abs(b) <= 2 and a * b < 0 for a, b in pairs), len(pairs))]
    told += [_share(sum(a == -b for a, b in pairs), len(pairs))]
    pitches = [note.pitch for note in phrase]
    high, low = max(pitches), min(pitches)
    told += [high - low, pitches[-1] - pitches[0], pitches.index(high) / len(phrase), pitches.index(low) / len(phrase)]
    told += [_bits(Counter(p % 12 for p in pitches), len(pitches)), len(set(pitches)) / len(pitches)]
    return [*told, sizes[-1] if sizes else -1, sizes[0] if sizes else -1]


def _harmony(phrase: Sequence[Noted]) -> list[float]:
    known = [note for note in phrase if note.tone is not None]
    on = [note for note in known if note.place % GRID == 0]
    off = [note for note in known if note.place % GRID]
    first = [note for note in known if note.place == 0]
    told = [_share(sum(bool(n.tone) for n in among), len(among)) if among else -1.0 for among in (known, on, off, first)]
    told += [_share(sum(bool(n.scale) for n in known), len(known)) if known else -1.0]
    told += [-1.0 if note.tone is None else float(note.tone) for note in (phrase[0], phrase[-1])]
    pairs = list(itertools.pairwise(phrase))
    told += [_share(sum(abs(b.pitch - a.pitch) == 1 and bool(b.tone) for a, b in pairs), len(pairs))]
    outside = [(a, b) for a, b in pairs if a.tone is False and a.place % GRID == 0]
    return [*told, _share(sum(abs(b.pitch - a.pitch) <= 2 for a, b in outside), len(outside)) if outside else -1.0]


def _held(phrase: Sequence[Noted], then: int | None) -> list[float]:
    held = [min(a.length / (b.position - a.position), 1.0) for a, b in itertools.pairwise(phrase)]
    n = len(held)
    mean = _share(math.fsum(held), n)
    spread = math.sqrt(_share(math.fsum((h - mean) ** 2 for h in held), n))
    told = [mean, spread, _share(sum(h >= 1 for h in held), n), _share(sum(note.length <= 2 for note in phrase), len(phrase))]
    return [*told, float(phrase[-1].length), _share(sum(note.length for note in phrase), len(phrase))]


def _beside(before: Sequence[Noted], phrase: Sequence[Noted]) -> list[float]:
    """Beside the phrase before it, and beside all that is remembered."""
    if not before:
        return [-1.0] * len(BESIDE)
    cut = len(before) - 1
    while cut > 0 and before[cut].position - before[cut - 1].position - before[cut - 1].length < REST:
        cut -= 1
    last = before[cut:]
    pitches = [note.pitch for note in before]
    mean = sum(pitches) / len(pitches)
    mine = sum(note.pitch for note in phrase) / len(phrase)
    theirs = sum(note.pitch for note in last) / len(last)
    join = phrase[0].pitch - before[-1].pitch
    beats = (before[-1].position - before[0].position) / GRID + 1
    own = (phrase[-1].position - phrase[0].position) / GRID + 1
    told = [abs(join), join, phrase[0].position - before[-1].position, mine - mean, mine - theirs, len(phrase) - len(last), len(last)]
    told += [len(phrase) / own - len(before) / beats, max(0, max(n.pitch for n in phrase) - max(pitches))]
    told += [max(0, min(pitches) - min(n.pitch for n in phrase)), float(phrase[0].pitch == before[-1].pitch)]
    told += [phrase[0].pitch - last[0].pitch, float(phrase[0].place == last[0].place)]
    return told + likeness(last, phrase)


def likeness(one: Sequence[Noted], other: Sequence[Noted]) -> list[float]:
    """How alike two phrases are: cosines of their pitch classes, of pairs of intervals, of times from note to note."""
    return [_cosine(a, b) for a, b in zip(_histograms(one), _histograms(other), strict=True)]


def _histograms(phrase: Sequence[Noted]) -> tuple[Counter[Hashable], Counter[Hashable], Counter[Hashable]]:
    steps = [b.pitch - a.pitch for a, b in itertools.pairwise(phrase)]
    times = [b.position - a.position for a, b in itertools.pairwise(phrase)]
    return Counter(n.pitch % 12 for n in phrase), Counter(itertools.pairwise(steps)), Counter(times)


def _cosine(a: Counter[Hashable], b: Counter[Hashable]) -> float:
    product = sum(count * b[key] for key, count in a.items() if key in b)
    return product / math.sqrt(sum(x * x for x in a.values()) * sum(x * x for x in b.values())) if product else 0.0


def _again(before: Sequence[Noted], phrase: Sequence[Noted]) -> list[float]:
    """Shares of the phrase's figures that were played before, in it or before it; and of its bars whose rhythm was."""
    line = [*before, *phrase]
    steps = [b.pitch - a.pitch for a, b in itertools.pairwise(line)]
    times = [b.position - a.position for a, b in itertools.pairwise(line)]
    first = max(len(before) - 1, 0)  # of the steps, that leads into the phrase
    both = list(zip(steps, times, strict=True))
    pitches = [note.pitch for note in line]
    told = [_heard(steps, n, first) for n in (2, 3, 4, 5, 6, 8)] + [_heard(pitches, n, len(before)) for n in (3, 4, 6)]
    told += [_heard(times, n, first) for n in (3, 4, 6, 8)] + [_heard(both, n, first) for n in (2, 3, 4, 6)]
    bars: dict[int, list[int]] = {}
    for note in line:
        bars.setdefault(note.position - note.place, []).append(note.place)
    own = [at for at in bars if at >= phrase[0].position - phrase[0].place]
    rhythms = [tuple(bars[at]) for at in bars if at not in own]
    again = 0
    for at in own:
        again += tuple(bars[at]) in rhythms
        rhythms.append(tuple(bars[at]))
    ordered = sorted(bars)
    alike = []
    for a, b in itertools.pairwise(ordered):
        if b in own:
            one, other = set(bars[a]), set(bars[b])
            alike.append(len(one & other) / len(one | other))
    return [*told, _share(again, len(own)), max(alike, default=0.0), _share(math.fsum(alike), len(alike))]


def _heard(xs: Sequence[Hashable], n: int, first: int) -> float:
    """Of the n-grams that end in the phrase, whose own begin at `first`: the share that was there before."""
    seen: set[Hashable] = set()
    hits = count = 0
    for k in range(len(xs) - n + 1):
        gram = tuple(xs[k : k + n])
        if k + n > first:
            count += 1
            hits += gram in seen
        seen.add(gram)
    return hits / count if count else -1.0


def _bits(counts: Counter[int], total: int) -> float:
    return -math.fsum(c / total * math.log2(c / total) for c in counts.values()) if total else 0.0


BESIDE = (
    "join", "join up", "time since", "higher than before", "higher than the last", "notes more than the last", "notes of the last",
    "denser", "above all", "below all", "same pitch", "from the last's first", "same place",
    "alike: pitch classes", "alike: intervals", "alike: times",
)  # fmt: skip
NAMES = (
    "notes", "beats", "notes a beat", "rest", "begins in the beat", "begins on beat", "ends in the beat",
    *(f"{k}/12 into the beat" for k in (0, 3, 4, 6, 8, 9)), *(f"{k}/12 beat to the next" for k in (2, 3, 4, 5, 6, 7, 8, 12)),
    "times", "variety of times", "run of one time", "longest run of one time", "same time again", "odd places",
    "repeated", "semitones", "whole tones", "thirds", "to an octave", "wider", "interval", "upwards", "run in one direction",
    "longest run in one direction", "turns", "chromatic run", "scale run", "arpeggio", "leap and back", "enclosure", "there and back",
    "range", "rise", "place of the highest", "place of the lowest", "variety of pitch classes", "variety of pitches",
    "last interval", "first interval",
    "chord tones", "on the beat", "off the beat", "on one", "scale tones", "begins on a tone", "ends on a tone",
    "semitone into a tone", "outside, then a step",
    "sounds", "its spread", "sounds to the next", "short", "last note", "length",
    *BESIDE,
    *(f"{n} intervals heard" for n in (2, 3, 4, 5, 6, 8)), *(f"{n} pitches heard" for n in (3, 4, 6)),
    *(f"{n} times heard" for n in (3, 4, 6, 8)), *(f"{n} intervals and times heard" for n in (2, 3, 4, 6)),
    "bars of a rhythm heard", "most like the bar before", "like the bar before",
)  # fmt: skip
