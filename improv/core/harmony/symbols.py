"""Chord symbols in any common spelling, read to chords: the tones that are written, and the kind nearest to them.

A symbol is taken apart into words (minor, sus, alt) and degrees (b9, 13); `sound.py` says what these sound like.
"""

from __future__ import annotations

import re

from improv.core.harmony.scales import NO_CHORD, Chord, HarmonyError
from improv.core.harmony.sound import Degree, SymbolText, kind_of, sound_of

PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ROOTS = PITCH_CLASSES | {"H": 11}  # German; its B, which is our Bb, can't be told from ours
_ROOT = re.compile(r"([A-H])(bb(?!5)|##|♭♭|♯♯|[b#♭♯]?)")  # Bbb7 is A7; Bbb5 is Bb with a flat fifth
_BASS = re.compile(r"/(?=[A-Z]|$)")
_PREFIX = re.compile(r"(?P<acc>[b#♭♯+-]?)(?P<degree>13|11|9|7|6|5|4|2)")
_POSTFIX = re.compile(r"(?P<degree>13|11|9|7|6|5|4|2)(?P<acc>[b#]?)")
_ADDED = re.compile(r"add *(?P<acc>[b#♭♯+-]?)(?P<degree>13|11|9|6|4|3|2)")
_WITHOUT = re.compile(r"(?:no|omit) *(?P<degree>13|11|9|7|5|3|1)(?:rd|th)?")
_WORDS = {  # spelling -> what it says; the longest match wins
    "maj": "major", "Maj": "major", "MAJ": "major", "ma": "major", "Ma": "major", "MA": "major", "M": "major",
    "^": "major7", "Δ": "major7", "△": "major7", "∆": "major7", "j": "major7",
    "min": "minor", "Min": "minor", "MIN": "minor", "mi": "minor", "Mi": "minor", "MI": "minor", "m": "minor",
    "-": "minor", "−": "minor", "–": "minor",
    "dim": "dim", "o": "dim", "°": "dim", "º": "dim", "˚": "dim", "ø": "half-dim", "Ø": "half-dim", "h": "half-dim",
    "aug": "aug", "+": "aug", "sus": "sus", "alt": "alt",
}  # fmt: skip
_SPELLINGS = sorted(_WORDS, key=len, reverse=True)
_ACCIDENTALS = {"": 0, "b": -1, "♭": -1, "-": -1, "#": 1, "♯": 1, "+": 1, "bb": -2, "♭♭": -2, "##": 2, "♯♯": 2}


def pitch_of(name: str) -> int | None:
    """The MIDI pitch of a note as it is written: C4 and c4 are 60, F#3 and Gb3 54, 60 itself; None for anything else."""
    found = re.fullmatch(r"([A-Ga-g])([#b]?)(-?\d)", name.strip())
    if not found:
        return int(name) if name.strip().isdecimal() else None
    pitch = 12 * (int(found[3]) + 1) + _ROOTS[found[1].upper()] + _ACCIDENTALS[found[2]]
    return pitch if 0 <= pitch <= 127 else None


def parse_chord(symbol: str) -> Chord:
    """Read a chord symbol in any common spelling, the Weimar Jazz Database's included; in parentheses too, as charts write
    what may be left out.

    Raises HarmonyError, with the column of what it can't read.
    """
    if symbol.startswith("(") and symbol.endswith(")"):
        try:
            return parse_chord(symbol[1:-1])
        except HarmonyError as e:
            raise HarmonyError(str(e), e.position + 1) from None
    if symbol.replace(".", "").lower() == "nc":
        return NO_CHORD
    root, at = _pitch_class(symbol, 0)
    body, bass = symbol[at:], None
    if slashes := list(_BASS.finditer(body)):  # any other slash, as in C6/9 and Cm/maj7, is an "and"
        slash = slashes[-1].start()
        bass, end = _pitch_class(symbol, at + slash + 1)
        if end != len(symbol):
            raise HarmonyError(f"chord {symbol!r}: {symbol[end:]!r} after the bass note", end)
        body = body[:slash]
    said = _said(symbol, body, at)
    sound, kind = sound_of(said), kind_of(said)
    return Chord(root, kind, bass, None if sound.is_of(kind) else sound, symbol)


def root_text(symbol: str) -> str:
    """The root as it is typed. The symbol must be one of a chord."""
    found = _ROOT.match(symbol.lstrip("("))
    return found[0] if found else ""


def _pitch_class(symbol: str, at: int) -> tuple[int, int]:
    found = _ROOT.match(symbol, at)
    if not found:
        raise HarmonyError(f"chord {symbol!r}: expected a note name A to G, got {symbol[at:] or 'nothing'!r}", at)
    return (_ROOTS[found[1]] + _ACCIDENTALS[found[2]]) % 12, found.end()


def _said(symbol: str, body: str, offset: int) -> SymbolText:
    """What stands after the root. offset: its column in the symbol."""
    plain = body.translate({ord(c): " " for c in "(),/_"})
    orders = [_PREFIX, _POSTFIX]
    if re.search(r"7(9|11|13)", plain):  # written the database's way: 79b is 7b9
        orders.reverse()
    stuck = []
    for order in orders:
        said, at = _taken_apart(plain, order)
        if at == len(plain):
            return said
        stuck.append(at)
    at = max(stuck)
    raise HarmonyError(f"chord {symbol!r}: {plain[at:].strip()!r} is no part of a chord symbol", offset + at)


def _taken_apart(plain: str, order: re.Pattern[str]) -> tuple[SymbolText, int]:
    """Words and degrees, and the column up to which they could be read. order: a degree's sign before it, or after it."""
    words: set[str] = set()
    degrees: list[Degree] = []
    added: list[Degree] = []
    without: set[int] = set()
    at = 0
    while at < len(plain):
        opens = not words and not degrees  # C-7 is minor, C+7 augmented: the sign is no accidental here
        if plain[at] == " ":
            at += 1
        elif found := _ADDED.match(plain, at):
            added.append((int(found["degree"]), _ACCIDENTALS[found["acc"]]))
            at = found.end()
        elif found := _WITHOUT.match(plain, at):
            without.add(int(found["degree"]))
            at = found.end()
        elif (found := order.match(plain, at)) and not (opens and _word_at(plain, at)):
            degrees.append((int(found["degree"]), _ACCIDENTALS[found["acc"]]))
            at = found.end()
        elif word := _word_at(plain, at):
            words.add(_WORDS[word])
            at += len(word)
        else:
            break
    return SymbolText(frozenset(words), tuple(degrees), tuple(added), frozenset(without)), at


def _word_at(plain: str, at: int) -> str | None:
    """The longest spelling that stands there; Cmadd9 is minor, not major."""
    return next((w for w in _SPELLINGS if plain.startswith(w, at) and not (w == "ma" and plain.startswith("madd", at))), None)
