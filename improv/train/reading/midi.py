"""Standard MIDI files, through symusic, which reads them a hundred times as fast as mido.

Onsets in beats come straight from ticks; the tempo map gives each note its tempo. Markers that are chord
symbols are the chords, if no changes stand beside the file.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import Any

from improv.charts.beside import chart_beside
from improv.core.harmony import HarmonyError, parse_chord
from improv.train.piece import CorpusError, Reading
from improv.train.reading import How
from improv.train.reading.melody import ScorePart, choose
from improv.train.reading.score import Score, ScoreNote, piece_of

MOST_BEATS = 50_000  # of a piece: hours of playing


def reads(path: Path, head: bytes) -> bool:
    """A file with the MIDI header."""
    return head.startswith(b"MThd")


def read(path: Path, how: How) -> Reading:
    """The one piece of a file: the asked track's, or the likeliest melody's. Raises CorpusError."""
    reading = Reading()
    file = parse(path)
    ppq = file.ticks_per_quarter
    if not 1 <= ppq < 0x8000:
        raise CorpusError(f"its time division is {ppq}, not ticks a quarter")
    part, label = choose([part_of(track, ppq) for track in file.tracks], how.track)
    last = max(n.on for n in part.notes)
    if last > MOST_BEATS:
        raise CorpusError(f"its last note is on beat {last:,.0f}; at most {MOST_BEATS:,} are read")
    metres = _metres(file, ppq, reading.left_out)
    bars = _bars(metres, last)
    bar = metres[max(bisect_right([beat for beat, _ in metres], part.notes[0].on + 1e-6) - 1, 0)][1]
    tempi = [(t.time / ppq, float(t.qpm)) for t in file.tempos]
    chart = chart_beside(path, bars, bar, last)
    reading.unknown_chords += chart.unknown
    reading.left_out += chart.left_out
    chords = chart.changes or _markers(file, ppq)
    score = Score("", part.notes, bars, bar, tempi, chords, track=label)
    reading.pieces.append(piece_of(score, how.vocabulary, reading.unknown_chords, reading.left_out))
    return reading


def parse(path: Path) -> Any:
    try:
        import symusic
    except ImportError:
        raise CorpusError("reading MIDI needs symusic, which is not installed: pip install 'improv-jazz[train]'") from None
    try:
        return symusic.Score.from_midi(path.read_bytes())
    except (RuntimeError, ValueError, TypeError, IndexError, MemoryError) as e:
        raise CorpusError(f"not a readable MIDI file ({str(e).strip().rstrip('!')})") from None


def part_of(track: Any, ppq: int) -> ScorePart:
    columns = track.notes.numpy()
    rows = zip(*(columns[name].tolist() for name in ("time", "duration", "pitch", "velocity")), strict=True)
    notes = sorted((ScoreNote(on / ppq, length / ppq, pitch, velocity) for on, length, pitch, velocity in rows), key=lambda n: n.on)
    try:
        name = track.name.strip()
    except UnicodeDecodeError:
        name = ""
    return ScorePart(name, notes, track.program, track.is_drum)


def _metres(file: Any, ppq: int, left_out: Counter[str]) -> list[tuple[float, float]]:
    """(from this beat, beats a bar), from beat 0 on."""
    metres = [(0.0, 4.0)]
    for sign in sorted(file.time_signatures, key=lambda s: s.time):
        if sign.numerator < 1 or sign.denominator < 1 or not 0.25 <= 4 * sign.numerator / sign.denominator <= 64:
            left_out["impossible time signatures"] += 1
            continue
        at = sign.time / ppq
        if at == metres[-1][0]:
            metres.pop()
        metres.append((at, 4.0 * sign.numerator / sign.denominator))
    return metres


def _bars(metres: list[tuple[float, float]], last: float) -> list[float]:
    """Bar lines up to one after the last note; a new time signature begins a bar."""
    bars: list[float] = []
    for (start, bar), (until, _) in itertools.pairwise([*metres, (last + 2 * metres[-1][1], 0.0)]):
        line = start
        while line < until - 1e-6 and line <= last + 2 * bar:
            bars.append(line)
            line += bar
    return bars


def _markers(file: Any, ppq: int) -> list[tuple[float, str]]:
    """Chords from markers, if nearly all markers are chord symbols."""
    try:
        markers = [(m.time / ppq, m.text.strip()) for m in file.markers]
    except UnicodeDecodeError:
        return []
    known = sum(_is_chord(text) for _, text in markers)
    return sorted(markers) if known >= 2 and known >= 0.8 * len(markers) else []


def _is_chord(text: str) -> bool:
    try:
        parse_chord(text)
    except HarmonyError:
        return False
    return True
