"""Standard MIDI files, as `improv.midi.parts` reads them for a jam.

Onsets in beats come straight from ticks; the tempo map gives each note its tempo. The chords are those of a chart that stands
beside the file, or the symbols that are written in it, or what is heard in the parts that accompany the melody.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from improv.charts.beside import chart_beside
from improv.core.harmony.ear import Hears
from improv.core.harmony.templates import Templates
from improv.midi.bars import bars_of
from improv.midi.harmony import HEARD, harmony_of
from improv.midi.parts import MidiFile, read_midi
from improv.midi.smf import MidiFileError, is_midi
from improv.models.card import ModelError
from improv.models.loader import load_ear
from improv.train.errors import CorpusError
from improv.train.piece import Reading
from improv.train.reading import How
from improv.train.reading.melody import ScorePart, choose
from improv.train.reading.score import Score, piece_of

USUAL = 120.0  # bpm, before a file says anything else


def reads(path: Path, head: bytes) -> bool:
    """A file with the MIDI header, also inside a RIFF file."""
    return is_midi(head)


def read(path: Path, how: How) -> Reading:
    """The one piece of a file: the asked track's, or the likeliest melody's. Raises CorpusError."""
    reading = Reading()
    file = opened(path)
    reading.left_out.update(file.odd)
    ppq = file.table.ppq
    parts = parts_of(file)
    part, label = choose(parts, how.track, [tick / ppq for tick, _ in file.words])
    notes = part.notes
    last = notes[-1].on
    found = bars_of(file)
    metres, one = found.metres, found.one
    if found.passed:
        reading.left_out["time signatures that can't be counted"] += found.passed
    pickup = [0.0] if one else []
    bars = [*pickup, *(one + metres.line(number) for number in range(metres.bar_of(max(last - one, 0.0)) + 3))]
    until_said = [(0.0, USUAL)] if not file.tempi or file.tempi[0][0] else []
    tempi = until_said + [(tick / ppq, 60e6 / tempo) for tick, tempo in file.tempi]
    chart = chart_beside(path, metres, one, last)
    reading.unknown_chords += chart.unknown
    reading.left_out += chart.left_out
    harmony = None if chart.changes else harmony_of(file, _ear if how.listens else None, file.parts[parts.index(part)])
    chords = harmony.changes if harmony else chart.changes
    score = Score("", notes, bars, metres.first.bar, metres, one, tempi, chords or (), track=label)
    piece = piece_of(score, how.vocabulary, reading.unknown_chords, reading.left_out)
    reading.pieces.append(replace(piece, heard=harmony is not None and harmony.how == HEARD))
    return reading


def opened(path: Path) -> MidiFile:
    """The file, as a jam reads it. Raises CorpusError."""
    try:
        file = read_midi(path)
    except MidiFileError as e:
        raise CorpusError(str(e)) from None
    if not file.parts and file.odd["notes without length"]:
        raise CorpusError(f"0 notes in its melody: {file.odd['notes without length']} have no length")
    return file


def parts_of(file: MidiFile) -> list[ScorePart]:
    """Its parts, in beats."""
    ppq = file.table.ppq
    return [ScorePart(p.name, p.on / ppq, (p.off - p.on) / ppq, p.pitch, p.velocity, p.program, p.drums) for p in file.parts]


@lru_cache(maxsize=1)
def _ear() -> Hears:
    """What listens for chords: the learned one, or the one that needs no file."""
    try:
        return load_ear()[0]
    except ModelError:
        return Templates()
