"""Chords as Yamaha's keyboards write them into a MIDI file: sequencer-specific meta events of the XF format, `43 7B 01 cr ct bn bt`.

cr is the root, ct the kind of the chord, bn the bass, as Yamaha's data lists have them (Chord Control); bt, the bass's own kind, says
nothing of which chord it is.
"""

from __future__ import annotations

XF_CHORD = bytes((0x43, 0x7B, 0x01))
_NOTES = (None, "C", "D", "E", "F", "G", "A", "B")  # by the low half of a byte; the high half says the sign
_SIGNS = (None, "bb", "b", "", "#", "##", None, None)  # triple ones are none that a symbol can say
# By number: a chord of root and octave, and one of root and fifth, have no third.
_KINDS = (
    "", "6", "maj7", "maj7#11", "add9", "maj9", "6/9", "+", "m", "m6", "m7", "m7b5", "madd9", "m9", "m11", "mmaj7", "mmaj9", "dim", "dim7",
    "7", "7sus", "7b5", "9", "7#11", "13", "7b9", "7b13", "7#9", "maj7#5", "7#5", "5", "5", "sus", "sus2",
)  # fmt: skip
_NO_CHORD = len(_KINDS)  # its number cancels the chord


def xf_symbol(content: bytes) -> str | None:
    """The symbol of a meta event's content; NC where it cancels the chord; None where it is no chord of this format."""
    if len(content) < 5 or content[:3] != XF_CHORD:
        return None
    root, kind, bass = content[3], content[4], content[5] if len(content) > 5 else 0x7F
    if kind == _NO_CHORD:
        return "NC"
    name = _name(root)
    if name is None or kind > _NO_CHORD:
        return None
    below = _name(bass)
    return name + _KINDS[kind] + (f"/{below}" if below is not None and below != name else "")


def _name(byte: int) -> str | None:
    sign, note = _SIGNS[byte >> 4 & 7], _NOTES[byte & 15] if byte & 15 < len(_NOTES) else None
    return None if sign is None or note is None else note + sign
