"""A TCN in Keras: it says what the streaming step says, and nothing of what is still to come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

import keras
from made_up import record, written
from small_training import shaken

from improv.cli import main
from improv.core.errors import ImprovError
from improv.core.vocabulary import Vocabulary
from improv.models.card import card_head
from improv.models.loader import load_model, stored_vector, stored_weights
from improv.models.model import Model
from improv.train.corpus import read_corpus
from improv.train.dataset import columns_of
from improv.train.evaluation.next_note import foretell, score
from improv.train.example import largest_difference
from improv.train.export import export, members_of
from improv.train.fine_tune import begin
from improv.train.finish import finish, unfinished
from improv.train.fit import FitConfig, fit
from improv.train.network.keras_network import SIZES, TCN_SIZES, NetworkConfig, TcnConfig, config_of
from improv.train.piece import Piece

SMALL = TcnConfig(rhythm_units=12, line_units=20, pitch_hidden=16, touch_hidden=8, channels=10, layers=4)


@pytest.mark.parametrize(("members", "layers"), [(1, 1), (1, 4), (2, 3)])
def test_the_streaming_step_is_keras_over_500_values(members: int, layers: int, tmp_path: Path) -> None:
    config = TcnConfig(rhythm_units=12, line_units=20, pitch_hidden=16, touch_hidden=8, channels=10, layers=layers)
    card = export(tmp_path / "random", [shaken(seed, config) for seed in range(members)], unfinished(config, members), {})
    assert card["network"]["kind"] == "tcn"
    assert config_of(card["network"]) == config
    vector = stored_vector(str(tmp_path / "random"))
    assert len(vector["end"]) == 499
    assert largest_difference(load_model(str(tmp_path / "random")), vector) < 1e-5


def test_keras_hears_nothing_of_what_is_still_to_come() -> None:
    """The whole sequence at once: changing note 9 changes what is said after it, and nothing before."""
    network, rng = shaken(3, SMALL), np.random.default_rng(3)
    inputs = {k: rng.random((1, 24, network.input[k].shape[-1])).astype(np.float32) for k in ("step", "onset", "touch")}
    inputs |= {"last": np.full((1, 24), 60), "root": np.full((1, 24), 2), "coming": np.full((1, 24), 7)}
    other = {k: v.copy() for k, v in inputs.items()}
    other["step"][0, 9] = 0.0
    said, said_other = network(inputs, training=False), network(other, training=False)
    for head in ("ioi", "pitch", "duration", "lag", "end"):
        differs = np.abs(keras.ops.convert_to_numpy(said[head] - said_other[head]))[0].max(axis=-1)
        assert differs[:9].max() == 0.0
        assert differs[9] > 1e-3


@pytest.fixture
def pieces(tmp_path: Path) -> list[Piece]:
    return read_corpus(written(tmp_path / "c.jsonl", record(), record(notes=record()["notes"][:48])), Vocabulary()).pieces


def test_it_learns(pieces: list[Piece], tmp_path: Path) -> None:
    columns = [columns_of(pieces[0])] * 4
    quick = FitConfig(epochs=5, batch=4, length=10_000, rate=1e-2, average=0.9)
    _, history = fit(columns, columns[:1], SMALL, quick, tmp_path, lambda progress: None)
    assert history[-1].valid["pitch"] < history[0].valid["pitch"] - 0.1
    assert history[-1].valid["ioi"] < history[0].valid["ioi"] - 0.1


@pytest.mark.usefixtures("few_rounds", "eager")
def test_recall_and_phrase_ends_are_fitted_to_it_and_it_comes_back_into_keras(pieces: list[Piece], tmp_path: Path) -> None:
    network = shaken(2, SMALL)
    finished = finish(members_of([network]), SMALL, pieces, pieces, seed=1)
    assert (finished.sizes["rhythm_key"], finished.sizes["line_key"]) == (12, 36)  # at most as wide as what they are made of
    export(tmp_path / "tcn", [network], finished, {})
    model = load_model(str(tmp_path / "tcn"))
    assert largest_difference(model, stored_vector(str(tmp_path / "tcn"))) < 1e-5
    bare = Model(card_head("bare", unfinished(SMALL).sizes), members_of([network]) | unfinished(SMALL).weights)
    better, plain = (score(pieces, foretell(m, pieces)) for m in (model, bare))
    assert better["pitch_nats"] < plain["pitch_nats"] - 0.5
    assert better["ioi_nats"] < plain["ioi_nats"] - 0.5

    (again,), config = begin(model.card, stored_weights(str(tmp_path / "tcn")), seed=5)
    assert config == SMALL
    kept = members_of([network])
    for name, weights in members_of([again]).items():
        np.testing.assert_array_equal(weights, kept[name])


def another() -> dict[str, object]:
    """Another tune, to validate on."""
    notes = [[*note[:2], note[2] + 1 + i % 3, *note[3:]] for i, note in enumerate(record()["notes"])]
    return record(id="other", split="valid", notes=notes)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], SIZES["laptop"]),
        (["--network", "lstm", "--size", "pocket"], SIZES["pocket"]),
        (["--network", "tcn"], TCN_SIZES["laptop"]),
        (["--network", "tcn", "--size", "pocket", "--members", "2"], TCN_SIZES["pocket"]),
    ],
)
def test_the_command_line_chooses_the_network(
    options: list[str], expected: NetworkConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[tuple[NetworkConfig, int]] = []

    def train_members(
        train: object, valid: object, network: NetworkConfig, config: object, folder: object, count: int, *more: object
    ) -> None:
        chosen.append((network, count))
        raise ImprovError("enough")

    monkeypatch.setattr("improv.train.recipe.train_members", train_members)
    corpus = written(tmp_path / "c.jsonl", record(), another())
    assert main(["train", str(corpus), "--out", str(tmp_path / "mine"), *options]) == 2
    assert chosen == [(expected, 2 if "--members" in options else 1)]


def test_a_model_that_is_fine_tuned_keeps_its_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = written(tmp_path / "c.jsonl", record(), another())
    assert main(["train", str(corpus), "--network", "tcn", "--from", "jazz", "--out", str(tmp_path / "other")]) == 2
    assert "--network" in capsys.readouterr().err
