"""Training from a model, weights of corpora, Ctrl-C, and a disk that is full."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

from made_up import record, written
from small_training import SHORT, SMALL, random_folder

from improv.atomic import WriteError
from improv.core.vocabulary import Vocabulary
from improv.models.loader import load_model, stored_vector, stored_weights
from improv.train.corpus import read_corpus
from improv.train.curves import board, curve
from improv.train.dataset import Columns, Windows, columns_of
from improv.train.example import example_piece
from improv.train.export import export, keras_vector
from improv.train.fine_tune import BeginError, begin, unfold
from improv.train.finish import unfinished
from improv.train.fit import CHECKPOINT, FitError, Progress, Start, Step, Stopped, fit
from improv.train.network.keras_network import build


@pytest.fixture
def pieces(tmp_path: Path) -> list[Columns]:
    return [columns_of(p) for p in read_corpus(written(tmp_path / "c.jsonl", record()), Vocabulary()).pieces]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_folder(tmp_path_factory.mktemp("exported") / "origin")


@pytest.fixture
def origin(exported: Path, tmp_path: Path) -> Path:
    """A model folder with random weights, large enough to matter; a copy."""
    return Path(shutil.copytree(exported, tmp_path / "origin"))


def started(origin: Path) -> Start:
    card = load_model(str(origin)).card
    (network,), config = begin(card, stored_weights(str(origin)), seed=5)
    assert config == SMALL
    return Start([v.numpy() for v in network.trainable_variables], card["weights_sha256"])


def test_a_model_comes_back_into_keras_and_says_the_same(origin: Path) -> None:
    (network,), config = begin(load_model(str(origin)).card, stored_weights(str(origin)), seed=5)
    assert config == SMALL
    stored, said = stored_vector(str(origin)), keras_vector([network], unfinished(SMALL).weights)
    assert max(float(np.abs(said[f"test.{name}"] - stored[name]).max()) for name in stored) < 1e-5


def test_a_card_that_is_not_its_weights_own_is_refused(origin: Path) -> None:
    """An embedding too small for the kernel's rank can't give it back."""
    card = dict(load_model(str(origin)).card)
    card["network"] = card["network"] | {"embedding": 4}
    with pytest.raises(BeginError, match="does not come back"):
        begin(card, stored_weights(str(origin)), seed=5)


@pytest.mark.parametrize(("rank", "size"), [(3, 3), (3, 8), (5, 20), (1, 1)])
def test_unfolding_gives_the_product_back(rank: int, size: int) -> None:
    rng = np.random.default_rng(7)
    kernel = (rng.standard_normal((40, rank)) @ rng.standard_normal((rank, 12))).astype(np.float32)
    embedding, gates = unfold(kernel, size, rng)
    assert (embedding.shape, gates.shape) == ((40, size), (size, 12))
    np.testing.assert_allclose(embedding @ gates, kernel, atol=1e-5)
    assert (np.abs(embedding).sum(axis=0) > 0).all()  # no column that no gradient could reach


@pytest.mark.usefixtures("eager")
def test_fine_tuning_that_makes_it_worse_gives_back_what_it_started_from(pieces: list[Columns], tmp_path: Path) -> None:
    """Epoch 0 is the model as it was, and counts. A far too high rate makes it too sure, and other notes unlikely."""
    rng = np.random.default_rng(1)
    start = Start([0.01 * rng.standard_normal(v.shape).astype(np.float32) for v in build(SMALL).trainable_variables], "small")
    told: list[Progress] = []
    harmful, other = replace(SHORT, epochs=1, rate=30.0, average=0.0), [columns_of(example_piece(60))]
    network, history = fit(pieces, other, SMALL, harmful, tmp_path / "new", told.append, start=start)
    assert [p.epoch for p in history] == [p.epoch for p in told] == [0, 1]
    assert history[1].valid["pitch"] > history[0].valid["pitch"]
    assert history[1].valid["ioi"] > history[0].valid["ioi"]
    for variable, weights in zip(network.trainable_variables, start.weights, strict=True):
        np.testing.assert_array_equal(variable.numpy(), weights)


@pytest.mark.usefixtures("eager")
def test_fine_tuning_goes_on_only_from_the_model_it_started_from(origin: Path, pieces: list[Columns], tmp_path: Path) -> None:
    start, folder = started(origin), tmp_path / "new"
    fit(pieces, pieces[:1], SMALL, replace(SHORT, epochs=1), folder, lambda p: None, start=start)
    _, history = fit(pieces, pieces[:1], SMALL, replace(SHORT, epochs=2), folder, lambda p: None, start=start)
    assert [p.epoch for p in history] == [0, 1, 2]
    for other in (None, Start(start.weights, "another")):
        with pytest.raises(FitError, match="other settings"):
            fit(pieces, pieces[:1], SMALL, replace(SHORT, epochs=2), folder, lambda p: None, start=other)


@pytest.mark.usefixtures("eager")
def test_ctrl_c_gives_the_best_so_far(pieces: list[Columns], tmp_path: Path) -> None:
    steps: list[Step] = []

    def interrupt(step: Step) -> None:
        steps.append(step)
        if step.epoch == 2 and step.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(Stopped) as stopped:
        fit(pieces, pieces[:1], SMALL, SHORT, tmp_path, lambda p: None, each=interrupt)
    assert [p.epoch for p in stopped.value.history] == [1]
    assert stopped.value.network is not None
    export(tmp_path / "best", [stopped.value.network], unfinished(SMALL), {})
    load_model(str(tmp_path / "best"))
    assert [(s.epoch, s.done) for s in steps] == [(1, i + 1) for i in range(steps[0].of)] + [(2, 1)]
    assert (tmp_path / CHECKPOINT).exists()


@pytest.mark.usefixtures("eager")
def test_ctrl_c_in_the_first_epoch_has_nothing_to_give(pieces: list[Columns], tmp_path: Path) -> None:
    def interrupt(step: Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Stopped) as stopped:
        fit(pieces, pieces[:1], SMALL, SHORT, tmp_path, lambda p: None, each=interrupt)
    assert (stopped.value.network, stopped.value.history) == (None, [])


def test_weights_say_how_often_a_piece_is_seen() -> None:
    columns = [columns_of(example_piece(100, seed)) for seed in (1, 2, 3)]
    windows = Windows(columns, seed=4, length=32, batch=4, weights=[3, 0.5, 1])
    seen = np.zeros(3)
    for _ in range(200):
        for batch in windows.cuts:
            for piece, start, stop in batch:
                seen[piece] += stop - start
        windows.on_epoch_end()
    np.testing.assert_allclose(seen / 200 / 100, [3, 0.5, 1], atol=0.1)
    assert seen[0] == 3 * seen[2]


def test_light_weights_never_leave_an_epoch_empty() -> None:
    windows = Windows([columns_of(example_piece(50))], seed=4, length=32, batch=4, weights=[0.01])
    for _ in range(20):
        assert len(windows) > 0
        windows.on_epoch_end()


# A full disk


def full_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """The disk is full from the write of file `count` on."""
    synced: list[int] = []
    real = os.fsync

    def fsync(file: int) -> None:
        synced.append(file)
        if len(synced) > count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(file)

    monkeypatch.setattr("os.fsync", fsync)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.parametrize("written_before", [0, 1])
def test_a_full_disk_leaves_the_model_that_was_there(monkeypatch: pytest.MonkeyPatch, origin: Path, written_before: int) -> None:
    """Also when the weights still had room and the card had none."""
    before = contents(origin)
    full_after(monkeypatch, written_before)
    with pytest.raises(WriteError, match=r"No space left on device\); what was there before is untouched"):
        export(origin, [build(SMALL)], unfinished(SMALL), {})
    assert contents(origin) == before
    load_model(str(origin))


@pytest.mark.usefixtures("eager")
def test_a_full_disk_leaves_the_checkpoint_that_was_there(monkeypatch: pytest.MonkeyPatch, pieces: list[Columns], tmp_path: Path) -> None:
    full_after(monkeypatch, 1)
    with pytest.raises(WriteError, match=r"training\.npz: can't be written \(No space left on device\)"):
        fit(pieces, pieces[:1], SMALL, SHORT, tmp_path / "new", lambda p: None)
    assert [p.name for p in (tmp_path / "new").iterdir()] == [CHECKPOINT]
    monkeypatch.undo()
    _, history = fit(pieces, pieces[:1], SMALL, replace(SHORT, epochs=2), tmp_path / "new", lambda p: None)
    assert [p.epoch for p in history] == [1, 2]


# What people look at


def progress(epoch: int, *better: str) -> Progress:
    losses = {"ioi": 2.0 - 0.1 * epoch, "pitch": 3.0 - 0.1 * epoch}
    return Progress(epoch, 3, losses if epoch else {}, losses, 1.0, better)


def test_the_curve_is_a_picture() -> None:
    for history in ([progress(0)], [progress(1, "line")], [progress(0), progress(1, "line"), progress(2)]):
        assert curve([history]).startswith(b"\x89PNG\r\n")


def test_tensorboard_finds_the_losses(tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorflow.core.util import event_pb2

    write: Callable[[Progress, int], None] = board(str(tmp_path))
    for epoch in (1, 2):
        write(progress(epoch), 0)
    found: dict[Any, float] = {}
    for split in ("train", "valid"):
        (file,) = (tmp_path / "member-1" / split).iterdir()
        for raw in tf.data.TFRecordDataset(str(file)):
            event = event_pb2.Event.FromString(raw.numpy())
            for value in event.summary.value:
                found[split, value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    assert found == {
        (split, f"nats/{head}", epoch): pytest.approx(loss)
        for split in ("train", "valid")
        for epoch in (1, 2)
        for head, loss in progress(epoch).valid.items()
    }
