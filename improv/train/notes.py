"""A piece's notes as one packed array, 16 bytes a note: what a corpus of millions of notes is held in.

Harmony is not in it where it follows from the piece's changes, as it does for everything that was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np

from improv.core.harmony import OPEN, Changes, HarmonicContext
from improv.core.vocabulary import GRID, Context, Value
from improv.train.errors import CorpusError

# onset: grid position (1/12 beat). ioi, pitch, duration, lag: of its Value. place, section (-1: none): of its Context.
# tempo: which of the piece's tempi. end: 1 where a phrase ends. velocity: 0 where none is known.
NOTE = np.dtype(
    [
        ("onset", "<i4"), ("ioi", "u1"), ("pitch", "u1"), ("duration", "u1"), ("lag", "u1"),
        ("place", "<u2"), ("section", "<i2"), ("tempo", "<u2"), ("end", "u1"), ("velocity", "u1"),
    ]
)  # fmt: skip
MOST_TEMPI = 2**16
MOSTLY = 0.8  # more than this share of a piece's velocities must be known for any of them to count

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class PackedNotes:
    """Notes of one piece. rows (N,): of NOTE. tempi: quarter notes a minute, told apart. feel: one of FEELS.

    phrased: `end` is known. dynamic: `velocity` is, of most notes. harmonies: one a note, where they don't follow from the changes.
    """

    rows: np.ndarray
    tempi: tuple[float, ...] = (120.0,)
    feel: str = "any"
    phrased: bool = False
    dynamic: bool = False
    harmonies: tuple[HarmonicContext, ...] | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PackedNotes):
            return NotImplemented
        mine, theirs = ((n.tempi, n.feel, n.phrased, n.dynamic, n.harmonies) for n in (self, other))
        return mine == theirs and np.array_equal(self.rows, other.rows)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.rows)

    def cut(self, which: slice) -> PackedNotes:
        """Some of them in a row."""
        harmonies = self.harmonies[which] if self.harmonies else None
        return PackedNotes(self.rows[which].copy(), self.tempi, self.feel, self.phrased, self.dynamic, harmonies)

    def moved(self, by: int) -> PackedNotes:
        """The same, so many grid positions later."""
        rows = self.rows.copy()
        rows["onset"] += by
        return PackedNotes(rows, self.tempi, self.feel, self.phrased, self.dynamic, self.harmonies)

    def values(self, rows: np.ndarray) -> list[Value]:
        """The values of some rows."""
        return [Value(*row) for row in zip(*(rows[name].tolist() for name in Value._fields), strict=True)]

    def contexts(self, changes: Changes | None, first: int, rows: np.ndarray) -> list[Context]:
        """The contexts of some rows, of which the first is so many notes into the piece, over the piece's changes."""
        found = []
        columns = (rows[name].tolist() for name in ("onset", "place", "section", "tempo"))
        for i, (onset, place, section, tempo) in enumerate(zip(*columns, strict=True)):
            harmony = self.harmonies[first + i] if self.harmonies else changes.harmony(onset / GRID) if changes else OPEN
            found.append(Context(harmony, place, None if section < 0 else section, self.tempi[tempo], self.feel))
        return found


def pack(
    onsets: Sequence[int],
    values: Sequence[Value],
    places: Sequence[int],
    sections: Sequence[int | None] | None,
    tempi: Sequence[float],
    feel: str,
    ends: Sequence[bool] | None,
    velocities: Sequence[int | None] | None,
    harmonies: Sequence[HarmonicContext] | None = None,
) -> PackedNotes:
    """Notes from what is known of each, (N,) each; None where nothing is. velocities count if more than MOSTLY are known.

    Raises CorpusError for numbers that no piece has, as an onset days away.
    """
    rows = np.zeros(len(onsets), NOTE)
    told = list(dict.fromkeys(tempi))
    if len(told) > MOST_TEMPI:  # to the hundredth: tempi lie between 20 and 500
        tempi = [round(tempo, 2) for tempo in tempi]
        told = list(dict.fromkeys(tempi))
    numbers = {tempo: i for i, tempo in enumerate(told)}
    try:
        rows["onset"] = onsets
        for name, column in zip(Value._fields, zip(*values, strict=True), strict=False):
            rows[name] = column
        rows["place"] = places
        rows["section"] = -1 if sections is None else [-1 if s is None else s for s in sections]
        rows["tempo"] = [numbers[tempo] for tempo in tempi]
        if ends is not None:
            rows["end"] = ends
        known = velocities is not None and sum(bool(v) for v in velocities) > MOSTLY * len(velocities)
        if velocities is not None and known:
            rows["velocity"] = [v or 0 for v in velocities]
    except (OverflowError, TypeError, ValueError):
        raise CorpusError("a note of it has a number out of any range, or none at all") from None
    return PackedNotes(rows, tuple(told), feel, ends is not None, known, tuple(harmonies) if harmonies is not None else None)


class View(Sequence[T]):
    """What is known of each note, unpacked where it is looked at. of: the unpacked things of some rows, from one note on."""

    __slots__ = ("_of", "_rows")

    def __init__(self, rows: np.ndarray, of: Callable[[int, np.ndarray], list[T]]):
        self._rows, self._of = rows, of

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, which: int) -> T: ...
    @overload
    def __getitem__(self, which: slice) -> list[T]: ...
    def __getitem__(self, which: int | slice) -> T | list[T]:
        if isinstance(which, slice):
            first, last, step = which.indices(len(self._rows))
            return self._of(first, self._rows[first:last])[::step] if step > 0 else list(self)[which]
        at = which + len(self._rows) if which < 0 else which
        if not 0 <= at < len(self._rows):
            raise IndexError(which)
        return self._of(at, self._rows[at : at + 1])[0]

    def __iter__(self) -> Iterator[T]:
        return iter(self._of(0, self._rows))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Sequence[T]) -> list[T]:
        return [*self, *other]
