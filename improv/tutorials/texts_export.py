"""A trained model of texts as a folder: card.json and weights.safetensors, both or neither."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from improv.titles.characters import Alphabet, card_head, check
from improv.train.folder import write_folder


def export_texts(folder: Path, alphabet: Alphabet, weights: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> dict[str, Any]:
    """Write a model folder as `loader.load_texts` reads it. Returns the card.

    weights: as `learn.texts.fit` gives them, and others beside. about: what else the card says. Raises WriteError.
    """
    card = card_head(folder.name, alphabet, len(weights["recurrent"]))
    check(card, weights)
    return write_folder(folder, card, weights, about)
