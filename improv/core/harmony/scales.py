"""The kinds of chords: each with its tones and its scale; and a chord, which is a kind on a root.

Pitch classes are integers 0-11 with C = 0. Chord families and their scales follow common chord-scale practice
(M. Levine, The Jazz Theory Book, 1995, chapters 3 and 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

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
class Sound:
    """What a chord symbol writes, in semitones above the root: the chord's tones, and the tones that these exclude."""

    tones: frozenset[int]
    excluded: frozenset[int]

    def is_of(self, kind: str) -> bool:
        """Whether a kind of chord has just these tones."""
        return self.tones == frozenset(KINDS[kind][0])

    @property
    def unscaled(self) -> frozenset[int]:
        """Tones that a kind's scale may have and this hasn't: those excluded, and the altered ones where the natural one is written."""
        rivals = {2: {1, 3} if 4 in self.tones else {1}, 5: {6}, 9: {8}}
        return (self.excluded | {r for tone in rivals.keys() & self.tones for r in rivals[tone]}) - self.tones


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: root and bass as pitch classes (None for no chord), kind from KINDS, which is what a model is told.

    sound: what its symbol writes, where that is not just what the kind says. text: the symbol as it was typed, if it was.
    """

    root: int | None
    kind: str = "maj"
    bass: int | None = None
    sound: Sound | None = None
    text: str | None = field(default=None, compare=False)

    @property
    def tones(self) -> frozenset[int]:
        """Pitch classes of the chord's tones."""
        return self.above_root(self.sound.tones if self.sound else KINDS[self.kind][0])

    @property
    def scale(self) -> frozenset[int]:
        """Pitch classes of the chord's scale: its kind's, with the tones that are written in place of those that these exclude."""
        steps = frozenset(KINDS[self.kind][1])
        return self.above_root((steps - self.sound.unscaled) | self.sound.tones if self.sound else steps)

    @property
    def excluded(self) -> frozenset[int]:
        """Pitch classes that the symbol excludes; of a kind: the other seventh, the fifth of an altered one, the third of sus."""
        if self.sound:
            return self.above_root(self.sound.excluded)
        steps = set(KINDS[self.kind][0])
        other = {(10, 11), (11, 10)} | ({(6, 7), (8, 7)} if 7 not in steps else set()) | ({(5, 3)} if 4 not in steps else set())
        return self.above_root({out for tone, out in other if tone in steps} - steps)

    @property
    def told(self) -> tuple[int | None, str, int | None]:
        """What a model is told of it: root, kind, bass."""
        return self.root, self.kind, self.bass

    def above_root(self, steps: Iterable[int]) -> frozenset[int]:
        """Pitch classes so many semitones above the root; none without a root."""
        root = self.root
        return frozenset((root + s) % 12 for s in steps) if root is not None else frozenset()

    def __str__(self) -> str:
        """Its symbol, as it was typed or as a lead sheet has it."""
        if self.root is None:
            return "NC"
        return self.text or self.kind_symbol

    @property
    def kind_symbol(self) -> str:
        """The symbol of the kind, on its root, over its bass."""
        if self.root is None:
            return "NC"
        kind = "" if self.kind == "maj" else self.kind
        bass = f"/{NAMES[self.bass]}" if self.bass is not None and self.bass != self.root else ""
        return f"{NAMES[self.root]}{kind}{bass}"


NO_CHORD = Chord(None, "none")
