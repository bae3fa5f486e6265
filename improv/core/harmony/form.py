"""A form that comes round, in what is heard faintly: a bass and a line tell a chord now and then, but every chorus tells it again.

For each beat there are the probabilities of all chords. If a form has so many beats, those of a beat agree with those of the beat a
form before: the period at which they agree most, and clearly more than at others, is the form's. What was heard at a place of the form
then counts as often as it came round, and tells what will sound there next time.
"""

from __future__ import annotations

import numpy as np

SHORTEST, LONGEST = 4, 64  # bars of a form
FEWEST = 32  # beats that must agree with those of a form before
CLEARLY = 0.25  # nats a beat by which the best period must be better than the median one
WEIGHT = 0.8  # of what was heard a form ago, beside what is heard now
MOST_ROUNDS = 6  # that are remembered
FLOOR = 1e-3  # of a probability


class FormMemory:
    """Is told the probabilities of each beat's chords as the beat is over; `choices`: how many chords there are, none included."""

    def __init__(self, choices: int):
        self._rows = np.zeros((0, choices), np.float32)
        self._logs = np.zeros((0, choices), np.float32)
        self.period: int | None = None  # beats

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: np.ndarray, bar: int) -> None:
        """All beats so far, (beats, choices), as they are heard by now; a bar has so many beats. Looks for the form."""
        self._rows = np.maximum(rows, FLOOR).astype(np.float32)
        self._rows /= self._rows.sum(1, keepdims=True)
        self._logs = np.log(self._rows)
        self.period = self._find(bar)

    def _find(self, bar: int) -> int | None:
        many = len(self._rows)
        found: list[tuple[float, int]] = []
        for bars in range(SHORTEST, LONGEST + 1):
            length = bars * bar
            if many - length < FEWEST:
                break
            agreed = np.log((self._rows[length:] * self._rows[:-length]).sum(1))
            found.append((float(agreed.mean()), length))
        if len(found) < 4:
            return None
        best, length = max(found)
        if best - float(np.median([score for score, _ in found])) < CLEARLY:
            return None
        near = [at for score, at in found if score > best - 0.1 * abs(best) and length % at == 0]
        return min(near)  # twice the form agrees as well

    def at(self, beat: int) -> np.ndarray | None:
        """Log-probabilities, (choices,), of a beat's chord from the rounds before it alone, not normalised; None where none tells it."""
        if self.period is None:
            return None
        rounds = [beat - k * self.period for k in range(1, MOST_ROUNDS + 1)]
        told = [self._logs[i] for i in rounds if 0 <= i < len(self._logs)]
        return WEIGHT * np.sum(told, axis=0) if told else None

    def with_now(self, beat: int, now: np.ndarray) -> np.ndarray:
        """Probabilities of a beat's chord, (choices,): those that are heard now, and those of the rounds before."""
        before = self.at(beat)
        if before is None:
            return now
        logs = np.log(np.maximum(now, FLOOR)) + before
        p = np.exp(logs - logs.max())
        both: np.ndarray = p / p.sum()
        return both
