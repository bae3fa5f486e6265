"""A trained model as a folder: card.json, weights.safetensors and what the card tells of beside them, all or none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from improv.atomic import WriteError, atomic_write


def write_folder(
    folder: Path,
    head: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    about: Mapping[str, Any],
    beside: Mapping[str, bytes] | None = None,
) -> dict[str, Any]:
    """Write a model folder as `improv.models.loader` reads it. Returns the card: head, the hash of the weights, about.

    head: what is needed to read the arrays, already checked against them. beside: other files that the card tells of, by name.
    Raises WriteError; what was there stays.
    """
    blob = save(dict(arrays))
    card = {**head, "weights_sha256": hashlib.sha256(blob).hexdigest(), **about}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise WriteError(f"{folder}: can't be made ({e.strerror or e})") from None
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    others = {folder / name: content for name, content in (beside or {}).items()}
    atomic_write({folder / "weights.safetensors": blob, **others, folder / "card.json": text.encode()})
    return card
