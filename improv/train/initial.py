"""Recurrent weights to begin with, on a machine whose linear algebra fails as on any other.

Orthogonal weights come out of a factorisation. Keras up to 2 made them by a singular value decomposition in NumPy, which
died on some machines with "SVD did not converge"; Keras 3 takes a QR factorisation by its backend, which can fail as well,
or give what are no numbers without a word. Either way there are weights here, and a warning that says which.
"""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np


class SteadyOrthogonal(keras.initializers.Initializer):
    """Keras's orthogonal initialiser; where it fails, Glorot's uniform one (Glorot and Bengio 2010), with a warning."""

    def __init__(self, seed: int | None = None):
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        why = "it gave what are no numbers"
        try:
            weights = keras.initializers.Orthogonal(seed=self.seed)(shape, dtype)
            if np.isfinite(np.asarray(weights)).all():
                return weights
        except Exception as e:  # each backend, and each LAPACK behind it, has an error of its own
            why = f"{type(e).__name__}: {str(e)[:120]}"
        warnings.warn(
            f"orthogonal weights can't be made on this machine ({why}); Glorot uniform ones are used instead", RuntimeWarning, stacklevel=2
        )
        return keras.initializers.GlorotUniform(seed=self.seed)(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}
