"""The player's own pace, where there is no grid: a tempo at which the usual short interval is an eighth."""

from __future__ import annotations

import math
from collections import deque
from statistics import median

TOGETHER = 0.03  # seconds within which notes count as one onset
BREATH = 1.5  # seconds: a longer interval is a rest and says nothing
REMEMBERED = 24  # intervals
SHORT = 1.5  # times the shorter half's median: what is longer is a held note
DOUBT = 4  # intervals' worth of the tempo to begin with
EASE = 0.3  # share of the way towards a new pace that each onset goes
SLOWEST, FASTEST = 40.0, 240.0  # bpm


class Pace:
    """tempo: bpm to begin with, taken as 40 to 240; it is the present one later on, in the same bounds."""

    def __init__(self, tempo: float = 120.0):
        self.tempo = _within(tempo)
        self._last: float | None = None
        self._intervals: deque[float] = deque([30.0 / self.tempo] * DOUBT, maxlen=REMEMBERED)  # seconds

    def struck(self, time: float) -> None:
        """A note at a time in seconds, not before the last. Notes of one chord count once, rests not at all."""
        if self._last is None:
            self._last = time
            return
        seconds = time - self._last
        if seconds < TOGETHER:
            return
        self._last = time
        if seconds > BREATH:
            return
        self._intervals.append(seconds)
        lower = sorted(self._intervals)[: (len(self._intervals) + 1) // 2]
        limit = SHORT * median(lower)
        eighth = median(x for x in self._intervals if x <= limit)
        self.tempo = _within(self.tempo * math.exp(EASE * math.log(30.0 / eighth / self.tempo)))


def _within(tempo: float) -> float:
    return min(max(float(tempo), SLOWEST), FASTEST)
