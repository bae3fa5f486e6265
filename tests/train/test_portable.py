"""Models taken elsewhere: each format, in its own runtime, says what the step that plays says; and what is refused."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import NETWORK, TCN, random_weights, small_card
from safetensors.numpy import save

from improv.cli import main
from improv.core.vocabulary import ARTICULATION_TABLES, ONSET_TABLES, STEP_TABLES, Context, Value, Vocabulary, onset_columns, step_columns
from improv.extras import install
from improv.models.model import Model
from improv.train.example import example_piece, said_of
from improv.train.runtimes import check, write
from improv.train.runtimes.leaflet import COLUMNS
from improv.train.runtimes.stages import stages

NEEDS = {kind: form.packages for kind, form in write.FORMATS.items()}


def need(kind: str) -> None:
    for package in NEEDS[kind]:
        pytest.importorskip(package, reason="an extra: pip install '.[export]'")


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small(tmp_path: Path) -> str:
    """The folder of a small model with random weights and a short test vector."""
    return written(tmp_path / "small", NETWORK)


def written(folder: Path, network: dict[str, Any]) -> str:
    weights = random_weights(seed=5, network=network)
    card = small_card(network) | {"license": "CC0", "attribution": "nobody", "figures": {}}
    vector = said_of(Model(card, weights), example_piece(41))
    blob = save(weights | {f"test.{k}": v for k, v in vector.items()})
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(blob)
    (folder / "card.json").write_text(json.dumps(card | {"weights_sha256": hashlib.sha256(blob).hexdigest()}))
    return str(folder)


def left(but: str = "small") -> set[str]:
    return {p.name for p in Path().iterdir()} - {but}


@pytest.mark.parametrize("kind", list(NEEDS))
def test_every_format_says_what_the_step_says(kind: str, small: str, capsys: pytest.CaptureFixture[str]) -> None:
    need(kind)
    assert main(["export", small, "--to", kind, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert left() == {f"small-{kind}"}
    assert told["notes"] == 40
    assert told["difference"] < 1e-5
    beside = json.loads(Path(f"small-{kind}", "model.json").read_text())
    assert beside["checked"]["largest_difference"] == told["difference"]
    assert (beside["license"], beside["attribution"]) == ("CC0", "nobody")


@pytest.mark.parametrize("kind", ["onnx", "tflite"])
def test_a_tcn_goes_elsewhere_too(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need(kind)
    assert main(["export", written(tmp_path / "small", TCN), "--to", kind, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["difference"] < 1e-5


def test_the_keras_file_opens_where_improv_is_not(small: str) -> None:
    need("keras")
    assert main(["export", small, "--to", "keras", "--out", "there"]) == 0
    code = (
        "import keras, sys; model = keras.models.load_model('there/model.keras')\n"
        "print(sorted(model.output), [model.get_layer(s).name for s in ('step', 'pitch', 'touch')], 'improv' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert (
        said.split("\n")[0]
        == str([*sorted(["a_next", "c_next", "ioi", "end", "pitch", "duration", "lag"])]) + " ['step', 'pitch', 'touch'] False"
    )


def test_the_whole_keras_model_is_its_stages_one_after_the_other(model: Model) -> None:
    need("keras")
    from improv.train.runtimes.as_keras import whole_model

    weights = random_weights()
    before, note, at = model.start(), Value(6, 60, 4, 6), Context()
    after = model.step(before, note, None, at)
    inputs = {
        "note": np.array([step_columns(note, None, at)]), "a": before.a[None], "c": before.c[None],
        "onset": np.array([onset_columns(60, 3, at)]), "struck": np.zeros((1, len(ARTICULATION_TABLES)), int),
        "last": np.array([60]), "root": np.array([12]), "coming": np.array([12]),
    }  # fmt: skip
    said = whole_model(weights).predict_on_batch(inputs)
    np.testing.assert_allclose(said["a_next"][0], after.a, atol=1e-6)
    np.testing.assert_allclose(said["pitch"][0], model.pitch(model.read(after), 60, 3, at, recall=0.0), atol=1e-5)


def test_several_streams_are_each_as_if_alone(small: str) -> None:
    need("onnx")
    assert main(["export", small, "--to", "onnx", "--out", "there"]) == 0
    run, _ = check.run_onnx(Path("there"))
    rng = np.random.default_rng(2)
    units = NETWORK["members"] * (NETWORK["rhythm_units"] + NETWORK["line_units"])
    inputs = {
        "note": np.column_stack([rng.integers(n, size=3) for n in STEP_TABLES.values()]).astype(np.int32),
        "a": rng.standard_normal((3, units)).astype(np.float32),
        "c": rng.standard_normal((3, units)).astype(np.float32),
    }
    together = run("step", inputs)
    for i in range(3):
        alone = run("step", {k: v[i : i + 1] for k, v in inputs.items()})
        for name in together:
            np.testing.assert_allclose(together[name][i], alone[name][0], atol=1e-6)


def test_what_differs_too_much_is_deleted(model: Model) -> None:
    need("onnx")
    weights = random_weights()
    vector = said_of(model, example_piece(21))
    weights["1.pitch_parts.bias"][36] += 0.1  # a repeated note
    with pytest.raises(write.ExportError, match="was deleted"):
        write.export(model, weights, vector, "onnx", Path("wrong"))
    assert left() == set()


def test_a_value_that_is_no_number_counts_as_a_difference() -> None:
    assert check.largest_of({"end": np.array([0.5, np.nan])}, {"end": np.array([0.5, 0.5])}) == 1.0
    assert check.largest_of({"end": np.array([0.5, 0.25])}, {"end": np.array([0.5, 0.5])}) == 0.25


def test_only_an_earlier_export_is_overwritten_and_only_when_asked(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    need("onnx")
    command = ["export", small, "--to", "onnx", "--out", "there"]
    Path("there").mkdir()
    Path("there", "mine.txt").write_text("mine")
    for more, says in (([], "exists already"), (["--overwrite"], "not an earlier export")):
        assert main([*command, *more]) == 2
        assert says in capsys.readouterr().err
    assert [p.name for p in Path("there").iterdir()] == ["mine.txt"]
    Path("there", "mine.txt").rename("model.json")
    Path("there").rmdir()
    assert main(command) == 0
    Path("there", "step.onnx").write_bytes(b"old")
    assert main([*command, "--overwrite"]) == 0
    assert Path("there", "step.onnx").stat().st_size > 1000
    assert left() == {"there", "model.json"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody", "--to", "onnx"], "no model 'nobody'"),
        (["jazz", "--to", "pickle"], "invalid choice: 'pickle'"),
        (["jazz"], "--to"),
        (["jazz", "--to", "onnx", "--out", "file/there"], "Not a directory"),
        (["jazz", "--to", "onnx", "--out", "/"], "name a folder"),
    ],
)
def test_mistakes_are_named(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    need("onnx")
    Path("file").write_text("")
    try:
        code = main(["export", *arguments])
    except SystemExit as e:
        code = e.code
    said = capsys.readouterr().err
    assert code == 2
    assert said.count("\n") == 1
    assert says in said
    assert left() == {"file"}


def test_a_missing_package_is_named(small: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["export", small, "--to", "onnx"]) == 2
    assert install("export") in capsys.readouterr().err
    assert left() == set()


def test_a_model_without_a_test_vector_is_refused(small: str, capsys: pytest.CaptureFixture[str]) -> None:
    weights = random_weights()
    Path(small, "weights.safetensors").write_bytes(save(weights))
    card = small_card() | {"weights_sha256": hashlib.sha256(save(weights)).hexdigest()}
    Path(small, "card.json").write_text(json.dumps(card))
    assert main(["export", small, "--to", "onnx"]) == 2
    assert "no test vector" in capsys.readouterr().err


def test_the_leaflet_explains_every_column_and_the_stages_cover_every_head(model: Model) -> None:
    assert set(COLUMNS) == set(STEP_TABLES) | set(ONSET_TABLES) | set(ARTICULATION_TABLES)
    outputs = {k: n for stage in stages(random_weights()).values() for k, n in stage.outputs.items()}
    vector = said_of(model, example_piece(3))
    assert {k: outputs[k] for k in vector} == {k: v.reshape(2, -1).shape[1] for k, v in vector.items()}
    assert asdict(Vocabulary()).keys() >= {"durations", "lags", "kinds", "feels"}
