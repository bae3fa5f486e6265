"""Real or generated: windows of takes, what tells them apart, and figures that only tunes never heard decide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from made_up import record, written

from improv.cli import main
from improv.core.errors import ImprovError
from improv.core.harmony import parse_changes
from improv.core.vocabulary import Vocabulary
from improv.models.model import Model
from improv.train.corpus import read_corpus
from improv.train.evaluation.judges import FOLDS, Judged, auc, cross_judged
from improv.train.evaluation.takes import Take, TakeNote, one_line, our_take, real_take
from improv.train.evaluation.tells import Window, tells, windows

CHANGES = parse_changes("Cmaj7 | G7")


def take(seed: int, real: bool = True, lag: int = 6, tune: str = "", bars: int = 16) -> Take:
    rng = np.random.default_rng(seed)
    notes = [TakeNote(6 * i, int(60 + rng.integers(0, 12)), 5, lag) for i in range(8 * bars)]
    return Take(f"take {seed}", tune or f"tune {seed}", real, notes, CHANGES, bars, 4, 120.0, "swing")


def test_a_line_rises_and_no_note_sounds_into_the_next() -> None:
    line = one_line([TakeNote(0, 60, 9, 6), TakeNote(6, 62, 4, 6), TakeNote(6, 64, 4, 6), TakeNote(5, 65, 1, 6), TakeNote(12, 67, 3, 6)])
    assert line == [TakeNote(0, 60, 6, 6), TakeNote(6, 62, 4, 6), TakeNote(12, 67, 3, 6)]


def test_a_take_is_as_long_as_the_real_solo_and_the_same_for_a_seed(model: Model, tmp_path: Path) -> None:
    (piece,) = read_corpus(written(tmp_path / "c.jsonl", record()), Vocabulary()).pieces
    real, ours = real_take(piece), our_take(model, piece, 1)
    assert (real.bars, real.real, len(real.notes)) == (8, True, 64)
    assert [(n.position, n.pitch) for n in real.notes[:3]] == [(0, 68), (6, 67), (12, 66)]
    assert (ours.bars, ours.real, ours.changes) == (8, False, real.changes)
    assert all(a.position + a.length <= b.position for a, b in zip(ours.notes, ours.notes[1:], strict=False))
    assert max(note.position for note in ours.notes) < 8 * 48
    assert ours == our_take(model, piece, 1) != our_take(model, piece, 2)


def test_windows_are_whole_and_empty_ones_are_left_out() -> None:
    whole = take(0, bars=18)
    assert [len(w.onsets) for w in windows(whole, 8)] == [64, 64]
    few = Take("few", "few", True, whole.notes[:70], CHANGES, 18, 4, 120.0, "swing")
    assert [len(w.onsets) for w in windows(few, 8)] == [64]


def test_what_a_window_tells() -> None:
    notes = [TakeNote(12 * i, pitch, 12 if i % 8 != 7 else 2, 6) for i, pitch in enumerate([60, 62, 64, 65, 67, 65, 64, 62] * 4)]
    (window,) = windows(Take("", "", True, notes, CHANGES, 8, 4, 120.0, "swing"), 8)
    told = tells(window)
    assert told["rhythm: 0/12 into the beat"] == 1.0
    assert told["line: repeated"] == 0.0
    assert told["phrases: a bar"] == 4 / 8
    assert told["phrases: notes"] == 8.0
    assert told["again: 4 pitches"] == pytest.approx(1 - 8 / 29)  # eight places where the figure may begin
    assert told["again: bars of a rhythm heard"] == 1 - 1 / 8
    assert told["length: sounds to the next"] == 29 / 32  # the last has no next
    assert told["microtiming: spread"] == 0.0
    without = tells(window, microtiming=False)
    assert set(told) - set(without) == {name for name in told if name.startswith("microtiming")}


def test_an_auc_is_the_chance_that_the_real_one_comes_first() -> None:
    real = np.array([True, True, False, False])
    assert auc(real, np.array([4.0, 3.0, 2.0, 1.0])) == 1.0
    assert auc(real, np.array([1.0, 2.0, 3.0, 4.0])) == 0.0
    assert auc(real, np.array([3.0, 1.0, 2.0, 1.0])) == (1 + 1 + 0 + 0.5) / 4
    assert auc(real, np.zeros(4)) == 0.5


def test_no_tune_is_on_both_sides() -> None:
    judged = Judged.of([take(i, real=i % 2 == 0, tune=f"tune {i // 2}") for i in range(14)], 8)
    folds = judged.folds()
    assert np.sum(folds, axis=0).tolist() == [1] * len(judged.real)  # each is left out once
    for out in folds:
        assert not set(judged.tunes[out]) & set(judged.tunes[~out])


def test_a_judge_is_asked_about_tunes_that_it_did_not_learn_from() -> None:
    judged = Judged.of([take(i, real=i % 2 == 0, lag=6 if i % 2 else 8, tune=f"tune {i // 2}") for i in range(14)], 8)

    def by_lag(learned: Sequence[Window], real: np.ndarray, weights: np.ndarray, asked: Sequence[Window]) -> np.ndarray:
        assert not {id(w) for w in learned} & {id(w) for w in asked}
        assert weights[real].sum() == pytest.approx(weights[~real].sum())
        return np.array([w.lags.mean() for w in asked])

    assert cross_judged(judged, by_lag) == 1.0


def test_too_few_tunes_are_told() -> None:
    with pytest.raises(ImprovError, match=f"{FOLDS} tunes .* here are 2"):
        Judged.of([take(0), take(1, real=False)], 8)


def test_the_command_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = str(written(tmp_path / "c.jsonl", record()))
    assert main(["eval", "pocket", corpus, "--real-or-generated", "0"]) == 2
    assert "--real-or-generated 0: expected 1 to 10,000 solos" in capsys.readouterr().err
    assert main(["eval", "pocket", corpus, "--real-or-generated", "1", "--turns"]) == 2
    assert main(["eval", "pocket", corpus, "--real-or-generated", "1"]) == 2
    assert "over 5 tunes" in capsys.readouterr().err
