"""What is fitted on top of trained networks: recall, colour, phrase ends."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

from made_up import NETWORK, random_weights, record, small_card, written

from improv.core.vocabulary import Vocabulary
from improv.models.card import card_head, shapes
from improv.models.model import Model
from improv.models.recall import LARGEST_SHARE, Past, PitchClassBias, Recall
from improv.train.corpus import read_corpus
from improv.train.evaluation.next_note import average_precision, foretell, score
from improv.train.example import example_piece
from improv.train.finish import Begun, finish, fit_pitch_class_bias, unfinished
from improv.train.network.keras_network import NetworkConfig, TcnConfig
from improv.train.phrase_ends import fit_ends
from improv.train.piece import Piece
from improv.train.recalling import LOOSE, NEAR, USUAL_RECALL, Prior, fit_again, fit_recall
from improv.train.states import States, states_of

SMALL = NetworkConfig(8, *(NETWORK[k] for k in ("rhythm_units", "line_units", "pitch_hidden", "touch_hidden")))


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> list[Piece]:
    """Two solos that play the same figure again and again, each with notes of its own."""
    other = [[*note[:2], note[2] + 1 + i % 3, *note[3:]] for i, note in enumerate(record()["notes"])]
    path = written(tmp_path_factory.mktemp("corpus") / "c.jsonl", record(), record(notes=other))
    return read_corpus(path, Vocabulary()).pieces


def members() -> dict[str, np.ndarray]:
    return {name: w for name, w in random_weights(size=0.2).items() if name[0].isdigit()}


@pytest.mark.usefixtures("few_rounds", "eager")
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


@pytest.mark.parametrize("rows", [2, 12, 132, 600])
def test_notes_that_recall_tells_apart_without_fail_do_not_send_its_gate_to_infinity(rows: int) -> None:
    """Every near key foretells right, every far one wrong: without a prior the steepest gate would be best."""
    keys = np.eye(rows, dtype=np.float32)
    keys[1::2] = keys[::2][: rows // 2]
    right = np.arange(rows) % 2 == 1
    found = fit_recall([keys], [lambda w: right.astype(float)], np.full(rows, 0.2))
    assert abs(found.bias) < 30
    assert abs(found.slope) < 30
    past = Past.empty(2).and_then(np.array([1.0, 0.0], np.float32), [0])
    for extreme in (found, Recall(14.0, -2000.0, 10.0), Recall(14.0, 2000.0, 1e300)):
        for key in (np.array([1.0, 0.0], np.float32), np.array([-1.0, 0.0], np.float32)):
            assert 0 <= extreme.vote(past, key).share <= LARGEST_SHARE


def test_a_small_corpus_stays_near_what_is_usual_and_a_large_one_says_for_itself() -> None:
    rng = np.random.default_rng(3)

    def fitted(rows: int, prior: Prior = LOOSE) -> Recall:
        classes = rng.integers(0, 6, rows)
        keys = np.eye(6, dtype=np.float32)[classes]
        return fit_recall([keys], [lambda w: (w * (classes[:, None] == classes)).sum(1)], np.full(rows, 1 / 6), prior=prior)

    def off(recall: Recall) -> float:
        return abs(recall.bias + recall.slope - USUAL_RECALL.bias - USUAL_RECALL.slope)

    small, large, tuned = fitted(3), fitted(1000), fitted(1000, NEAR)
    assert off(small) < off(large)
    assert 0 < off(tuned) < off(large)


def test_a_fine_tuned_model_recalls_as_before_unless_its_music_recalls_in_quite_another_way() -> None:
    rng = np.random.default_rng(3)
    classes = rng.integers(0, 6, 300)
    keys, said, begun = [np.eye(6, dtype=np.float32)[classes]], np.full(300, 1 / 6), Recall(14.0, -9.0, 6.0)

    def right(weights: np.ndarray) -> np.ndarray:
        votes: np.ndarray = (weights * (classes[:, None] == classes)).sum(1)
        return votes

    def little(weights: np.ndarray) -> np.ndarray:
        return np.full(len(weights), 0.172)

    for votes, prior in ((right, LOOSE), (little, NEAR)):
        assert fit_again(keys, [votes], said, begun) == fit_recall(keys, [votes], said, begun, prior)
    assert fit_recall(keys, [little], said, begun, LOOSE) != fit_recall(keys, [little], said, begun, NEAR)


def test_the_pitch_class_bias_of_a_fine_tuned_model_stays_unless_another_is_clearly_better(pieces: list[Piece]) -> None:
    model = Model(small_card() | {"recall": {}} | {"network": NETWORK | {"rhythm_key": 0, "line_key": 0}}, random_weights())
    best = fit_pitch_class_bias(model, pieces)
    begun = PitchClassBias(64.0, 0.0)
    assert best.strength > 0
    assert fit_pitch_class_bias(model, [pieces[0].with_notes(values=list(pieces[0].values)[:8])], begun) == begun
    assert fit_pitch_class_bias(model, pieces * 20, begun) == best


@pytest.mark.usefixtures("few_rounds", "eager")
@pytest.mark.parametrize("network", [SMALL, TcnConfig(0, 8, 12, 8, 8, channels=8, layers=3)], ids=["lstm", "tcn"])
@pytest.mark.parametrize("count", [1, 2])
def test_any_number_of_pieces_and_networks_makes_a_model_that_speaks(network: NetworkConfig, count: int) -> None:
    """Also from a piece of two notes. What a fine-tuned model began with is gone on from."""
    rng = np.random.default_rng(4)
    wanted = shapes(unfinished(network, count).sizes)
    networks = {k: 0.2 * rng.standard_normal(s).astype(np.float32) for k, s in wanted.items() if k[0].isdigit()}
    begun = None
    for pieces in (1, 2, 3, 5, 17, 50):
        train = [example_piece(2 if i == 1 else 20, seed=i) for i in range(pieces)]
        finished = finish(networks, network, train, [example_piece(12 if pieces > 1 else 2, seed=99)], 1, begun)
        assert finished.failed == ()
        model = Model(card_head("m", finished.sizes) | {"recall": finished.recall}, networks | finished.weights)
        said = foretell(model, [example_piece(30, seed=7)])
        assert all(np.isfinite(p).all() for p in said.values())
        begun = Begun(finished.recall, finished.weights)


@pytest.mark.usefixtures("few_rounds", "eager")
def test_too_few_notes_to_recall_are_told() -> None:
    finished = finish(members(), SMALL, [example_piece(2)], [example_piece(2)], seed=1)
    assert [text.split(" could")[0] for text in finished.failed] == ["recall of rhythm", "recall of pitch"]
    assert "too few notes" in finished.failed[0]


@pytest.mark.usefixtures("few_rounds", "eager")
@pytest.mark.parametrize("name", ["fit_recall", "fit_ends", "fit_pitch_class_bias"])
def test_networks_are_not_lost_to_what_comes_on_top(monkeypatch: pytest.MonkeyPatch, pieces: list[Piece], name: str) -> None:
    def fails(*args: object, **named: object) -> None:
        raise OverflowError("math range error")

    monkeypatch.setattr(f"improv.train.finish.{name}", fails)
    finished = finish(members(), SMALL, pieces, pieces, seed=1)
    model = Model(card_head("m", finished.sizes) | {"recall": finished.recall}, members() | finished.weights)
    assert np.isfinite(foretell(model, pieces)["pitch"]).all()
    assert all("OverflowError: math range error" in text for text in finished.failed)
    assert len(finished.failed) == (2 if name == "fit_recall" else 1)


def test_phrase_ends_of_a_fine_tuned_model_stay_where_no_round_is_better() -> None:
    rng = np.random.default_rng(5)
    nothing = np.zeros(64)
    a = rng.standard_normal((64, 4)).astype(np.float16)
    states = States(a, a, nothing, nothing, nothing, nothing, nothing, nothing, (a[:, 1] > 0.5).astype(np.float32))
    known = {
        "end_hidden.kernel": np.eye(4, 3, dtype=np.float32)[:, [1, 0, 2]],
        "end_hidden.bias": np.zeros(3, np.float32),
        "end.kernel": np.array([[50.0], [0.0], [0.0]], np.float32),
        "end.bias": np.zeros(1, np.float32),
    }
    kept = fit_ends([states], [states], seed=1, rounds=4, begun=known)
    for name, weights in known.items():
        np.testing.assert_array_equal(kept[name], weights)


def test_colour_is_strong_where_a_solo_keeps_to_its_tones(pieces: list[Piece]) -> None:
    bare = unfinished(SMALL)
    flat = {name: np.zeros_like(w) for name, w in random_weights().items() if name.startswith("0.")}
    model = Model(small_card() | {"network": bare.sizes, "recall": {}}, flat | bare.weights)
    found = fit_pitch_class_bias(model, pieces)
    assert found.strength == 0.7


def test_a_note_that_was_held_impossible_is_no_warning(monkeypatch: pytest.MonkeyPatch, pieces: list[Piece]) -> None:
    """Warnings are errors here."""
    sure = np.zeros((sum(len(p.values) for p in pieces), 128), np.float32)
    sure[:, 0] = 1.0
    monkeypatch.setattr("improv.train.finish.foretell", lambda model, of: {"pitch": sure})
    assert fit_pitch_class_bias(Model(small_card(), random_weights()), pieces).strength == 0.0


def test_phrase_ends_are_heard_from_the_activations() -> None:
    rng = np.random.default_rng(2)
    nothing = np.zeros(2000)
    a = rng.standard_normal((2000, 10)).astype(np.float16)
    end = (a[:, 3] + a[:, 7] > 2.2).astype(np.float32)
    states = States(a, a, nothing, nothing, nothing, nothing, nothing, nothing, end)
    w = fit_ends([states], [states], seed=1, rounds=6)
    hidden = np.maximum(a.astype(np.float32) @ w["end_hidden.kernel"] + w["end_hidden.bias"], 0)
    assert average_precision(end > 0, (hidden @ w["end.kernel"])[:, 0]) > 0.8


def test_without_annotated_phrases_rests_end_them(pieces: list[Piece]) -> None:
    piece = pieces[0]
    values = [v._replace(ioi=30) if i == 20 else v for i, v in enumerate(piece.values)]
    states = states_of(Model(small_card(), random_weights()), Piece.of("rests", "train", piece.onsets, values, piece.contexts))
    assert np.flatnonzero(states.end).tolist() == [19]
