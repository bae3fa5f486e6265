"""Chord symbols as lead sheets write them, from two other spellings: Harte's (2005), `C:min7/b3`, and MusicXML's kinds and degrees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from improv.core.harmony import HarmonyError, parse_chord

_QUALITIES = {
    "maj": "", "min": "m", "dim": "dim", "aug": "+", "maj7": "maj7", "min7": "m7", "7": "7", "dim7": "dim7",
    "hdim7": "m7b5", "hdim": "m7b5", "minmaj7": "mmaj7", "maj6": "6", "min6": "m6", "9": "9", "maj9": "maj9",
    "min9": "m9", "11": "11", "maj11": "maj11", "min11": "m11", "13": "13", "maj13": "maj13", "min13": "m13",
    "sus2": "sus", "sus4": "sus", "sus4(b7)": "7sus", "": "",
}  # fmt: skip


def from_harte(symbol: str) -> str:
    """The symbol as a lead sheet writes it; any other symbol as it is. The bass, a degree there, is left out."""
    if symbol in ("N", "X"):
        return "NC"
    root, colon, rest = symbol.partition(":")
    if not colon:
        return symbol
    shorthand = rest.partition("/")[0]
    if shorthand in _QUALITIES:
        return root + _QUALITIES[shorthand]
    plain, bracket, degrees = shorthand.partition("(")
    if bracket and plain in _QUALITIES:  # 7(b9) is 7b9; C:maj(9) is Cadd9; what is left out, (*5), changes no kind
        added = [d for d in degrees.rstrip(")").split(",") if d and not d.startswith("*")]
        return root + _QUALITIES[plain] + "".join(f"({d})" if d[0] in "b#" else f"add{d}" for d in added)
    return symbol


def is_chord(symbol: str) -> bool:
    """Whether a symbol can be read."""
    try:
        parse_chord(symbol)
    except HarmonyError:
        return False
    return True


class Degree(NamedTuple):
    """What a MusicXML symbol does to its kind: add, alter or subtract a degree, so many semitones from its usual place."""

    what: str
    degree: int
    semitones: int = 0


_KINDS = {
    "major": "", "minor": "m", "augmented": "+", "diminished": "dim", "dominant": "7", "major-seventh": "maj7", "minor-seventh": "m7",
    "diminished-seventh": "dim7", "augmented-seventh": "7+", "half-diminished": "m7b5", "major-minor": "mmaj7", "major-sixth": "6",
    "minor-sixth": "m6", "dominant-ninth": "9", "major-ninth": "maj9", "minor-ninth": "m9", "dominant-11th": "11", "major-11th": "maj11",
    "minor-11th": "m11", "dominant-13th": "13", "major-13th": "maj13", "minor-13th": "m13", "suspended-second": "sus2",
    "suspended-fourth": "sus", "power": "5", "none": "NC",
    # music21's own words, of which it makes some more:
    "dominant-seventh": "7", "half-diminished-seventh": "m7b5", "minor-major-seventh": "mmaj7", "augmented-major-seventh": "maj7#5",
    "seventh-flat-five": "7b5", "minor-major-ninth": "mmaj9", "augmented-dominant-ninth": "9+", "suspended-fourth-seventh": "7sus",
}  # fmt: skip
_SIGNS = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
# A seventh or a sixth that is added to a triad makes another kind; so many semitones from its usual place, the minor seventh's -1.
_WITH_SEVENTH = {
    ("", -1): "7", ("", 0): "maj7", ("m", -1): "m7", ("m", 0): "mmaj7", ("+", -1): "7+", ("+", 0): "maj7#5", ("dim", -2): "dim7",
    ("dim", -1): "m7b5", ("sus", -1): "7sus",
}  # fmt: skip


def from_musicxml(root: str, kind: str, text: str, degrees: Sequence[Degree] = ()) -> list[str]:
    """Symbols for a chord of MusicXML, the truest first: later ones leave something out, for a reader that does not know it.

    kind: the element's word, or music21's; text: how the score prints it, which counts where the kind says nothing.
    """
    printed = [root + text.strip().replace(" ", "")] if text.strip() else []
    if kind == "none":
        return ["NC"]
    if kind not in _KINDS:  # other, or one of the chords that have names
        return printed or [root + (f"?{kind}" if not degrees else _with(_KINDS["major"], degrees))]
    base = _KINDS[kind]
    less = [d for d in degrees if d.what != "subtract"]
    least = [d for d in less if d.what == "alter"]
    return [root + _with(base, degrees), *printed, *(root + _with(base, some) for some in (less, least, []))]


def _with(base: str, degrees: Iterable[Degree]) -> str:
    """A kind with its degrees: an added ninth is 9 where there is a seventh, add9 where there is none; 7add4no3 is 7sus."""
    degrees = list(degrees)
    added = {d.degree: d.semitones for d in degrees if d.what == "add"}
    without = {d.degree for d in degrees if d.what == "subtract"}
    if 3 in without and added.keys() & {2, 4}:
        without.discard(3)
        base += "sus" if 4 in added else "sus2"
        added.pop(2, None)
        added.pop(4, None)
    if (base, added.get(7)) in _WITH_SEVENTH:
        base = _WITH_SEVENTH[base, added.pop(7)]
    if base in ("", "m") and added.get(6) == 0:
        base, _ = base + "6", added.pop(6)
    if base in ("6", "m6") and added.get(9) == 0:
        base, _ = base + "9", added.pop(9)
    whole = [degree for degree in (13, 11, 9) if added.get(degree) == 0]
    if "7" in base and whole and "b5" not in base:
        base = base.replace("7", str(whole[0]))
        added = {degree: semitones for degree, semitones in added.items() if degree not in whole}
    signs = [(d.degree, d.semitones) for d in degrees if d.what == "alter"] + [
        (d.degree, d.semitones) for d in degrees if d.what == "add" and d.semitones and d.degree in added
    ]
    altered = "".join(f"({_SIGNS.get(semitones, '')}{degree})" for degree, semitones in sorted(set(signs)))
    more = "".join(f"add{degree}" for degree, semitones in added.items() if not semitones)
    return base + altered + more + "".join(f"no{degree}" for degree in sorted(without))
