"""`improv train` as its users meet it, from a folder of their own music with all sorts of things in it."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

from made_up import record, written
from scores import BASS, CHORDS, DRUMS, LINE, SAX, midi, track

from improv.cli import main
from improv.models.loader import find_model, load_model
from improv.train.fit import Progress
from improv.train.network.keras_network import SIZES, NetworkConfig
from improv.train.progress import ProgressBar


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of good and bad files."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "music"
    (folder / "live" / "late").mkdir(parents=True)
    for i in range(4):
        midi(folder / f"{i}.mid", BASS, CHORDS, DRUMS, track("Tenor Sax", [p + i for p in LINE], channel=3))
    midi(folder / "live" / "five.mid", SAX, metre=(5, 4), tempo=0)
    midi(folder / "live" / "late" / "seven.mid", track("Solo", LINE[::-1]), metre=(7, 8))
    (folder / "live" / "five.txt").write_text("Dm7 | X7 | G7")
    midi(folder / "drums.mid", DRUMS)
    (folder / "broken.mid").write_bytes(b"MThd and no more")
    (folder / "notes.txt").write_text("Buy reeds.")
    written(folder / "solos.jsonl", record(id="one", split=None), "{", record(id="two", notes=[[0, 1, 200]], split=None))
    return folder


def train(monkeypatch: pytest.MonkeyPatch, *args: str) -> int:
    words = ["train", *args]
    monkeypatch.setattr("sys.argv", ["improv", *words])
    return main(words)


@pytest.mark.usefixtures("few_rounds", "eager")
def test_bad_files_end_nothing_and_ctrl_c_keeps_the_best(
    music: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SIZES, "pocket", NetworkConfig(16, 8, 12, 8, 8))
    args = (f"{music}=2", "--out", "mine", "--epochs", "2", "--size", "pocket", "--members", "2", "--json")
    seen = ProgressBar.epoch

    def interrupted(self: ProgressBar, member: int, progress: Progress) -> None:
        seen(self, member, progress)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "epoch", interrupted)
        assert train(patch, *args) == 130
    said = capsys.readouterr().err.splitlines()
    assert sorted(line for line in said if line.startswith("skipped "))[1:] == [
        "skipped drums.mid: no melody in it, only drums; --track takes one all the same",
        said[[line.startswith("skipped solos.jsonl: line 2: not JSON") for line in said].index(True)],
        "skipped solos.jsonl: line 3 (two): 1 notes; at least 2 are needed",
    ]
    assert "skipped broken.mid: no notes in it" in said
    assert "chord symbols taken as no chord: X7 (1)" in said
    assert "left out: notes under the top line" not in said
    row = next(line.split() for line in said if line.startswith("music "))[1:]
    assert row == ["7", "5", "1", "1", "256", "31", "0.0", "2", "4", "1", "0", "4", "2"]  # chords: 2 written, 4 heard; none is loud
    assert said[-1] == f"mine holds the best so far. To go on: improv train {' '.join(args)}"
    first = load_model("./mine").card
    assert (first["epochs"], first["network"]["members"], first["trained_on"]["skipped"]) == ([1], 1, 4)
    assert "five.mid, 32 notes, track 1 'Tenor Sax', the only melody\n" in Path("mine/corpus.txt").read_text()
    weights = ["quotations.safetensors", "weights.safetensors"]
    assert sorted(os.listdir("mine")) == ["card.json", "corpus.txt", "curve.png", "member-1", *weights]

    assert train(monkeypatch, *args) == 0
    figures = json.loads(capsys.readouterr().out)
    card = load_model("./mine").card
    assert (card["epochs"], card["network"]["members"], card["figures"]) == ([2, 2], 2, figures)
    assert list(figures) == ["valid", "test"]
    assert main(["eval", "./mine", str(music), "--split", "test", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == figures["test"]


def test_fine_tuning_tells_what_changed_and_plays_before_and_after(
    music: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SIZES, "pocket", NetworkConfig(16, 8, 12, 8, 8))
    assert train(monkeypatch, str(music), "--out", "first", "--epochs", "1", "--size", "pocket") == 0
    capsys.readouterr()
    assert train(monkeypatch, str(music), "--out", "mine", "--from", "./first", "--epochs", "1", "--json") == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert list(said) == ["valid", "test", "changed"]
    assert said["valid"]["joint_nats"] <= load_model("./first").card["figures"]["valid"]["joint_nats"]
    what = said["changed"]
    assert (what["origin"], what["split"], what["held_out"]) == ("./first", "test", 1)
    assert set(what["style"]["steps %"]) == {"yours", "before", "after"}
    for name in what["files"]:
        assert (Path("mine") / name).stat().st_size > 0
    assert {name.partition(".")[2] for name in what["files"]} <= {"mid", "png", "wav"}
    lines = err.splitlines()
    assert any(line.startswith("the network: ") for line in lines)
    assert any(line.startswith("the next note of the 1 take kept back (test") for line in lines)
    assert any("in 100 guesses of the next pitch" in line for line in lines)
    assert not any("oneDNN" in line or line.startswith(("I0000", "W0000", "WARNING")) for line in lines)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    music: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    assert train(monkeypatch, str(music), "--out", "mine") == 2
    assert "improv: mine/corpus.txt: can't be written (No space left on device)" in capsys.readouterr().err
    assert train(monkeypatch, str(music / "0.mid"), "--out", "mine") == 2
    assert "there is one tune alone" in capsys.readouterr().err
    assert os.listdir("mine") == []


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere.mid", "--out", "m"], "nowhere.mid: no such file or folder"),
        (["music", "--out", "m", "--from", "nobody"], "no model 'nobody'"),
        (["music", "--out", "m", "--from", "jazz", "--size", "pocket"], "keeps its own"),
        (["music", "--out", "m", "--track", "oboe"], "no usable piece in it"),
        (["music/0.mid=0", "--out", "m"], "expected a number above 0"),
    ],
)
def test_impossible_wishes_are_told(
    music: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: list[str], says: str
) -> None:
    if "oboe" in args:
        (music / "solos.jsonl").unlink()
    assert train(monkeypatch, *args) == 2
    assert says in capsys.readouterr().err.splitlines()[-1]


def test_a_model_is_not_fine_tuned_over_itself(music: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(monkeypatch, "music", "--out", str(find_model("jazz")), "--from", "jazz") == 2
    assert "give the new one a folder of its own" in capsys.readouterr().err
