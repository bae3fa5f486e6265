"""`accents.safetensors` beside a model: the small network that foretells how loud its notes are, checked like its weights.

The card says what is promised of it: `{"accents": {"sha256", "signs", "units"}}`. `signs` is the version of what it is told, `units`
are the sizes of its two hidden layers. A model without it is accented by rule (`core.line.dynamics`). A folder of kind `accents` holds such
a network alone: training goes on from it.
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
from improv.models.card import ModelError, check_weights
from improv.models.promised_file import promised_arrays
from improv.models.small_net import SmallNet, net_shapes
from improv.outside import Tensor, whole

FILE, NAME = "accents.safetensors", "accents"
KIND, FORMAT = "accents", 1  # of a folder of its own
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


def accents_shapes(card: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the weights that a folder's card promises. Raises ModelError."""
    if card.get("kind") != KIND or card.get("format") != FORMAT:
        raise ModelError(f"its card is of kind {card.get('kind')!r}, format {card.get('format')!r}; expected {KIND!r}, {FORMAT}")
    if wrong := _wrong_in(card):
        raise ModelError(f"its card: {wrong}; train it again")
    return _shapes(card["units"])


def _shapes(units: Sequence[int]) -> dict[str, tuple[int, ...]]:
    first, second = units
    return net_shapes(NAME, SIGNS, first, second, OUTPUTS)


def accents_from(card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> LearnedAccents:
    """What a folder of its own holds. Raises ModelError."""
    check_weights(accents_shapes(card), weights)
    return LearnedAccents(SmallNet.of(weights, NAME))


def _wrong_in(said: object) -> str:
    """What no card says of accents; nothing where all is right."""
    units = said.get("units") if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(units, list) or len(units) != 2 or not all(whole(n, 1, MOST_UNITS) for n in units):
        return "accents lacks its numbers or has others"
    return "" if said.get("signs") == VERSION else "the accents ask for other signs than this improv knows"


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
    if wrong := _wrong_in(said):
        raise ModelError(f"{folder}: card: {wrong}; write {FILE} again")
    path, shapes = folder / FILE, _shapes(said["units"])
    wanted = {name: Tensor("F32", shape) for name, shape in shapes.items()}
    arrays = promised_arrays(path, wanted, said.get("sha256"), LARGEST, "weights of accents")
    try:
        check_weights(shapes, arrays)
    except ModelError as e:
        raise ModelError(f"{path}: {e}; write it again") from None
    return LearnedAccents(SmallNet.of(arrays, NAME))
