"""From the tutorial's trained cell to a model folder that `improv jam --model` plays: card.json and weights.safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from improv.models.grammar import moves
from improv.models.grammar_model import check_grammar, grammar_card
from improv.train.folder import write_folder
from improv.tutorials.exercise import Shared, scanned
from improv.tutorials.tune import Tune
from improv.tutorials.windows import Corpus

CHECKED = 60  # values of the solo that the stored test vector has


def weights_of(shared: Shared) -> dict[str, np.ndarray]:
    """The weights under the names that the runtime reads."""
    names = ("lstm.kernel", "lstm.recurrent", "lstm.bias", "values.kernel", "values.bias")
    found = [*shared.cell.get_weights(), *shared.densor.get_weights()]
    return {name: np.ascontiguousarray(w, np.float32) for name, w in zip(names, found, strict=True)}


def keras_vector(shared: Shared, corpus: Corpus) -> dict[str, np.ndarray]:
    """What Keras foretells of the beginning of the solo: `test.heard`, numbers of terminals (T,); `test.said`, the probabilities
    before each, (T, n_values)."""
    heard = np.array(corpus.indices[:CHECKED])
    x = np.zeros((1, len(heard), shared.values), np.float32)
    x[0, 1:] = np.eye(shared.values, dtype=np.float32)[heard[:-1]]
    zeros = np.zeros((1, shared.units), np.float32)
    said = np.asarray(scanned(shared, len(heard))([x, zeros, zeros]))[0]
    return {"test.heard": heard.astype(np.int64), "test.said": said}


def export(folder: Path, shared: Shared, corpus: Corpus, tune: Tune, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write a model folder, both files or neither. Returns the card. about: what else it says. Raises WriteError, ModelError."""
    card = grammar_card(folder.name, corpus.terminals, shared.units, moves(tune.notes), tune.changes.chords[0])
    weights = weights_of(shared)
    check_grammar(card, weights)
    return write_folder(folder, card, weights | keras_vector(shared, corpus), about)
