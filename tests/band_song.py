"""Songs as bars for members of the rhythm section, and what they play over them."""

from dataclasses import replace

import numpy as np

from improv.core.band.bar import BandBar, BarNote, ChordsOfBar, Member
from improv.core.harmony import parse_changes

BLUES = "F7|Bb7|F7|Cm7 F7|Bb7|Bdim7|F7|D7|Gm7|C7|F7 D7|Gm7 C7"


def bars(text: str, beats: int = 4, **others: object) -> list[BandBar]:
    """A chorus of changes, a bar each."""
    changes = parse_changes(text) if beats == 4 else parse_changes(f"{beats}/4 {text}")
    count = round(changes.length / beats)

    def of(bar: int) -> ChordsOfBar:
        line = beats * bar
        there = [(s - line, c) for s, c in changes.spans(changes.length) if line <= s < line + beats]
        return tuple(there) if there and there[0][0] == 0 else ((0.0, changes.harmony(line).chord), *there)

    first = BandBar(beats=float(beats), metre=(beats, 4), form=count, section=count)
    return [
        replace(first, chords=of(k), coming=of((k + 1) % count), of_form=k, of_section=k, **others)  # type: ignore[arg-type]
        for k in range(count)
    ]


def played(member: Member, song: list[BandBar], seed: int = 1) -> list[list[BarNote]]:
    """What it plays, bar by bar; each state fits."""
    state, found = member.start(), []
    for number, bar in enumerate(song):
        notes, state = member.bar(state, bar, np.random.default_rng((seed, number)))
        assert member.fits(state)
        found.append(notes)
    return found
