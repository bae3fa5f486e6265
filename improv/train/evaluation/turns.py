"""Whether it enters when a phrase is over: after the phrase's last note and before the next phrase, and not in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from improv.core.vocabulary import GRID, Vocabulary
from improv.train.piece import Piece

TIMER = 1.0  # seconds of silence after which the plain timer enters


@dataclass(frozen=True, slots=True)
class Struck:
    """A note of a solo as it was played: beats between which it sounds, and the beat of the next note, if any.

    ends: it is the last of its phrase.
    """

    on: float
    off: float
    coming: float | None
    pitch: int
    ends: bool


def struck_of(piece: Piece) -> list[Struck]:
    """A piece's notes in their real rhythm. What overlaps is cut: one note at a time, in their order."""
    vocabulary = Vocabulary()
    ons: list[float] = []
    offs: list[float] = []
    for position, value in zip(piece.onsets, piece.values, strict=True):
        on = round(position / GRID + vocabulary.lags[value.lag], 9)  # what is on the beat is on it exactly, and goes first
        ons.append(max(on, ons[-1] if ons else 0.0))
        offs.append(ons[-1] + vocabulary.durations[value.duration] / GRID)
    coming = [*ons[1:], None]
    ends = piece.ends or [False] * len(ons)
    return [
        Struck(on, off if after is None else min(off, after), after, value.pitch, end)
        for on, off, after, value, end in zip(ons, offs, coming, piece.values, ends, strict=True)
    ]


def timer(struck: Sequence[Struck], bpm: float, seconds: float = TIMER) -> list[float | None]:
    """The beats on which a plain timer enters, one for each note, None where the next note comes first."""
    waits = [note.off + seconds * bpm / 60.0 for note in struck]
    return [beat if note.coming is None or beat < note.coming else None for note, beat in zip(struck, waits, strict=True)]


def turns(struck: Sequence[Struck], entries: Sequence[float | None]) -> dict[str, float]:
    """Figures of entries, one for each note: the beat on which it entered after that note, or None.

    A solo's last note counts for nothing, since nothing follows it.
    """
    told = [(note, entry) for note, entry in zip(struck, entries, strict=True) if note.coming is not None]
    over = [(note, entry) for note, entry in told if note.ends]
    delays = [entry - note.off for note, entry in over if entry is not None]
    false = sum(entry is not None for note, entry in told if not note.ends)
    within = sum(not note.ends for note, _ in told)
    return {
        "phrase ends": float(len(over)),
        "ends recognised %": 100.0 * len(delays) / max(len(over), 1),
        "delay in beats (median)": float(np.median(delays)) if delays else float("nan"),
        "delay in beats (90th percentile)": float(np.quantile(delays, 0.9)) if delays else float("nan"),
        "false entries, % of all entries": 100.0 * false / max(false + len(delays), 1),
        "false entries, % of notes in mid-phrase": 100.0 * false / max(within, 1),
    }
