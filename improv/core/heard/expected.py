"""Which chord a beat will have that nobody has played yet: from the bars so far, before a progression has come round.

What followed the latest bar, the latest two, and so on wherever they came before is counted; the longer such a stretch, the more it
counts (I. Witten and T. Bell, The zero-frequency problem, 1991). Where nothing came before: how often a bar brought another chord at
all, and what follows the latest chord in many tunes. Within a bar, the chord goes on that it has begun with.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from improv.core.harmony import KINDS, Chord
from improv.core.heard.rounds import FAMILIES, Bar, alike

LONGEST = 8  # bars that are looked back at
Chances = tuple[tuple[Chord, float], ...]  # chords and their probabilities, the likeliest first
_Like = tuple[int | None, str]
# Of each kind, the first that is as good as the same in a chart.
_OF_KIND = {kind: min(next((f for f in FAMILIES if kind in f), [kind])) for kind in KINDS}


def _like(chord: Chord) -> _Like:
    """The same for chords that are as good as the same in a chart."""
    return chord.root, _OF_KIND[chord.kind]


def expected(bars: Sequence[Bar], known: Bar, beat: int, otherwise: Mapping[Chord, float]) -> Chances:
    """The chords that a beat of the next bar may have, with their probabilities.

    bars: those so far, the oldest first, a chord for each beat; empty: nothing was heard. known: the first beats of the next bar, as
    far as they were heard. beat: of that bar, from 0. otherwise: what may come where no bar before says anything, 1 in all or less; what
    is known goes on, where something is.
    """
    chances: dict[_Like, float] = {}
    named: dict[_Like, Chord] = {}
    for chord, p in ({known[-1]: 1.0} if known else otherwise).items():
        named.setdefault(_like(chord), chord)
        chances[_like(chord)] = chances.get(_like(chord), 0.0) + p
    all_of = [tuple(_like(chord) for chord in bar) for bar in bars]
    begun = tuple(_like(chord) for chord in known)
    after = [i for i in range(1, len(bars)) if beat < len(bars[i]) and all_of[i][: len(begun)] == begun]
    for length in range(1, LONGEST + 1):
        after = [i for i in after if i >= length and all_of[i - length] == all_of[len(bars) - length] and bars[i - length]]
        if not after:
            break
        counts: dict[_Like, int] = {}
        for i in after:
            like = all_of[i][beat]
            counts[like] = counts.get(like, 0) + 1
            named[like] = bars[i][beat]
        total, kinds = len(after), len(counts)
        chances = {like: (counts.get(like, 0) + kinds * chances.get(like, 0.0)) / (total + kinds) for like in {**chances, **counts}}
    return tuple(sorted(((named[like], p) for like, p in chances.items()), key=lambda row: -row[1]))


def changes_by_the_bar(bars: Sequence[Bar]) -> float:
    """How likely a bar begins with another chord than the bar before ends with, as far as the bars so far say."""
    pairs = [(one[-1], two[0]) for one, two in itertools.pairwise(bars) if one and two]
    return (1 + sum(not alike(one, two) for one, two in pairs)) / (2 + len(pairs))
