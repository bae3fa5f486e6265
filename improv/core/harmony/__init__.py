"""Chords: their kinds and scales, symbols, changes, voicings, and the chord that held notes make. Named here is what others use."""

from improv.core.harmony.changes import HEARD, OPEN, Changes, HarmonicContext, parse_changes, wanted
from improv.core.harmony.hearing import chord_of
from improv.core.harmony.nearest import taken_for
from improv.core.harmony.scales import KIND_INDEX, KINDS, NAMES, NO_CHORD, Chord, HarmonyError, Sound
from improv.core.harmony.sheet import READING
from improv.core.harmony.spelling import pitch_name
from improv.core.harmony.symbols import PITCH_CLASSES, parse_chord

__all__ = [
    "HEARD",
    "KINDS",
    "KIND_INDEX",
    "NAMES",
    "NO_CHORD",
    "OPEN",
    "PITCH_CLASSES",
    "READING",
    "Changes",
    "Chord",
    "HarmonicContext",
    "HarmonyError",
    "Sound",
    "chord_of",
    "parse_changes",
    "parse_chord",
    "pitch_name",
    "taken_for",
    "wanted",
]
