"""The chord that held notes make."""

from __future__ import annotations

from collections.abc import Iterable

from improv.core.harmony.scales import KINDS, NO_CHORD, Chord


def chord_of(pitches: Iterable[int]) -> Chord:
    """The chord that held notes (MIDI pitches) make, or NO_CHORD for fewer than three pitch classes.

    The template of KINDS that shares most with the notes wins; the lowest note is favoured as root.
    """
    held = sorted(set(pitches))
    classes = {p % 12 for p in held}
    if len(classes) < 3:
        return NO_CHORD
    lowest = held[0] % 12

    def fit(root: int, kind: str) -> float:
        tones = {(root + t) % 12 for t in KINDS[kind][0]}
        return len(classes & tones) - 0.6 * len(tones - classes) - 0.8 * len(classes - tones) + 0.5 * (root == lowest)

    plain = [k for k in KINDS if k not in ("none", "maj7#11", "7#11", "7alt")]
    root, kind = max(((r, k) for r in range(12) for k in plain), key=lambda rk: fit(*rk))
    return Chord(root, kind, lowest) if lowest != root else Chord(root, kind)
