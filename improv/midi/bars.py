"""The bars of a MIDI file: one reading for `jam --player` and `improv train` alike.

A time signature begins a bar. A first bar that is shorter than the next is a pick-up: bar one comes after it.
"""

from __future__ import annotations

from typing import NamedTuple

from improv.core.metres import MOST_CHANGES, NEAR, Metre, Metres, possible
from improv.midi.parts import MidiFile


class FileBars(NamedTuple):
    """metres: from bar one on. one: the beat of the file on which bar one begins. passed: time signatures that can't be counted."""

    metres: Metres
    one: float
    passed: int


def bars_of(file: MidiFile) -> FileBars:
    """Where a file's bars are, in beats."""
    found: list[tuple[float, Metre]] = [(0.0, (4, 4))]
    passed = 0
    for tick, count, unit in file.metres:
        at, metre = tick / file.table.ppq, (count, unit)
        last, before = found[-1]
        into_bar = (at - last) % _beats(before)
        if not possible(metre):
            passed += 1
        elif at - last <= NEAR:
            found[-1] = (last, metre)
        elif metre != before or min(into_bar, _beats(before) - into_bar) > NEAR:
            found.append((at, metre))
    passed += len(found[MOST_CHANGES:])
    found = found[:MOST_CHANGES]
    one = 0.0
    if len(found) > 1:
        (first, before), (second, after) = found[:2]
        if second - first <= _beats(before) + NEAR and second - first < _beats(after):
            one, found = second, found[1:]
    return FileBars(Metres(tuple((at - one, metre) for at, metre in found)), one, passed)


def _beats(metre: Metre) -> float:
    return 4.0 * metre[0] / metre[1]
