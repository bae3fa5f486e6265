"""What parts one soloist's manner from another's: figures of a take that a listener would name, the same for real takes and ours."""

from __future__ import annotations

import itertools
import math

import numpy as np

from improv.core.line.traits import REST
from improv.core.vocabulary import GRID, Vocabulary
from improv.train.evaluation.takes import Take

WIDEST = 12  # semitones that an interval counts for at the most
TRAITS = {  # by name: what it is
    "notes": "notes a beat (logarithm)",
    "phrase": "notes a phrase (logarithm of the mean)",
    "interval": "semitones from note to note",
    "semitones": "share of intervals that are a semitone",
    "outside": "share of notes outside the chord's scale",
    "legato": "share of the time to the next note that a note sounds, within a beat",
    "behind": "ms behind the beat, of notes on it",
    "height": "mean pitch",
    "spread": "standard deviation of the pitch",
}
_LAGS = Vocabulary().lags


def traits_of(take: Take) -> list[float]:
    """The figures of TRAITS, in their order. The take must have notes over chords, and two on beats."""
    notes = take.notes
    times = [b.position - a.position for a, b in itertools.pairwise(notes)]
    steps = [b.pitch - a.pitch for a, b in itertools.pairwise(notes)]
    rests = sum(time - note.length >= REST for time, note in zip(times, notes, strict=False))
    within = [(min(note.length / time, 1.0)) for time, note in zip(times, notes, strict=False) if 0 < time <= GRID]
    late = [_LAGS[note.lag] for note in notes if note.position % GRID == 0]
    pitches = [note.pitch for note in notes]
    chords = [take.changes.harmony(note.position / GRID).chord for note in notes]
    known = [pitch % 12 in chord.scale for pitch, chord in zip(pitches, chords, strict=True) if chord.root is not None]
    return [
        math.log(len(notes) / ((notes[-1].position - notes[0].position) / GRID + 1)),
        math.log(len(notes) / (rests + 1)),
        float(np.mean([min(abs(step), WIDEST) for step in steps])),
        float(np.mean([abs(step) == 1 for step in steps])),
        1.0 - float(np.mean(known)),
        float(np.mean(within)),
        float(np.mean(late)) * 60_000.0 / take.tempo,
        float(np.mean(pitches)),
        float(np.std(pitches)),
    ]
