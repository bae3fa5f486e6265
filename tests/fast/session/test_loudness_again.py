"""A model that has learned how loud its notes are: what it played comes again bit for bit, and where it has unlearned that it says so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from improv.cli import main
from improv.cli.demo import DEMO_CALL
from improv.core.events import NoteOn
from improv.models.accented import FILE, blob_of
from improv.models.loader import find_model, load_accents, load_model
from improv.session import Session


def struck(path: Path) -> list[tuple[float, int, int]]:
    """Time, pitch and velocity of what was played."""
    events = [line.event for line in Session(path).lines() if line.side == "played"]
    return [(e.time, e.pitch, e.velocity) for e in events if isinstance(e, NoteOn)]


def test_learned_loudness_is_played_and_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "models" / "mine"
    shutil.copytree(find_model("pocket"), mine)
    card = json.loads((mine / "card.json").read_text())
    blob, said = blob_of(load_accents())
    (mine / FILE).write_bytes(blob)
    (mine / "card.json").write_text(json.dumps(card | {"name": "mine", "accents": said}))
    monkeypatch.chdir(tmp_path)
    assert load_model("mine").accents is not None
    jam = ["jam", "--player", str(DEMO_CALL), "--fast", "--changes", "Dm7 | G7 | Cmaj7 | A7", "--seed", "5", "--quiet"]
    for model in ("mine", "pocket"):
        assert main([*jam, "--model", model, "--session", f"{model}.jsonl"]) == 0
    learned, by_rule = (struck(Path(f"{model}.jsonl")) for model in ("mine", "pocket"))
    assert [note[:2] for note in learned] == [note[:2] for note in by_rule]
    assert [note[2] for note in learned] != [note[2] for note in by_rule]
    assert json.loads(Path("mine.jsonl").read_text().splitlines()[0])["performers"][0]["model"]["accents"] == said["sha256"][:12]
    capsys.readouterr()
    assert main(["replay", "mine.jsonl"]) == 0
    (mine / "card.json").write_text(json.dumps(card | {"name": "mine"}))
    assert main(["replay", "mine.jsonl"]) == 1
    assert f"why: improv: the loudness that mine has learned was {said['sha256'][:12]}, is none" in capsys.readouterr().out
