"""What a corpus is made of, whatever it was read from: pieces as values in their contexts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from improv.core.harmony import OPEN, Changes
from improv.core.metres import FOUR, Metres
from improv.core.vocabulary import FEELS, GRID, Context, Value
from improv.outside import number
from improv.train.notes import PackedNotes, View, pack

MOST_ONSET = 12_000_000  # in 1/12 beat: a week of playing
MOST_A_BAR = 64  # beats, as written
BPM = 20.0, 500.0
# Velocities tell of loudness where they are so many, have a wider standard deviation, and no larger share of them is as loud as can be.
LOUD_NOTES, FLAT, CLIPPED = 24, 2.0, 0.1


@dataclass(frozen=True, slots=True)
class Piece:
    """One melody.

    split: train, valid, test, or empty while not yet known. notes: packed; `onsets`, `values`, ... unpack them.
    metres: of its bars; one: the beat on which bar one begins, None where only the places of its notes say it.
    weight: how many times as often as a note of weight 1 each of its notes is seen in training.
    source: which of the paths that were given it came from. track: which part of the file was taken, and why.
    tune: pieces of one tune share a split (empty: the name is the tune). heard: its changes were heard in it, not written.
    """

    name: str
    split: str
    notes: PackedNotes
    metres: Metres = FOUR
    one: float | None = None
    bpm: float = 120.0
    changes: Changes | None = None
    weight: float = 1.0
    source: str = ""
    track: str = ""
    tune: str = ""
    heard: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        split: str,
        onsets: Sequence[int],
        values: Sequence[Value],
        contexts: Sequence[Context],
        ends: Sequence[bool] | None = None,
        velocities: Sequence[int] | None = None,
    ) -> Piece:
        """A piece without changes, whose contexts have whatever harmony they have, in one feel."""
        notes = pack(
            onsets,
            values,
            [c.place for c in contexts],
            [c.section for c in contexts],
            [c.tempo for c in contexts],
            contexts[0].feel if contexts else "any",
            ends,
            velocities,
            None if all(c.harmony == OPEN for c in contexts) else [c.harmony for c in contexts],
        )
        return cls(name, split, notes)

    def with_notes(
        self, onsets: Sequence[int] | None = None, values: Sequence[Value] | None = None, ends: Sequence[bool] | None = None
    ) -> Piece:
        """The piece with other onsets, values or phrase ends; of fewer notes, its first ones."""
        count = min(len(x) for x in (onsets, values, ends, self.notes) if x is not None)
        notes = self.notes.cut(slice(count))
        rows = notes.rows
        if onsets is not None:
            rows["onset"] = onsets[:count]
        if values is not None:
            for name, column in zip(Value._fields, zip(*values[:count], strict=True), strict=True):
                rows[name] = column
        if ends is not None:
            rows["end"] = ends[:count]
        return replace(self, notes=replace(notes, phrased=notes.phrased or ends is not None))

    def __len__(self) -> int:
        """Its notes."""
        return len(self.notes)

    @property
    def onsets(self) -> View[int]:
        """Grid positions (1/12 beat) from the first beat."""
        return View(self.notes.rows, lambda _, rows: rows["onset"].tolist())

    @property
    def values(self) -> View[Value]:
        """What each note is."""
        return View(self.notes.rows, lambda _, rows: self.notes.values(rows))

    @property
    def contexts(self) -> View[Context]:
        """Where each falls."""
        return View(self.notes.rows, lambda first, rows: self.notes.contexts(self.changes, first, rows))

    @property
    def ends(self) -> View[bool] | None:
        """Whether a phrase ends with each note; None where phrases are not annotated."""
        return View(self.notes.rows, lambda _, rows: rows["end"].astype(bool).tolist()) if self.notes.phrased else None

    @property
    def velocities(self) -> View[int] | None:
        """As played, 1 to 127, 0 for one that isn't known; None where none are."""
        return View(self.notes.rows, lambda _, rows: rows["velocity"].tolist()) if self.notes.dynamic else None

    @property
    def loud(self) -> bool:
        """Whether its velocities tell of loudness: they are known, and not all about alike."""
        if not self.notes.dynamic:
            return False
        velocity = self.notes.rows["velocity"]
        velocity = velocity[velocity > 0]
        return len(velocity) >= LOUD_NOTES and float(velocity.std()) > FLAT and float((velocity == 127).mean()) <= CLIPPED

    @property
    def beats(self) -> float:
        """Beats from the first onset to the last."""
        return float(int(self.notes.rows["onset"][-1]) - int(self.notes.rows["onset"][0])) / GRID

    @property
    def beats_a_bar(self) -> int:
        """Quarter notes of its first metre's bars, rounded."""
        return max(round(self.metres.first.bar), 1)

    @property
    def bars(self) -> float:
        """Bars from the first onset to the last."""
        one = self.onsets[0] / GRID if self.one is None else self.one
        return self.metres.bars(self.onsets[-1] / GRID - one) - self.metres.bars(self.onsets[0] / GRID - one)


def wrong_in(piece: Piece) -> str | None:
    """What in a piece is of no kind or size that music has, in a few words; None where all is right. Files may hold anything."""
    notes = piece.notes
    if len(notes) and int(np.abs(notes.rows["onset"].astype(np.int64)).max()) > MOST_ONSET:
        return f"an onset that is no number of beats up to {MOST_ONSET // GRID:,}"
    if not 0 < piece.metres.first.bar <= MOST_A_BAR or not number(piece.bpm, *BPM):
        return f"a bar of more than {MOST_A_BAR} beats, or a tempo outside {BPM[0]:g} to {BPM[1]:g} bpm"
    if not all(number(tempo, *BPM) for tempo in notes.tempi) or notes.feel not in FEELS:
        return "a place in its bars that is no place"
    return None


@dataclass
class Reading:
    """Pieces, and what was left out.

    skipped: reasons, one for each file or piece that can't be used. unknown_chords: symbols taken as no
    chord, with counts. left_out: single notes and signs that were left out of pieces, by reason.
    skipped_of: how many were skipped of each source. duplicates: names of pieces that are one tune under several names.
    """

    pieces: list[Piece] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unknown_chords: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    skipped_of: Counter[str] = field(default_factory=Counter)
    duplicates: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def notes(self) -> int:
        """How many all pieces have."""
        return sum(map(len, self.pieces))

    def of(self, split: str) -> list[Piece]:
        return [p for p in self.pieces if p.split == split]

    def add(self, other: Reading) -> None:
        """Take in what another reading holds."""
        self.pieces += other.pieces
        self.skipped += other.skipped
        self.unknown_chords += other.unknown_chords
        self.left_out += other.left_out
        self.skipped_of += other.skipped_of


def some(pieces: Sequence[Piece], most: int, seed: int) -> list[Piece]:
    """Pieces that have so many notes together at the most, drawn; one at the least."""
    kept: list[Piece] = []
    notes = 0
    for k in np.random.default_rng(seed).permutation(len(pieces)):
        if not kept or notes + len(pieces[k]) <= most:
            kept.append(pieces[k])
            notes += len(pieces[k])
    return kept
