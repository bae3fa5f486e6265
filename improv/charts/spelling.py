"""Chord symbols in Harte's spelling (2005), `C:min7/b3`, as lead sheets write them."""

from __future__ import annotations

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
