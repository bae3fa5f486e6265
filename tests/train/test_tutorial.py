"""The tutorial's networks: shapes, equal forms, a loss that falls, a cell that plays; and what begins where linear algebra fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

import keras

from improv.core.events import NoteOff, NoteOn
from improv.core.metres import FOUR
from improv.midi.files import write_take
from improv.models.grammar import encode
from improv.models.grammar_model import GrammarModel
from improv.models.loader import load_model, stored_vector
from improv.train.errors import CorpusError
from improv.train.network.initial import Steady
from improv.train.network.keras_network import DroppedLSTM
from improv.tutorials.exercise import Shared, compare, compiled, fit, inference_model, predict_and_sample, scanned
from improv.tutorials.exercise_export import export
from improv.tutorials.tune import Tune, read_tune
from improv.tutorials.windows import Corpus, cut, recited

ROOT = Path(__file__).parent.parent.parent
TUNE = ROOT / "improv" / "demo" / "tune.mid"


@pytest.fixture(scope="module")
def tune() -> Tune:
    return read_tune(TUNE)


@pytest.fixture(scope="module")
def corpus(tune: Tune) -> Corpus:
    return cut(encode(tune.notes, tune.changes))


@pytest.fixture(scope="module")
def trained(corpus: Corpus) -> tuple[Shared, list[float]]:
    """A few epochs, of the scanned form."""
    shared = Shared.of(len(corpus.terminals), seed=0)
    model = compiled(scanned(shared))
    losses = fit(model, corpus, 12).losses
    shared.cell.set_weights(model.get_layer("lstm").get_weights())
    shared.densor.set_weights(model.get_layer("values").get_weights())
    return shared, losses


def test_the_tune_is_the_one_that_its_script_writes(tune: Tune, tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(ROOT / "scripts" / "make_demo_tune.py"), str(tmp_path / "tune.mid")], check=True)
    assert (tmp_path / "tune.mid").read_bytes() == TUNE.read_bytes()
    assert (tune.bars, len(tune.notes), tune.beats_a_bar) == (36, 249, 4.0)
    assert [str(c) for c in tune.changes.chords[:8]] == ["F7", "Bb7", "F7", "Cm7", "F7", "Bb7", "Bdim", "F7"]
    assert tune.labels == ("1 'solo', by its name", "2 'chords', by its notes")


def test_windows_have_the_exercises_shapes(corpus: Corpus) -> None:
    """78 values, as the exercise's tune; X is Y one step late."""
    assert (corpus.X.shape, corpus.Y.shape) == ((60, 30, 78), (30, 60, 78))
    assert not corpus.X[:, 0].any()
    np.testing.assert_array_equal(corpus.X[:, 1:], corpus.Y.swapaxes(0, 1)[:, :-1])
    np.testing.assert_array_equal(corpus.Y.sum(-1), 1.0)
    whole = " ".join(map(str, corpus.indices))
    assert all(" ".join(map(str, window)) in whole for window in corpus.Y.argmax(-1).T.tolist())


def test_what_is_recited_is_the_longest_run(tune: Tune) -> None:
    solo = encode(tune.notes, tune.changes)
    assert recited([*solo[100:107], *solo[3:20]], solo) == 17
    assert recited([], solo) == 0


def test_a_solo_shorter_than_a_window_is_refused(tune: Tune) -> None:
    with pytest.raises(CorpusError, match="take more bars"):
        cut(encode(tune.notes[:20], tune.changes))


def test_unrolled_and_scanned_are_the_same_mathematics(tune: Tune) -> None:
    """Outputs before training to 1e-5; losses of each epoch, so the gradients too."""
    short = cut(encode(tune.notes, tune.changes), windows=16, steps=3)
    both = compare(Shared.of(len(short.terminals), units=8, seed=1), short, epochs=2)
    assert both.difference < 1e-5
    assert both.unrolled.losses == pytest.approx(both.scanned.losses, rel=1e-4)
    assert both.unrolled.losses[-1] < both.unrolled.losses[0]
    assert both.unrolled.accuracy == both.scanned.accuracy


def test_the_loss_begins_at_chance_and_falls(trained: tuple[Shared, list[float]]) -> None:
    _, losses = trained
    assert losses[0] == pytest.approx(30 * np.log(78), rel=0.02)
    assert losses[-1] < 0.85 * losses[0]


def test_fed_with_what_it_says_it_goes_on(corpus: Corpus, trained: tuple[Shared, list[float]]) -> None:
    """As the model that plays does, when it is given its own likeliest terminal each time."""
    shared, _ = trained
    results, indices = predict_and_sample(inference_model(shared), shared.units)
    assert (results.shape, indices.shape) == ((50, 78), (50, 1))
    np.testing.assert_array_equal(results.argmax(1), indices[:, 0])
    np.testing.assert_array_equal(results.sum(1), 1.0)


