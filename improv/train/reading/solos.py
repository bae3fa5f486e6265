"""Transcribed solos on annotated beats: the Weimar Jazz Database's fields, from JSON or from its own file.

notes [on_q, dur_b, midi, on_s, dur_s, bar, beat, tatum, division, phrase], beats [on_s, bar, beat, ...],
chords [index into beats, symbol], bpm, feel, forms, meter, split; velocities [1-127, or null], one a note, where they are known.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

from improv.core.metres import FOUR, Metres, possible
from improv.core.vocabulary import GRID, Vocabulary
from improv.outside import whole
from improv.train.errors import CorpusError
from improv.train.notes import pack
from improv.train.piece import Piece
from improv.train.reading.score import changes_of

_FEEL = {"SWING": "swing", "TWOBEAT": "swing", "BALLAD": "swing", "LATIN": "straight", "FUNK": "straight"}


def read_solo(record: dict[str, Any], vocabulary: Vocabulary, unknown: Counter[str]) -> Piece:
    """One piece from its record. Raises CorpusError or a lookup error when it is broken."""
    notes = record["notes"]
    beats = record.get("beats") or []
    if len(notes) < 2:
        raise CorpusError(f"{len(notes)} notes; at least 2 are needed")
    bpm = float(record.get("bpm") or 120.0)
    if not 20 <= bpm <= 500:
        raise CorpusError(f"tempo {bpm} is outside 20 to 500 bpm")
    feel = _FEEL.get(str(record.get("feel", "")).split("/")[0].removeprefix("A:"), "any")
    changes = changes_of(record.get("chords") or [], unknown)
    places = _places(beats, record.get("forms") or [])
    onsets = [math.floor(n[0] * GRID + 0.5) for n in notes]
    if any(b < a for a, b in itertools.pairwise(onsets)):
        raise CorpusError("onsets go backwards")
    values, at, sections = [], [], []
    for i, note in enumerate(notes):
        pitch = int(note[2])
        if not 0 <= pitch < vocabulary.pitches:
            raise CorpusError(f"note {i + 1}: pitch {pitch} is outside 0 to 127")
        beat, within = divmod(onsets[i], GRID)
        place, section = places(beat)
        at.append(place * GRID + within)
        sections.append(section)
        ioi = (onsets[i] - onsets[i - 1]) / GRID if i else 0.0
        values.append(vocabulary.encode(ioi, pitch, float(note[1]), _lag(note, beats)))
    ends = None
    if len(notes[0]) > 9:
        ends = [i + 1 == len(notes) or notes[i + 1][9] != notes[i][9] for i in range(len(notes))]
    metre = int(str(record.get("meter") or "4/4").split("/")[0] or 4), 4  # its beats are what counts as quarter notes here
    metres = Metres.of(*metre) if possible(metre) else FOUR
    name = str(record.get("id", "?"))
    tune = str(record.get("title") or "")
    packed = pack(onsets, values, at, sections, [bpm] * len(onsets), feel, ends, _velocities(record, len(onsets)))
    return Piece(name, str(record.get("split") or ""), packed, metres, None, bpm, changes, tune=tune)


def _velocities(record: dict[str, Any], count: int) -> list[int | None] | None:
    """One a note, None where it isn't known; None where the record has none."""
    said = record.get("velocities")
    if said is None:
        return None
    if len(said) != count:
        raise CorpusError(f"{len(said)} velocities of {count} notes")
    return [v if whole(v, 1, 127) else None for v in said]


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
