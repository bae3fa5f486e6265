"""The kinds of models: every folder that comes along has one, and a new one is a row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from improv.core.note_model import NoteModel
from improv.models import registry
from improv.models.card import ModelError
from improv.models.grammar_model import GrammarModel
from improv.models.loader import find_model, load_model, shelves
from improv.models.model import Model
from improv.models.registry import KINDS, Kind, kind_in
from improv.titles import characters


def test_every_model_that_comes_along_is_of_a_kind_and_plays_or_says_what_it_does() -> None:
    cards = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for shelf in shelves() for path in shelf.glob("*/card.json")}
    builds = {name: kind_in(card).build for name, card in cards.items()}
    assert builds == {
        "jazz": Model,
        "pocket": Model,
        "tutorial": GrammarModel,
        "titles": None,
        "voicings": None,
        "bass": None,
        "drums": None,
        "ear": None,
        "accents": None,
    }
    for name, card in cards.items():
        if builds[name]:
            model = load_model(name)
            assert model.card == card
            assert (model.heads is None) == (name == "tutorial")
        else:
            with pytest.raises(ModelError, match=f"model {name}: {kind_in(card).does[:12]}"):
                find_model(name)
    assert characters.KIND in KINDS


@pytest.mark.parametrize("card", [{}, {"network": {"kind": "transformer"}}, {"network": 7}, {"kind": []}, {"network": {"kind": []}}])
def test_a_card_of_no_known_kind_is_for_the_model_to_refuse(card: dict[str, Any]) -> None:
    assert kind_in(card).build is Model


def test_a_new_kind_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Humming(Model):
        def __init__(self, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]):
            self.card, self.loudness = card, weights["loudness"]

    monkeypatch.setitem(registry.KINDS, "humming", Kind(Humming))
    blob = save({"loudness": np.array([80.0], np.float32)})
    card = {"name": "hum", "network": {"kind": "humming"}, "weights_sha256": hashlib.sha256(blob).hexdigest()}
    (tmp_path / "weights.safetensors").write_bytes(blob)
    (tmp_path / "card.json").write_text(json.dumps(card))
    model: NoteModel = load_model(str(tmp_path))
    assert isinstance(model, Humming)
    assert model.loudness == 80
