"""The critic: how real a phrase is, by boosted trees on its traits. It learned to tell phrases of real solos from ours.

After Friedman 2001. A tree is a row of nodes; the trees stand one after another. `improv.models.critics` reads and checks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from improv.core.line.traits import Before, Noted, likeness, traits

LISTENS = 1.5  # what it is worth in an answer to be wholly like its call in one of three respects; by `improv eval --listening`


@dataclass(frozen=True, slots=True)
class Critic:
    """Nodes of all trees: trait (nodes,) int, which trait is asked for, -1 in a leaf; threshold (nodes,): up to it one goes left;
    left, right (nodes,) int: where one goes; value (nodes,): what a leaf says, in log odds. roots (trees,) int. deepest: steps at most.
    ways: how many ways to go on it is asked about.
    """

    trait: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    deepest: int
    ways: int = 6

    def judge(
        self, before: Sequence[Noted], phrases: Sequence[Sequence[Noted]], then: Sequence[int | None], answers: bool = False
    ) -> list[float]:
        """Log odds that each of some phrases after the same notes is real; one without notes is as likely as not. then: see `traits`.

        answers: they answer the phrase before them: the more alike they are to it, the likelier.
        """
        told = [k for k, phrase in enumerate(phrases) if phrase]
        said = [0.0] * len(phrases)
        if told:
            heard = Before(before)
            rows = np.array([traits(heard, phrases[k], then[k]) for k in told])
            for k, odds in zip(told, self.odds(rows).tolist(), strict=True):
                said[k] = odds + (LISTENS * likeness(heard, phrases[k]) if answers else 0.0)
        return said

    def odds(self, rows: np.ndarray) -> np.ndarray:
        """Log odds (rows,) for traits (rows, traits)."""
        at = np.tile(self.roots, (len(rows), 1))  # (rows, trees)
        each = np.arange(len(rows))[:, None]
        for _ in range(self.deepest):
            trait = self.trait[at]
            inside = trait >= 0
            left = rows[each, np.maximum(trait, 0)] <= self.threshold[at]
            at = np.where(inside, np.where(left, self.left[at], self.right[at]), at)
        odds: np.ndarray = self.value[at].sum(axis=1)
        return odds
