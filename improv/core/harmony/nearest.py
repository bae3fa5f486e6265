"""Told in words: which chords of some changes a model takes for the nearest kind that it knows."""

from __future__ import annotations

from improv.core.harmony.changes import Changes
from improv.core.harmony.scales import KINDS, Chord
from improv.core.harmony.symbols import parse_chord, root_text

MOST_TOLD = 12  # symbols, each once


def taken_for(changes: Changes) -> str | None:
    """A sentence; None where every symbol says what its kind says, or no more than a colour of its scale besides."""
    told = list(dict.fromkeys(text for chord in changes.chords if (text := _told(chord)) is not None))
    if not told:
        return None
    more = f"; and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    return f"taken for the nearest chords that the model knows, and played with your tones: {'; '.join(told[:MOST_TOLD])}{more}"


def _told(chord: Chord) -> str | None:
    """`C7b5 for C7#11 (b5, no 5)`."""
    sound = chord.sound
    if sound is None or chord.text is None:
        return None
    tones, scale = (frozenset(steps) for steps in KINDS[chord.kind])
    nearest = root_text(chord.text) + ("" if chord.kind == "maj" else chord.kind)
    new, gone = sound.tones - (tones | scale), tones - sound.tones | sound.excluded & (tones | scale)
    if not new and not gone and chord.kind != "7alt":  # 7b9, which the model does not tell from alt
        return None
    if parse_chord(nearest).sound == sound:  # it is what the kind is called after
        return None
    names = [*(_degree(s, sound.tones) for s in sorted(new)), *(f"no {_degree(s, tones)}" for s in sorted(gone))]
    return f"{chord.text} for {nearest}" + (f" ({', '.join(names)})" if names else "")


def _degree(step: int, among: frozenset[int]) -> str:
    """What a tone is called among others."""
    named = {0: "root", 1: "b9", 2: "9", 4: "3", 5: "4", 7: "5", 9: "6", 10: "b7", 11: "7"}
    third, fifth = 4 in among, 7 in among
    return named.get(step) or {3: "#9" if third else "b3", 6: "#11" if fifth else "b5", 8: "b13" if fifth else "#5"}[step]
