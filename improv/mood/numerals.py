"""Roman numerals to chord symbols in a key, with the sevenths that a jazz player would add. Pure.

Two ways of counting: in "maj" and "modal" progressions a numeral is a degree of the major scale, in "min" ones of the
natural minor scale (so VI there is bVI of the major scale). A capital says major, a small letter minor, except where
the scale's own triad is diminished: vii in major, ii in minor. A suffix that says the third (M, m, dim) overrules it.
This is the notation of the SHLD Free MIDI Chord Packs, whose progressions improv ships.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from improv.core.errors import ImprovError
from improv.core.harmony import NAMES, PITCH_CLASSES

KEYS = ("C", "Db", "D", "Eb", "E", "F", "F#", "Gb", "G", "Ab", "A", "Bb", "B", "C#", "G#", "D#")  # tonics that are in use
MODES = {  # semitones above the tonic; in the order in which one is preferred where several fit as well
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
}
BORROWED = {  # the seventh of a major triad that the mode does not have, by its root's semitones above the tonic
    0: "maj7", 1: "maj7", 2: "7", 3: "maj7", 4: "7", 5: "7", 6: "7", 7: "7", 8: "maj7", 9: "7", 10: "7", 11: "7",
}  # fmt: skip
MINOR_FOUR = "m6"  # iv in a major key; every other borrowed minor triad is a minor seventh

_DEGREES = ("I", "II", "III", "IV", "V", "VI", "VII")
_NUMERAL = re.compile(r"(?P<acc>[b#]?)(?P<degree>VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(?P<suffix>.*)")
_TRIADS = {"major": (4, 7), "minor": (3, 7), "dim": (3, 6)}
_LETTERS = "CDEFGAB"


class NumeralError(ImprovError):
    """A numeral that can't be read, or a key that is none."""


@dataclass(frozen=True, slots=True)
class Numeral:
    """A chord as a degree. degree: 0-6; root: semitones above the tonic, 0-11; triad: major, minor, dim, or none (no third);
    suffix: what it says beyond the triad, as a chord symbol's ending; "" where that is left to the player, "7" where it
    says a seventh of the scale."""

    degree: int
    root: int
    triad: str
    suffix: str


_SUFFIXES = {  # as the progressions write them: (triad, or "" for as the letters say; the ending that a chord symbol has)
    "": ("", ""), "M": ("major", ""), "m": ("minor", ""), "7": ("", "7"), "dom7": ("major", "dom"),
    "M7": ("major", "maj7"), "m7": ("minor", "m7"), "M9": ("major", "maj9"), "m9": ("minor", "m9"), "9": ("major", "9"),
    "6": ("", "6"), "M6": ("major", "6"), "m6": ("minor", "6"), "69": ("major", "6/9"), "add9": ("", "add9"),
    "madd9": ("minor", "add9"), "mM7": ("minor", "mmaj7"), "dim": ("dim", ""), "dim7": ("dim", "dim"), "M-5": ("major", "maj7#11"),
    "M7+5": ("major", "maj7#5"), "5": ("none", "7sus"), "sus2": ("none", "sus2"), "sus4": ("none", "7sus"),
}  # fmt: skip


def parse_numeral(text: str, counting: str = "maj") -> Numeral:
    """Read one numeral. counting: maj, modal or min. Raises NumeralError."""
    found = _NUMERAL.fullmatch(text)
    if not found or found["suffix"] not in _SUFFIXES:
        raise NumeralError(f"numeral {text!r}: expected a degree I to VII, small for minor, and what is known to follow it")
    degree = _DEGREES.index(found["degree"].upper())
    scale = _scale(counting)
    root = (scale[degree] + {"b": -1, "#": 1, "": 0}[found["acc"]]) % 12
    triad, suffix = _SUFFIXES[found["suffix"]]
    if not triad:
        triad = "major" if found["degree"].isupper() else "minor"
        if triad == "minor" and not found["acc"] and (scale[degree] + 6) % 12 in scale and (scale[degree] + 7) % 12 not in scale:
            triad = "dim"  # of the scale itself
    return Numeral(degree, root, triad, suffix)


