"""Standard MIDI files, as `improv.midi.parts` reads them for a jam.

Onsets in beats come straight from ticks; the tempo map gives each note its tempo. Markers that are chord
symbols are the chords, if no changes stand beside the file.
"""

from __future__ import annotations

from pathlib import Path

from improv.charts.beside import chart_beside
from improv.charts.spelling import is_chord
from improv.midi.bars import bars_of
from improv.midi.parts import MidiFile, read_midi
from improv.midi.smf import MidiFileError, is_midi
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
    part, label = choose(parts_of(file), how.track, [tick / ppq for tick, _ in file.words])
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
    chords = chart.changes or _markers(file)
    score = Score("", notes, bars, metres.first.bar, metres, one, tempi, chords, track=label)
    reading.pieces.append(piece_of(score, how.vocabulary, reading.unknown_chords, reading.left_out))
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


def _markers(file: MidiFile) -> list[tuple[float, str]]:
    """Chords from markers, if nearly all markers are chord symbols."""
    known = sum(is_chord(text) for _, text in file.markers)
    enough = known >= 2 and known >= 0.8 * len(file.markers)
    return [(tick / file.table.ppq, text) for tick, text in file.markers] if enough else []
