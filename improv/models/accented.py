"""`accents.safetensors` beside a model: the small network that foretells how loud its notes are, checked like its weights.

The card says what is promised of it: `{"accents": {"sha256", "signs", "units"}}`. `signs` is the version of what it is told, `units`
are the sizes of its two hidden layers. A model without it is accented by rule (`core.line.dynamics`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from improv.core.line.loudness import SIGNS, VERSION
from improv.models.card import LARGEST_WEIGHT, ModelError
from improv.models.promised_file import promised_arrays
from improv.models.small_net import SmallNet, net_shapes
from improv.outside import Tensor, whole

FILE, NAME = "accents.safetensors", "accents"
LARGEST = 2**20  # bytes
MOST_UNITS = 256
OUTPUTS = 2  # the mean of an accent, and the logarithm of its standard deviation
NARROWEST, WIDEST = -2.5, 1.0  # of that logarithm


class LearnedAccents:
    """See `core.line.loudness.AccentModel`."""

    def __init__(self, net: SmallNet):
        self.net = net

    def foretell(self, signs: Sequence[int]) -> tuple[float, float]:
        mean, log_spread = self.net.said(signs).tolist()
        return mean, math.exp(min(max(log_spread, NARROWEST), WIDEST))


def blob_of(accents: LearnedAccents) -> tuple[bytes, dict[str, Any]]:
    """The file's bytes, and what the card is to say of it."""
    weights = {name: np.ascontiguousarray(w, np.float32) for name, w in accents.net.weights(NAME).items()}
    blob = save(weights)
    units = [len(accents.net.first), len(accents.net.second_bias)]
    return blob, {"sha256": hashlib.sha256(blob).hexdigest(), "signs": VERSION, "units": units}


def accents_of(card: Mapping[str, Any], folder: Path) -> LearnedAccents | None:
    """What a card promises, read from its folder; None where it promises nothing. Raises ModelError."""
    said = card.get("accents")
    if said is None:
        return None
    units = said.get("units") if isinstance(said, Mapping) else None
    if not isinstance(units, list) or len(units) != 2 or not all(whole(n, 1, MOST_UNITS) for n in units):
        raise ModelError(f"{folder}: card: accents lacks its numbers or has others; write {FILE} again")
    if said.get("signs") != VERSION:
        raise ModelError(f"{folder}: card: the accents ask for other signs than this improv knows; write {FILE} again")
    path = folder / FILE
    wanted = {name: Tensor("F32", shape) for name, shape in net_shapes(NAME, SIGNS, units[0], units[1], OUTPUTS).items()}
    arrays = promised_arrays(path, wanted, said.get("sha256"), LARGEST, "weights of accents")
    for name, array in arrays.items():
        if not np.isfinite(array).all() or np.abs(array).max() > LARGEST_WEIGHT:
            raise ModelError(f"{path}: {name} has values that are no numbers, or beyond {LARGEST_WEIGHT:g}; write it again")
    return LearnedAccents(SmallNet.of(arrays, NAME))
