"""`improv doctor`: it finds what is wrong, says what to do, and never falls ill itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from improv.bench import findings as room
from improv.cli import main
from improv.core.errors import ImprovError


def test_where_no_midi_answers_it_says_so_and_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("improv.midi.ports.working_apis", dict)
    assert main(["doctor", "--json"]) == 1
    findings = {f["what"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    assert findings["MIDI"]["how"] == "broken"
    assert findings["MIDI"]["mend"]
    assert findings["model"]["how"] == "ok"


def test_all_is_well_where_all_is_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(room, "LOOKS", (lambda: [room.Finding("MIDI", room.FINE, "jack")],))
    assert main(["doctor"]) == 0
    assert "ok      MIDI: jack" in capsys.readouterr().out


def test_it_looks_at_a_daemons_configuration(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr(room, "LOOKS", ())
    monkeypatch.setattr("improv.midi.ports.working_apis", lambda: {"any": 0})
    monkeypatch.setattr("improv.midi.ports.listed", lambda api: (["Keystation 61"], ["synth"]))
    path = tmp_path / "improv.toml"
    control = f'[control]\nsocket = "{tmp_path}/ctl"\n'
    path.write_text(control + '[[input]]\nname = "keys"\nport = "Keystation"\n[[performer]]\nname = "sax"\noutput = "moog"\n')
    assert main(["doctor", "--config", str(path), "--json"]) == 0
    found = {f["what"]: (f["how"], f["text"]) for f in json.loads(capsys.readouterr().out)["findings"]}
    assert found == {
        "configuration": ("ok", f"{path}: sax"),
        "output sax": ("poor", "'moog' is not here; a daemon waits for it"),
        "daemon": ("ok", "none performs by this configuration now"),
    }
    path.write_text('modle = "jazz"\n')
    assert main(["doctor", "--config", str(path)]) == 1
    assert "BROKEN  configuration: " in capsys.readouterr().out


def test_a_look_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def _weights() -> list[room.Finding]:
        raise ImprovError("the weights are torn")

    def _sky() -> list[room.Finding]:
        raise RuntimeError("it fell")

    monkeypatch.setattr(room, "LOOKS", (_weights, _sky))
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "BROKEN  weights: the weights are torn" in said
    assert "poor    sky: could not be looked at (RuntimeError: it fell)" in said
