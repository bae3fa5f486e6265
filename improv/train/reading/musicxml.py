"""MusicXML, plain or compressed, through music21, with its chord symbols. Repeats are read as written, once."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from improv.charts.beside import chart_beside
from improv.charts.score_limits import ScoreError
from improv.charts.score_text import is_score, text_of
from improv.charts.spelling import Degree, from_musicxml, is_chord
from improv.extras import install
from improv.train.errors import CorpusError
from improv.train.piece import Reading
from improv.train.reading import How
from improv.train.reading.melody import ScorePart, choose
from improv.train.reading.score import Score, ScoreNote, metres_by, piece_of


def reads(path: Path, head: bytes) -> bool:
    """Whether it is a score."""
    return is_score(path, head)


def read(path: Path, how: How) -> Reading:
    """The one piece of a score: the asked part's, or the likeliest melody's. Raises CorpusError."""
    reading = Reading()
    try:
        from music21 import converter, harmony, stream, tempo
    except ImportError:
        raise CorpusError(f"reading MusicXML needs music21, which is not installed: {install('train')}") from None
    text = _text(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = converter.parseData(text, format="musicxml")
            score = score if isinstance(score, stream.Score) else stream.Score([score])
            score.toSoundingPitch(inPlace=True)
            staves = list(score.parts)
            parts = [_part(staff.stripTies()) for staff in staves]
            part, label = choose(parts, how.track)
            bars, bar = _bars(staves[next(i for i, p in enumerate(parts) if p is part)])
            flat = score.flatten()
            marks = [m for m in flat.getElementsByClass(tempo.MetronomeMark) if m.number is not None]
            tempi = [(float(m.offset), float(m.getQuarterBPM()) if m.number else 0.0) for m in marks]
            symbols = [(float(c.offset), symbol_of(c)) for c in flat.getElementsByClass(harmony.ChordSymbol)]
    except CorpusError:
        raise
    except Exception as e:  # music21 raises whatever it meets
        raise CorpusError(f"music21 can't read it ({type(e).__name__}: {' '.join(str(e).split())[:120]})") from None
    notes = part.notes
    last = notes[-1].on
    one, metres = metres_by(bars, bar)
    chart = chart_beside(path, metres, one, last)
    reading.unknown_chords += chart.unknown
    reading.left_out += chart.left_out
    chords = chart.changes or sorted(symbols, key=lambda c: c[0])
    whole = Score("", notes, bars, bar, metres, one, tempi, chords, track=label)
    reading.pieces.append(piece_of(whole, how.vocabulary, reading.unknown_chords, reading.left_out))
    return reading


def _part(staff: Any) -> ScorePart:
    from music21 import chord, harmony, note

    notes: list[ScoreNote] = []
    drums = False
    for element in staff.flatten().notes:
        if isinstance(element, harmony.Harmony):
            continue
        if isinstance(element, note.Note | chord.Chord):
            length = 0.0 if element.duration.isGrace else float(element.quarterLength)
            notes += [ScoreNote(float(element.offset), length, round(p.ps)) for p in element.pitches]
        else:
            drums = True
    instrument = staff.getInstrument(returnDefault=False)
    drums = drums or getattr(instrument, "midiChannel", None) == 9
    name = staff.partName or getattr(instrument, "instrumentName", None) or ""
    notes.sort(key=lambda n: n.on)
    onsets, lengths, pitches = (np.array([n[i] for n in notes], dtype=float) for i in range(3))
    return ScorePart(str(name), onsets, lengths, pitches.astype(int), None, getattr(instrument, "midiProgram", None), drums)


def _bars(staff: Any) -> tuple[list[float], float]:
    """Bar lines, the last one's end among them, and beats a bar by the first time signature."""
    from music21 import meter, stream

    measures = list(staff.getElementsByClass(stream.Measure))
    bars = sorted({float(m.offset) for m in measures} | {float(m.offset + m.barDuration.quarterLength) for m in measures[-1:]})
    signs = staff.flatten().getElementsByClass(meter.TimeSignature)
    bar = float(signs[0].barDuration.quarterLength) if signs else 4.0
    return bars or [0.0], bar if bar > 0 else 4.0


def symbol_of(chord: Any) -> str:
    """A music21 chord symbol as a lead sheet writes it: the truest that can be read."""
    from music21 import harmony

    root = chord.root()
    if isinstance(chord, harmony.NoChord) or root is None:
        return "NC" if isinstance(chord, harmony.NoChord) else str(chord.figure or chord.chordKind or "?")
    degrees = [Degree(str(d.modType), int(d.degree), int(d.interval.semitones) if d.interval else 0) for d in chord.chordStepModifications]
    bass = chord.bass()
    below = f"/{_spelled(bass)}" if bass is not None and bass.pitchClass != root.pitchClass else ""
    symbols = [s + below for s in from_musicxml(_spelled(root), str(chord.chordKind), str(chord.chordKindStr or ""), degrees)]
    return next(filter(is_chord, symbols), symbols[0])


def _spelled(pitch: Any) -> str:
    name = str(pitch.name).replace("-", "b")
    return name if len(name) <= 2 else str(pitch.simplifyEnharmonic().name).replace("-", "b")


def _text(path: Path) -> str:
    """The score's XML. Raises CorpusError."""
    try:
        return text_of(path)
    except ScoreError as e:
        raise CorpusError(str(e)) from None
