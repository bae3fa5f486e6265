"""The file of figures beside a model: as small as promised, and refused where it is not what the card says."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from improv.models.card import ModelError
from improv.models.loader import find_model, load_model
from improv.models.quoted import FILE, LARGEST, blob_of, quotations_of

HASHES = {"line": np.array([1, 5, 9], np.uint32), "rhythm": np.array([2, 3], np.uint32)}


def folder_of(path: Path, blob: bytes, **said: Any) -> Path:
    card = {"sha256": hashlib.sha256(blob).hexdigest(), "figure": [8, 6], "line": 3, "rhythm": 2, "usual": 20, "share": 0.2} | said
    (path / FILE).write_bytes(blob)
    (path / "card.json").write_text(json.dumps({"quotations": card}))
    return path


def read(path: Path) -> Any:
    return quotations_of(json.loads((path / "card.json").read_text()), path)


def test_the_models_that_come_along_know_their_solos() -> None:
    for name in ("jazz", "pocket"):
        model = load_model(name)
        assert model.quotations is not None
        assert (find_model(name) / FILE).stat().st_size < LARGEST
        assert 15 <= model.quotations.usual <= 25
    assert load_model("tutorial").quotations is None


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    blob, said = blob_of(read(folder_of(tmp_path, save(HASHES))))
    again = read(folder_of(tmp_path, blob, **said))
    assert (again.line.tolist(), again.rhythm.tolist(), again.usual, again.share) == ([1, 5, 9], [2, 3], 20, 0.2)


@pytest.mark.parametrize(
    ("blob", "said", "message"),
    [
        (save(HASHES), {"sha256": "0" * 64}, "SHA-256 differs"),
        (save(HASHES), {"line": 4}, "not the hashes that the card promises"),
        (save(HASHES | {"more": np.zeros(1, np.uint32)}), {}, "not the hashes that the card promises"),
        (save(HASHES | {"line": np.array([1, 9, 5], np.uint32)}), {}, "do not ascend"),
        (save(HASHES | {"line": np.array([1, 5, 9], np.float32)}), {}, "not the hashes that the card promises"),
        (b"\x80pickle", {}, "looks like a pickle"),
        (bytes(LARGEST + 1), {}, "it may have"),
        (save(HASHES), {"usual": -1}, "lacks its numbers"),
        (save(HASHES), {"share": float("1e9")}, "lacks its numbers"),
        (save(HASHES), {"line": True}, "lacks its numbers"),
        (save(HASHES), {"figure": [9, 6]}, "lacks its numbers"),
    ],
)
def test_what_is_not_as_the_card_says_is_refused(blob: bytes, said: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        read(folder_of(tmp_path, blob, **said))


def test_a_model_whose_figures_are_missing_says_so(tmp_path: Path) -> None:
    shutil.copytree(find_model("pocket"), tmp_path / "mine")
    (tmp_path / "mine" / FILE).unlink()
    with pytest.raises(ModelError, match=f"{FILE}: no such file"):
        load_model(str(tmp_path / "mine"))


def test_a_header_of_128_bytes_is_no_pickle(tmp_path: Path) -> None:
    """Its length begins with the byte that pickles begin with."""
    blob = next(b for n in range(1, 400) if (b := save({"line": np.arange(n, dtype=np.uint32), "rhythm": HASHES["rhythm"]}))[0] == 0x80)
    count = (len(blob) - 8 - int.from_bytes(blob[:8], "little")) // 4 - 2
    assert len(read(folder_of(tmp_path, blob, line=count)).line) == count
