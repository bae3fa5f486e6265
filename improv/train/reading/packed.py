"""A reading as bytes, and back: what travels between the processes that read, and what is kept beside a corpus.

What comes back is checked, since a folder may come from a stranger: a number out of its range is no reading.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace
from functools import lru_cache

import msgspec
import numpy as np

from improv.core.errors import ImprovError
from improv.core.harmony import KINDS, Changes, Chord
from improv.core.metres import MeterError, Metres
from improv.core.vocabulary import FEELS, Vocabulary
from improv.train.notes import NOTE, PackedNotes
from improv.train.piece import Piece, Reading


class PackedError(ImprovError):
    """Bytes that are no reading."""


class _PackedMetres(msgspec.Struct, array_like=True):
    changes: list[tuple[float, tuple[int, int]]]
    length: float


class _PackedChanges(msgspec.Struct, array_like=True):
    starts: list[float]
    chords: list[Chord]
    length: float
    loop: bool
    again: float
    metres: _PackedMetres | None


class _PackedPiece(msgspec.Struct, array_like=True):
    name: str
    split: str
    rows: bytes
    tempi: list[float]
    feel: str
    phrased: bool
    dynamic: bool
    metres: _PackedMetres
    one: float | None
    bpm: float
    changes: _PackedChanges | None
    track: str
    tune: str
    heard: bool


class _PackedReading(msgspec.Struct, array_like=True):
    pieces: list[_PackedPiece]
    skipped: list[str]
    unknown_chords: dict[str, int]
    left_out: dict[str, int]


_encoder, _decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(_PackedReading)


def packed(reading: Reading) -> bytes:
    """A reading of one file as bytes, before it is said which source it came from."""
    pieces = [_packed_piece(piece) for piece in reading.pieces]
    return _encoder.encode(_PackedReading(pieces, reading.skipped, dict(reading.unknown_chords), dict(reading.left_out)))


def unpacked(content: bytes) -> Reading:
    """The reading that was packed. Raises PackedError for bytes that are none."""
    try:
        found = _decoder.decode(content)
        pieces = [_piece(piece) for piece in found.pieces]
    except (msgspec.MsgspecError, MeterError, ValueError, RecursionError) as e:
        raise PackedError(f"no reading: {e}") from None
    return Reading(pieces, found.skipped, Counter(found.unknown_chords), Counter(found.left_out))


def _packed_piece(piece: Piece) -> _PackedPiece:
    notes, changes = piece.notes, piece.changes
    chords = None
    if changes:
        metres = _packed_metres(changes.metres) if changes.metres else None
        chords = _PackedChanges(changes.starts, changes.chords, changes.length, changes.loop, changes.again, metres)
    return _PackedPiece(
        piece.name,
        piece.split,
        notes.rows.tobytes(),
        list(notes.tempi),
        notes.feel,
        notes.phrased,
        notes.dynamic,
        _packed_metres(piece.metres),
        piece.one,
        piece.bpm,
        chords,
        piece.track,
        piece.tune,
        piece.heard,
    )


def _piece(said: _PackedPiece) -> Piece:
    """Raises ValueError."""
    rows, vocabulary = np.frombuffer(said.rows, NOTE), Vocabulary()
    limits = {
        "ioi": vocabulary.iois,
        "pitch": vocabulary.pitches,
        "duration": len(vocabulary.durations),
        "lag": len(vocabulary.lags),
        "tempo": len(said.tempi),
        "end": 2,
        "velocity": 128,
    }
    if len(rows) < 2 or any(int(rows[name].max()) >= limit for name, limit in limits.items()):
        raise ValueError("a note out of range")
    if said.feel not in FEELS or not all(20.0 <= tempo <= 500.0 for tempo in (said.bpm, *said.tempi)):
        raise ValueError("a tempo or a feel out of range")
    changes = None
    if said.changes:
        told = said.changes
        if len(told.starts) != len(told.chords) or not told.starts or not all(map(math.isfinite, told.starts)):
            raise ValueError("chords without their places")
        if any(b < a for a, b in itertools.pairwise(told.starts)) or not told.length > 0:
            raise ValueError("chords out of order")
        if not all(_is_chord(chord) for chord in told.chords):
            raise ValueError("a chord that is none")
        if not 0.0 <= told.again < told.length:
            raise ValueError("chords that come again nowhere")
        metres = _metres(told.metres) if told.metres else None
        changes = Changes(told.starts, told.chords, told.length, told.loop, told.again, metres)
    notes = PackedNotes(rows.copy(), tuple(said.tempi), said.feel, said.phrased, said.dynamic)
    if said.one is not None and not math.isfinite(said.one):
        raise ValueError("a bar one that is nowhere")
    piece = Piece(said.name, said.split, notes, _metres(said.metres), said.one, said.bpm, changes, track=said.track, tune=said.tune)
    return replace(piece, heard=said.heard)


def _packed_metres(metres: Metres) -> _PackedMetres:
    return _PackedMetres(list(metres.changes), metres.length)


def _metres(said: _PackedMetres) -> Metres:
    """Raises MeterError."""
    return _same_metres(tuple(said.changes), said.length)


_same_metres = lru_cache(maxsize=256)(Metres)  # most pieces share a few


def _is_chord(chord: Chord) -> bool:
    classes = [pitch for pitch in (chord.root, chord.bass) if pitch is not None]
    steps = chord.sound.tones | chord.sound.excluded if chord.sound else frozenset()
    return chord.kind in KINDS and all(0 <= pitch < 12 for pitch in (*classes, *steps))
