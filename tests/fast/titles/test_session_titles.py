"""The titles of sessions: in the record's first line, in the list, in the replay; and never in the way."""

import json
import re
import shutil
from pathlib import Path

import pytest

from improv.cli import main
from improv.models.card import ModelError
from improv.models.loader import find_model, load_model
from improv.titles.draw import load_titles, titled
from improv.titles.load import load_texts
from improv.titles.titles import LONGEST, SHORTEST

CALL = str(Path(__file__).parents[3] / "improv" / "demo" / "call.mid")
SHIPPED = Path(__file__).parents[3] / "models" / "titles"


def jam(tmp_path: Path, name: str, seed: int = 7) -> dict:
    path = tmp_path / f"{name}.jsonl"
    assert main(["jam", "--player", CALL, "--fast", "--seed", str(seed), "--session", str(path), "--json"]) == 0
    return json.loads(path.read_text().splitlines()[0])


def test_the_shipped_model_is_small_and_its_titles_read_like_titles() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 10**6
    drawn = [titled(seed) for seed in range(60)]
    assert drawn == [titled(seed) for seed in range(60)]
    found = [said["title"] for said in drawn if said]
    assert len(found) == 60
    assert len(set(found)) >= 55
    for title in found:
        assert SHORTEST <= len(title) <= LONGEST
        assert re.fullmatch(r"[A-Z'][A-Za-z' -]*", title)


def test_its_card_holds_no_title_that_it_learned_from() -> None:
    titles = load_titles()
    assert titles.wrong("rising sun") == "copy"
    assert "rising" not in (SHIPPED / "card.json").read_text().lower()
    assert b"rising" not in (SHIPPED / "weights.safetensors").read_bytes().lower()


def test_a_session_has_a_title_which_the_list_and_the_replay_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = jam(tmp_path, "one")
    assert header["title"] == titled(7)["title"]
    assert json.loads(capsys.readouterr().out)["title"] == header["title"]
    assert main(["sessions", "--folder", str(tmp_path)]) == 0
    head, row, _ = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["session", "title", "length"]
    assert row.startswith(f"one.jsonl {header['title']} ")
    assert main(["sessions", "--folder", str(tmp_path), "--json"]) == 0
    assert [kept["title"] for kept in json.loads(capsys.readouterr().out)] == [header["title"]]
    assert main(["replay", str(tmp_path / "one.jsonl")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f'"{header["title"]}"'
    assert main(["replay", str(tmp_path / "one.jsonl"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == header["title"]


@pytest.mark.parametrize("title", [None, 7, "\x1b[2J" + 100 * "x"])
def test_a_strange_title_does_no_harm(title: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = jam(tmp_path, "one")
    path = tmp_path / "one.jsonl"
    first, rest = path.read_text().split("\n", 1)
    path.write_text(json.dumps(json.loads(first) | {"title": title}) + "\n" + rest)
    capsys.readouterr()
    assert main(["sessions", "--folder", str(tmp_path)]) == 0
    assert main(["replay", str(path)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert 41 * "x" not in said
    assert header["title"] not in said


def test_without_the_model_or_with_a_broken_one_it_plays_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_title = jam(tmp_path, "one")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SHIPPED, tmp_path / "models" / "titles")  # found before what came with improv
    (tmp_path / "models" / "titles" / "weights.safetensors").write_bytes(b"torn")
    without = jam(tmp_path, "two")
    assert without | {"title": with_title["title"], "started": with_title["started"]} == with_title
    assert "title" not in without
    assert (tmp_path / "one.jsonl").read_text().splitlines()[1:-1] == (tmp_path / "two.jsonl").read_text().splitlines()[1:-1]
    assert titled(7, "no such model") == {}
    assert main(["sessions", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["titles", "models/titles"])
def test_nobody_jams_with_it(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(SHIPPED.parent.parent)
    with pytest.raises(ModelError, match=r"writes texts, such as titles, and plays no lines; models that play: .*jazz.*pocket"):
        load_model(name)
    assert main(["jam", "--player", CALL, "--fast", "--model", name]) == 2
    with pytest.raises(ModelError) as e:
        find_model("jaz")
    assert "titles" not in str(e.value)


def test_a_model_that_plays_writes_no_texts() -> None:
    with pytest.raises(ModelError, match="at most"):
        load_texts("jazz")
