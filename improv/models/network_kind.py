"""A kind of network that may stand between the notes and the heads: a row of `cells.NETWORKS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Weights = Mapping[str, np.ndarray]


class RunningCells(Protocol):
    """Several networks side by side that hear the same input. Their state is two arrays, (a, c); one thread's at a time."""

    units: int  # activations of all of them
    spans: list[slice]  # the share of each in a
    rows: np.ndarray  # (inputs, ...): what a step sums of its input
    recurrents: list[np.ndarray]  # what else a step reads

    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """The state before anything was heard: a (units,) and c, float32."""

    def step(self, before: np.ndarray, cells: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One step from a and c on the sum of input rows (numbers). Returns a new a and c."""


@dataclass(frozen=True, slots=True)
class NetworkKind:
    """sizes: those that a card has of this kind beside those of all kinds.

    shapes(network, inputs, units): names and shapes of one network's weights.
    too_much(network, count): what is too large for this improv in a card's network that stands `count` times, or None.
    cells(weights of each, summed): the networks side by side; their input is the sum of so many rows.
    """

    sizes: tuple[str, ...]
    shapes: Callable[[Mapping[str, Any], int, int], dict[str, tuple[int, ...]]]
    too_much: Callable[[Mapping[str, Any], int], str | None]
    cells: Callable[[Sequence[Weights], int], RunningCells]
