"""A file of arrays that lies beside a model's weights: it must be what the card promises, to the byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from improv.models.card import ModelError
from improv.outside import OutsideError, Tensor, read_tensors


def promised_arrays(path: Path, wanted: Mapping[str, Tensor], sha256: object, most: int, what: str) -> dict[str, np.ndarray]:
    """Its arrays. wanted: their types and shapes, by name. sha256: of the file, as the card has it. most: bytes that it may have.

    what: the arrays, in words, for an error. Raises ModelError.
    """

    def check(arrays: Mapping[str, Tensor]) -> None:
        if dict(arrays) != wanted:
            raise ModelError(f"{path}: not the {what} that the card promises; write it again")

    try:
        blob = read_tensors(path, most, path.parent, check).blob
    except OutsideError as e:
        raise ModelError(str(e)) from None
    if hashlib.sha256(blob).hexdigest() != sha256:
        raise ModelError(f"{path}: not the file that card.json was written for (SHA-256 differs); copy both files again")
    arrays: dict[str, np.ndarray] = load(blob)
    return arrays
