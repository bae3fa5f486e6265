"""The network of accents beside a model: comes back as it was written, and is refused where it is not what the card says."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from improv.core.line.loudness import SIGNS, TABLES
from improv.models.accented import FILE, LARGEST, OUTPUTS, LearnedAccents, accents_of, blob_of
from improv.models.card import ModelError
from improv.train.small_net import begun

ONE = LearnedAccents(begun(SIGNS, 6, 5, OUTPUTS, np.random.default_rng(0), len(TABLES)))


def read(path: Path, blob: bytes, said: dict[str, Any]) -> LearnedAccents | None:
    (path / FILE).write_bytes(blob)
    return accents_of({"accents": said}, path)


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    again = read(tmp_path, *blob_of(ONE))
    assert again is not None
    assert again.foretell([1, 40, 90]) == ONE.foretell([1, 40, 90])
    assert accents_of({}, tmp_path) is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("accents.signs", np.nan, "no numbers"), ("accents.out", np.inf, "no numbers"), ("accents.first", 1e6, "beyond 1000")],
)
def test_wild_weights_are_refused(name: str, value: float, message: str, tmp_path: Path) -> None:
    blob, said = blob_of(ONE)
    arrays = {k: v.copy() for k, v in load(blob).items()}
    arrays[name].flat[0] = value
    blob = save(arrays)
    with pytest.raises(ModelError, match=message):
        read(tmp_path, blob, said | {"sha256": hashlib.sha256(blob).hexdigest()})


@pytest.mark.parametrize(
    ("blob", "said", "message"),
    [
        (None, {"sha256": "0" * 64}, "SHA-256 differs"),
        (None, {"units": [6, 4]}, "not the weights of accents that the card promises"),
        (None, {"units": [6, 10**9]}, "lacks its numbers"),
        (None, {"units": [6, True]}, "lacks its numbers"),
        (None, {"units": "6"}, "lacks its numbers"),
        (None, {"signs": 99}, "ask for other signs"),
        (b"\x80pickle", {}, "looks like a pickle"),
        (bytes(LARGEST + 1), {}, "it may have"),
    ],
)
def test_what_is_not_as_the_card_says_is_refused(blob: bytes | None, said: dict[str, Any], message: str, tmp_path: Path) -> None:
    whole, told = blob_of(ONE)
    with pytest.raises(ModelError, match=message):
        read(tmp_path, whole if blob is None else blob, told | said)
