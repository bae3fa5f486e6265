"""What a line takes from the solos that a model learned from: figures that occur there, by hashes of them and nothing else.

A figure is a row of intervals, whatever the key; in its rhythm, a row of intervals with the time to each note. A quotation is a
stretch of a line whose every figure occurs there. So a quotation may be told longer than it is, where figures of two solos
join, and never shorter. The hashes are of 32 bits: of 10,000 figures that are new, about three count as known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

FIGURE = 8  # intervals of a figure: nine notes
IN_RHYTHM = 6  # intervals of one with its rhythm: seven notes
LONGEST_TIME = 48  # 1/12 beat to a note: longer rests are alike
_SPREAD, _MIX, _ALL = 0x9E3779B1, 0x85EBCA6B, 0xFFFFFFFF  # odd numbers that scatter bits (Knuth 6.4; Appleby's MurmurHash3)

Step = tuple[int, int]  # semitones, and 1/12 beat, from one note to the next


@dataclass(frozen=True, slots=True)
class Quotations:
    """The figures of a corpus. line, rhythm: hashes, ascending, of its figures, and of those with their rhythm, uint32 (n,).

    usual: notes of the longest quotation that its soloists take from one another (nine solos of ten have none that is longer).
    share: of their notes that lie in such quotations, 0 to 1.
    """

    line: np.ndarray
    rhythm: np.ndarray
    usual: int
    share: float = 0.0

    def knows(self, steps: Sequence[Step]) -> bool:
        """Whether a figure of FIGURE steps is there."""
        return _there(self.line, figure_hash([s for s, _ in steps]))

    def knows_in_rhythm(self, steps: Sequence[Step]) -> bool:
        """Whether IN_RHYTHM steps are there with their times."""
        return _there(self.rhythm, figure_hash([n for step in steps for n in step]))

    def known_after(self, steps: Sequence[Step]) -> np.ndarray:
        """Which intervals from -127 to 127 complete FIGURE - 1 steps to a figure that is there, (255,) bool."""
        found = hashes(np.hstack([np.tile([s for s, _ in steps], (255, 1)), np.arange(-127, 128)[:, None]]))
        at = self.line.searchsorted(found)
        return np.asarray(self.line[np.minimum(at, len(self.line) - 1)] == found) if len(self.line) else np.zeros(255, bool)

    def allowed(self, quote: float) -> float:
        """Notes that a quotation may have, by the setting `quote`: at 0 fewer than a figure has, at 0.5 as soloists do, at 1 any."""
        return math.inf if quote >= 1 else FIGURE + max(self.usual - FIGURE, 0) * quote / (1 - quote)


def _there(known: np.ndarray, found: int) -> bool:
    at = int(known.searchsorted(np.uint32(found)))
    return at < len(known) and int(known[at]) == found


def figure_hash(numbers: Sequence[int]) -> int:
    """32 bits of a row of whole numbers from -127 to 127. `hashes` gives the same for many."""
    h = len(numbers)
    for n in numbers:
        h = (h ^ (n + 128)) * _SPREAD & _ALL
    h = (h ^ h >> 16) * _MIX & _ALL
    return h ^ h >> 13


def hashes(rows: np.ndarray) -> np.ndarray:
    """Of each of some rows (rows, numbers) of whole numbers from -127 to 127, its hash, uint32 (rows,)."""
    h = np.full(len(rows), rows.shape[1], np.uint64)
    everything = np.uint64(_ALL)
    for column in rows.T:
        h = (h ^ (column + 128).astype(np.uint64)) * np.uint64(_SPREAD) & everything
    h = (h ^ h >> np.uint64(16)) * np.uint64(_MIX) & everything
    return (h ^ h >> np.uint64(13)).astype(np.uint32)


class Quoting(NamedTuple):
    """How a line of ours stands, note by note. steps: the latest, at most FIGURE; None before
    the first note of a line. run: notes of the quotation that goes on, 0 for none.

    longest: notes of the longest so far. notes, quoted, in_rhythm: how many of ours there were, in quotations, in such with their
    rhythm. since, since_in_rhythm: how many of the latest are in none yet.
    """

    steps: tuple[Step, ...] | None = None
    run: int = 0
    longest: int = 0
    notes: int = 0
    quoted: int = 0
    in_rhythm: int = 0
    since: int = 0
    since_in_rhythm: int = 0

    def interrupted(self) -> Quoting:
        """Somebody else plays: the next note of ours begins a line."""
        return self if self.steps is None else self._replace(steps=None, run=0, since=0, since_in_rhythm=0)

    def after(self, step: Step, known: Quotations | None) -> Quoting:
        """With one more note of ours. step: from the note before, whosever it was. known: the corpus, if it is."""
        if known is None:
            return self._replace(notes=self.notes + 1)
        if self.steps is None:
            return self._replace(steps=(), notes=self.notes + 1, since=1, since_in_rhythm=1)
        steps = (*self.steps, (max(min(step[0], 127), -127), min(step[1], LONGEST_TIME)))[-FIGURE:]
        hit = len(steps) == FIGURE and known.knows(steps)
        run = (self.run + 1 if self.run else FIGURE + 1) if hit else 0
        since, since_in_rhythm = self.since + 1, self.since_in_rhythm + 1
        fresh = min(since, FIGURE + 1) if hit else 0
        exact = len(steps) >= IN_RHYTHM and known.knows_in_rhythm(steps[-IN_RHYTHM:])
        fresh_in_rhythm = min(since_in_rhythm, IN_RHYTHM + 1) if exact else 0
        return Quoting(
            steps,
            run,
            max(self.longest, run),
            self.notes + 1,
            self.quoted + fresh,
            self.in_rhythm + fresh_in_rhythm,
            0 if hit else since,
            0 if exact else since_in_rhythm,
        )

    def told(self) -> dict[str, Any]:
        """In figures, for whoever watches: shares of our notes, 0 to 1, and notes."""
        notes = max(self.notes, 1)
        shares = {"quoted": round(self.quoted / notes, 4), "quoted_in_rhythm": round(self.in_rhythm / notes, 4)}
        return shares | {"longest_quote": self.longest}

    def too_long(self, last: int, known: Quotations, quote: float) -> np.ndarray | None:
        """A bias (128,) against pitches after `last` that would make the quotation longer than `quote` allows; None against none."""
        if self.steps is None or len(self.steps) < FIGURE - 1 or (self.run or FIGURE) + 1 <= known.allowed(quote):
            return None
        there = known.known_after(self.steps[-(FIGURE - 1) :])[127 - last : 255 - last]
        return np.where(there, -np.inf, 0.0) if there.any() else None
