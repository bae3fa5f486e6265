"""A small network over signs: the rows of the signs that are there are added up, then two hidden layers, then numbers out.

What plays it is NumPy alone: a step is a sum of some rows and two products. `train.small_net` trains it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MOST = 4096  # signs, units or outputs


@dataclass(frozen=True, slots=True)
class SmallNet:
    """signs (signs, a), first (a,), second (a, b), second_bias (b,), out (b, outputs), out_bias (outputs,); all float32."""

    signs: np.ndarray
    first: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    out: np.ndarray
    out_bias: np.ndarray

    @classmethod
    def of(cls, weights: Mapping[str, np.ndarray], name: str) -> SmallNet:
        """That of a name among checked weights."""
        return cls(**{part: np.ascontiguousarray(weights[f"{name}.{part}"]) for part in PARTS})

    def hidden(self, there: Sequence[int]) -> np.ndarray:
        """The last hidden layer (b,), given the signs that are there."""
        a = np.maximum(self.signs[there,].sum(0) + self.first, 0.0)
        found: np.ndarray = np.maximum(a @ self.second + self.second_bias, 0.0)
        return found

    def said(self, there: Sequence[int]) -> np.ndarray:
        """What comes out, (outputs,)."""
        found: np.ndarray = self.hidden(there) @ self.out + self.out_bias
        return found

    def weights(self, name: str) -> dict[str, np.ndarray]:
        """Its weights by name, for a file."""
        return {f"{name}.{part}": getattr(self, part) for part in PARTS}


PARTS = ("signs", "first", "second", "second_bias", "out", "out_bias")


def net_shapes(name: str, signs: int, a: int, b: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the weights of a network of these sizes."""
    shapes = ((signs, a), (a,), (a, b), (b,), (b, outputs), (outputs,))
    return {f"{name}.{part}": shape for part, shape in zip(PARTS, shapes, strict=True)}
