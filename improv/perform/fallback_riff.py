"""What plays when the model's answer is not there in time: a riff, held over the chords.

The last pitches that sounded, whoever played them, in eighths on the beat, each moved to the nearest tone of the chord.
Pure, and next to nothing to compute.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

from improv.core.harmony import Changes
from improv.core.meter import Meter

NOTES = 4  # of the riff
EIGHTH = 0.5  # beats
HELD = 0.8 * EIGHTH  # how long each sounds
SOONEST = 0.4  # beats after the last note at which the next is missed, at the soonest
SILENCE = 1.0  # beats after the player's last note at which an answer is missed
SOFTER = 6  # than what was last heard, as velocity
LONGEST = 16  # notes of relief in one answer


class FallbackNote(NamedTuple):
    """A note of relief, in beats."""

    onset: float
    duration: float
    pitch: int
    velocity: int


class FallbackRiff:
    """The last pitches that sounded, and whose turn it is, as far as one can tell without a model."""

    def __init__(self) -> None:
        self._pitches: deque[int] = deque(maxlen=NOTES)
        self._velocity = 80
        self._at = 0
        self._played = 0
        self._down: set[tuple[int, int]] = set()  # keys held: channel, pitch
        self._ours = False
        self._since: float | None = None  # when our last note began, or the player's last note ended, in seconds

    def heard_on(self, time: float, channel: int, pitch: int, velocity: int) -> None:
        """The player plays: the turn is the player's."""
        self._down.add((channel, pitch))
        self._ours, self._since, self._played = False, None, 0
        self._take(pitch, velocity)

    def heard_off(self, time: float, channel: int, pitch: int) -> None:
        """The player lets go."""
        if (channel, pitch) not in self._down:
            return  # of a hand that plays chords
        self._down.discard((channel, pitch))
        if not self._down and not self._ours:
            self._since = time

    def played(self, time: float, pitch: int, velocity: int) -> None:
        """We played a note that the model chose, in time."""
        self._ours, self._since, self._played = True, time, 0
        self._take(pitch, velocity)

    def relieved(self, time: float) -> None:
        """We played a note of relief."""
        self._ours, self._since = True, time
        self._played += 1
        self._at += 1

    def over(self) -> None:
        """Our turn ended; nothing is missed before the player has played."""
        self._ours, self._since = False, None

    def next(self, meter: Meter, now: float, changes: Changes | None, low: int, high: int, endless: bool) -> FallbackNote | None:
        """The next note of relief, if the model goes on to say nothing; None if none is missed. now: seconds."""
        if self._since is None or (self._played >= LONGEST and not endless):
            return None
        after = meter.beat(self._since) + (SOONEST if self._ours else SILENCE)
        onset = math.ceil(max(after, meter.beat(now)) / EIGHTH - 1e-6) * EIGHTH
        pitch = self._pitches[self._at % len(self._pitches)] if self._pitches else (low + high) // 2
        tones = changes.harmony(meter.position(onset)).chord.tones if changes else ()
        fitting = [p for p in range(low, high + 1) if not tones or p % 12 in tones]
        return FallbackNote(onset, HELD, min(fitting, key=lambda p: (abs(p - pitch), p)), max(1, self._velocity - SOFTER))

    def _take(self, pitch: int, velocity: int) -> None:
        self._pitches.append(pitch)
        self._velocity, self._at = velocity, 0
