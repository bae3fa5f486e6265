"""Pieces that an ear learns from: what sounds, and which chord, key and place in the bar each beat has.

Read from JSON lines as the data sets have them: a pianist's songs with chords and beats (`pop909`), soloists over changes with
the bassist's pitch at each beat (`wjd`), changes of standards (`irb`), which `textures` plays.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from improv.charts.spelling import from_harte
from improv.core.harmony import Chord, HarmonyError, parse_chord
from improv.core.harmony.coming import quality_of
from improv.core.harmony.ear import QUALITIES
from improv.core.harmony.frames import SoundingNote
from improv.core.harmony.spelling import Key, parse_key

UNKNOWN, NONE = -1, 12 * len(QUALITIES)


class EarTake(NamedTuple):
    """notes: sorted by onset, in beats. chords, keys: of each beat; a chord is root * qualities + quality, NONE or UNKNOWN; a key
    2 * tonic + minor or UNKNOWN. bar: beats since the bar line at each beat, or None. name: of the piece, or of its tune."""

    name: str
    notes: list[SoundingNote]
    chords: np.ndarray
    keys: np.ndarray
    bar: np.ndarray | None


def rows_in(path: Path) -> Iterator[dict[str, Any]]:
    """A gzipped file's JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def number_of(chord: Chord) -> int:
    """A chord as a number."""
    return NONE if chord.root is None else chord.root * len(QUALITIES) + quality_of(chord)


def number_of_symbol(symbol: str) -> int:
    """A lead sheet's symbol as a number; one that can't be read is UNKNOWN."""
    try:
        return number_of(parse_chord(symbol))
    except HarmonyError:
        return UNKNOWN


def number_of_harte(symbol: str) -> int:
    """A symbol of Harte's as a number, the second for the third told."""
    plain = symbol.split("/")[0]
    if ":sus" in plain:
        return number_of_symbol(plain.replace(":sus2", "sus2").replace(":sus4(b7)", "7sus").replace(":sus4", "sus4"))
    return number_of_symbol(from_harte(symbol))


def number_of_key(key: Key) -> int:
    return 2 * key.tonic + key.minor


def pop_take(song: Mapping[str, Any], parts: Sequence[tuple[str, bool]]) -> EarTake:
    """A song of a pianist. parts: which of its tracks, and whether each is the line."""
    times = np.array([b[0] for b in song["beats"]], float)
    count = len(times) - 1
    notes = list[SoundingNote]()
    for part, line in parts:
        struck = np.array([n[0] for n in song[part]], float)
        let_go = struck + np.array([n[1] for n in song[part]], float)
        times_of = zip(_in_beats(struck, times).tolist(), _in_beats(let_go, times).tolist(), song[part], strict=True)
        notes += [SoundingNote(on, off, int(n[2]), int(n[3]), line) for on, off, n in times_of]
    notes.sort(key=lambda n: (n.on, n.pitch))
    middles = 0.5 * (times[:-1] + times[1:])
    ends = np.array([c[1] for c in song["chords"]], float)
    at = np.minimum(np.searchsorted(ends, middles, side="right"), len(ends) - 1)
    numbers = np.array([number_of_harte(c[2]) for c in song["chords"]])
    keys = np.full(count, UNKNOWN)
    for start, end, name in song["key"]:
        inside = (middles >= float(start)) & (middles < float(end))
        keys[inside] = number_of_key(parse_key(name.replace(":", "-")))
    downs = [i for i, b in enumerate(song["beats"]) if b[-1] == 1]
    bar = np.array([i - max((d for d in downs if d <= i), default=downs[0] - 4 if downs else 0) for i in range(count)]) if downs else None
    return EarTake(song["id"], notes, numbers[at], keys, None if bar is None else bar % 4)


def _in_beats(seconds: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Seconds as beats; before the first and after the last beat at their tempo."""
    beats: np.ndarray = np.interp(seconds, times, np.arange(len(times)))
    early, late = seconds < times[0], seconds > times[-1]
    beats[early] = (seconds[early] - times[0]) / (times[1] - times[0])
    beats[late] = len(times) - 1 + (seconds[late] - times[-1]) / (times[-1] - times[-2])
    return beats


def solo_take(solo: Mapping[str, Any], bass: bool, line: bool = True, marked: bool = True) -> EarTake | None:
    """A soloist and the bassist, or one of them. marked: the soloist's notes are known to be the line."""
    if not solo["chords"]:
        return None
    beats = solo["beats"]
    notes = []
    if line:
        notes += [SoundingNote(n[0], n[0] + max(n[1], 0.05), n[2], 80, marked) for n in solo["notes"]]
    if bass:
        notes += [SoundingNote(float(i), i + 0.9, b[3], 80, False) for i, b in enumerate(beats) if b[3] is not None]
    notes.sort(key=lambda n: (n.on, n.pitch))
    chords = np.full(len(beats), UNKNOWN)
    for (at, symbol), until in zip(solo["chords"], [*(c[0] for c in solo["chords"][1:]), len(beats)], strict=True):
        chords[at:until] = number_of_symbol(symbol)
    try:
        key = number_of_key(parse_key(solo.get("key") or ""))
    except HarmonyError:
        key = UNKNOWN
    bar = np.array([b[2] - 1 for b in beats])
    return EarTake(solo["title"], notes, chords, np.full(len(beats), key), bar)


class Sheet(NamedTuple):
    """A tune's changes: chords as (beat, number), its key, beats a bar, its length in beats."""

    title: str
    chords: list[tuple[float, int]]
    key: int
    bar: float
    beats: float


def sheet_of(song: Mapping[str, Any]) -> Sheet:
    """A standard's changes."""
    try:
        key = number_of_key(parse_key(song.get("key") or ""))
    except HarmonyError:
        key = UNKNOWN
    count, unit = (int(n) for n in song["time"].split("/"))
    chords = [(float(beat), number_of_symbol(symbol)) for beat, symbol in song["chords"]]
    return Sheet(song["title"], chords, key, 4 * count / unit, float(song["beats"]))


def progression(sheet: Sheet) -> list[tuple[int, int]]:
    """The chords of a sheet in order, (root, quality), none twice in a row."""
    found: list[tuple[int, int]] = []
    for _, number in sheet.chords:
        if 0 <= number < NONE and (not found or found[-1] != divmod(number, len(QUALITIES))):
            found.append(divmod(number, len(QUALITIES)))
    return found
