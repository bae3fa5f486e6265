"""The tutorials' scripts for names, poems and titles, on texts that the test writes."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"
POEM = "The moon is old and round,\nThe mill goes up and down,\n\n"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: object, **constants: object) -> int:
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    module = script(name)
    for constant, value in constants.items():
        monkeypatch.setattr(module, constant, value)
    return int(module.main())


def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "names.txt").write_text("Anos\n Bavi-2\n\nCeltor\n")
    assert script("tutorial_dinos").names_of("Anos\n Bavi-2\n\nCeltor\n") == ["anos", "bavi", "celtor"]
    assert run(monkeypatch, "tutorial_dinos", tmp_path / "names.txt", "--steps", 30) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("step      0  loss 23.07  ")
    assert last.startswith("step     30  loss 22.9")  # three names of 17 letters and ends, against seven letters' chance
    (tmp_path / "none.txt").write_text("\n")
    assert run(monkeypatch, "tutorial_dinos", tmp_path / "none.txt") == 2
    assert "no names to learn from" in capsys.readouterr().err


def test_poems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "poems.txt").write_text(POEM * 10)
    small = ("--epochs", 1, "--units", 8, "--lines", 2, "--model", tmp_path / "kept")
    assert run(monkeypatch, "tutorial_poem", tmp_path / "poems.txt", "--start", "The old", *small) == 0
    told = capsys.readouterr().out
    assert "9 poems learned, 1 held out: " in told
    poem = told.split("\n\n")[1]
    assert poem.startswith("The old")
    assert run(monkeypatch, "tutorial_poem", tmp_path / "poems.txt", "--start", "The old", *small) == 0
    assert capsys.readouterr().out == poem  # what is kept is not trained again
    assert run(monkeypatch, "tutorial_poem", tmp_path / "poems.txt", "--start", "Żółw", *small) == 2
    assert "which the model never saw" in capsys.readouterr().err


def test_poems_are_cut_into_lines_of_three_and_none_is_lost() -> None:
    module = script("tutorial_poem")
    poems = module.poems_of("a\n b  c\nd\ne\n\n \nf\n")
    assert poems == ["a\nb c\nd\ne\n", "f\n"]
    assert [module.passages(poem) for poem in poems] == [["a\nb c\nd", "e\n"], ["f\n"]]


def test_titles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["mill", "glen", "hill", "moon", "jug"]
    (tmp_path / "titles.txt").write_text("".join(f"The {a.title()} Of {b.title()}\n" for a in words for b in words) + "Bad Jug\n")
    (tmp_path / "poems.txt").write_text(POEM)
    arguments = (tmp_path / "titles.txt", "--first", tmp_path / "poems.txt", "--leave-out", "bad", "--out", tmp_path / "made", "--units", 8)
    assert run(monkeypatch, "train_titles", *arguments, "--epochs", 1, 1, TRIED=20, SHOWN=1) == 0
    card = json.loads((tmp_path / "made" / "card.json").read_text())
    assert card["trained_on"]["titles"] == "23 titles of public-domain tunes; 2 held out"
    assert 1.0 < card["held_out_nats_a_character"] < 4.0
    capsys.readouterr()
    assert run(monkeypatch, "train_titles", *arguments, "--again", TRIED=20, SHOWN=1) == 0
    assert json.loads((tmp_path / "made" / "card.json").read_text()) == card
