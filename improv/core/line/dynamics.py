"""How loud: as loud as the player, accented as the line asks for.

The accents were learned from how pianists play melodies (accents.py, written by scripts/learn_accents.py). They are
from pop, which leans on the beat, where swing leans on the off-beats; so in swing the place in the beat
counts by OFF_BEATS, which is set by hand after what jazz teachers say (such as the Sibelius Academy's
siba.fi/afroimpro: off-beats in lines of eighths, turning points, long and syncopated notes), and the rest is as learned.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import NamedTuple

from improv.core.line.accents import AFTER, LENGTH, PLACE_AND_LENGTH, REGISTER
from improv.core.vocabulary import GRID

PARTS = (0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3)  # of a beat, by grid position: on it, between, the off-beat, between
LENGTHS = (0.2, 0.3, 0.45, 0.8, 1.6)  # beats; a note's length is in one of six classes, likewise below
GAPS = (0.3, 0.7, 1.1, 2.1)  # beats from the onset before
REGISTERS = (-9.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 9.0)  # semitones from where the line has been lately
MEMORY = 0.1  # of a note's pitch goes into where the line has been lately
OFF_BEATS = (-0.10, -0.10, 0.15, -0.10)  # by part of the beat, in swing

DEPTH = 2.0  # what the tables foretell is a third of how much players vary; that much is hardly heard
NARROWEST, WIDEST = 4.0, 14.0  # of the player's spread that is taken over


class Shape(NamedTuple):
    """A note as the line shapes it: what its accent depends on, all known as it is struck.

    onset, duration, ioi (since the onset before) in beats; middle: where the line has been lately, a MIDI pitch.
    """

    pitch: int
    onset: float
    duration: float
    ioi: float
    middle: float


def follow(last: Shape | None, pitch: int, onset: float, duration: float) -> Shape:
    """The shape of the note that comes after `last`; of a first note, where that is None."""
    if last is None:
        return Shape(pitch, onset, duration, math.inf, float(pitch))
    middle = last.middle + MEMORY * (last.pitch - last.middle)
    return Shape(pitch, onset, duration, onset - last.onset, middle)


def classes(note: Shape, place: int) -> tuple[int, int, int, int]:
    """Where a note stands in the tables: part of the beat, length, gap, register.

    place: position in the bar in 1/12 beat.
    """
    return (
        PARTS[place % GRID],
        bisect_right(LENGTHS, note.duration),
        bisect_right(GAPS, note.ioi),
        bisect_right(REGISTERS, note.pitch - note.middle),
    )


def accent(note: Shape, place: int, feel: str) -> float:
    """How far a note stands out, as a share of how much the player's loudness varies; between notes about 0.

    place: position in the bar in 1/12 beat. feel: `swing`, or anything else for straight.
    """
    part, length, gap, register = classes(note, place)
    metre = OFF_BEATS[part] + LENGTH[length] if feel == "swing" else PLACE_AND_LENGTH[part][length]
    return metre + AFTER[gap] + REGISTER[register]


def velocity(loudness: float, spread: float, accented: float, depth: float = 1.0) -> int:
    """Velocity 1-127 of a note.

    loudness, spread: running mean of the player's velocities, and how far they lie from it.
    accented: by `accent`. depth: 0 for all notes alike, 1 for accents about as strong as players'.
    """
    spread = max(NARROWEST, min(WIDEST, spread))
    return round(max(1.0, min(127.0, loudness + depth * DEPTH * spread * accented)))
