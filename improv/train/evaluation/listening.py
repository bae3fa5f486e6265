"""Whether an answer fits its call better than it fits other calls.

Calls are annotated phrases, real answers the phrases that follow them, both of at least six notes. An answer is
scored against its own call and N - 1 others, by the cosines of their pitch classes, of their pairs of successive
intervals and of their inter-onset intervals, added up.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from improv.train.evaluation.figures import on_bars
from improv.train.piece import Piece

LEAST = 6  # notes of a call, and of a real answer
CALLS = 10  # N
DRAWS = 2000

Notes = Sequence[tuple[int, int]]  # (position in 1/12 beat, MIDI pitch)


@dataclass(frozen=True)
class Pair:
    """A call, notes `first` to `last` of its piece, and the real answer, from there to note `end`."""

    piece: Piece
    first: int
    last: int
    end: int

    def notes(self, first: int, end: int) -> Notes:
        return [(self.piece.onsets[i], self.piece.values[i].pitch) for i in range(first, end)]

    @property
    def call(self) -> Notes:
        return self.notes(self.first, self.last + 1)

    @property
    def real(self) -> Notes:
        return self.notes(self.last + 1, self.end)


def pairs_of(pieces: Iterable[Piece]) -> list[Pair]:
    """All calls with their real answers, in order."""
    found = []
    for piece in map(on_bars, pieces):
        lasts = [i for i, end in enumerate(piece.ends or ()) if end]
        for before, last, after in zip([-1, *lasts], lasts, lasts[1:], strict=False):
            if last - before >= LEAST and after - last >= LEAST:
                found.append(Pair(piece, before + 1, last, after + 1))
    return found


def features(notes: Notes) -> list[Counter[Hashable]]:
    """Histograms of pitch classes, pairs of successive intervals, inter-onset intervals (1/12 beat)."""
    intervals = [b - a for (_, a), (_, b) in itertools.pairwise(notes)]
    return [
        Counter(pitch % 12 for _, pitch in notes),
        Counter(itertools.pairwise(intervals)),
        Counter(b - a for (a, _), (b, _) in itertools.pairwise(notes)),
    ]


def likeness(one: Sequence[Counter[Hashable]], other: Sequence[Counter[Hashable]]) -> float:
    """The sum of the cosines of each pair of histograms."""
    return sum(_cosine(a, b) for a, b in zip(one, other, strict=True))


def _cosine(a: Counter[Hashable], b: Counter[Hashable]) -> float:
    product = sum(count * b[key] for key, count in a.items())
    return product / (_length(a) * _length(b)) if product else 0.0


def _length(a: Counter[Hashable]) -> float:
    return float(sum(count * count for count in a.values()) ** 0.5)


def found_share(calls: Sequence[Notes], answers: Sequence[Notes], seed: int = 0, draws: int = DRAWS) -> float:
    """How often, in percent, an answer's own call comes first of CALLS drawn; ties are broken at random."""
    rng = np.random.default_rng(seed)
    heard, said = [features(call) for call in calls], [features(notes) for notes in answers]
    hits = 0
    for _ in range(draws):
        drawn = rng.choice(len(calls), min(CALLS, len(calls)), replace=False)
        scores = np.array([likeness(said[drawn[0]], heard[k]) for k in drawn])
        first = np.flatnonzero(scores >= scores.max() - 1e-12)
        hits += int(rng.choice(first) == 0)
    return 100.0 * hits / draws


def listening(pairs: Sequence[Pair], answers: Sequence[Notes]) -> dict[str, float]:
    """How often, in percent, one answer to each call finds it, and the real ones find theirs."""
    calls = [pair.call for pair in pairs]
    return {
        "pairs": float(len(pairs)),
        "chance %": 100.0 / CALLS,
        "answers that find their call %": found_share(calls, answers),
        "real answers that find their call %": found_share(calls, [pair.real for pair in pairs]),
        "notes an answer": float(np.mean([len(a) for a in answers])),
        "notes a real answer": float(np.mean([len(pair.real) for pair in pairs])),
    }
