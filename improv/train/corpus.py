"""Pieces read from JSON lines, checked, as values in their contexts.

Format: one JSON object a line, gzipped or not, with the Weimar Jazz Database's fields:
notes [on_q, dur_b, midi, on_s, dur_s, bar, beat, tatum, division, phrase], beats
[on_s, bar, beat, ...], chords [index into beats, symbol], bpm, feel, forms, split.
"""

from __future__ import annotations

import gzip
import itertools
import json
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from improv.core.errors import ImprovError
from improv.core.harmony import NO_CHORD, OPEN, Changes, HarmonyError, parse_chord
from improv.core.values import GRID, Context, Value, Vocabulary

_FEEL = {"SWING": "swing", "TWOBEAT": "swing", "BALLAD": "swing", "LATIN": "straight", "FUNK": "straight"}


class CorpusError(ImprovError):
    """A corpus that can't be used; the message says where and why."""


@dataclass(frozen=True)
class Piece:
    """One solo. onsets: grid positions (1/12 beat) from the first beat; ends: whether a phrase ends here."""

    name: str
    split: str
    onsets: list[int]
    values: list[Value]
    contexts: list[Context]
    ends: list[bool] | None
    beats_a_bar: int = 4
    bpm: float = 120.0
    changes: Changes | None = None


@dataclass
class Reading:
    """Pieces, and what was left out: reasons for skipped pieces, counts of unknown chord symbols."""

    pieces: list[Piece] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unknown_chords: Counter[str] = field(default_factory=Counter)

    def of(self, split: str) -> list[Piece]:
        return [p for p in self.pieces if p.split == split]


def read_corpus(path: str | Path, vocabulary: Vocabulary) -> Reading:
    """Read a .jsonl or .jsonl.gz file. Broken pieces are skipped with a reason.

    Raises CorpusError when the file can't be read or no piece in it is usable.
    """
    reading = Reading()
    for number, record in _records(Path(path)):
        if isinstance(record, str):
            reading.skipped.append(f"line {number}: {record}")
            continue
        try:
            reading.pieces.append(read_piece(record, vocabulary, reading.unknown_chords))
        except (CorpusError, KeyError, TypeError, ValueError, IndexError) as e:
            reason = f"missing field {e}" if isinstance(e, KeyError) else str(e)
            reading.skipped.append(f"line {number} ({record.get('id', 'no id')}): {reason}")
    if not reading.pieces:
        why = f"; the first: {reading.skipped[0]}" if reading.skipped else ""
        raise CorpusError(f"{path}: no usable piece in it ({len(reading.skipped)} skipped{why})")
    return reading


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except ValueError as e:
                    yield number, f"not JSON ({e})"
                    continue
                yield number, record if isinstance(record, dict) else "not a JSON object"
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as e:
        raise CorpusError(f"{path}: can't be read as JSON lines ({e})") from e


def read_piece(record: dict[str, Any], vocabulary: Vocabulary, unknown: Counter[str]) -> Piece:
    """One piece from its record. Raises CorpusError or a lookup error when it is broken."""
    notes = record["notes"]
    beats = record.get("beats") or []
    if len(notes) < 2:
        raise CorpusError(f"{len(notes)} notes; at least 2 are needed")
    bpm = float(record.get("bpm") or 120.0)
    if not 20 <= bpm <= 500:
        raise CorpusError(f"tempo {bpm} is outside 20 to 500 bpm")
    feel = _FEEL.get(str(record.get("feel", "")).split("/")[0].removeprefix("A:"), "any")
    changes = _changes(record, unknown)
    places = _places(beats, record.get("forms") or [])
    onsets = [math.floor(n[0] * GRID + 0.5) for n in notes]
    if any(b < a for a, b in itertools.pairwise(onsets)):
        raise CorpusError("onsets go backwards")
    values, contexts = [], []
    for i, note in enumerate(notes):
        pitch = int(note[2])
        if not 0 <= pitch < vocabulary.pitches:
            raise CorpusError(f"note {i + 1}: pitch {pitch} is outside 0 to 127")
        beat, within = divmod(onsets[i], GRID)
        place, section = places(beat)
        outlook = changes.outlook(onsets[i] / GRID) if changes else OPEN
        contexts.append(Context(outlook, place * GRID + within, section, bpm, feel))
        ioi = (onsets[i] - onsets[i - 1]) / GRID if i else 0.0
        values.append(vocabulary.encode(ioi, pitch, float(note[1]), _lag(note, beats)))
    ends = None
    if len(notes[0]) > 9:
        ends = [i + 1 == len(notes) or notes[i + 1][9] != notes[i][9] for i in range(len(notes))]
    bar = int(str(record.get("meter") or "4/4").split("/")[0] or 4)
    name = str(record.get("id", "?"))
    return Piece(name, str(record.get("split") or "train"), onsets, values, contexts, ends, bar, bpm, changes)


def _changes(record: dict[str, Any], unknown: Counter[str]) -> Changes | None:
    starts, chords = [], []
    for start, symbol in record.get("chords") or []:
        try:
            chord = parse_chord(symbol)
        except HarmonyError:
            unknown[symbol] += 1
            chord = NO_CHORD
        starts.append(float(start))
        chords.append(chord)
    return Changes(starts, chords, math.inf, loop=False) if starts else None


def _places(beats: list[list[Any]], forms: list[list[Any]]) -> Any:
    """beat -> (beat in the bar from 0, bars since the section began or None)."""
    first_bars: dict[int, int] = {}
    section_start: int | None = None
    labels = {int(b): label for b, label in forms}
    before = None
    for b, (_, bar, _, *_) in enumerate(beats):
        label = labels.get(b)
        if label and label != before:
            section_start, before = bar, label
        if section_start is not None:
            first_bars[b] = bar - section_start

    def place(beat: int) -> tuple[int, int | None]:
        if 0 <= beat < len(beats):
            return beats[beat][2] - 1, first_bars.get(beat)
        return beat % 4, None

    return place


def _lag(note: list[Any], beats: list[list[Any]]) -> float:
    """How late the note was played against its grid position, in beats.

    The beat is taken to last as long as the one before it: what a player can know.
    """
    beat = math.floor(note[0])
    if len(note) < 5 or not 1 <= beat < len(beats):
        return 0.0
    before, start = beats[beat - 1][0], beats[beat][0]
    return beat + (note[3] - start) / (start - before) - note[0] if start > before else 0.0
