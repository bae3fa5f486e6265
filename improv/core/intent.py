"""What a performer has in mind, for whoever watches: whose turn it is, and the notes to come if nothing changes."""

from __future__ import annotations

from typing import NamedTuple

PLAYER, IMPROV, BOTH, NOBODY = "player", "improv", "both", "nobody"  # whose turn it is


class IntendedNote(NamedTuple):
    """A note that is planned. onset, duration: in beats. pitch, velocity: MIDI's."""

    onset: float
    duration: float
    pitch: int
    velocity: int


class Intent(NamedTuple):
    """whose: turn, as above. notes: that are planned, in order. enters: the beat on which it comes in, where it waits for that.

    over: how sure it is, 0 to 1, that the player's phrase is over when it comes in; None where it does not go by the phrase.
    """

    whose: str = NOBODY
    notes: tuple[IntendedNote, ...] = ()
    enters: float | None = None
    over: float | None = None
