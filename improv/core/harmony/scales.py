"""The kinds of chords: each with its tones and its scale; and a chord, which is a kind on a root.

Pitch classes are integers 0-11 with C = 0. Chord families and their scales follow common chord-scale practice
(M. Levine, The Jazz Theory Book, 1995, chapters 3 and 4).
"""

from __future__ import annotations

from dataclasses import dataclass

from improv.core.errors import ImprovError

NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

# kind: (chord tones, scale), both as semitones above the root.
KINDS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "none": ((), ()),
    "maj": ((0, 4, 7), (0, 2, 4, 5, 7, 9, 11)),
    "6": ((0, 4, 7, 9), (0, 2, 4, 5, 7, 9, 11)),
    "maj7": ((0, 4, 7, 11), (0, 2, 4, 5, 7, 9, 11)),
    "maj7#11": ((0, 4, 7, 11), (0, 2, 4, 6, 7, 9, 11)),
    "7": ((0, 4, 7, 10), (0, 2, 4, 5, 7, 9, 10)),
    "7#11": ((0, 4, 7, 10), (0, 2, 4, 6, 7, 9, 10)),
    "7alt": ((0, 4, 7, 10), (0, 1, 3, 4, 6, 8, 10)),
    "7sus": ((0, 5, 7, 10), (0, 2, 4, 5, 7, 9, 10)),
    "7+": ((0, 4, 8, 10), (0, 2, 4, 6, 8, 10)),
    "m": ((0, 3, 7), (0, 2, 3, 5, 7, 9, 10)),
    "m7": ((0, 3, 7, 10), (0, 2, 3, 5, 7, 9, 10)),
    "m6": ((0, 3, 7, 9), (0, 2, 3, 5, 7, 9, 11)),
    "mmaj7": ((0, 3, 7, 11), (0, 2, 3, 5, 7, 9, 11)),
    "m7b5": ((0, 3, 6, 10), (0, 1, 3, 5, 6, 8, 10)),
    "dim": ((0, 3, 6, 9), (0, 2, 3, 5, 6, 8, 9, 11)),
}
KIND_INDEX = {kind: i for i, kind in enumerate(KINDS)}


class HarmonyError(ImprovError):
    """A chord symbol or changes that don't parse; `position` is the 0-based column."""

    def __init__(self, message: str, position: int = 0):
        super().__init__(message)
        self.position = position


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: root and bass as pitch classes (None for no chord), kind from KINDS."""

    root: int | None
    kind: str = "maj"
    bass: int | None = None

    @property
    def tones(self) -> frozenset[int]:
        """Pitch classes of the chord's three or four tones."""
        return self._above_root(KINDS[self.kind][0])

    @property
    def scale(self) -> frozenset[int]:
        """Pitch classes of the chord's scale."""
        return self._above_root(KINDS[self.kind][1])

    def _above_root(self, steps: tuple[int, ...]) -> frozenset[int]:
        root = self.root
        return frozenset((root + s) % 12 for s in steps) if root is not None else frozenset()

    def __str__(self) -> str:
        if self.root is None:
            return "NC"
        kind = "" if self.kind == "maj" else self.kind
        bass = f"/{NAMES[self.bass]}" if self.bass is not None and self.bass != self.root else ""
        return f"{NAMES[self.root]}{kind}{bass}"


NO_CHORD = Chord(None, "none")
