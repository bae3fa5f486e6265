"""Where the off-beat lies, and how exactly people play on time.

Off-beats come late: drummers' long eighth is some 3 times the short one at slow tempi and as long as that above 300 bpm, while the
short one keeps to about 100 ms from medium tempi on (A. Friberg and A. Sundström, Swing ratios and ensemble timing in jazz
performance, Music Perception 19, 2002). Below that it is taken for a triplet's, which is what soloists play and lean on.
"""

from __future__ import annotations

SHORT = 0.1  # seconds of the short eighth
LATEST = 2 / 3  # of a beat
TRIPLET = 32  # the tick that means the off-beat of a swung beat


def off_beat(tempo: float) -> float:
    """Where the swung off-beat lies within a beat, 0.5 to 2/3."""
    return min(max(1.0 - SHORT * tempo / 60.0, 0.5), LATEST)


def swing_lag(tempo: float) -> float:
    """Beats by which the off-beat lies off the third triplet of the beat, 0 or earlier."""
    return off_beat(tempo) - LATEST
