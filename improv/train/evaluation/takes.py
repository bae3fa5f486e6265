"""Takes: real solos and ours over the same changes, in one form, so that only the music can tell them apart.

A take is monophonic. Of two notes on one position the first is kept, and a note ends where the next begins.
"""

from __future__ import annotations

import queue
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from improv.core.events import Event, NoteOn
from improv.core.harmony import Changes
from improv.core.note_model import NoteModel
from improv.core.vocabulary import GRID, Vocabulary
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform
from improv.train.evaluation.playing import alone
from improv.train.piece import Piece

LEAST = 8  # notes of a take
_VOCABULARY = Vocabulary()


class TakeNote(NamedTuple):
    """position: in 1/12 beat from the first bar. length: how long it sounds, likewise. lag: its class in the vocabulary."""

    position: int
    pitch: int
    length: int
    lag: int


@dataclass(frozen=True, slots=True)
class Take:
    """One solo: whose changes, of which tune, real or ours. bar: beats; bars: how many it has."""

    name: str
    tune: str
    real: bool
    notes: Sequence[TakeNote]
    changes: Changes
    bars: int
    bar: int
    tempo: float
    feel: str


def real_take(piece: Piece) -> Take:
    """A real solo. Beat 0 of the piece must begin a bar, and it must have changes."""
    told = zip(piece.onsets, piece.values, strict=True)
    notes = one_line(TakeNote(position, v.pitch, _VOCABULARY.durations[v.duration], v.lag) for position, v in told)
    return _take(piece, True, notes, notes[-1].position // (GRID * piece.beats_a_bar) + 1)


def our_take(model: NoteModel, piece: Piece, seed: int, wanted: Mapping[str, Any] | None = None, most: int | None = None) -> Take:
    """What a model plays alone over a piece's changes, at its tempo, for as many bars as the real solo has, or `most` of them.

    wanted: settings other than the usual ones.
    """
    bars = real_take(piece).bars
    bars = bars if most is None else min(bars, most)
    band, improviser = alone(model, piece, "solo", seed, bars, wanted)
    notes: list[TakeNote] = []

    def sent(event: Event) -> None:
        if isinstance(event, NoteOn):  # its memory is that of this note until the next is played
            memory = improviser.generator.memory
            position, value = memory.position, memory.told[-1][0]
            if position is not None:
                beat = improviser.meter.beat(event.time)
                length = max(round((improviser.sounding.soonest - beat) * GRID), 1)
                notes.append(TakeNote(position, value.pitch, length, _VOCABULARY.nearest_lag(beat - position / GRID)))

    perform(band, OfflineClock(()), queue.SimpleQueue(), sent)
    return _take(piece, False, one_line(notes), bars)


def one_line(notes: Iterable[TakeNote]) -> list[TakeNote]:
    """Rising positions, and no note sounds into the next."""
    kept: list[TakeNote] = []
    for note in notes:
        if not kept or note.position > kept[-1].position:
            if kept:
                kept[-1] = kept[-1]._replace(length=min(kept[-1].length, note.position - kept[-1].position))
            kept.append(note)
    return kept


def _take(piece: Piece, real: bool, notes: Sequence[TakeNote], bars: int) -> Take:
    if piece.changes is None:
        raise ValueError(f"{piece.name} has no changes")
    tune, feel = piece.tune or piece.name, piece.contexts[0].feel
    return Take(piece.name, tune, real, notes, piece.changes, bars, piece.beats_a_bar, piece.bpm, feel)
