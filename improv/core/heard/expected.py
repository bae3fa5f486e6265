"""Which chord a beat will have that nobody has played yet: from the bars so far, before a progression has come round.

What followed the latest bar, the latest two, and so on wherever they came before is counted; the longer such a stretch, the more it
counts (I. Witten and T. Bell, The zero-frequency problem, 1991). Where nothing came before: how often a bar brought another chord at
all, and what follows the latest chord in many tunes. Within a bar, the chord goes on that it has begun with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from improv.core.harmony import Chord
from improv.core.heard.rounds import ALIKE, FAMILIES, Bar, alike, same_bar

LONGEST = 8  # bars that are looked back at
Chances = tuple[tuple[Chord, float], ...]  # chords and their probabilities, the likeliest first
_Like = tuple[int | None, object]


def _like(chord: Chord) -> _Like:
    """The same for chords that are as good as the same in a chart."""
    family = next((i for i, family in enumerate(FAMILIES) if chord.kind in family), None)
    return chord.root, chord.kind if family is None else family


def expected(bars: Sequence[Bar], known: Bar, beat: int, otherwise: Mapping[Chord, float]) -> Chances:
    """The chords that a beat of the next bar may have, with their probabilities.

    bars: those so far, the oldest first, a chord for each beat; empty: nothing was heard. known: the first beats of the next bar, as
    far as they were heard. beat: of that bar, from 0. otherwise: what may come where no bar before says anything, summing to 1; all
    that they say of it where `known` is empty.
    """
    chances: dict[_Like, float] = {}
    named: dict[_Like, Chord] = {}
    for chord, p in ({known[-1]: 1.0} if known else otherwise).items():
        named.setdefault(_like(chord), chord)
        chances[_like(chord)] = chances.get(_like(chord), 0.0) + p
    for length in range(1, LONGEST + 1):
        counts: dict[_Like, int] = {}
        for i in range(length, len(bars)):
            bar = bars[i]
            if beat < len(bar) and _begins(bar, known) and _same(bars[i - length : i], bars[len(bars) - length :]):
                counts[_like(bar[beat])] = counts.get(_like(bar[beat]), 0) + 1
                named[_like(bar[beat])] = bar[beat]
        if not counts:
            break
        total, kinds = sum(counts.values()), len(counts)
        chances = {
            like: (counts.get(like, 0) + kinds * chances.get(like, 0.0)) / (total + kinds) for like in {**chances, **counts}
        }
    return tuple(sorted(((named[like], p) for like, p in chances.items()), key=lambda row: -row[1]))


def changes_by_the_bar(bars: Sequence[Bar]) -> float:
    """How likely a bar begins with another chord than the bar before ends with, as far as the bars so far say."""
    pairs = [(one[-1], two[0]) for one, two in zip(bars, bars[1:], strict=False) if one and two]
    return (1 + sum(not alike(one, two) for one, two in pairs)) / (2 + len(pairs))


def _begins(bar: Bar, known: Bar) -> bool:
    return all(alike(one, other) for one, other in zip(bar, known, strict=False))


def _same(some: Sequence[Bar], others: Sequence[Bar]) -> bool:
    return all(same_bar(one, other) >= ALIKE for one, other in zip(some, others, strict=True))
