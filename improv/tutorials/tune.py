"""A tune for the tutorial's network: one solo and its chords, measured from two tracks of a MIDI file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from improv.core.harmony import NO_CHORD, Changes, Chord, chord_of
from improv.models.grammar import Note, clean, quantise
from improv.train.errors import CorpusError
from improv.train.reading.melody import ScorePart, choose
from improv.train.reading.midi import opened, parts_of
from improv.train.reading.score import ScoreNote

HALF = 2.0  # beats over which a chord is measured; where a change falls between, beat by beat


@dataclass(frozen=True, slots=True)
class Tune:
    """A solo on the grid of 1/12 beat, from beat 0 of its first bar; what sounds under it, and the chords that this makes.

    tempo: quarter notes a minute. labels: which tracks were taken, and why.
    """

    notes: list[Note]
    accompaniment: list[ScoreNote]
    changes: Changes
    tempo: float
    beats_a_bar: float
    bars: int
    labels: tuple[str, str]


def read_tune(path: Path, solo_track: str | None = None, chord_track: str | None = None, bars: tuple[int, int] | None = None) -> Tune:
    """The solo and the chords of a MIDI file. Raises CorpusError.

    tracks: by number from 1, or by a part of the name; None for the likeliest. bars: first and last, from 1; None for all.
    """
    if not path.is_file():
        raise CorpusError("no such file")
    file = opened(path)
    parts = parts_of(file)
    solo, solo_label = choose(parts, solo_track)
    chords, chord_label = choose(parts, chord_track) if chord_track is not None else _fullest(parts, solo)
    _, count, unit = file.metres[0] if file.metres else (0, 4, 4)
    bar = 4.0 * count / unit
    last = max(int(n.on // bar) for n in solo.notes) + 1
    first, until = bars or (1, last)
    if not 1 <= first <= until:
        raise CorpusError(f"bars {first}:{until}: expected the first and the last bar, counted from 1")
    begin, end = (first - 1) * bar, until * bar
    notes = _line(_between(solo.notes, begin, end))
    under = _between(chords.notes, begin, end)
    if not notes or not under:
        raise CorpusError(f"no {'chords' if notes else 'solo'} in bars {first} to {until}; the solo has {last} bars")
    tempo = 60e6 / file.tempi[0][1] if file.tempi else 120.0
    return Tune(notes, under, measured(under, end - begin), tempo, bar, until - first + 1, (solo_label, chord_label))


def measured(notes: list[ScoreNote], length: float) -> Changes:
    """The chords that sounding notes make, over `length` beats, looped. What makes none goes on with the chord before."""
    starts, found = [], []
    before = NO_CHORD
    for i in range(int(-(-length // HALF))):
        at = i * HALF
        inside = [beat for beat in (at + 1.0,) if beat < length and any(abs(n.on - beat) < 0.25 for n in notes)]
        for start, until in zip([at, *inside], [*inside, min(at + HALF, length)], strict=True):
            chord = _chord(notes, start, until)
            before = before if chord == NO_CHORD else chord
            starts.append(start)
            found.append(before)
    known = next((c for c in found if c != NO_CHORD), None)
    if known is None:
        raise CorpusError("its chord track makes no chords: three notes at a time are needed; name another with --chord-track")
    return Changes(starts, [known if c == NO_CHORD else c for c in found], length)


def _chord(notes: list[ScoreNote], start: float, until: float) -> Chord:
    return chord_of(n.pitch for n in notes if min(n.on + n.length, until) - max(n.on, start) > 0.3 * (until - start))


def _fullest(parts: list[ScorePart], solo: ScorePart) -> tuple[ScorePart, str]:
    """The part in which most notes sound together."""
    others = [p for p in parts if p is not solo and not p.is_drums]
    if not others:
        raise CorpusError("one track alone: its chords are needed on another; name it with --chord-track")
    best = min(others, key=lambda p: p.one_at_a_time)
    return best, f"{next(i for i, p in enumerate(parts, 1) if p is best)} {best.name!r}, by its notes"


def _between(notes: Sequence[ScoreNote], begin: float, end: float) -> list[ScoreNote]:
    """The notes whose onsets lie between two beats, from the first of them on; half a sixteenth early counts as in."""
    return [n._replace(on=max(n.on - begin, 0.0)) for n in notes if begin - 0.125 <= n.on < end - 0.125]


def _line(notes: list[ScoreNote]) -> list[Note]:
    """The highest of the notes that begin together, on the grid."""
    placed = {}
    for n in sorted(notes, key=lambda n: n.pitch):
        onset = quantise(n.on)
        placed[onset] = Note(onset, max(quantise(n.on + n.length) - onset, 1), n.pitch)
    return clean([placed[onset] for onset in sorted(placed)])
