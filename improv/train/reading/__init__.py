"""Readers: one file for each format, and `files.py`, which knows which file is read by whom.

Siblings share one outline: `reads(path, head)` says from a file's first bytes whether it is theirs, and
`read(path, how)` gives a Reading. They raise CorpusError when nothing of the file can be used. Solos with
annotated beats go through `solos.py`; all else becomes a Score first, and `score.py` makes the piece.
None imports tensorflow, so that a pool of processes starts fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from improv.core.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class How:
    """How files are read. track: a part's name or its number from 1, or None for the likeliest melody. listens: whether chords are
    heard where none are written."""

    track: str | None = None
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    listens: bool = True


HEAD = 4096  # bytes of a file that tell its format
