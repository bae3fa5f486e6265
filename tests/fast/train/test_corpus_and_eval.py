from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import record, written

from improv.core.vocabulary import Vocabulary
from improv.models.model import Model
from improv.train.corpus import Piece, read_corpus
from improv.train.errors import CorpusError
from improv.train.evaluation.next_note import average_precision, foretell, score


def test_a_piece_is_read(tmp_path: Path) -> None:
    (piece,) = read_corpus(written(tmp_path / "c.jsonl.gz", record()), Vocabulary()).pieces
    assert piece.onsets[:4] == [0, 6, 12, 18]
    assert [v.ioi for v in piece.values[:3]] == [0, 6, 6]
    assert [c.place for c in piece.contexts[7:10]] == [42, 0, 6]
    assert str(piece.contexts[0].harmony.chord) == "D-7"
    assert piece.contexts[0].harmony.until == 16
    assert piece.contexts[40].harmony.chord.kind == "7alt"
    assert piece.contexts[0].feel == "swing"
    assert piece.ends is not None
    assert [i for i, e in enumerate(piece.ends) if e] == [15, 31, 47, 63]
    lags = [Vocabulary().lags[v.lag] for v in piece.values]
    assert lags[8] == 0
    assert lags[9] == pytest.approx(0.08, abs=0.02)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("{not json", "not JSON"),
        ("[1, 2]", "not a JSON object"),
        (record(notes=[]), "0 notes"),
        (record(notes=[[0, 1, 200], [1, 1, 60]]), "pitch 200"),
        (record(notes=[[1, 1, 60], [0, 1, 60]]), "backwards"),
        (record(bpm=-3), "tempo -3"),
        ({"id": "x"}, "missing field 'notes'"),
    ],
)
def test_broken_pieces_are_skipped_with_a_reason(tmp_path: Path, broken: Any, says: str) -> None:
    reading = read_corpus(written(tmp_path / "c.jsonl", broken, record()), Vocabulary())
    assert len(reading.pieces) == 1
    (reason,) = reading.skipped
    assert reason.startswith("c.jsonl: line 1")
    assert says in reason


def test_unknown_chords_count_as_none_and_are_told(tmp_path: Path) -> None:
    reading = read_corpus(written(tmp_path / "c.jsonl", record(chords=[[0, "Hm?"], [8, "C7"]])), Vocabulary())
    assert reading.unknown_chords == {"Hm?": 1}
    assert str(reading.pieces[0].contexts[0].harmony.chord) == "NC"


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08broken", b"\xff\xfe\x00"])
def test_files_that_hold_nothing_say_so(tmp_path: Path, content: bytes) -> None:
    for name in ("c.jsonl", "c.jsonl.gz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CorpusError, match=r"c\.jsonl"):
            read_corpus(tmp_path / name, Vocabulary())


@pytest.fixture
def piece(tmp_path: Path) -> Piece:
    return read_corpus(written(tmp_path / "c.jsonl", record()), Vocabulary()).pieces[0]


def test_nothing_later_leaks_into_a_forecast(model: Model, piece: Piece) -> None:
    """Changing notes from k on changes no distribution that is said before them."""
    k = 30
    other = [v._replace(pitch=v.pitch + 5, ioi=3, duration=2, lag=2) for v in piece.values[k:]]
    changed = Piece.of("x", "train", piece.onsets, [*piece.values[:k], *other], piece.contexts, piece.ends)
    one, two = foretell(model, [piece]), foretell(model, [changed])
    np.testing.assert_array_equal(one["ioi"][: k + 1], two["ioi"][: k + 1])
    np.testing.assert_array_equal(one["pitch"][:k], two["pitch"][:k])
    np.testing.assert_array_equal(one["phrase"][:k], two["phrase"][:k])
    assert np.abs(one["pitch"][k + 1 :] - two["pitch"][k + 1 :]).max() > 1e-4


def test_scores_of_known_forecasts(piece: Piece) -> None:
    n = len(piece.values)
    even = {"pitch": np.full((n, 128), 1 / 128), "ioi": np.full((n, 49), 1 / 49), "phrase": np.zeros(n)}
    figures = score([piece], even)
    assert figures["notes"] == n - 1
    assert figures["pitch_nats"] == pytest.approx(math.log(128))
    assert figures["ioi_nats"] == pytest.approx(math.log(49))
    sure = {"pitch": np.eye(128)[[v.pitch for v in piece.values]], "ioi": np.eye(49)[[v.ioi for v in piece.values]]}
    assert piece.ends is not None
    perfect = score([piece], sure | {"phrase": np.array(piece.ends, float)})
    assert perfect["joint_nats"] == pytest.approx(0)
    assert perfect["phrase_end_average_precision"] == 1


def test_average_precision_of_a_small_case() -> None:
    truth = np.array([True, False, True, False])
    assert average_precision(truth, np.array([0.9, 0.8, 0.7, 0.1])) == pytest.approx((1 + 2 / 3) / 2)
