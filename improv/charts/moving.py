"""Keys, and changes moved from one to another: along the line of fifths, so that what was a flat sixth stays one.

A root that would need two accidentals is spelled by its sound.
"""

from __future__ import annotations

import re

from improv.core.harmony import HarmonyError
from improv.core.harmony.sheet import words_of

LETTERS = "FCGDAEB"  # the line of fifths, from -1 (F) to 5 (B) with C at 0
_KEY = re.compile(r"([A-Ga-g])([b#♭♯]?)\s*(m|min|minor|-|maj|major)?$")
_ROOT = re.compile(r"(?:(?<=^)|(?<=^\()|(?<=/))([A-G])([b#]{0,2})")
INSTRUMENTS = {"C": 0, "Bb": 2, "Eb": 3, "F": 1}  # what a player reads there, in fifths above what sounds
MOST = 6  # fifths from C to either side that a key is away at the most


def fifths(letter: str, accidental: str) -> int:
    """Where a note stands on the line of fifths, from C."""
    return LETTERS.index(letter) - 1 + 7 * (accidental.count("#") - accidental.count("b"))


def note_at(place: int) -> str:
    """The note at a place of the line of fifths; with two accidentals it is spelled with one or none."""
    while place > 12:
        place -= 12
    while place < -8:
        place += 12
    sharps, letter = divmod(place + 1, 7)
    return LETTERS[letter] + ("#" * sharps if sharps > 0 else "b" * -sharps)


def key_of(text: str) -> tuple[int, bool]:
    """A key as typed, `Bb`, `f#m`, `C minor`: its place on the line of fifths, and whether it is minor. Raises HarmonyError."""
    found = _KEY.match(text.strip())
    if not found:
        raise HarmonyError(f"key {text!r}: expected a note, for example Eb, or F#m", 0)
    accidental = found[2].replace("♭", "b").replace("♯", "#")
    return fifths(found[1].upper(), accidental), found[3] in ("m", "min", "minor", "-")


def key_name(place: int, minor: bool) -> str:
    """A key as it is written."""
    return note_at(place) + ("m" if minor else "")


def moved(changes: str, by: int) -> str:
    """Changes, so many fifths up the line; marks of sections and all else stay as they were typed."""
    out, at = "", 0
    for kind, word, column in words_of(changes):
        if kind == "chord":
            out += changes[at:column] + _ROOT.sub(lambda root: note_at(fifths(root[1], root[2]) + by), word)
            at = column + len(word)
    return out + changes[at:]


def steps(here: int, there: int) -> int:
    """Fifths from one key to another, the nearer way: 11 up are one down."""
    return (there - here + 6) % 12 - 6 if abs(there - here) > MOST else there - here


def written(symbol: str, instrument: str) -> str:
    """A chord symbol as the player of a transposing instrument reads it, one of INSTRUMENTS."""
    by = INSTRUMENTS[instrument]
    return moved(symbol, by) if by else symbol