def mode_of(chords: Sequence[Numeral]) -> str:
    """The mode of MODES that has most of the chords' tones. A mode with the tonic chord's third is preferred."""
    tonics = {c.triad for c in chords if c.root == 0} & {"major", "minor"}

    def fit(mode: str) -> tuple[bool, int]:
        scale = MODES[mode]
        tonic = "major" if 4 in scale else "minor"
        own = sum((c.root + step) % 12 in scale for c in chords for step in (0, *_TRIADS.get(c.triad, (7,))))
        return not tonics or tonic in tonics, own

    return max(MODES, key=fit)  # the first of those that fit alike


def symbols(numerals: Sequence[str], counting: str, key: str) -> tuple[str, list[str]]:
    """A progression's mode, and its chord symbols in a key, such as `parse_chord` reads. Raises NumeralError."""
    chords = [parse_numeral(text, counting) for text in numerals]
    mode = mode_of(chords)
    return mode, [_symbol(c, key, MODES[mode], _scale(counting)) for c in chords]


def in_bars(chords: Sequence[str]) -> str:
    """Changes of four bars, or of eight from seven chords on, one chord a bar: the last is held, or the last bars have two each."""
    bars = [[chord] for chord in chords]
    length = 4 if len(bars) <= 6 else 8 * -(-len(bars) // 12)
    spare = len(bars) - length
    if spare > 0:
        halves = chords[-2 * spare :]
        bars = bars[: length - spare] + [list(dict.fromkeys(pair)) for pair in zip(halves[::2], halves[1::2], strict=True)]
    bars += [bars[-1]] * (length - len(bars))
    return " | ".join("%" if i and bar == bars[i - 1] else " ".join(bar) for i, bar in enumerate(bars))


def tonic_of(key: str) -> int:
    """The pitch class of a key's tonic. Raises NumeralError."""
    if key not in KEYS:
        raise NumeralError(f"key {key!r}: expected the name of its tonic, one of {', '.join(KEYS)}")
    return (PITCH_CLASSES[key[0]] + {"b": -1, "#": 1}.get(key[1:], 0)) % 12


def _scale(counting: str) -> tuple[int, ...]:
    return MODES["minor" if counting == "min" else "major"]


def _symbol(chord: Numeral, key: str, mode: Sequence[int], counted: Sequence[int]) -> str:
    return _root(chord, key) + _ending(chord, mode, counted)


def _ending(chord: Numeral, mode: Sequence[int], counted: Sequence[int]) -> str:
    """What follows the root in a chord symbol: as said, or the seventh that the mode has, or the one that players borrow."""
    if chord.suffix == "dom":
        return "7"
    if chord.suffix == "7":
        return _seventh(chord, counted) or _borrowed(chord, counted)
    if chord.suffix == "6":
        return "m6" if chord.triad == "minor" else "6"
    if chord.suffix == "add9":
        return "m(add9)" if chord.triad == "minor" else "add9"
    if chord.suffix or chord.triad == "none":
        return chord.suffix
    return _seventh(chord, mode) or _borrowed(chord, mode)


def _seventh(chord: Numeral, scale: Sequence[int]) -> str:
    """The seventh chord that a scale has on this triad; "" where the triad is not in it."""
    third, fifth = _TRIADS[chord.triad]
    if not {(chord.root + step) % 12 for step in (0, third, fifth)} <= set(scale):
        return ""
    small = (chord.root + 10) % 12 in scale
    if chord.triad == "dim":
        return "m7b5" if small else "dim"
    if chord.triad == "minor":
        return "m7" if small else "m6"  # a minor tonic with a leading tone above it
    if chord.root == 0 and 6 in scale:
        return "maj7#11"  # the colour of lydian
    return "7" if small or chord.root == 7 else "maj7"


def _borrowed(chord: Numeral, mode: Sequence[int]) -> str:
    if chord.triad == "dim":
        return "dim"
    if chord.triad == "minor":
        return MINOR_FOUR if chord.root == 5 and 4 in mode else "m7"
    return BORROWED[chord.root]


def _root(chord: Numeral, key: str) -> str:
    """The root's name, spelled by the key, or more simply where that would be a Cb or an E#."""
    pitch = (tonic_of(key) + chord.root) % 12
    letter = _LETTERS[(_LETTERS.index(key[0]) + chord.degree) % 7]
    sign = {0: "", 1: "#", 11: "b"}.get((pitch - PITCH_CLASSES[letter]) % 12)
    spelled = f"{letter}{sign}"
    return NAMES[pitch] if sign is None or spelled in ("Cb", "Fb", "E#", "B#") else spelled
