"""What a phrase is like beside what was played before it: numbers from which a critic tells real phrases from ours.

A phrase goes on until nothing sounds for REST, or is cut where it is long. Of what was before it, the latest SPAN notes are heard,
whosever they are: so the first phrase of an answer is beside the call. On the key no number depends, on the register those of HEIGHT do.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from improv.core.vocabulary import GRID, Context, Value, Vocabulary

VERSION = 2  # of the numbers of NAMES
REST = 9  # 1/12 beat of silence that part two phrases
SPAN = 128  # notes before a phrase
RETURNS = (("pitches", 3), ("intervals", 4), ("times", 4))  # figures whose return before the phrase is told, by size
FIGURES = {"intervals": (2, 3, 4, 5, 6, 8), "pitches": (3, 4, 6), "times": (3, 4, 6, 8), "both": (2, 3, 4, 6)}  # notes' rows, by size
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

    def rests_until(self, position: int) -> bool:
        """Whether nothing sounds for long between it and a note at a position, so that this begins a phrase."""
        return position - self.position - self.length >= REST

    @classmethod
    def of(cls, position: int, value: Value, at: Context) -> Noted:
        chord, pitch = at.harmony.chord, value.pitch
        known = chord.root is not None
        tone, scale = (pitch % 12 in chord.tones, pitch % 12 in chord.scale) if known else (None, None)
        return cls(position, pitch, LENGTHS[value.duration], at.place, tone, scale)


class Before:
    """What was played before a phrase, the latest SPAN notes, worked out once for all ways in which it may go on."""

    def __init__(self, before: Sequence[Noted]):
        self.notes = notes = list(before[-SPAN:])
        steps = [b.pitch - a.pitch for a, b in itertools.pairwise(notes)]
        times = [b.position - a.position for a, b in itertools.pairwise(notes)]
        rows: dict[str, Sequence[Hashable]] = {"intervals": steps, "times": times, "pitches": [note.pitch for note in notes]}
        rows["both"] = list(zip(steps, times, strict=True))
        self.rows = rows
        self.heard = {(what, n): _grams(rows[what], n) for what, sizes in FIGURES.items() for n in sizes}
        self.bars = _bars(notes)
        self.rhythms = Counter(map(tuple, self.bars.values()))
        cut = len(notes) - 1
        while cut > 0 and not notes[cut - 1].rests_until(notes[cut].position):
            cut -= 1
        self.last = notes[max(cut, 0) :]  # phrase
        self.likenesses = _histograms(self.last)
        pitches = [note.pitch for note in notes]
        self.mean, self.high, self.low = (sum(pitches) / len(pitches), max(pitches), min(pitches)) if pitches else (0.0, 0, 0)
        self.manner = _manner(notes)
        self.returns = [_returns(rows[what], n) for what, n in RETURNS]
        self.lasts = _lasts(notes)
        self.density = len(notes) / ((notes[-1].position - notes[0].position) / GRID + 1) if notes else 0.0


def traits(before: Before, phrase: Sequence[Noted], then: int | None) -> list[float]:
    """The numbers of NAMES. phrase: one note or more. then: where the next note comes; None where none does."""
    told = [*_rhythm(phrase, then), *_line(phrase), *_harmony(phrase), *_held(phrase, then), *_slips(phrase)]
    return told + _height(before, phrase) + _like_before(before, phrase) + _beside(before, phrase) + _again(before, phrase)


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
    held = [min(a.length / max(b.position - a.position, 1), 1.0) for a, b in itertools.pairwise(phrase)]
    n = len(held)
    mean = _share(math.fsum(held), n)
    spread = math.sqrt(_share(math.fsum((h - mean) ** 2 for h in held), n))
    told = [mean, spread, _share(sum(h >= 1 for h in held), n), _share(sum(note.length <= 2 for note in phrase), len(phrase))]
    return [*told, float(phrase[-1].length), _share(sum(note.length for note in phrase), len(phrase))]


def _slips(phrase: Sequence[Noted]) -> list[float]:
    """Places and times that are rare, and how even the lengths are."""
    times = [b.position - a.position for a, b in itertools.pairwise(phrase)]
    places = [note.place % GRID for note in phrase]
    held = [min(a.length / max(b.position - a.position, 1), 1.0) for a, b in itertools.pairwise(phrase)]
    told = [_share(places.count(k), len(places)) for k in RARE_PLACES] + [_share(times.count(k), len(times)) for k in RARE_TIMES]
    even = sum(abs(a - b) < 0.15 for a, b in itertools.pairwise(held))
    on = [h for h, place in zip(held, places, strict=False) if place == 0]
    off = [h for h, place in zip(held, places, strict=False) if place]
    return [*told, _share(even, len(held) - 1), *(math.fsum(among) / len(among) if among else -1.0 for among in (on, off))]


def _height(before: Before, phrase: Sequence[Noted]) -> list[float]:
    """Where it lies, as MIDI pitches."""
    pitches = [note.pitch for note in phrase]
    return [sum(pitches) / len(pitches), max(pitches), min(pitches), before.mean]


def _manner(notes: Sequence[Noted]) -> list[float]:
    """How notes follow one another: what they sound of the time to the next, how often all of it, intervals, repeats, thirds, times."""
    pairs = list(itertools.pairwise(notes))
    held = [min(a.length / max(b.position - a.position, 1), 1.0) for a, b in pairs]
    sizes = [abs(b.pitch - a.pitch) for a, b in pairs]
    times = [b.position - a.position for a, b in pairs]
    told = [_share(math.fsum(held), len(held)), _share(sum(h >= 1 for h in held), len(held)), _share(sum(sizes), len(sizes))]
    told += [_share(sizes.count(0), len(sizes)), _share(sum(s in (3, 4) for s in sizes), len(sizes)), _share(sizes.count(1), len(sizes))]
    told += [_share(sum(a == b for a, b in itertools.pairwise(times)), len(times) - 1)]
    return [*told, _share(sum(note.place % GRID in (3, 9) for note in notes), len(notes))]


def _returns(row: Sequence[Hashable], n: int) -> float:
    """The share of figures of n that had been there."""
    count = len(row) - n + 1
    return 1 - len(_grams(row, n)) / count if count > 0 else -1.0


def _lasts(notes: Sequence[Noted]) -> tuple[float, float, float]:
    """Of the phrases of some notes: notes on average, the spread of that, and how long their last notes are, in 1/12 beat."""
    cuts = [k for k in range(1, len(notes)) if notes[k - 1].rests_until(notes[k].position)]
    counts = [b - a for a, b in itertools.pairwise([0, *cuts])]
    if not counts:
        return float(len(notes)), -1.0, -1.0
    mean = sum(counts) / len(counts)
    spread = math.sqrt(sum((n - mean) ** 2 for n in counts) / len(counts))
    return mean, spread, sum(notes[k - 1].length for k in cuts) / len(cuts)


def _like_before(before: Before, phrase: Sequence[Noted]) -> list[float]:
    """How it differs from the manner of all that is remembered, and how that went."""
    mean, spread, last = before.lasts
    told = [float(len(before.notes)), *before.returns, mean, spread, phrase[-1].length - last, len(phrase) - mean]
    return told + [mine - theirs if before.notes else 0.0 for mine, theirs in zip(_manner(phrase), before.manner, strict=True)]


def _beside(before: Before, phrase: Sequence[Noted]) -> list[float]:
    """Beside the phrase before it, and beside all that is remembered."""
    if not before.notes:
        return [-1.0] * len(BESIDE)
    last, latest = before.last, before.notes[-1]
    pitches = [note.pitch for note in phrase]
    mine = sum(pitches) / len(phrase)
    theirs = sum(note.pitch for note in last) / len(last)
    join = phrase[0].pitch - latest.pitch
    own = (phrase[-1].position - phrase[0].position) / GRID + 1
    told = [abs(join), join, phrase[0].position - latest.position, mine - before.mean, mine - theirs, len(phrase) - len(last), len(last)]
    told += [len(phrase) / own - before.density, max(0, max(pitches) - before.high), max(0, before.low - min(pitches))]
    told += [float(join == 0), phrase[0].pitch - last[0].pitch, float(phrase[0].place == last[0].place)]
    return told + [_cosine(a, b) for a, b in zip(before.likenesses, _histograms(phrase), strict=True)]


def likeness(before: Before, phrase: Sequence[Noted]) -> float:
    """How alike a phrase and the one before it are, 0 to 3: cosines of their pitch classes, of pairs of intervals, of times."""
    return sum(_cosine(a, b) for a, b in zip(before.likenesses, _histograms(phrase), strict=True))


def _histograms(phrase: Sequence[Noted]) -> tuple[Counter[Hashable], Counter[Hashable], Counter[Hashable]]:
    steps = [b.pitch - a.pitch for a, b in itertools.pairwise(phrase)]
    times = [b.position - a.position for a, b in itertools.pairwise(phrase)]
    return Counter(n.pitch % 12 for n in phrase), Counter(itertools.pairwise(steps)), Counter(times)


def _cosine(a: Counter[Hashable], b: Counter[Hashable]) -> float:
    product = sum(count * b[key] for key, count in a.items() if key in b)
    return product / math.sqrt(sum(x * x for x in a.values()) * sum(x * x for x in b.values())) if product else 0.0


def _again(before: Before, phrase: Sequence[Noted]) -> list[float]:
    """Shares of the phrase's figures that were played before, in it or before it; and of its bars whose rhythm was."""
    line = [*before.notes[-1:], *phrase]
    steps = [b.pitch - a.pitch for a, b in itertools.pairwise(line)]
    times = [b.position - a.position for a, b in itertools.pairwise(line)]
    own: dict[str, Sequence[Hashable]] = {"intervals": steps, "times": times, "pitches": [note.pitch for note in phrase]}
    own["both"] = list(zip(steps, times, strict=True))
    told = [_share_heard(before, what, n, own[what]) for what, sizes in FIGURES.items() for n in sizes]
    bars = _bars(phrase)
    begun = phrase[0].position - phrase[0].place
    if begun in before.bars:
        bars[begun] = [*before.bars[begun], *bars[begun]]
    rhythms = set(before.rhythms)
    if before.rhythms[mine := tuple(before.bars.get(begun, ()))] == 1:  # the bar that goes on is none of those before it
        rhythms.discard(mine)
    again = 0
    earlier = max((at for at in before.bars if at < begun), default=None)
    alike, last = [], set(before.bars[earlier]) if earlier is not None else None
    for bar in bars.values():
        again += tuple(bar) in rhythms
        rhythms.add(tuple(bar))
        now = set(bar)
        if last is not None:
            alike.append(len(now & last) / len(now | last))
        last = now
    return [*told, _share(again, len(bars)), max(alike, default=0.0), _share(math.fsum(alike), len(alike))]


