"""How loud a note is beside those around it, as it was learned: drawn from what a small network foretells of its accent.

An accent is how far a velocity lies from where the playing has been lately, as a share of how much it varies there. The
network sees the note and the latest ones: place, lengths, steps, register, harmony, place in the phrase, and how loud our last notes
were, so that a phrase swells and fades as phrases do. How loud and how wide it is in the end say the player and the settings.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from improv.core.line.dynamics import DEPTH, REGISTERS, Shape
from improv.core.line.traits import REST, Noted
from improv.core.vocabulary import FEELS, GRID, Context

VERSION = 1  # of the signs
LOUDS = 8  # accents of our latest notes that count
LATELY = 16  # notes of the line that are looked at
WIDEST_ACCENT = 3.0  # nobody's note stands out further
STEP = 13  # semitones from which on all leaps are alike
LENGTHS = (2, 3, 4, 6, 9, 12, 18, 30)  # 1/12 beat; borders of classes, likewise below
GAPS = (2, 3, 4, 6, 8, 9, 12, 18, 24, 36, 48)
TEMPI = (70, 90, 110, 140, 170, 200, 240)
SINCE = (1, 2, 3, 4, 6, 9, 14)  # notes of the phrase before this one
BORDERS = (-2.0, -1.4, -0.9, -0.5, -0.2, 0.2, 0.5, 0.9, 1.4, 2.0)  # of accents
_STEPS, _GAPS, _LOUD = 2 * STEP + 2, len(GAPS) + 2, len(BORDERS) + 2  # the last of each: nothing is known
TABLES = {
    "in the beat": GRID, "in the bar": 17, "section": 13, "length": len(LENGTHS) + 1, "length before": len(LENGTHS) + 2,
    "gap": _GAPS, "gap before": _GAPS, "gap two before": _GAPS, "step": _STEPS, "step before": _STEPS, "step two before": _STEPS,
    "register": len(REGISTERS) + 1, "pitch": 22, "degree": 13, "tone": 3, "since a rest": len(SINCE) + 1, "tempo": len(TEMPI) + 1,
    "feel": len(FEELS), "loud": _LOUD, "loud before": _LOUD, "loud two before": _LOUD, "loud three before": _LOUD, "loud lately": _LOUD,
}  # fmt: skip
SIGNS = sum(TABLES.values())
_STARTS = [sum(list(TABLES.values())[:k]) for k in range(len(TABLES))]


class AccentModel(Protocol):
    """What foretells accents."""

    def foretell(self, signs: Sequence[int]) -> tuple[float, float]:
        """The mean of a note's accent and how far it may lie from it, a standard deviation; signs: see `signs_of`."""


def signs_of(before: Sequence[Noted], louds: Sequence[float | None], note: Noted, shape: Shape, at: Context) -> list[int]:
    """The signs that are there, one of each of TABLES. before: the line up to the note, the latest last; louds: accents of its latest
    notes, None where nobody knows; shape: the note's; at: where it falls."""
    lately = [*before[-LATELY:], note]
    steps = [min(max(b.pitch - a.pitch, -STEP), STEP) + STEP for a, b in pairwise(lately[-4:])]
    gaps = [bisect_right(GAPS, b.position - a.position) for a, b in pairwise(lately[-4:])]
    root = at.harmony.chord.root
    said = [note.place % GRID, min(note.place * 2 // GRID, 16), 12 if at.section is None else min(at.section, 11)]
    said += [bisect_right(LENGTHS, note.length), bisect_right(LENGTHS, before[-1].length) if before else len(LENGTHS) + 1]
    said += [gaps[-k] if len(gaps) >= k else _GAPS - 1 for k in (1, 2, 3)]
    said += [steps[-k] if len(steps) >= k else _STEPS - 1 for k in (1, 2, 3)]
    said += [bisect_right(REGISTERS, note.pitch - shape.middle), note.pitch // 6]
    said += [12 if root is None else (note.pitch - root) % 12, 2 if note.tone is None else int(note.tone)]
    said += [bisect_right(SINCE, _since_a_rest(lately)), bisect_right(TEMPI, at.tempo), FEELS.index(at.feel)]
    known = [*([None] * 4), *louds[-LOUDS:]]
    said += [_LOUD - 1 if loud is None else bisect_right(BORDERS, loud) for loud in reversed(known[-4:])]
    told = [loud for loud in known if loud is not None]
    said.append(bisect_right(BORDERS, 1.6 * sum(told) / len(told)) if told else _LOUD - 1)
    return [start + value for start, value in zip(_STARTS, said, strict=True)]


def drawn_accent(model: AccentModel, signs: Sequence[int], deviate: float) -> float:
    """An accent in the unit of `dynamics.accent`. deviate: where in what is foretold it lies, in standard deviations."""
    mean, spread = model.foretell(signs)
    return min(max(mean + spread * deviate, -WIDEST_ACCENT), WIDEST_ACCENT) / DEPTH


def _since_a_rest(line: Sequence[Noted]) -> int:
    """How many notes came before the last since nothing sounded for `traits.REST`."""
    at = len(line) - 1
    while at > 0 and line[at].position - line[at - 1].position - line[at - 1].length < REST:
        at -= 1
    return len(line) - 1 - at
