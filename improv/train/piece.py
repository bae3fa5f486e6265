"""What a corpus is made of, whatever it was read from: pieces as values in their contexts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from improv.core.errors import ImprovError
from improv.core.harmony import Changes
from improv.core.metres import FOUR, Metres
from improv.core.vocabulary import FEELS, GRID, Context, Value
from improv.outside import number, whole

MOST_ONSET = 12_000_000  # in 1/12 beat: a week of playing
MOST_A_BAR, MOST_BEATS_A_BAR = 64, 1_000_000  # as written; and of a bar line that is missing
BPM = 20.0, 500.0


class CorpusError(ImprovError):
    """A corpus that can't be used; the message says where and why."""


@dataclass(frozen=True)
class Piece:
    """One melody. onsets: grid positions (1/12 beat) from the first beat; ends: whether a phrase ends here.

    split: train, valid, test, or empty while not yet known. ends: None where phrases are not annotated.
    metres: of its bars; one: the beat on which bar one begins, None where only the places of its notes say it.
    velocities: as played, 1 to 127, None where none are known.
    weight: how many times as often as a note of weight 1 each of its notes is seen in training.
    source: which of the paths that were given it came from. track: which part of the file was taken, and why.
    tune: pieces of one tune share a split (empty: the name is the tune).
    """

    name: str
    split: str
    onsets: list[int]
    values: list[Value]
    contexts: list[Context]
    ends: list[bool] | None
    metres: Metres = FOUR
    one: float | None = None
    bpm: float = 120.0
    changes: Changes | None = None
    velocities: list[int] | None = None
    weight: float = 1.0
    source: str = ""
    track: str = ""
    tune: str = ""

    @property
    def beats(self) -> float:
        """Beats from the first onset to the last."""
        return (self.onsets[-1] - self.onsets[0]) / GRID

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
    if not all(whole(onset, -MOST_ONSET, MOST_ONSET) for onset in piece.onsets):
        return f"an onset that is no number of beats up to {MOST_ONSET // GRID:,}"
    if not 0 < piece.metres.first.bar <= MOST_A_BAR or not number(piece.bpm, *BPM):
        return f"a bar of more than {MOST_A_BAR} beats, or a tempo outside {BPM[0]:g} to {BPM[1]:g} bpm"
    for at in piece.contexts:
        section = at.section is None or whole(at.section, -MOST_ONSET, MOST_ONSET)
        if not (whole(at.place, 0, GRID * MOST_BEATS_A_BAR) and section and number(at.tempo, *BPM) and at.feel in FEELS):
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

    def of(self, split: str) -> list[Piece]:
        return [p for p in self.pieces if p.split == split]

    def add(self, other: Reading) -> None:
        """Take in what another reading holds."""
        self.pieces += other.pieces
        self.skipped += other.skipped
        self.unknown_chords += other.unknown_chords
        self.left_out += other.left_out
        self.skipped_of += other.skipped_of
