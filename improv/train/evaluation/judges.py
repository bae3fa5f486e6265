"""Real or generated: judges that learn to tell our takes from real solos, and how often they are right on tunes they never heard.

An AUC is the chance that, of one real window and one of ours, a judge takes the real one for more likely real: 0.5 can't tell,
1.0 always can (Hanley and McNeil 1982). Windows of one tune are never on both sides of a split.
The first judge boosts trees on hand-made numbers (`tells`), and can say what told it. The second reads the notes (`note_judge`),
so that nobody tunes to the list of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from improv.core.errors import ImprovError
from improv.extras import install
from improv.train.evaluation.takes import Take
from improv.train.evaluation.tells import Window, tells, windows

SIZES = (4, 8, 16, 32)  # bars
FOLDS = 5
TOLD = 12  # tells that are reported

# Learns from windows, whether each is real, and each window's weight; then says of other windows how real they are.
Judge = Callable[[Sequence[Window], np.ndarray, np.ndarray, Sequence[Window]], np.ndarray]


@dataclass(frozen=True)
class Judged:
    """Windows of one size: whether each is real, and of which tune, from 0."""

    windows: Sequence[Window]
    real: np.ndarray
    tunes: np.ndarray

    @staticmethod
    def of(takes: Sequence[Take], size: int) -> Judged:
        """The windows of takes. Raises ImprovError where there are too few to judge."""
        found = [(window, take) for take in takes for window in windows(take, size)]
        names = sorted({take.tune for _, take in found})
        real = np.array([take.real for _, take in found], bool)
        tunes = np.array([names.index(take.tune) for _, take in found], int)
        if len(names) < FOLDS or real.all() or not real.any():
            raise ImprovError(f"windows of {size} bars: to judge takes {FOLDS} tunes with solos as long as that; here are {len(names)}")
        return Judged([window for window, _ in found], real, tunes)

    def folds(self) -> list[np.ndarray]:
        """Which windows each fold leaves out, (windows,) each: whole tunes, about as many windows in each fold."""
        order = np.argsort(-np.bincount(self.tunes), kind="stable")
        sizes, fold_of = np.zeros(FOLDS), np.zeros(len(order), int)
        for tune in order:
            fold_of[tune] = fold = int(np.argmin(sizes))
            sizes[fold] += np.sum(self.tunes == tune)
        return [fold_of[self.tunes] == fold for fold in range(FOLDS)]

    def weights(self, among: np.ndarray) -> np.ndarray:
        """Of the windows among them, (among,): the real ones together count as much as ours."""
        real = self.real[among]
        return np.where(real, (~real).sum() / max(real.sum(), 1), 1.0)


def auc(real: np.ndarray, said: np.ndarray) -> float:
    """real (n,) bool, said (n,): how real each was said to be. Ties count half."""
    _, place, counts = np.unique(said, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positive, negative = int(real.sum()), int((~real).sum())
    return float((ranks[real].sum() - positive * (positive + 1) / 2) / (positive * negative))


def cross_judged(judged: Judged, judge: Judge) -> float:
    """The judge's AUC on tunes that it did not learn from."""
    said = np.zeros(len(judged.real))
    for out in judged.folds():
        learned = [w for w, left_out in zip(judged.windows, out, strict=True) if not left_out]
        asked = [w for w, left_out in zip(judged.windows, out, strict=True) if left_out]
        said[out] = judge(learned, judged.real[~out], judged.weights(~out), asked)
    return auc(judged.real, said)


@dataclass(frozen=True)
class Tell:
    """A number that tells: what the AUC loses where it is shuffled, its means, and its samples."""

    name: str
    loses: float
    real: np.ndarray
    ours: np.ndarray


def boosted(judged: Judged, microtiming: bool, ask: bool = False) -> tuple[float, list[Tell]]:
    """Boosted trees on the tells: their AUC on tunes that they did not learn from, and what told them, most telling first.

    ask: whether to say what told them, which takes longer. After Friedman 2001; what tells by permutation (Breiman 2001).
    """
    rows = [tells(window, microtiming) for window in judged.windows]
    names = list(rows[0])
    table = np.array([[row[name] for name in names] for row in rows])
    said, loses = np.zeros(len(rows)), np.zeros(len(names))
    rng = np.random.default_rng(0)
    for out in judged.folds():
        trees = boosted_trees().fit(table[~out], judged.real[~out], sample_weight=judged.weights(~out))
        said[out] = trees.decision_function(table[out])
        if ask:
            whole = auc(judged.real[out], said[out])
            for k in range(len(names)):
                shuffled = table[out].copy()
                shuffled[:, k] = rng.permutation(shuffled[:, k])
                loses[k] += (whole - auc(judged.real[out], trees.decision_function(shuffled))) / FOLDS
    order = np.argsort(-loses, kind="stable")[: TOLD if ask else 0]
    found = [Tell(names[k], float(loses[k]), table[judged.real, k], table[~judged.real, k]) for k in order]
    return auc(judged.real, said), found


def boosted_trees() -> Any:
    """Trees to be grown. Raises ImprovError where scikit-learn is missing."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as e:
        raise ImprovError(f"--real-or-generated needs scikit-learn ({e}): {install('train')}") from None
    return HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, max_leaf_nodes=12, l2_regularization=2.0, random_state=0)
