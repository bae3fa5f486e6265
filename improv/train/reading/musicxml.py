"""MusicXML, plain or compressed, through music21, with its chord symbols. Repeats are read as written, once."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from improv.charts.beside import chart_beside
from improv.charts.spelling import Degree, from_musicxml, is_chord
from improv.extras import install
from improv.outside import OutsideError, read_file
from improv.train.errors import CorpusError
from improv.train.piece import Reading
from improv.train.reading import How, score_limits
from improv.train.reading.melody import ScorePart, choose
from improv.train.reading.score import Score, ScoreNote, metres_by, piece_of

LARGEST = 16 * 2**20  # bytes of a score, packed and unpacked
LARGEST_CONTAINER = 2**16  # bytes of what says where in an archive the score is
MOST_FILES = 1000  # in an archive
_ROOTS = ("<score-partwise", "<score-timewise")


def reads(path: Path, head: bytes) -> bool:
    """A score as XML, or an archive that says where in it the score is."""
    if head.startswith(b"PK\x03\x04"):
        try:
            return b"META-INF/container.xml" in read_file(path, LARGEST)
        except OutsideError:
            return path.suffix.lower() == ".mxl"
    return any(root in _decoded(head, errors="ignore") for root in _ROOTS)


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
    raw = read_file(path, LARGEST)
    if raw.startswith(b"PK"):
        try:
            raw = _unpacked(raw)
        except (
            zipfile.BadZipFile,
            ElementTree.ParseError,
            EOFError,
            OSError,
            RuntimeError,  # encrypted
            zlib.error,
            ValueError,
            LookupError,  # an encoding that nobody knows; and a file that the archive has not
        ) as e:
            raise CorpusError(f"not a readable archive ({e})") from None
    text = _decoded(raw, errors="replace")
    score_limits.check(text)
    return text


def _unpacked(raw: bytes) -> bytes:
    """The score in an archive. Raises CorpusError, and what its readers raise."""
    if (many := raw.count(b"PK\x01\x02")) > MOST_FILES:
        raise CorpusError(f"an archive of {many:,} files; there may be {MOST_FILES}")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        container = _one_of(archive, "META-INF/container.xml", LARGEST_CONTAINER)
        root = ElementTree.fromstring(container).find(".//{*}rootfile")
        inside = root.get("full-path") if root is not None else None
        if not inside:
            raise CorpusError("an archive without a score")
        return _one_of(archive, inside, LARGEST)


def _one_of(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A file of an archive, so many bytes at the most. Raises CorpusError, and what `zipfile` raises."""
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # Python unpacks others without a limit
        raise CorpusError(f"an archive whose {name[:80]} is packed otherwise than MusicXML's are")
    blob = archive.open(name).read(most + 1)
    if len(blob) > most:
        raise CorpusError(f"an archive whose {name[:80]} has more than {most:,} bytes")
    return blob


def _decoded(raw: bytes, errors: str) -> str:
    """Text by its byte order mark; MusicXML is UTF-8 or UTF-16."""
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    return raw.decode("utf-16" if wide else "utf-8-sig", errors=errors)
