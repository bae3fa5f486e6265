"""A second line beside the player's: a register of its own, intervals that agree with what he holds, contrary motion.

The intervals are those of two-part writing: thirds and sixths carry it, fourths and fifths pass, seconds and sevenths are rare,
and the minor second, its inversion and its octave are not struck at all (Jeppesen, Counterpoint, 1931; jazz duets do alike).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

NEAR, FAR = 3, 16  # semitones from the player's line, between which the register of its own lies
DISTANCE = 0.5  # how much rarer a note gets with each semitone outside it
ROOM = 12  # semitones that a side needs within the range
HARSH = frozenset({1, 11})  # semitones modulo an octave: minor second, major seventh, minor ninth
# By semitones modulo an octave, what an interval to a note that the player holds is worth.
WORTH = np.array([-1.5, -np.inf, -1.0, 0.8, 0.8, 0.0, -1.0, 0.2, 0.8, 0.8, -0.8, -np.inf])
CONTRARY = 0.5  # what it is worth to move against the player, and what it costs to move with him


def side(pitch: float, low: int, high: int, above: bool | None) -> bool:
    """Whether to play above the player's line, whose middle is a pitch: where there is room, and on the side as before if it has some."""
    up, down = high - (pitch + NEAR), (pitch - NEAR) - low
    if above is not None and (up if above else down) >= ROOM:
        return above
    return up >= down


def harsh(pitch: int, held: Collection[int]) -> bool:
    """Whether a pitch is a key that the player holds, or rubs against one."""
    return any(pitch == key or (pitch - key) % 12 in HARSH for key in held)


def beside(pitch: float, above: bool, held: Collection[int], low: int, high: int, last: int | None, moved: int) -> np.ndarray:
    """A bias (128,) for the pitches of a line beside the player's.

    pitch: the middle of his line; above: on which side. held: the keys that he holds. low, high: of the range. last: our pitch
    before, moved: by how many semitones the player's latest note moved. Leaves a pitch of the range possible.
    """
    pitches = np.arange(128)
    away = pitches - pitch if above else pitch - pitches
    bias: np.ndarray = -DISTANCE * (np.maximum(0, NEAR - away) + np.maximum(0, away - FAR))
    if last is not None and moved:
        bias = bias - CONTRARY * np.sign(pitches - last) * np.sign(moved)
    agree = np.zeros(128)
    for key in held:
        agree = agree + WORTH[(pitches - key) % 12]
        agree[key] = -np.inf
    return bias + agree if np.isfinite(agree[low : high + 1]).any() else bias
