"""What is fine-tuned is never written worse, as a whole, than the model that it began from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

from made_up import record, written
from test_training import SMALL

import improv.train.never_worse
import improv.train.recipe
from improv.core.vocabulary import Vocabulary
from improv.models.accented import blob_of
from improv.models.loader import load_accents, load_model, stored_weights
from improv.train.corpus import read_corpus
from improv.train.evaluation.next_note import foretell, score
from improv.train.finish import Begun, Finished, finish
from improv.train.fit import FitConfig, Stopped
from improv.train.network.keras_network import build
from improv.train.options import TrainingOptions, origin_of, settings_of
from improv.train.piece import Piece
from improv.train.recipe import Trained, train_members, write_model


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> list[Piece]:
    return read_corpus(written(tmp_path_factory.mktemp("corpus") / "c.jsonl", record()), Vocabulary()).pieces


@pytest.fixture
def origin(tmp_path: Path, pieces: list[Piece]) -> Path:
    """A model of two networks that learned nothing, with recall."""
    networks = [build(SMALL) for _ in range(2)]
    for seed, network in enumerate(networks):
        rng = np.random.default_rng(seed)
        for variable in network.trainable_variables:
            variable.assign(0.1 * rng.standard_normal(variable.shape))
    write_model(tmp_path / "origin", Trained(networks, []), SMALL, pieces, pieces, 1, {})
    return tmp_path / "origin"


def nats(folder: Path, pieces: list[Piece]) -> float:
    return score(pieces, foretell(load_model(str(folder)), pieces))["joint_nats"]


def start_of(origin: Path) -> list[list[np.ndarray]]:
    _, _, starts = settings_of(TrainingOptions({}, str(origin)))
    return [list(start.weights) for start in starts]


def networks_of(weights: list[list[np.ndarray]], spoiled: float) -> list[object]:
    rng, found = np.random.default_rng(9), []
    for values in weights:
        found.append(network := build(SMALL))
        for variable, value in zip(network.trainable_variables, values, strict=True):
            variable.assign(value + spoiled * rng.standard_normal(variable.shape))
    return found


def test_a_worse_model_is_not_written_and_the_old_one_is_to_the_bit(origin: Path, tmp_path: Path, pieces: list[Piece]) -> None:
    spoiled = Trained(networks_of(start_of(origin), 5.0), [])
    told = write_model(tmp_path / "new", spoiled, SMALL, pieces, pieces, 1, {"license": "mine"}, origin=origin_of(str(origin)))
    assert not told.changed
    assert "the model stays as it was" in told.told[-1]
    before, after = stored_weights(str(origin)), stored_weights(str(tmp_path / "new"))
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)
    assert nats(tmp_path / "new", pieces) == nats(origin, pieces)
    card = load_model(str(tmp_path / "new")).card
    assert (card["name"], card["license"]) == ("new", "mine")


def test_accents_that_stay_keep_what_the_card_told_of_them(origin: Path, tmp_path: Path, pieces: list[Piece]) -> None:
    begun, same = origin_of(str(origin)), Trained(networks_of(start_of(origin), 0.0), [])
    assert begun is not None
    learned = {"notes": 900, "pieces": 8, "nats": 2.5, "nats before": 3.5}
    begun.model.accents = load_accents()
    begun.model.card["accents"] = blob_of(begun.model.accents)[1] | learned
    write_model(tmp_path / "new", same, SMALL, pieces, pieces, 1, {}, origin=begun)
    model = load_model(str(tmp_path / "new"))
    assert model.card["accents"] == begun.model.card["accents"]
    assert model.accents is not None


def test_where_only_what_is_on_top_became_worse_it_stays_as_it_was(
    monkeypatch: pytest.MonkeyPatch, origin: Path, tmp_path: Path, pieces: list[Piece]
) -> None:
    def spoil(*args: object, **named: object) -> Finished:
        found = finish(*args, **named)  # type: ignore[arg-type]
        wrong = {name: numbers | {"bias": 50.0, "slope": -90.0} for name, numbers in found.recall.items() if name.endswith("key")}
        return Finished(found.sizes, found.recall | wrong, found.weights)

    monkeypatch.setattr(improv.train.recipe, "finish", spoil)
    same = Trained(networks_of(start_of(origin), 0.0), [])
    told = write_model(tmp_path / "new", same, SMALL, pieces, pieces, 1, {}, origin=origin_of(str(origin)))
    assert told.changed
    assert "stay as they were" in told.told[-1]
    assert nats(tmp_path / "new", pieces) == pytest.approx(nats(origin, pieces), abs=1e-4)


def test_a_better_model_is_written_without_a_word(origin: Path, tmp_path: Path, pieces: list[Piece]) -> None:
    config, network, starts = settings_of(TrainingOptions({"epochs": 30, "rate": 0.02}, str(origin)))
    trained = train_members(pieces, pieces, network, config, tmp_path / "new", 2, starts)
    told = write_model(tmp_path / "new", trained, network, pieces, pieces, 1, {}, origin=origin_of(str(origin)))
    assert (told.told, told.changed) == ((), True)
    assert nats(tmp_path / "new", pieces) < nats(origin, pieces)


def test_ctrl_c_in_the_first_of_two_networks_leaves_the_other_as_it_was(
    monkeypatch: pytest.MonkeyPatch, origin: Path, tmp_path: Path, pieces: list[Piece]
) -> None:
    _, network, starts = settings_of(TrainingOptions({}, str(origin)))
    fine = build(network)

    def stops(*args: object, **named: object) -> None:
        raise Stopped(fine, [])

    monkeypatch.setattr(improv.train.recipe, "fit", stops)
    trained = train_members(pieces, pieces, network, FitConfig(epochs=1), tmp_path / "new", 2, starts)
    assert trained.stopped
    assert trained.networks[0] is fine
    for variable, value in zip(trained.networks[1].trainable_variables, starts[1].weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    write_model(tmp_path / "new", trained, network, pieces, pieces, 1, {}, origin=origin_of(str(origin)))
    assert load_model(str(tmp_path / "new")).card["network"]["members"] == 2


def test_a_model_without_anything_on_top_is_compared_all_the_same(origin: Path, tmp_path: Path, pieces: list[Piece]) -> None:
    bare = Begun({}, {name: w for name, w in stored_weights(str(origin)).items() if name[0].isdigit()})
    assert improv.train.never_worse.on_top_of(bare, SMALL, 2) is None
