"""Which part of a file is its melody: the one that a listener would name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from improv.train.errors import CorpusError
from improv.train.reading.score import ScoreNote

OVERLAP = 0.1  # beats that notes of a line may overlap
BAR = 4.0  # beats, near enough to tell whether a part plays all through or now and then
FEWEST_WORDS = 8  # of a song, that tell its melody
VOICES = ("melod", "solo", "lead", "vocal", "voice", "vox", "sing", "soprano", "theme", "improv")
INSTRUMENTS = ("sax", "trumpet", "tpt", "flute", "clarinet", "trombone", "violin", "harmonica", "horn")
OTHERS = ("chord", "comp", "pad", "accomp", "rhythm", "strings", "backing", "harmony", "left", "click", "metronome", "count")
BASSES = ("bass", "bajo", "basse")
DRUMS = ("drum", "perc", "kit", "cymbal", "hi-hat", "hihat", "snare")

Column = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ScorePart:
    """One part of a file: its notes in order of onset, a column each: beats, beats, 0-127, and 1-127 or None where not known.

    program: General MIDI's, from 0, or None.
    """

    name: str
    on: Column
    length: Column
    pitch: Column
    velocity: Column | None = None
    program: int | None = None
    drums: bool = False

    @property
    def notes(self) -> list[ScoreNote]:
        velocities = self.velocity.tolist() if self.velocity is not None else [None] * len(self.on)
        return list(map(ScoreNote, self.on.tolist(), self.length.tolist(), self.pitch.tolist(), velocities))

    @property
    def is_drums(self) -> bool:
        return self.drums or _says(self.name, DRUMS) or (self.program is not None and self.program >= 112)

    @property
    def is_bass(self) -> bool:
        named = _says(self.name, BASSES) and not _says(self.name, ("bassoon", "bass clarinet", "bass trombone"))
        return named or (self.program is not None and 32 <= self.program <= 39) or self.middle < 43

    @property
    def middle(self) -> float:
        """The median of its pitches."""
        return float(np.median(self.pitch))

    @property
    def bars(self) -> int:
        """How many stretches of four beats it plays in."""
        return len(np.unique(self.on // BAR))

    @property
    def one_at_a_time(self) -> float:
        """The share of notes that begin when none of those before them sounds any more."""
        ends = np.maximum.accumulate(self.on + self.length)
        return float(1 + np.count_nonzero(self.on[1:] >= ends[:-1] - OVERLAP)) / len(self.on)

    def sings(self, words: Sequence[float]) -> float:
        """How well a song's words, by their beats, fall on its notes: 1 if each has a note and each note one, 0 if none."""
        if len(words) < FEWEST_WORDS:
            return 0.0
        at = np.asarray(words)
        near = np.minimum(np.searchsorted(self.on, at - OVERLAP), len(self.on) - 1)
        sung = np.abs(self.on[near] - at) <= OVERLAP
        hits = min(int(np.count_nonzero(sung)), len(np.unique(near[sung])))
        return 2.0 * hits / (len(words) + len(self.on))


def choose(parts: Sequence[ScorePart], track: str | None, words: Sequence[float] = ()) -> tuple[ScorePart, str]:
    """The part to take, and a line that says which and why.

    track: a part's number from 1, or what its name contains, in any case; None for the likeliest melody.
    words: beats at which a song's words are sung. Raises CorpusError when there is none such.
    """
    parts = [p for p in parts if len(p.on)]
    if not parts:
        raise CorpusError("no notes in it")
    if track is not None:
        return _asked(parts, track)
    melodies = [p for p in parts if not p.is_drums and not p.is_bass]
    if not melodies:
        kinds = [kind for kind, any_of in (("bass", [p for p in parts if not p.is_drums]), ("drums", parts)) if any_of]
        kinds = kinds if any(p.is_drums for p in parts) else ["bass"]
        raise CorpusError(f"no melody in it, only {' and '.join(kinds)}; --track takes one all the same")
    if len(melodies) == 1:
        return melodies[0], _label(parts, melodies[0], "the only melody")
    most, bars = max(len(p.on) for p in melodies), max(p.bars for p in melodies)
    best = max(melodies, key=lambda p: likeness(p, most, bars, words))
    if best.sings(words) > 0.5:
        return best, _label(parts, best, "by the words sung to it")
    return best, _label(parts, best, "by its name" if _says(best.name, VOICES + INSTRUMENTS) else "by its notes")


def likeness(part: ScorePart, most: int, bars: int, words: Sequence[float] = ()) -> float:
    """How much a part is like a melody. most: the notes of the fullest part; bars: the most that one plays in.

    Counts for it: one note at a time, many notes, a singer's range and the top of it, words that are sung to it, and a melody's
    name or instrument; the name in full only if it plays in half of the bars.
    """
    program = part.program if part.program is not None else -1
    named = 2.0 if _says(part.name, VOICES) else 1.5 if _says(part.name, INSTRUMENTS) else 0.0
    return float(
        2.0 * part.one_at_a_time
        + (len(part.on) / most) ** 0.5
        + (1.0 + (part.middle - 55) / 60 if 55 <= part.middle <= 84 else 0.0)
        + named * min(2.0 * part.bars / bars, 1.0)
        + 3.0 * part.sings(words)
        - 1.5 * _says(part.name, OTHERS)
        + (0.5 if 52 <= program <= 54 or 56 <= program <= 87 else 0.0)
        - (1.0 if 88 <= program <= 103 or 44 <= program <= 51 else 0.0)
    )


def _asked(parts: Sequence[ScorePart], track: str) -> tuple[ScorePart, str]:
    if track.isdecimal() and 1 <= int(track) <= len(parts):
        return parts[int(track) - 1], _label(parts, parts[int(track) - 1], "as asked")
    named = [p for p in parts if track.lower() in p.name.lower()]
    if not named or track.isdecimal():
        there = ", ".join(f"{i} {p.name!r}" for i, p in enumerate(parts[:12], 1))
        raise CorpusError(f"no track {track!r}; it has: {there}" + (", ..." if len(parts) > 12 else ""))
    best = max(named, key=lambda p: len(p.on))
    return best, _label(parts, best, "as asked")


def _label(parts: Sequence[ScorePart], part: ScorePart, why: str) -> str:
    number = next(i for i, p in enumerate(parts, 1) if p is part)
    return f"{number} {part.name!r}, {why}" if part.name else f"{number} unnamed, {why}"


def _says(name: str, words: Sequence[str]) -> bool:
    return any(word in name.lower() for word in words)
