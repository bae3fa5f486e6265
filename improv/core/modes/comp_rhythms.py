"""The rhythms that jazz pianists comp in, a bar each, by how dense they are."""

from __future__ import annotations

from typing import NamedTuple


class Hit(NamedTuple):
    """A chord: where and how long, in beats."""

    onset: float
    length: float


CHARLESTON = (Hit(0.0, 1.0), Hit(1.5, 0.4))
# How dense, and the rhythms of a bar in four; a shorter bar takes of them what fits.
SPARSE = ((Hit(0.0, 1.5),), (Hit(1.5, 0.4),), (Hit(3.5, 1.5),), (Hit(0.5, 0.4),), ())
USUAL = (
    CHARLESTON,
    (Hit(0.5, 0.4), Hit(2.0, 1.0)),  # the Charleston turned round
    (Hit(1.5, 0.4), Hit(3.5, 1.0)),  # anticipating the next bar
    (Hit(0.0, 0.4), Hit(2.5, 1.0)),
    (Hit(0.0, 3.5),),
)
OPEN = (
    tuple(Hit(float(beat), 0.7) for beat in range(4)),  # quarter notes
    (*CHARLESTON, Hit(3.0, 0.4)),
    (Hit(0.0, 0.4), Hit(1.5, 0.4), Hit(3.5, 1.0)),
    (Hit(0.5, 0.4), Hit(1.5, 0.4), Hit(2.5, 1.0)),
)
STRAIGHT = (
    (Hit(0.0, 0.9), Hit(1.5, 0.9), Hit(3.0, 0.7)),
    (Hit(0.5, 0.7), Hit(1.5, 0.9), Hit(3.0, 0.7)),
    (Hit(0.0, 0.9), Hit(1.5, 0.4), Hit(2.5, 0.9)),
    (Hit(0.0, 1.4), Hit(2.5, 0.7), Hit(3.5, 1.0)),
)
SLOW = ((Hit(0.0, 3.8),), (Hit(0.0, 1.9), Hit(2.0, 1.9)), (Hit(0.0, 2.4), Hit(2.5, 1.4)), (Hit(1.5, 2.4),))
