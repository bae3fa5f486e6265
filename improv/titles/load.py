"""Models of texts, read from their folders."""

from __future__ import annotations

import numpy as np

from improv.models.loader import read_folder
from improv.titles.characters import CharacterModel

LARGEST = 4 * 2**20  # bytes of weights


def load_texts(name: str) -> tuple[CharacterModel, dict[str, np.ndarray]]:
    """A model of texts, by name or path, and all that its file holds. Raises ModelError or CharacterError."""
    card, weights = read_folder(name, LARGEST)
    return CharacterModel(card, weights), weights
