"""Training with Keras, on a piece that is made up: it learns, resumes, exports, and says the same as the step that plays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

from made_up import record, written
from small_training import QUICK, SHORT, SMALL, random_folder

from improv.core.vocabulary import Vocabulary
from improv.models.loader import load_model, stored_vector
from improv.train.corpus import read_corpus
from improv.train.dataset import NO_ROOT, Columns, Windows, columns_of
from improv.train.example import example_piece, largest_difference
from improv.train.export import export
from improv.train.finish import unfinished
from improv.train.fit import CHECKPOINT, FitConfig, FitError, Progress, fit
from improv.train.network.keras_network import NetworkConfig


@pytest.fixture
def pieces(tmp_path: Path) -> list[Columns]:
    return [columns_of(p) for p in read_corpus(written(tmp_path / "c.jsonl", *[record()] * 6), Vocabulary()).pieces]


def train(pieces: list[Columns], folder: Path, config: FitConfig = QUICK) -> tuple[object, list[Progress]]:
    return fit(pieces, pieces[:1], SMALL, config, folder, lambda progress: None)


def test_it_learns_and_an_interrupted_training_goes_on_as_if_it_had_not_been(
    pieces: list[Columns], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The whole with a graph, as users train; its two parts without, for each would be traced anew."""
    del pieces[2:]
    _network, whole = train(pieces, tmp_path / "whole")
    request.getfixturevalue("eager")
    assert whole[-1].valid["pitch"] < whole[0].valid["pitch"] - 0.1

    class Interrupted(Exception):
        pass

    def interrupt(progress: Progress) -> None:
        if progress.epoch == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        fit(pieces, pieces[:1], SMALL, QUICK, tmp_path / "parts", interrupt)
    again, parts = train(pieces, tmp_path / "parts")
    assert len(parts) == 4
    assert parts[1].valid == pytest.approx(whole[1].valid, rel=1e-4)
    assert parts[-1].valid == pytest.approx(whole[-1].valid, rel=0.05)  # dropout's draws are not stored

    export(tmp_path / "small", [again], unfinished(SMALL), {})
    stored = stored_vector(str(tmp_path / "small"))
    assert largest_difference(load_model(str(tmp_path / "small")), stored) < 1e-5


@pytest.mark.usefixtures("eager")
def test_a_checkpoint_of_another_training_is_refused(pieces: list[Columns], tmp_path: Path) -> None:
    train(pieces[:1], tmp_path, replace(SHORT, epochs=1))
    with pytest.raises(FitError, match="other settings"):
        train(pieces[:1], tmp_path, replace(SHORT, epochs=1, rate=0.5))
    assert (tmp_path / CHECKPOINT).exists()


def test_the_streaming_step_is_keras_over_500_values(tmp_path: Path) -> None:
    """Random weights, large enough to matter; the state carried all the way."""
    random_folder(tmp_path / "random")
    vector = stored_vector(str(tmp_path / "random"))
    assert len(vector["end"]) == 499
    assert largest_difference(load_model(str(tmp_path / "random")), vector) < 1e-5


def test_windows_show_every_note_once_an_epoch() -> None:
    windows = Windows([columns_of(example_piece(300)), columns_of(example_piece(77))], seed=3, length=64, batch=2)
    for _ in range(3):
        assert sum(float(windows[i][2]["pitch"].sum()) for i in range(len(windows))) == 299 + 76
        windows.on_epoch_end()


def test_transposition_moves_notes_and_roots_together() -> None:
    """Cut anywhere and moved, each note is still the same tone of its chord, unless the chords were taken away."""
    columns = columns_of(example_piece(200))
    degrees = (columns.pitch - columns.root) % 12
    starts, first_pitches = set(), set()
    for seed in range(20):
        windows = Windows([columns], seed=seed, length=150, batch=1)
        for i, ((_, start, stop),) in enumerate(windows.cuts):
            inputs, targets, _ = windows[i]
            n = stop - start
            starts.add(start)
            first_pitches.add(int(inputs["last"][0, 0]) - int(columns.last[start]))
            if (inputs["root"][0, :n] != NO_ROOT).any():
                shown = ((targets["pitch"] - inputs["root"]) % 12)[0, :n]
                np.testing.assert_array_equal(shown, degrees[start:stop])
    assert len(starts) > 5
    assert len(first_pitches) > 5


@pytest.mark.usefixtures("eager")
def test_losses_that_are_no_numbers_end_the_training_with_a_word(pieces: list[Columns], tmp_path: Path) -> None:
    with pytest.raises(FitError, match="lower rate"):
        train(pieces[:1], tmp_path, replace(SHORT, rate=float("inf")))


def test_initial_weights_that_can_not_be_drawn_are_explained(
    monkeypatch: pytest.MonkeyPatch, pieces: list[Columns], tmp_path: Path
) -> None:
    def fails(config: NetworkConfig) -> None:
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr("improv.train.fit.build", fails)
    with pytest.raises(FitError, match="another --seed"):
        train(pieces, tmp_path)
