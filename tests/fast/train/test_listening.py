"""Calls, answers, and whether they belong together."""

from pathlib import Path

import numpy as np
import pytest
from made_up import record, written

from improv.core.vocabulary import Vocabulary
from improv.models.model import Model
from improv.train.corpus import read_corpus
from improv.train.evaluation.listening import CALLS, features, found_share, likeness, pairs_of
from improv.train.evaluation.playing import answer
from improv.train.piece import Piece


@pytest.fixture
def piece(tmp_path: Path) -> Piece:
    return read_corpus(written(tmp_path / "c.jsonl", record()), Vocabulary()).pieces[0]


def test_pairs_are_successive_phrases_of_enough_notes(piece: Piece) -> None:
    pairs = pairs_of([piece])
    assert [(p.first, p.last, p.end) for p in pairs] == [(0, 15, 32), (16, 31, 48), (32, 47, 64)]
    assert [pitch for _, pitch in pairs[0].call] == [v.pitch for v in piece.values[:16]]
    assert [pitch for _, pitch in pairs[0].real] == [v.pitch for v in piece.values[16:32]]


def test_an_answer_is_the_same_for_a_seed_and_starts_after_the_call(model: Model, piece: Piece) -> None:
    (_, pair, _) = pairs_of([piece])
    one = answer(model, pair, seed=3)
    assert one == answer(model, pair, seed=3)
    assert one
    assert min(position for position, _ in one) > piece.onsets[pair.last]


def test_likeness_is_the_sum_of_three_cosines() -> None:
    notes = [(0, 60), (6, 62), (12, 64), (24, 60)]
    same = [(position + 48, pitch + 12) for position, pitch in notes]
    assert likeness(features(notes), features(same)) == pytest.approx(3.0)
    assert likeness(features(notes), features([(0, 61), (1, 70)])) == 0.0
    assert likeness(features(notes), features([])) == 0.0


def test_answers_that_are_their_calls_are_found_and_silent_ones_by_chance() -> None:
    pitches = np.random.default_rng(5).integers(48, 80, (40, 12))
    calls = [[(6 * i, int(pitch)) for i, pitch in enumerate(row)] for row in pitches]
    assert found_share(calls, calls, draws=200) == 100.0
    assert found_share(calls, [[] for _ in calls], draws=3000) == pytest.approx(100 / CALLS, abs=2.0)
