"""A trained model as a folder: card.json and weights.safetensors, both or neither."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from improv.atomic import WriteError, atomic_write


def write_folder(folder: Path, head: Mapping[str, Any], arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> dict[str, Any]:
    """Write a model folder as `improv.models.loader` reads it. Returns the card: head, the hash of the weights, about.

    head: what is needed to read the arrays, already checked against them. Raises WriteError; what was there stays.
    """
    blob = save(dict(arrays))
    card = {**head, "weights_sha256": hashlib.sha256(blob).hexdigest(), **about}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise WriteError(f"{folder}: can't be made ({e.strerror or e})") from None
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    atomic_write({folder / "weights.safetensors": blob, folder / "card.json": text.encode()})
    return card
