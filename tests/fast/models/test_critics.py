"""The trees beside a model: refused where they are not what the card says, or no trees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from improv.core.line.critic import Critic
from improv.core.line.traits import NAMES
from improv.models.card import ModelError
from improv.models.critics import FILE, LARGEST, blob_of, critic_of

ONE = Critic(
    np.array([3, -1, 4, -1, -1]),
    np.array([0.5, 0, 2, 0, 0]),
    np.array([1, 0, 3, 0, 0]),
    np.array([2, 0, 4, 0, 0]),
    np.array([0, -1, 0, 2, 3.5]),
    np.array([0]),
    2,
)


def folder_of(path: Path, blob: bytes, said: dict[str, Any]) -> Path:
    (path / FILE).write_bytes(blob)
    (path / "card.json").write_text(json.dumps({"critic": said}))
    return path


def read(path: Path) -> Critic | None:
    return critic_of(json.loads((path / "card.json").read_text()), path)


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    again = read(folder_of(tmp_path, *blob_of(ONE)))
    assert again is not None
    assert again.deepest == 2
    rows = np.zeros((3, len(NAMES)))
    rows[1, 3], rows[2, 3:5] = 1.0, (1.0, 9.0)
    assert again.odds(rows).tolist() == ONE.odds(rows).tolist() == [-1.0, 2.0, 3.5]


def test_no_card_promises_nothing(tmp_path: Path) -> None:
    assert critic_of({}, tmp_path) is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"trait": [len(NAMES), -1, 4, -1, -1]}, "traits that there are not"),
        ({"trait": [-2, -1, 4, -1, -1]}, "traits that there are not"),
        ({"left": [0, 0, 3, 0, 0]}, "in a circle"),
        ({"right": [2, 0, 5, 0, 0]}, "lead nowhere"),
        ({"roots": [5]}, "lead nowhere"),
        ({"value": [0, -1, 0, 2, np.nan]}, "no numbers"),
        ({"threshold": [np.inf, 0, 2, 0, 0]}, "no numbers"),
        ({"value": [0, -1, 0, 2, 1e6]}, "beyond 1000"),
    ],
)
def test_what_is_no_tree_is_refused(changed: dict[str, list[float]], message: str, tmp_path: Path) -> None:
    arrays = load(blob_of(ONE)[0])
    for name, values in changed.items():
        arrays[name] = np.array(values, arrays[name].dtype)
    blob = save(arrays)
    import hashlib

    said = blob_of(ONE)[1] | {"sha256": hashlib.sha256(blob).hexdigest()}
    with pytest.raises(ModelError, match=message):
        read(folder_of(tmp_path, blob, said))


@pytest.mark.parametrize(
    ("blob", "said", "message"),
    [
        (None, {"sha256": "0" * 64}, "SHA-256 differs"),
        (None, {"nodes": 6}, "not the trees that the card promises"),
        (None, {"nodes": 0}, "lacks its numbers"),
        (None, {"trees": 10**9}, "lacks its numbers"),
        (None, {"traits": 99}, "asks for other traits"),
        (b"\x80pickle", {}, "looks like a pickle"),
        (bytes(LARGEST + 1), {}, "it may have"),
    ],
)
def test_what_is_not_as_the_card_says_is_refused(blob: bytes | None, said: dict[str, Any], message: str, tmp_path: Path) -> None:
    whole, told = blob_of(ONE)
    with pytest.raises(ModelError, match=message):
        read(folder_of(tmp_path, whole if blob is None else blob, told | said))


def test_a_critic_of_an_older_version_is_left_out(tmp_path: Path) -> None:
    """A model that was fine-tuned with an older improv goes on playing."""
    blob, said = blob_of(ONE)
    assert read(folder_of(tmp_path, blob, said | {"traits": 1})) is None
