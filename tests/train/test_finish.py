"""What is fitted on top of trained networks: recall, colour, phrase ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

from made_up import NETWORK, random_weights, record, small_card, written

from improv.core.model import Model
from improv.core.recall import Recall
from improv.core.values import Vocabulary
from improv.train.corpus import read_corpus
from improv.train.evaluate import average_precision, foretell, score
from improv.train.finish import States, finish, fit_colour, fit_ends, fit_recall, states_of, unfinished
from improv.train.network import NetworkConfig
from improv.train.piece import Piece

SMALL = NetworkConfig(8, *(NETWORK[k] for k in ("rhythm_units", "line_units", "pitch_hidden", "touch_hidden")))


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> list[Piece]:
    """Two solos that play the same figure again and again, each with notes of its own."""
    other = [[*note[:2], note[2] + 1 + i % 3, *note[3:]] for i, note in enumerate(record()["notes"])]
    path = written(tmp_path_factory.mktemp("corpus") / "c.jsonl", record(), record(notes=other))
    return read_corpus(path, Vocabulary()).pieces


def members() -> dict[str, np.ndarray]:
    return {name: w for name, w in random_weights(size=0.2).items() if name[0].isdigit()}


def test_what_repeats_itself_is_foretold_better_once_the_model_is_finished(pieces: list[Piece]) -> None:
    bare = unfinished(SMALL, members=2)
    before = Model(small_card() | {"network": bare.sizes, "recall": {}}, members() | bare.weights)
    finished = finish(members(), SMALL, pieces, pieces, seed=1)
    after = Model(small_card() | {"network": finished.sizes, "recall": finished.recall}, members() | finished.weights)
    one, other = (score(pieces, foretell(model, pieces)) for model in (before, after))
    assert other["pitch_nats"] < one["pitch_nats"] - 1.0
    assert other["ioi_nats"] < one["ioi_nats"] - 1.0


def test_states_are_what_the_streaming_step_goes_through(pieces: list[Piece]) -> None:
    model, piece = Model(small_card(), random_weights()), pieces[0]
    states = states_of(model, piece)
    foretold = foretell(
        Model(small_card() | {"network": NETWORK | {"rhythm_key": 0, "line_key": 0}, "recall": {}}, random_weights()), [piece]
    )
    rows = np.arange(1, len(piece.values))
    pitches, iois = ([getattr(v, field) for v in piece.values[1:]] for field in ("pitch", "ioi"))
    np.testing.assert_allclose(states.said_pitch, foretold["pitch"][rows, pitches], rtol=1e-5)
    np.testing.assert_allclose(states.said_ioi, foretold["ioi"][rows, iois], rtol=1e-5)
    assert np.flatnonzero(states.end).tolist() == [15, 31, 47]


def test_recall_is_trusted_as_far_as_it_was_right() -> None:
    """Where like keys always go on alike, the vote decides; where they tell nothing, it is left out."""
    rng = np.random.default_rng(1)
    classes = rng.integers(0, 6, 300)
    keys = np.eye(6, dtype=np.float32)[classes]
    said = np.full(300, 1 / 6)

    def own(weights: np.ndarray, entries: np.ndarray) -> np.ndarray:
        votes: np.ndarray = (weights * (entries[:, None] == entries)).sum(1)
        return votes

    def share(recall: Recall) -> float:
        return float(1 / (1 + np.exp(-(recall.bias + recall.slope))))

    telling = fit_recall([keys], [lambda w: own(w, classes)], said)
    noise = rng.integers(0, 6, 300)
    useless = fit_recall([keys], [lambda w: own(w, noise)], np.full(300, 0.5))
    assert share(telling) > 0.9
    assert share(useless) < 0.1


def test_colour_is_strong_where_a_solo_keeps_to_its_tones(pieces: list[Piece]) -> None:
    bare = unfinished(SMALL)
    flat = {name: np.zeros_like(w) for name, w in random_weights().items() if name.startswith("0.")}
    model = Model(small_card() | {"network": bare.sizes, "recall": {}}, flat | bare.weights)
    found = fit_colour(model, pieces)
    assert found.strength == 0.7


def test_phrase_ends_are_heard_from_the_activations() -> None:
    rng = np.random.default_rng(2)
    nothing = np.zeros(2000)
    a = rng.standard_normal((2000, 10)).astype(np.float16)
    end = (a[:, 3] + a[:, 7] > 2.2).astype(np.float32)
    states = States(a, a, nothing, nothing, nothing, nothing, nothing, nothing, end)
    w = fit_ends([states], [states], seed=1)
    hidden = np.maximum(a.astype(np.float32) @ w["end_hidden.kernel"] + w["end_hidden.bias"], 0)
    assert average_precision(end > 0, (hidden @ w["end.kernel"])[:, 0]) > 0.8


def test_without_annotated_phrases_rests_end_them(pieces: list[Piece]) -> None:
    piece = pieces[0]
    values = [v._replace(ioi=30) if i == 20 else v for i, v in enumerate(piece.values)]
    states = states_of(Model(small_card(), random_weights()), replace(piece, values=values, ends=None))
    assert np.flatnonzero(states.end).tolist() == [19]
