"""How many notes may leave a performance, whoever asks for them. No music reaches it: it guards synths and ears from a fault.

A bucket of note-ons: so many at once, then so many a second, by the times of the notes alone, so it is the same offline and live.
"""

from __future__ import annotations

RATE = 100.0  # note-ons a second
BURST = 400.0  # note-ons at once: more than all keys of three keyboards, echoed
FASTEST_LINE = (100, 2.0)  # notes of one line in so many seconds; the fastest of players reach a third of that
WITHIN = 14.0  # beats in which they must lie as well to be the model's doing: those of two seconds at the fastest tempo that is counted


class NoteLimit:
    """Lets note-ons pass. held: how many it held back."""

    def __init__(self, rate: float = RATE, burst: float = BURST):
        self.held = 0
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, 0.0

    def passes(self, time: float) -> bool:
        """Whether a note-on of a time, in seconds, may pass; if so it has."""
        if time > self._at:
            self._left = min(self._burst, self._left + (time - self._at) * self._rate)
            self._at = time
        if self._left >= 1.0:
            self._left -= 1.0
            return True
        self.held += 1
        return False
