"""Pictures of an evaluation: what is drawn, from what, and that it is there whole or not at all."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from made_up import record, written

from improv.cli import main
from improv.core.events import NoteOff, NoteOn
from improv.core.harmony import parse_changes
from improv.train.evaluation.figures import SoloLine, known_n_grams, samples
from improv.train.evaluation.pictures import PANELS, histograms, roll_of, told

CHANGES = parse_changes("Cmaj7 | G7")
PNG = b"\x89PNG\r\n\x1a\n"


def size(picture: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    assert picture.startswith(PNG)
    return struct.unpack(">II", picture[16:24])


def test_solos_count_alike_where_solos_are_compared_and_notes_where_notes_are() -> None:
    short, long = SoloLine([(0, 60), (1, 64)], CHANGES), SoloLine([(i, p) for i, p in enumerate([60, 61, 63, 61] * 4)], CHANGES)
    both = told([samples(line, known_n_grams([])) for line in (short, long)])
    assert both["chord tones"].tolist() == [100, 12.5]  # C alone, and over G7 nothing
    assert both["range"].tolist() == [4, 3]
    assert len(both["iois"]) == 1 + 15
    assert len(both["phrase notes"]) == 2


def test_any_samples_are_drawn_even_none() -> None:
    rng = np.random.default_rng(0)
    some = {p.of: rng.normal(p.low, 10 * p.step, 50) for p in PANELS} | {"intervals": rng.integers(0, 15, 50).astype(float)}
    none = {name: np.zeros(0) for name in some}
    assert size(histograms(some, some)) == size(histograms(none, some)) == size(histograms(some, none))


def test_a_roll_is_of_the_first_bars() -> None:
    line = SoloLine([(-0.5, 60), (0, 62), (3.5, 64), (4, 65)], CHANGES, durations=[0.5, 1, 2, 1])
    assert roll_of(line, bars=1) == [NoteOn(0, 62, 100), NoteOff(1, 62), NoteOn(3.5, 64, 100), NoteOff(4, 64)]


def test_eval_draws_both_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = str(written(tmp_path / "c.jsonl", record()))
    assert main(["eval", "jazz", corpus, "--improvise", "2", "--png", str(tmp_path / "out.png")]) == 0
    assert sorted(p.name for p in tmp_path.glob("out*")) == ["out-roll.png", "out.png"]
    assert all(min(size(p.read_bytes())) > 200 for p in tmp_path.glob("out*"))
    assert "out-roll.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--png", "out.png"], "--improvise"),
        (["--improvise", "1", "--png", "out.pdf"], ".png"),
        (["--improvise", "1", "--png", "nowhere/out.png"], "no folder"),
    ],
)
def test_what_can_not_be_drawn_is_said_before_anything_is_played(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["eval", "jazz", "none.jsonl", *words]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
