"""The script that learns accents: what it finds in melodies whose accents are known."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from improv.core.line.dynamics import REGISTERS

SCRIPT = Path(__file__).parents[3] / "scripts" / "learn_accents.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("learn_accents", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["learn_accents"] = module
    spec.loader.exec_module(module)
    return module


def song(seed: int, **changed: Any) -> dict[str, Any]:
    """Eighths at 120 bpm; on the beat 12 louder than off it, higher notes louder by 2 a semitone, and some noise."""
    rng = np.random.default_rng(seed)
    pitches = rng.integers(58, 70, 128).tolist()
    velocities = [80 + 12 * (i % 2 == 0) + 2 * (p - 64) + round(rng.normal(0, 2)) for i, p in enumerate(pitches)]
    melody = [[0.25 * i, 0.2, p, int(v)] for i, (p, v) in enumerate(zip(pitches, velocities, strict=True))]
    return {"melody": melody, "beats": [[0.5 * i, 0, int(i % 4 == 0)] for i in range(65)]} | changed


def test_accents_that_are_there_are_found(script: ModuleType) -> None:
    songs = [script.song_of(song(seed)) for seed in range(20)]
    w = script.learn(songs[:16])
    told, error, _ = script.figures(songs[16:], w)
    assert told > 0.85
    assert error < 3
    place, register = w[:24].reshape(4, 6), w[-len(REGISTERS) - 1 :]
    assert place[0, 2] - place[2, 2] == pytest.approx(12 / songs[0].spread, rel=0.15)
    assert np.all(np.diff(register[2:8]) > 0)
    assert script.figures(songs[16:], None) == (
        0,
        pytest.approx(np.abs(np.concatenate([s.velocity - s.mean for s in songs[16:]])).mean()),
        0,
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"melody": song(0)["melody"][:40]},
        {"melody": [[on, long, pitch, 90] for on, long, pitch, _ in song(0)["melody"]]},
        {"beats": [[0.5 * i, 0, int(i % 3 == 0)] for i in range(65)]},
    ],
    ids=["short", "all alike", "in 3/4"],
)
def test_songs_that_tell_nothing_are_left_out(script: ModuleType, broken: dict[str, Any]) -> None:
    assert script.song_of(song(0, **broken)) is None


def test_the_tables_are_written_as_python(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, out = tmp_path / "songs.jsonl.gz", tmp_path / "accents.py"
    with gzip.open(corpus, "wt") as lines:
        lines.writelines(json.dumps(song(seed)) + "\n" for seed in range(10))
    monkeypatch.setattr(sys, "argv", ["learn_accents.py", str(corpus), str(out)])
    script.main()
    said: dict[str, Any] = {}
    exec(out.read_text(), said)
    assert len(said["PLACE_AND_LENGTH"]) == 4
    assert len(said["LENGTH"]) == len(said["PLACE_AND_LENGTH"][0])
    assert said["PLACE_AND_LENGTH"][0][2] > 0 > said["PLACE_AND_LENGTH"][2][2]
    assert "all tables" in capsys.readouterr().out
