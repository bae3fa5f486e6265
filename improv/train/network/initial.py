"""Recurrent weights to begin with, on a machine whose linear algebra fails as on any other.

Orthogonal weights come out of a factorisation. Keras up to 2 made them by a singular value decomposition in NumPy, which
died on some machines with "SVD did not converge"; Keras 3 takes a QR factorisation by its backend, which can fail as well,
or give what are no numbers without a word. Either way there are weights here, and a warning that says which.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from improv.train.quiet import keras


class Steady(keras.initializers.Initializer):
    """An initialiser; where it fails, Glorot's uniform one (Glorot and Bengio 2010) with its seed, and a warning.

    base: the initialiser, an orthogonal one if none is given.
    """

    def __init__(self, base: Any = None):
        self.base = keras.initializers.Orthogonal() if base is None else keras.initializers.get(base)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        kind, why = type(self.base).__name__, "it gave what are no numbers"
        try:
            weights = self.base(shape, dtype)
            if np.isfinite(np.asarray(weights)).all():
                return weights
        except Exception as e:  # each backend, and each LAPACK behind it, has an error of its own
            why = f"{type(e).__name__}: {str(e)[:120]}"
        told = f"weights of the kind {kind} can't be made on this machine ({why}); Glorot uniform ones are used instead"
        warnings.warn(told, RuntimeWarning, stacklevel=2)
        return keras.initializers.GlorotUniform(getattr(self.base, "seed", None))(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"base": keras.initializers.serialize(self.base)}