def _bars(notes: Sequence[Noted]) -> dict[int, list[int]]:
    """The places in each bar on which a note begins, by where the bar begins."""
    bars: dict[int, list[int]] = {}
    for note in notes:
        bars.setdefault(note.position - note.place, []).append(note.place)
    return bars


def _grams(xs: Sequence[Hashable], n: int) -> set[tuple[Hashable, ...]]:
    return set(zip(*(xs[k:] for k in range(n)), strict=False))


def _share_heard(before: Before, what: str, n: int, own: Sequence[Hashable]) -> float:
    """Of the figures of n that end in the phrase: the share that was there before. own: what the phrase adds."""
    xs = (*before.rows[what][-(n - 1) :], *own)
    heard, fresh = before.heard[what, n], set()
    hits = count = 0
    for gram in zip(*(xs[k:] for k in range(n)), strict=False):
        hits += gram in heard or gram in fresh
        fresh.add(gram)
        count += 1
    return hits / count if count else -1.0


def _bits(counts: Counter[int], total: int) -> float:
    return -math.fsum(c / total * math.log2(c / total) for c in counts.values()) if total else 0.0


HEIGHT = ("height", "highest", "lowest", "height before")
RARE_PLACES, RARE_TIMES = (1, 2, 5, 7, 10, 11), (1, 9, 18)  # 1/12 beat
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
    *(f"{k}/12 into the beat" for k in RARE_PLACES), *(f"{k}/12 beat to the next" for k in RARE_TIMES),
    "even lengths", "sounds on the beat", "sounds off the beat",
    *HEIGHT,
    "notes before", *(f"{n} {what} again before" for what, n in RETURNS), "notes a phrase before", "their spread",
    "last note beside those before", "notes beside those before",
    *(f"{what} beside before" for what in ("sounds", "sounds to the next", "interval", "repeated", "thirds", "semitones",
        "same time again", "sixteenths")),
    *BESIDE,
    *(f"{n} {what} heard" for what, sizes in FIGURES.items() for n in sizes),
    "bars of a rhythm heard", "most like the bar before", "like the bar before",
)  # fmt: skip
WENT_BEFORE = (
    "height before", "notes before", *(f"{n} {what} again before" for what, n in RETURNS), "notes a phrase before", "their spread",
    "notes of the last",
)  # fmt: skip
