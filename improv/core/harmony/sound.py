"""What a chord symbol sounds like: the tones that it writes and those that it excludes; and the kind nearest to it.

All in semitones above the root. A degree that is altered stands in place of the natural one: over 7b5 there is no fifth, over
7b9 no ninth. A symbol with a seventh excludes the other seventh. What is added, or left out, excludes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from improv.core.harmony.scales import Sound

Degree = tuple[int, int]  # its number, and by how many semitones it is altered
_STEPS = {2: 2, 3: 4, 4: 5, 6: 9, 9: 2, 11: 5, 13: 9}


class SymbolText(NamedTuple):
    """What a symbol says. words: of major (M), major7 (^), minor, dim, half-dim, aug, sus, alt. degrees: as they stand there.
    added, without: those after `add`, and after `no` or `omit`."""

    words: frozenset[str]
    degrees: tuple[Degree, ...] = ()
    added: tuple[Degree, ...] = ()
    without: frozenset[int] = frozenset()

    @property
    def minor(self) -> bool:
        return bool(self.words & {"minor", "dim", "half-dim"})

    @property
    def suspended(self) -> bool:
        """Whether a second or fourth stands for the third: in sus chords, and in C4."""
        return "sus" in self.words or ((4, 0) in self.degrees and not self.minor)


def _fifths(said: SymbolText) -> set[int]:
    altered = {7 + by for number, by in said.degrees if number == 5 and by}
    altered |= {8} if "aug" in said.words else set()
    altered |= {6} if said.words & {"dim", "half-dim"} else set()
    return altered or (set() if "alt" in said.words else {7})


def _seventh(said: SymbolText) -> int | None:
    """The seventh that is written, or meant: a natural 9, 11 or 13 means one, unless there is a sixth."""
    written = [by for number, by in said.degrees if number == 7]
    sixth = any(number == 6 for number, _ in said.degrees)
    extended = bool(written) or (not sixth and any((number, 0) in said.degrees for number in (9, 11, 13)))
    major = said.words & {"major", "major7"}
    if 1 in written:
        return 11
    if "dim" in said.words:
        return 11 if major else 9 if extended else None
    if "half-dim" in said.words or "alt" in said.words:
        return 10
    if major:
        return 11 if extended or (not sixth and ("major7" in said.words or said.minor)) else None
    return 10 if extended else None


def sound_of(said: SymbolText) -> Sound:
    """The tones that are written, and those that this excludes."""
    third, fifths, seventh = 3 if said.minor else 4, _fifths(said), _seventh(said)
    tones = {0, *fifths, *([] if seventh is None else [seventh])}
    power = said.degrees == ((5, 0),) and not said.words
    seconds, fourths = ({by for number, by in said.degrees if number == n} for n in (2, 4))
    if not said.suspended and not power:
        tones.add(third)
    elif said.suspended and not seconds and not fourths:
        tones.add(5)
    excluded = {2, 9} if "alt" in said.words else set()
    for number, by in said.degrees:
        if number in _STEPS and not (number == 11 and by == 0 and said.minor):  # the eleventh of a minor chord is a colour
            tones.add((_STEPS[number] + by) % 12)
            excluded |= {_STEPS[number]} if by else set()
    excluded |= {7} if 7 not in fifths else set()
    excluded |= {10: {11}, 11: {10}}.get(seventh or 0, set())
    if "sus" in said.words:
        excluded |= {4} if seconds and fourths else {3, 4} if seconds else {3}
    for number, by in said.added:
        tones.add((_STEPS[number] - (number == 3 and said.minor) + by) % 12)
    for number in said.without:
        tones -= {1: {0}, 3: {third}, 5: fifths, 7: {-1 if seventh is None else seventh}}.get(number) or {_STEPS[number]}
    return Sound(frozenset(tones), frozenset(excluded - tones))


def kind_of(said: SymbolText) -> str:
    """The kind nearest to what is said: what the model is told."""
    tones, altered = sound_of(said).tones, any(number == 9 and by for number, by in said.degrees)
    if said.minor:
        return _minor_kind(said, tones)
    if said.suspended:
        return "maj7" if 11 in tones else "7sus"
    if "alt" in said.words:
        return "7alt"
    if 11 in tones:
        return "maj7#11" if 6 in tones else "maj7"
    if 8 in tones and 7 not in tones:
        return "7alt" if altered else "7+"
    if 10 in tones:
        return "7alt" if altered or 8 in tones else "7#11" if 6 in tones else "7"
    altered |= (13, -1) in said.degrees
    return "7alt" if altered else "maj7#11" if 6 in tones else "6" if 9 in tones else "maj"


def _minor_kind(said: SymbolText, tones: frozenset[int]) -> str:
    if 6 in tones and 7 not in tones:
        return "dim" if "dim" in said.words or 11 in tones else "m7b5"
    if 11 in tones:
        return "mmaj7"
    return "m7" if 10 in tones else "m6" if 9 in tones else "m"
