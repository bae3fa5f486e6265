"""What a bassist plays in a bar, where it is no walking: the rhythm, and which tone of the chord each note is.

The set that walking is learned from has a pitch on each beat and nothing between them; so rhythm, lengths and loudness come from
here, after textbooks: bossa nova and samba from N. Faria and C. Korman, Inside the Brazilian Rhythm Section, 2001; the tumbao from
R. Mauleón, Salsa Guidebook, 1993; straight eighths, funk and two from J. Goldsby, The Jazz Bass Book, 2002.
"""

from __future__ import annotations

from typing import NamedTuple

ROOT, FIFTH, OCTAVE, THIRD, LEAD, PUSH, SAME, WALK, GHOST = (
    "root", "fifth", "octave", "third", "lead", "push", "same", "walk", "ghost",
)  # fmt: skip


class Stroke(NamedTuple):
    """tick: from the bar line, 48 a beat. length: in beats. tone: what it is of the chord that sounds; LEAD leads to the next one,
    PUSH is the root of the next bar's, before its time; WALK is drawn as a walking bass is. loud: steps of velocity."""

    tick: int
    length: float
    tone: str
    loud: int = 0


Figure = tuple[Stroke, ...]
# By style: ways to play a bar of four beats, the first the usual one, and how often each comes.
R, F, UP, L = ROOT, FIFTH, OCTAVE, LEAD
FIGURES: dict[str, tuple[tuple[float, Figure], ...]] = {
    "bossa": (
        (5, (Stroke(0, 1.4, R, 4), Stroke(72, 0.45, F), Stroke(96, 1.4, F, 4), Stroke(168, 0.45, R))),
        (3, (Stroke(0, 1.4, R, 4), Stroke(72, 0.45, R, -2), Stroke(96, 1.4, F, 4), Stroke(168, 0.45, L))),
        (2, (Stroke(0, 1.9, R, 4), Stroke(96, 1.4, F, 4), Stroke(168, 0.45, F))),
        (1, (Stroke(0, 1.4, R, 4), Stroke(72, 0.45, F), Stroke(96, 0.9, UP, 4), Stroke(144, 0.45, F), Stroke(168, 0.45, L))),
    ),
    "samba": (
        (5, (Stroke(0, 0.7, R), Stroke(36, 0.22, R, -4), Stroke(48, 0.7, F, 8), Stroke(84, 0.22, F, -4),
             Stroke(96, 0.7, R), Stroke(132, 0.22, R, -4), Stroke(144, 0.7, F, 8), Stroke(180, 0.22, L, -2))),
        (2, (Stroke(0, 0.9, R), Stroke(48, 0.7, F, 8), Stroke(84, 0.22, F, -4), Stroke(96, 0.9, R), Stroke(144, 0.9, F, 8))),
        (1, (Stroke(0, 0.7, R), Stroke(36, 0.22, R, -4), Stroke(48, 0.9, UP, 8), Stroke(96, 0.7, F), Stroke(132, 0.22, F, -4),
             Stroke(144, 0.7, R, 8), Stroke(180, 0.22, L, -2))),
    ),
    "latin": (
        (5, (Stroke(0, 1.4, R, 2), Stroke(72, 1.4, F, 2), Stroke(144, 1.0, PUSH, 6))),
        (2, (Stroke(0, 1.4, R, 2), Stroke(72, 0.9, F, 2), Stroke(120, 0.4, UP), Stroke(144, 1.0, PUSH, 6))),
        (1, (Stroke(0, 0.9, R, 2), Stroke(48, 0.4, R, -2), Stroke(72, 1.4, UP, 2), Stroke(144, 1.0, PUSH, 6))),
    ),
    "even": (
        (4, (Stroke(0, 1.9, R, 4), Stroke(96, 1.4, F), Stroke(168, 0.45, L))),
        (3, (Stroke(0, 1.4, R, 4), Stroke(72, 0.9, F), Stroke(120, 0.45, UP), Stroke(144, 0.9, WALK))),
        (2, (Stroke(0, 1.4, R, 4), Stroke(72, 2.4, THIRD))),
        (1, (Stroke(0, 0.9, R, 4), Stroke(48, 0.9, WALK), Stroke(96, 0.9, WALK), Stroke(144, 0.9, WALK))),
    ),
    "funk": (
        (4, (Stroke(0, 0.6, R, 8), Stroke(36, 0.2, R, -8), Stroke(72, 0.4, UP, 4), Stroke(108, 0.2, R), Stroke(132, 0.2, F),
             Stroke(144, 0.4, UP, 2), Stroke(180, 0.2, L))),
        (3, (Stroke(0, 0.9, R, 8), Stroke(84, 0.2, F, -4), Stroke(96, 0.4, R), Stroke(132, 0.2, UP, 4), Stroke(156, 0.2, F),
             Stroke(168, 0.4, L))),
        (2, (Stroke(0, 0.4, R, 8), Stroke(24, 0.2, R, -10), Stroke(60, 0.2, UP), Stroke(72, 0.4, F), Stroke(120, 0.4, R),
             Stroke(168, 0.2, THIRD), Stroke(180, 0.2, L))),
    ),
    "rock": (
        (5, (*(Stroke(24 * i, 0.45, R, 6 if i % 2 == 0 else 0) for i in range(7)), Stroke(168, 0.45, L))),
        (3, (Stroke(0, 1.4, R, 6), Stroke(72, 0.45, R), Stroke(96, 0.9, R, 4), Stroke(144, 0.45, F), Stroke(168, 0.45, L))),
        (2, (Stroke(0, 0.9, R, 6), Stroke(72, 0.45, R), Stroke(96, 0.9, F, 4), Stroke(168, 0.45, R))),
    ),
}  # fmt: skip


def fitted(figure: Figure, beats: float) -> Figure:
    """A figure of four beats for a bar of others: cut off, or begun again after each four."""
    end = round(48 * beats)
    return tuple(
        s._replace(tick=turn + s.tick, length=min(s.length, (end - turn - s.tick) / 48 + (1.0 if s.tone == PUSH else 0.0)))
        for turn in range(0, max(end, 1), 192)
        for s in figure
        if turn + s.tick < end
    )
