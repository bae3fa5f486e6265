"""Which part of a file is its melody."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from improv.train.piece import CorpusError
from improv.train.reading.score import ScoreNote

OVERLAP = 0.1  # beats that notes of a line may overlap
MELODIES = ("melod", "solo", "lead", "vocal", "voice", "vox", "sing", "soprano", "sax", "trumpet", "tpt", "flute", "clarinet", "trombone",
            "violin", "harmonica", "horn", "theme", "improv")  # fmt: skip
OTHERS = ("chord", "comp", "pad", "accomp", "rhythm", "strings", "backing", "harmony", "left", "click", "metronome", "count")
BASSES = ("bass", "bajo", "basse")
DRUMS = ("drum", "perc", "kit", "cymbal", "hi-hat", "hihat", "snare")


@dataclass(frozen=True)
class ScorePart:
    """One part of a file. program: General MIDI from 0, or None; notes in beats, in order of onset."""

    name: str
    notes: Sequence[ScoreNote]
    program: int | None = None
    drums: bool = False

    @property
    def is_drums(self) -> bool:
        return self.drums or _says(self.name, DRUMS) or (self.program is not None and self.program >= 112)

    @property
    def is_bass(self) -> bool:
        named = _says(self.name, BASSES) and not _says(self.name, ("bassoon", "bass clarinet", "bass trombone"))
        return named or (self.program is not None and 32 <= self.program <= 39) or _middle(self) < 43


def choose(parts: Sequence[ScorePart], track: str | None) -> tuple[ScorePart, str]:
    """The part to take, and a line that says which and why.

    track: a part's number from 1, or what its name contains, in any case; None for the likeliest melody.
    Raises CorpusError when there is none such.
    """
    parts = [p for p in parts if p.notes]
    if not parts:
        raise CorpusError("no notes in it")
    if track is not None:
        return _asked(parts, track)
    melodies = [p for p in parts if not p.is_drums and not p.is_bass]
    if not melodies:
        kinds = [kind for kind, any_of in (("bass", [p for p in parts if not p.is_drums]), ("drums", parts)) if any_of]
        kinds = kinds if any(p.is_drums for p in parts) else ["bass"]
        raise CorpusError(f"no melody in it, only {' and '.join(kinds)}; --track takes one all the same")
    most = max(len(p.notes) for p in melodies)
    best = max(melodies, key=lambda p: likeness(p, most))
    if len(melodies) == 1:
        return best, _label(parts, best, "the only melody")
    return best, _label(parts, best, "by its name" if _says(best.name, MELODIES) else "by its notes")


def likeness(part: ScorePart, most: int) -> float:
    """How much a part is like a melody. most: the notes of the fullest part.

    Counts for it: one note at a time, many notes, a singer's range and the top of it, a melody's name or instrument.
    """
    program = part.program if part.program is not None else -1
    return float(
        2.0 * one_at_a_time(part.notes)
        + (len(part.notes) / most) ** 0.5
        + (1.0 + (_middle(part) - 55) / 60 if 55 <= _middle(part) <= 84 else 0.0)
        + 2.0 * _says(part.name, MELODIES)
        - 1.5 * _says(part.name, OTHERS)
        + (0.5 if 52 <= program <= 54 or 56 <= program <= 87 else 0.0)
        - (1.0 if 88 <= program <= 103 or 44 <= program <= 51 else 0.0)
    )


def one_at_a_time(notes: Sequence[ScoreNote]) -> float:
    """The share of notes that begin when none of those before them sounds any more."""
    alone, end = 0, float("-inf")
    for note in notes:
        alone += note.on >= end - OVERLAP
        end = max(end, note.on + note.length)
    return alone / len(notes)


def _asked(parts: Sequence[ScorePart], track: str) -> tuple[ScorePart, str]:
    if track.isdecimal() and 1 <= int(track) <= len(parts):
        return parts[int(track) - 1], _label(parts, parts[int(track) - 1], "as asked")
    named = [p for p in parts if track.lower() in p.name.lower()]
    if not named or track.isdecimal():
        there = ", ".join(f"{i} {p.name!r}" for i, p in enumerate(parts[:12], 1))
        raise CorpusError(f"no track {track!r}; it has: {there}" + (", ..." if len(parts) > 12 else ""))
    best = max(named, key=lambda p: len(p.notes))
    return best, _label(parts, best, "as asked")


def _label(parts: Sequence[ScorePart], part: ScorePart, why: str) -> str:
    number = next(i for i, p in enumerate(parts, 1) if p is part)
    return f"{number} {part.name!r}, {why}" if part.name else f"{number} unnamed, {why}"


def _middle(part: ScorePart) -> float:
    return statistics.median(n.pitch for n in part.notes)


def _says(name: str, words: Sequence[str]) -> bool:
    return any(word in name.lower() for word in words)
