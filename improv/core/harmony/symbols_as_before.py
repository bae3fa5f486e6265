"""Chord symbols as they were first read: to the nearest kind alone.

A session of that time is played again with what was read then, so nothing here changes any more.
"""

from __future__ import annotations

import re

from improv.core.harmony.scales import NO_CHORD, Chord, HarmonyError

_PITCH_CLASSES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NO_CHORD_SYMBOLS = {"NC", "N.C.", "N.C", "nc"}
_ROOT = re.compile(r"([A-G])([b#♭♯]?)")
_PREFIX = re.compile(r"(?P<acc>[b#♭♯+-]?)(?P<degree>13|11|9|7|6|5|4|2)")
_POSTFIX = re.compile(r"(?P<degree>13|11|9|7|6|5|4|2)(?P<acc>[b#]?)")
_QUALITIES = {  # spelling -> what it says; the longest match wins
    "maj": "major7", "Maj": "major7", "MAJ": "major7", "ma": "major7", "M": "major7", "^": "major7",
    "Δ": "major7", "△": "major7", "j": "major7",
    "min": "minor", "Min": "minor", "mi": "minor", "m": "minor", "-": "minor", "−": "minor", "–": "minor",
    "dim": "dim", "o": "dim", "°": "dim", "ø": "half-dim", "Ø": "half-dim", "h": "half-dim",
    "aug": "aug", "+": "aug", "sus": "sus", "alt": "alt", "add": "add",
}  # fmt: skip
_SPELLINGS = sorted(_QUALITIES, key=len, reverse=True)
_ACCIDENTALS = {"": 0, "b": -1, "♭": -1, "-": -1, "#": 1, "♯": 1, "+": 1}


def parse_chord_as_before(symbol: str) -> Chord:
    """The chord that a symbol was taken for. Raises HarmonyError, with the column of what could not be read."""
    if symbol in _NO_CHORD_SYMBOLS:
        return NO_CHORD
    root, at = _pitch_class(symbol, 0)
    body, bass = symbol[at:], None
    slash = body.rfind("/")
    if slash >= 0 and body[slash + 1 :] != "9":  # C6/9 is a six-nine chord
        bass, end = _pitch_class(symbol, at + slash + 1)
        if end != len(symbol):
            raise HarmonyError(f"chord {symbol!r}: {symbol[end:]!r} after the bass note", end)
        body = body[:slash]
    return Chord(root, _kind(symbol, body.replace("/", ""), at), bass)


def _pitch_class(symbol: str, at: int) -> tuple[int, int]:
    found = _ROOT.match(symbol, at)
    if not found:
        raise HarmonyError(f"chord {symbol!r}: expected a note name A to G, got {symbol[at:] or 'nothing'!r}", at)
    return (_PITCH_CLASSES[found[1]] + _ACCIDENTALS[found[2]]) % 12, found.end()


def _kind(symbol: str, body: str, offset: int) -> str:
    plain = body.translate({ord(c): " " for c in "(),"})
    orders = [_PREFIX, _POSTFIX]
    if re.search(r"7(9|11|13)|69", plain):  # written the database's way: 79b is 7b9
        orders.reverse()
    stuck = []
    for degree in orders:
        said: set[str] = set()
        degrees: dict[int, int] = {}  # degree -> alteration in semitones
        at = 0
        while at < len(plain):
            number = degree.match(plain, at)
            quality = next((q for q in _SPELLINGS if plain.startswith(q, at)), None)
            opens = not said and not degrees  # C-7 is minor, C+7 augmented: the sign is no accidental here
            if plain[at] == " ":
                at += 1
            elif number and not (quality and opens):
                degrees[int(number["degree"])] = _ACCIDENTALS[number["acc"]]
                at = number.end()
            elif quality:
                said.add(_QUALITIES[quality])
                at += len(quality)
            else:
                break
        if at == len(plain):
            return _classify(said, degrees)
        stuck.append(at)
    at = max(stuck)
    raise HarmonyError(f"chord {symbol!r}: {plain[at:].strip()!r} is no part of a chord symbol", offset + at)


def _classify(said: set[str], degrees: dict[int, int]) -> str:
    extended = degrees.keys() & {7, 9, 11, 13} and "add" not in said and (7 in degrees or 6 not in degrees)
    fifth = degrees.get(5, 0)
    if "half-dim" in said or ("minor" in said and fifth == -1):
        return "m7b5"
    if "dim" in said:
        return "dim"
    if "minor" in said:
        if "major7" in said:
            return "mmaj7"
        return "m7" if extended else "m6" if 6 in degrees else "m"
    if "sus" in said:
        return "7sus"
    if "alt" in said:
        return "7alt"
    if "major7" in said:
        return "maj7#11" if degrees.get(11) == 1 or fifth == -1 else "6" if 6 in degrees else "maj7"
    if "aug" in said or fifth == 1:
        return "7alt" if degrees.get(9) else "7+"
    if extended:
        if degrees.get(9) or degrees.get(13) == -1:
            return "7alt"
        return "7#11" if degrees.get(11) == 1 or fifth == -1 else "7"
    return "6" if 6 in degrees else "maj"