def test_the_exported_cell_says_what_keras_said(corpus: Corpus, trained: tuple[Shared, list[float]], tune: Tune, tmp_path: Path) -> None:
    shared, _ = trained
    export(tmp_path / "mine", shared, corpus, tune, {"license": "MIT"})
    model, vector = load_model(str(tmp_path / "mine")), stored_vector(str(tmp_path / "mine"))
    assert isinstance(model, GrammarModel)
    np.testing.assert_allclose(model.foretell(vector["heard"].tolist()), vector["said"], atol=1e-5)
    _, indices = predict_and_sample(inference_model(shared, 12), shared.units)
    likeliest = [int(np.argmax(p)) for p in model.foretell(indices[:, 0].tolist())]
    assert likeliest == indices[:, 0].tolist()


def test_bars_and_tracks_can_be_chosen(tune: Tune) -> None:
    four = read_tune(TUNE, "solo", "2", (5, 8))
    assert (four.bars, str(four.changes.chords[0]), four.changes.length) == (4, "Bb7", 16.0)
    assert [n.pitch for n in four.notes] == [n.pitch for n in tune.notes if 192 <= n.onset < 384]
    for bars, says in (((0, 4), "expected the first and the last bar"), ((90, 99), "the solo has 36 bars")):
        with pytest.raises(CorpusError, match=says):
            read_tune(TUNE, bars=bars)
    with pytest.raises(CorpusError, match="no track 'sax'"):
        read_tune(TUNE, solo_track="sax")


def test_a_solo_without_chords_is_refused(tmp_path: Path) -> None:
    line = [e for i in range(8) for e in (NoteOn(i, 60 + i, 80), NoteOff(i + 0.9, 60 + i))]
    write_take(tmp_path / "line.mid", [], line, [(0.0, 120.0)], FOUR)
    with pytest.raises(CorpusError, match="--chord-track"):
        read_tune(tmp_path / "line.mid")
    write_take(tmp_path / "two.mid", line, line, [(0.0, 120.0)], FOUR)
    with pytest.raises(CorpusError, match="three notes at a time"):
        read_tune(tmp_path / "two.mid")


# Linear algebra that fails


def broken(*_: object, **__: object) -> None:
    raise np.linalg.LinAlgError("SVD did not converge")


def nothing(a: object, **_: object) -> tuple[object, object]:
    return keras.ops.full_like(a, float("nan")), keras.ops.ones((a.shape[1], a.shape[1]))  # type: ignore[attr-defined]


@pytest.mark.parametrize(("factorise", "says"), [(broken, "LinAlgError: SVD did not converge"), (nothing, "no numbers")])
def test_training_starts_where_the_factorisation_fails(
    factorise: object, says: str, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keras.src.initializers import random_initializers

    monkeypatch.setattr(random_initializers.ops, "qr", factorise)
    if factorise is broken:
        with pytest.raises(np.linalg.LinAlgError):  # what Keras does by itself
            keras.initializers.Orthogonal(seed=1)((4, 4))
    with pytest.warns(RuntimeWarning, match=f"weights of the kind Orthogonal can't be made on this machine .*{says}.*Glorot"):
        shared = Shared.of(len(corpus.terminals), seed=0)
    assert all(np.isfinite(w).all() for w in shared.cell.get_weights())
    if factorise is broken:
        few = Corpus(corpus.terminals, corpus.indices, corpus.X[:8, :4], corpus.Y[:4, :8])
        losses = fit(compiled(scanned(shared, 4), 4), few, 3).losses
        assert losses[-1] < losses[0]


def test_the_network_of_improv_train_starts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from keras.src.initializers import random_initializers

    monkeypatch.setattr(random_initializers.ops, "qr", broken)
    layer = DroppedLSTM(4, 0.1)
    with pytest.warns(RuntimeWarning, match="SVD did not converge"):
        layer.build((None, None, 3))
    assert np.isfinite(np.asarray(layer.cell.recurrent_kernel)).all()


def test_where_it_works_weights_are_orthogonal() -> None:
    weights = np.asarray(Steady(keras.initializers.Orthogonal(seed=3))((16, 64)))
    np.testing.assert_allclose(weights @ weights.T, np.eye(16), atol=1e-5)
    np.testing.assert_array_equal(weights, np.asarray(keras.initializers.Orthogonal(seed=3)((16, 64))))


def test_the_script_tells_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    script = str(ROOT / "scripts" / "tutorial_jazz.py")
    for arguments, says in (
        ([str(tmp_path / "no.mid")], "no.mid: no such file"),
        ([str(TUNE), "--bars", "x"], "--bars 'x': expected two numbers"),
        ([str(TUNE), "--bars", "1:2"], "take more bars"),
    ):
        ran = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, cwd=tmp_path)
        assert ran.returncode == 2
        told = [line for line in ran.stderr.splitlines() if line.startswith("tutorial_jazz: ")]
        assert len(told) == 1
        assert says in told[0]
        assert "Traceback" not in ran.stderr
