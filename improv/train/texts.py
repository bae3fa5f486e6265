"""A trained model of texts as a folder: card.json and weights.safetensors, both or neither."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from improv.core.characters import Alphabet, card_head, check
from improv.whole import WriteError, write_whole


def export_texts(folder: Path, alphabet: Alphabet, weights: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> dict[str, Any]:
    """Write a model folder as `loader.load_texts` reads it. Returns the card.

    weights: as `learn.texts.fit` gives them, and others beside. about: what else the card says. Raises WriteError.
    """
    card = card_head(folder.name, alphabet, len(weights["recurrent"]))
    check(card, weights)
    blob = save(dict(weights))
    card |= {"weights_sha256": hashlib.sha256(blob).hexdigest(), **about}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise WriteError(f"{folder}: can't be made ({e.strerror or e})") from None
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    write_whole({folder / "weights.safetensors": blob, folder / "card.json": text.encode()})
    return card
