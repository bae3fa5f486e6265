"""JSON lines, gzipped or not: one piece a line, in one of three kinds that its fields tell.

Solos: the fields of `solos.py`. Lead sheets: notes [on_q, dur_q, midi], bars (onsets in beats), chords
[on_q, symbol], meter. Performances: melody [on_s, dur_s, midi, velocity], beats [on_s, ..., 1 on a downbeat],
chords [from_s, to_s, symbol]. All may have id, split and bpm.
"""

from __future__ import annotations

import gzip
import itertools
import json
import statistics
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from improv.outside import open_file
from improv.train.errors import CorpusError
from improv.train.piece import Piece, Reading
from improv.train.reading import How
from improv.train.reading.score import Score, ScoreNote, piece_of
from improv.train.reading.solos import read_solo

LARGEST = 512 * 2**20  # bytes of a file, unpacked
LONGEST_LINE = 8 * 2**20  # bytes of a piece
MOST_LINES = 200_000


def reads(path: Path, head: bytes) -> bool:
    """A file that is named so, or is gzipped, or begins with a JSON object."""
    named = path.name.lower().endswith((".jsonl", ".jsonl.gz"))
    return named or head.startswith(b"\x1f\x8b") or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def read(path: Path, how: How) -> Reading:
    """All pieces of a file. Broken ones are skipped with a reason."""
    reading = Reading()
    for number, record in _records(path):
        if isinstance(record, str):
            reading.skipped.append(f"{path.name}: {record}" if number is None else f"{path.name}: line {number}: {record}")
            continue
        try:
            reading.pieces.append(_piece(record, how, reading))
        except (CorpusError, KeyError, TypeError, ValueError, IndexError, ArithmeticError, AttributeError) as e:
            reason = f"missing field {e}" if isinstance(e, KeyError) else str(e)
            reading.skipped.append(f"{path.name}: line {number} ({record.get('id', 'no id')}): {reason}")
    return reading


def _piece(record: dict[str, Any], how: How, reading: Reading) -> Piece:
    if "melody" in record:
        score = _performance(record)
    elif "bars" in record and "beats" not in record:
        score = _lead_sheet(record)
    else:
        return read_solo(record, how.vocabulary, reading.unknown_chords)
    return piece_of(score, how.vocabulary, reading.unknown_chords, reading.left_out)


def _records(path: Path) -> Iterator[tuple[int | None, dict[str, Any] | str]]:
    """(line number, record), or a reason in its place; a number of None where the rest can't be read."""
    number = 0
    try:
        with open_file(path, LARGEST) as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            lines = gzip.GzipFile(fileobj=raw) if packed else raw
            for number, line in enumerate(_bounded(lines), 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
                except UnicodeDecodeError:
                    raise
                except (ValueError, RecursionError) as e:
                    yield number, f"not JSON ({e})"
                    continue
                yield number, record if isinstance(record, dict) else "not a JSON object"
    except CorpusError as e:
        yield None, f"{e}, after line {number}"
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as e:
        yield None, f"can't be read as JSON lines after line {number} ({e})"


def _bounded(lines: Any) -> Iterator[bytes]:
    """The lines of a file, however it is packed. Raises CorpusError where they are more, or longer, than a corpus has."""
    left = LARGEST
    for _ in range(MOST_LINES):
        line: bytes = lines.readline(LONGEST_LINE + 1)
        if not line:
            return
        left -= len(line)
        if len(line) > LONGEST_LINE:
            raise CorpusError(f"a line of more than {LONGEST_LINE:,} bytes")
        if left < 0:
            raise CorpusError(f"more than {LARGEST:,} bytes unpacked")
        yield line
    if lines.readline(1):
        raise CorpusError(f"more than {MOST_LINES:,} lines")


def _lead_sheet(record: dict[str, Any]) -> Score:
    count, unit = record.get("meter") or (4, 4)
    bpm = record.get("bpm")
    return Score(
        str(record.get("id", "?")),
        [ScoreNote(float(on), float(length), int(pitch)) for on, length, pitch, *_ in record["notes"]],
        bars=[float(b) for b in record["bars"]] or [0.0],
        bar=4.0 * count / unit,
        tempi=[(0.0, float(bpm))] if bpm else [],
        chords=[(float(on), str(symbol)) for on, symbol, *_ in record.get("chords") or []],
        split=str(record.get("split") or ""),
    )


def _performance(record: dict[str, Any]) -> Score:
    """Seconds become beats by the annotated beats; before the first and after the last, at the tempo there."""
    beats = [float(b[0]) for b in record["beats"]]
    if len(beats) < 2 or any(b <= a for a, b in itertools.pairwise(beats)):
        raise CorpusError("beats: at least 2, each later than the one before, are needed")

    def beat(time: float) -> float:
        i = min(max(bisect_right(beats, time) - 1, 0), len(beats) - 2)
        return i + (time - beats[i]) / (beats[i + 1] - beats[i])

    downbeats = [float(i) for i, b in enumerate(record["beats"]) if len(b) > 1 and b[-1] == 1]
    bpm = float(record.get("bpm") or 60.0 / statistics.median(b - a for a, b in itertools.pairwise(beats)))
    notes = [
        ScoreNote(beat(on), beat(on + length) - beat(on), int(pitch), int(velocity[0]) if velocity else None)
        for on, length, pitch, *velocity in record["melody"]
    ]
    return Score(
        str(record.get("id", "?")),
        notes,
        bars=downbeats or [0.0],
        bar=_usual([b - a for a, b in itertools.pairwise(downbeats)], 4.0),
        tempi=[(0.0, bpm)],
        chords=[(beat(start), str(symbol)) for start, _, symbol, *_ in record.get("chords") or []],
        feel="straight",
        split=str(record.get("split") or ""),
    )


def _usual(lengths: Sequence[float], otherwise: float) -> float:
    return statistics.mode(lengths) if lengths else otherwise
