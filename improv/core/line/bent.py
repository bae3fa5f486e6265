"""How settings bend what the model foretells: wider intervals, longer notes, more rests, another register, behind the beat.

Each is 0 unless somebody asks, and then nothing is bent. The amounts are by `scripts/learn_soloists.py`, so that 1 is about as far as
soloists go.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from improv.core.harmony import HarmonicContext
from improv.core.settings import Settings
from improv.core.vocabulary import GRID

LEAP, WIDEST = 0.16, 12  # nats a semitone of an interval, at `leaps` 1; wider than an octave is no more
PULL = 0.06  # nats a semitone of height, at `register` 1
SOUNDS = 1.5  # times as long do notes sound, at `legato` 1
RESTS = 1.5  # nats of each time to the next note of more than a beat, at `rests` 1


def pitch_lean(settings: Settings, last: int) -> np.ndarray | None:
    """A bias (128,) for the pitch after another; None where none is asked for."""
    return None if not settings.leaps and not settings.register else _pitch_lean(settings.leaps, settings.register, last)


@lru_cache(maxsize=512)
def _pitch_lean(leaps: float, register: float, last: int) -> np.ndarray:
    pitches = np.arange(128)
    lean: np.ndarray = LEAP * leaps * np.minimum(np.abs(pitches - last), WIDEST) + PULL * register * (pitches - last)
    lean.flags.writeable = False
    return lean


def sounds(settings: Settings, pitch: int, chords: HarmonicContext) -> float:
    """Times as long a note sounds as the model means it to. A tone that the chords exclude is never drawn out.

    The model is not told: told longer notes, it plays fewer.
    """
    if settings.legato > 0 and pitch % 12 in chords.chord.excluded | chords.coming.excluded:
        return 1.0
    return float(SOUNDS**settings.legato)


@lru_cache(maxsize=64)
def rest_lean(rests: float, size: int) -> np.ndarray:
    """A bias (classes,) for the times to the next note: at 1 those of more than a beat are four times as likely."""
    lean = np.where(np.arange(size) > GRID, RESTS * rests, 0.0)
    lean.flags.writeable = False
    return lean


def beats_behind(settings: Settings, tempo: float) -> float:
    """How far behind the beat it plays, in beats at a tempo in quarter notes a minute."""
    return settings.behind / 1000.0 * tempo / 60.0


def both(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    """Two biases together; None: there is none."""
    return one if other is None else other if one is None else one + other
