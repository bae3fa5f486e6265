"""A solo's terminals as numbers, cut into the windows that the tutorial's network learns from.

Shapes are those of the exercise "Improvise a jazz solo with an LSTM network".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from improv.models.grammar import Terminal
from improv.train.errors import CorpusError

WINDOWS, STEPS = 60, 30  # m, Tx


@dataclass(frozen=True, slots=True)
class Corpus:
    """A solo as numbers. terminals: the vocabulary; indices: the solo. X (m, Tx, n_values), one-hot and one step late, its first
    step zero; Y (Ty, m, n_values), float32."""

    terminals: list[Terminal]
    indices: list[int]
    X: np.ndarray
    Y: np.ndarray


def cut(solo: Sequence[Terminal], windows: int = WINDOWS, steps: int = STEPS, seed: int = 0) -> Corpus:
    """Windows of a solo, begun at random. Raises CorpusError where it is no longer than a window."""
    if len(solo) <= steps:
        raise CorpusError(f"the solo has {len(solo)} values, and a window needs {steps} and one more; take more bars")
    terminals = sorted(set(solo), key=str)
    number = {terminal: i for i, terminal in enumerate(terminals)}
    indices = [number[terminal] for terminal in solo]
    starts = np.random.default_rng(seed).integers(0, len(solo) - steps + 1, windows)
    cuts = np.array(indices)[starts[:, None] + np.arange(steps)]  # (m, Tx)
    said = np.eye(len(terminals), dtype=np.float32)[cuts]
    heard = np.zeros_like(said)
    heard[:, 1:] = said[:, :-1]  # x<t> = y<t-1>, x<1> = 0
    return Corpus(terminals, indices, heard, np.ascontiguousarray(said.swapaxes(0, 1)))


def recited(line: Sequence[Terminal], solo: Sequence[Terminal]) -> int:
    """How many values in a row of a line occur so in the solo: the longest such run."""
    longest, before = 0, [0] * (len(solo) + 1)
    for mine in line:
        runs = [0]
        for k, theirs in enumerate(solo):
            runs.append(before[k] + 1 if mine == theirs else 0)
        longest, before = max(longest, *runs), runs
    return longest
