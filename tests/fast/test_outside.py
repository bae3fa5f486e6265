"""Files from strangers and accidents: read as they say, or refused in one line; never an error, a hang, or a great deal of memory."""

from __future__ import annotations

import hashlib
import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import readers
from made_up import random_weights, small_card
from safetensors.numpy import save

from improv.control.config.reading import ConfigError, load_config
from improv.control.kept import LEARNED, learned_bindings
from improv.models.card import ModelError
from improv.models.loader import load_model
from improv.outside import OutsideError, json_of, plain_name, read_file
from improv.session.chores import StateOnDisk

ROUND = 25  # files of each kind; scripts/fuzz_readers.py makes longer rounds
DEEP = "[" * 100_000


@pytest.mark.parametrize("kind", readers.READERS)
def test_a_round_of_files_changed_at_random(kind: str, tmp_path: Path) -> None:
    for seed in range(ROUND):
        folder = tmp_path / str(seed)
        folder.mkdir()
        readers.READERS[kind](random.Random(seed), folder)


def a_model(folder: Path, card: dict[str, Any] | None = None, weights: dict[str, np.ndarray] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    blob = save(random_weights() if weights is None else weights)
    card = (small_card() if card is None else card) | {"weights_sha256": hashlib.sha256(blob).hexdigest()}
    (folder / "weights.safetensors").write_bytes(blob)
    (folder / "card.json").write_text(json.dumps(card))
    return folder


def refused(folder: Path) -> str:
    with pytest.raises(ModelError) as e:
        load_model(str(folder))
    text = str(e.value)
    assert str(folder) in text
    assert text.isprintable()
    return text


@pytest.mark.parametrize("name", ["../x", "a\x1b[2J", "", None, 7, "x" * 65, "a\0", " x", "a\u202eb"])
def test_a_name_that_is_not_plain(name: object, tmp_path: Path) -> None:
    assert "name" in refused(a_model(tmp_path / "m", small_card() | {"name": name}))
    assert not plain_name(name)


def test_a_card_without_a_name(tmp_path: Path) -> None:
    card = small_card()
    del card["name"]
    assert "name is missing" in refused(a_model(tmp_path / "m", card))


@pytest.mark.parametrize("value", [1e3 + 1, 1e4, -1e30, np.nan, np.inf])
def test_a_weight_that_no_network_has(value: float, tmp_path: Path) -> None:
    weights = random_weights()
    weights["0.ioi.bias"][3] = value
    assert "0.ioi.bias" in refused(a_model(tmp_path / "m", weights=weights)) or not np.isfinite(value)


def test_the_largest_weights_play(tmp_path: Path) -> None:
    weights = {name: np.where(array > 0, 1000, -1000).astype(np.float32) for name, array in random_weights().items()}
    readers.play(load_model(str(a_model(tmp_path / "m", weights=weights))), 1)


def test_json_is_not_nested_for_ever(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "m")
    good = (folder / "card.json").read_text()
    (folder / "card.json").write_text(DEEP)
    assert "nested" in refused(folder)
    (folder / "card.json").write_text(good)
    (folder / "weights.safetensors").write_bytes(len(DEEP).to_bytes(8, "little") + DEEP.encode())
    assert "nested" in refused(folder)
    assert json_of(b'{"a": "[[[[[["}', "x", deepest=1) == {"a": "[[[[[["}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("name", ["card.json", "weights.safetensors"])
def test_what_is_no_regular_file_is_not_opened_for_reading(name: str, tmp_path: Path) -> None:
    path = a_model(tmp_path / "m") / name
    for make in (os.mkfifo, os.mkdir, lambda p: os.symlink("/dev/zero", p), lambda p: os.symlink(p, p)):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
        make(path)
        refused(path.parent)


def test_a_link_may_not_leave_its_folder(tmp_path: Path) -> None:
    folder, away = a_model(tmp_path / "m"), tmp_path / "away.json"
    (folder / "card.json").rename(away)
    (folder / "card.json").symlink_to(away)
    assert "leads out" in refused(folder)
    (folder / "card.json").unlink()
    away.rename(folder / "real.json")
    (folder / "card.json").symlink_to("real.json")
    load_model(str(folder))


def test_sizes_are_checked_before_the_weights_are_read(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "m")
    header = json.dumps({"0.ioi.bias": {"dtype": "F32", "shape": [50_000_000], "data_offsets": [0, 200_000_000]}}).encode()
    with open(folder / "weights.safetensors", "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 200_000_000)
    assert "weights: " in refused(folder)
    with open(folder / "weights.safetensors", "wb") as file:
        file.truncate(2**40)
    assert "it may have" in refused(folder)


def test_a_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    read = os.read

    def grows(file: int, count: int) -> bytes:
        with open(path, "ab") as more:
            more.write(b"6")
        return read(file, count)

    monkeypatch.setattr(os, "read", grows)
    with pytest.raises(OutsideError, match="changes while it is read"):
        read_file(path, 100)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[record]\nfolder = "~nobody-of-this-name/x"', ":2: record, folder"),
        ('[record]\nfolder = "a\\u0000b"', ":2: record, folder"),
        (".".join(["a"] * 60_000) + " = 1", ":1: tables or lists are nested too deep"),
        ("x = 1\n[" + ".".join(["a"] * 1500) + "]", ":2: tables or lists are nested too deep"),
        ("x = " + "{a=" * 5000, "nested too deep"),
        ('x = "[[[[[[[[[[[[[[[[[[[[[[" # [[[[[[[[[[[[[[[[[[[[', "unknown key"),
    ],
)
def test_configurations_of_strangers(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "improv.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as e:
        load_config(path)
    assert said in str(e.value)
    assert "\n" not in str(e.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_state_that_cannot_be_read_is_put_aside_and_said_once(tmp_path: Path) -> None:
    model, good, _ = readers.good_state()
    path, said = tmp_path / "state.safetensors", []
    os.mkfifo(path)
    assert StateOnDisk(path, lambda text, level: said.append(text)).before({"sax": model}) == {}
    assert said == [f"{path}: is no regular file; it is no snapshot; it is put aside as state.safetensors.unreadable, {BEGINS}"]
    path.write_bytes(good[:-1])
    assert StateOnDisk(path, lambda text, level: said.append(text)).before({"sax": model}) == {}
    assert said[1].endswith(f"it is put aside as state.safetensors.unreadable-2, {BEGINS}")
    assert (tmp_path / "state.safetensors.unreadable-2").read_bytes() == good[:-1]
    assert StateOnDisk(path, lambda text, level: said.append(text)).before({"sax": model}) == {}
    path.write_bytes(good)
    assert list(StateOnDisk(path, lambda text, level: said.append(text)).before({"sax": model})) == ["sax"]
    assert len(said) == 2


BEGINS = "and the performance begins without it"


@pytest.mark.parametrize(
    "text", [DEEP, "{}", '[{"kind": [], "number": 1, "action": "panic"}]', '[{"kind": "cc", "number": 1e9, "setting": "tempo"}]']
)
def test_learned_bindings_that_cannot_be_read_are_put_aside(text: str, tmp_path: Path) -> None:
    (tmp_path / LEARNED).write_text(text)
    said: list[str] = []
    assert learned_bindings(tmp_path, said.append) == ()
    if text != "{}":
        assert said[0].startswith(str(tmp_path / LEARNED))
        assert (tmp_path / f"{LEARNED}.unreadable").read_text() == text
    assert learned_bindings(tmp_path, said.append) == ()
    assert len(said) <= 1
