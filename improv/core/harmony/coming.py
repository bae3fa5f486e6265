"""Which chord comes next, learned from the changes of many tunes.

Every change is told by how far its root is above the one before, and by both qualities; in a key, by its degree as well. What
followed is counted after the last one, two and three chords, and after the last two in their key; the longer a context, the more
it counts where it was seen (I. Witten and T. Bell, The zero-frequency problem, 1991). So what is known of one key is known of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from improv.core.harmony.ear import QUALITIES, heard_chord
from improv.core.harmony.scales import Chord
from improv.core.harmony.spelling import Key

LONGEST = 3  # chords that are looked back at
MOST_TOLD = 8
OUTCOMES = 12 * len(QUALITIES)
MOST_IN_KEY = 2  # of these, where the key is told
_BASE = OUTCOMES + 1  # a context is a number of LONGEST + 1 digits in this base
_OF_KIND = {
    "maj": "", "6": "6", "maj7": "maj7", "maj7#11": "maj7", "7": "7", "7#11": "7", "7alt": "7alt", "7sus": "7sus", "7+": "+", "m": "m",
    "m7": "m7", "m6": "m6", "mmaj7": "mmaj7", "m7b5": "m7b5", "dim": "dim",
}  # fmt: skip


def quality_of(chord: Chord) -> int:
    """Which of the QUALITIES a chord with a root is, by its kind and by what its symbol writes."""
    sound = chord.sound
    if sound is not None and not sound.tones & {3, 4}:
        if 2 in sound.tones and 5 not in sound.tones and chord.kind in ("7sus", "maj"):
            return QUALITIES.index("sus2")
        if 5 in sound.tones and 10 not in sound.tones:
            return QUALITIES.index("sus4")
    return QUALITIES.index(_OF_KIND[chord.kind])


def contexts(chords: Sequence[tuple[int, int]], key: int | None) -> list[int]:
    """The contexts after chords (root, quality), the shortest first, as numbers. key: the tonic, with 12 added for minor."""
    if not chords:
        return []
    root = chords[-1][0]
    seen = [(r - root) % 12 * len(QUALITIES) + q + 1 for r, q in reversed(chords[-LONGEST:])]
    found = []
    for length in range(1, len(seen) + 1):
        found.append(_number([*seen[:length], *[0] * (LONGEST - length), 0]))
        if length <= MOST_IN_KEY and key is not None:
            degree = 2 * ((root - key % 12) % 12) + key // 12 + 1
            found.append(_number([*seen[:length], *[0] * (LONGEST - length), degree]))
    return found


def _number(digits: Iterable[int]) -> int:
    number = 0
    for digit in digits:
        number = number * _BASE + digit
    return number


class NextChord:
    """rows: (n, 3) int: the context (as `contexts` numbers it), what followed (root above the last, and quality), how often."""

    def __init__(self, rows: np.ndarray):
        self.rows = rows[np.argsort(rows[:, 0], kind="stable")]
        self._contexts = np.ascontiguousarray(self.rows[:, 0])

    def probabilities(self, chords: Sequence[tuple[int, int]], key: int | None = None) -> np.ndarray:
        """(12, qualities) by root above the last chord: which chord comes next. It is another one than the last."""
        p = np.full(OUTCOMES, 1.0 / (OUTCOMES - 1))
        if chords:
            p[chords[-1][1]] = 0.0
        for context in contexts(chords, key):
            first, end = np.searchsorted(self._contexts, (context, context + 1))
            if first == end:
                continue
            what, count = self.rows[first:end, 1], self.rows[first:end, 2].astype(float)
            new = np.zeros(OUTCOMES)
            new[what] = count
            total, kinds = count.sum(), len(count)
            p = (new + kinds * p) / (total + kinds)
        return p.reshape(12, -1)

    def after(self, chords: Sequence[Chord], key: Key | None = None) -> list[tuple[Chord, float]]:
        """The likeliest next chords, the best first, with their probabilities. chords: what sounded, the newest last; what is the
        same twice in a row counts once. key: that of the music, in which they are spelled too."""
        told = [(c.root, quality_of(c)) for c in chords if c.root is not None]
        told = [c for i, c in enumerate(told) if not i or c != told[i - 1]]
        if not told:
            return []
        p = self.probabilities(told, None if key is None else key.tonic + 12 * key.minor).ravel()
        best = np.argsort(-p, kind="stable")[:MOST_TOLD]
        return [
            (heard_chord((told[-1][0] + int(i) // len(QUALITIES)) % 12, QUALITIES[int(i) % len(QUALITIES)], key), float(p[i])) for i in best
        ]


def counted(songs: Iterable[tuple[Sequence[tuple[int, int]], int | None]]) -> np.ndarray:
    """The rows of songs: each its chords (root, quality), none twice in a row, and its key as `contexts` has it, or None."""
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for chords, key in songs:
        for i in range(1, len(chords)):
            what = (chords[i][0] - chords[i - 1][0]) % 12 * len(QUALITIES) + chords[i][1]
            for context in contexts(chords[max(0, i - LONGEST) : i], key):
                counts[context, what] += 1
    return np.array([(c, w, n) for (c, w), n in sorted(counts.items())], np.int64).reshape(-1, 3)


def packed(rows: np.ndarray) -> np.ndarray:
    """Rows as a file keeps them, (n, LONGEST + 4) bytes: the context's digits, what followed, how often in two bytes."""
    out = np.zeros((len(rows), LONGEST + 4), np.uint8)
    context = rows[:, 0].copy()
    for i in reversed(range(LONGEST + 1)):
        context, out[:, i] = np.divmod(context, _BASE)
    out[:, LONGEST + 1] = rows[:, 1]
    count = np.minimum(rows[:, 2], 65535)
    out[:, LONGEST + 2], out[:, LONGEST + 3] = count // 256, count % 256
    return out


def unpacked(kept: np.ndarray) -> np.ndarray:
    """The rows of a file. Raises ValueError where they are none."""
    if kept.ndim != 2 or kept.shape[1] != LONGEST + 4 or kept.dtype != np.uint8:
        raise ValueError(f"{kept.dtype} {kept.shape} are no counts of what comes next")
    wide = kept.astype(np.int64)
    context = np.zeros(len(wide), np.int64)
    for i in range(LONGEST + 1):
        context = context * _BASE + wide[:, i]
    if len(wide) and wide[:, LONGEST + 1].max() >= OUTCOMES:
        raise ValueError("a chord that follows is none that is told apart")
    return np.stack([context, wide[:, LONGEST + 1], 256 * wide[:, LONGEST + 2] + wide[:, LONGEST + 3]], 1)
