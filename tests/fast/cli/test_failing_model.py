"""A model that fails where nobody could play for it: one line that says which and when, exit 2, and what was played is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mido
import pytest
from slow_thinking import FailsAfter

from improv.cli import MISUSED, main
from improv.models.model import Model


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Model) -> Any:
    monkeypatch.chdir(tmp_path)

    def after(notes: int) -> None:
        monkeypatch.setattr("improv.cli.jamming.load_model", lambda name: FailsAfter(model, notes))

    return after


def test_in_the_middle(fails: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fails(9)
    assert main(["solo", "--bars", "16", "--seed", "1", "--out", "solo.mid"]) == MISUSED
    said = capsys.readouterr().err
    assert said.startswith("improv: model small fails after ")
    assert said.endswith(" s: what the model foretells is no number; what it played until then is kept\n")
    assert said.count("\n") == 1
    messages = [m for track in mido.MidiFile("solo.mid").tracks for m in track]
    on = [m.note for m in messages if m.type == "note_on"]
    assert 1 <= len(on) <= 9
    assert sorted(on) == sorted(m.note for m in messages if m.type == "note_off")


def test_before_the_first_note(fails: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fails(0)
    assert main(["solo", "--seed", "1", "--out", "solo.mid"]) == MISUSED
    assert capsys.readouterr().err == "improv: model small fails: what the model foretells is no number\n"
    assert not Path("solo.mid").exists()
