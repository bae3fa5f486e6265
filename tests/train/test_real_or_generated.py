"""`improv eval --real-or-generated`: both judges, and what tells, with scikit-learn and Keras."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_up import record, written

from improv.cli import main
from improv.core.harmony import parse_changes
from improv.train.evaluation import judges
from improv.train.evaluation.judges import Judged, auc, boosted
from improv.train.evaluation.takes import Take, TakeNote

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install '.[train]'")

CHANGES = parse_changes("Cmaj7 | G7")


def takes(sways: bool) -> list[Take]:
    """Of twenty tunes, a real one and one of ours: the same notes, and lags that sway in the real ones, if they are to."""
    found = []
    for i in range(40):
        rng = np.random.default_rng(i)
        notes = [
            TakeNote(6 * k, int(60 + rng.integers(0, 12)), 5, int(6 + rng.integers(-2, 3)) if sways and i % 2 else 6) for k in range(128)
        ]
        found.append(Take(f"take {i}", f"tune {i // 2}", i % 2 == 1, notes, CHANGES, 16, 4, 120.0, "swing"))
    return found


def test_trees_tell_what_differs_and_say_so() -> None:
    judged = Judged.of(takes(sways=True), 4)
    found, told = boosted(judged, microtiming=True, ask=True)
    assert found > 0.95
    assert told[0].name.startswith("microtiming")
    assert 0.3 < boosted(judged, microtiming=False)[0] < 0.7


def test_the_reader_of_notes_tells_what_differs() -> None:
    from improv.train.evaluation.note_judge import note_judge

    judged = Judged.of(takes(sways=True), 4)
    first = judged.tunes < 14
    learned, asked = ([w for w, is_first in zip(judged.windows, first.tolist(), strict=True) if is_first is side] for side in (True, False))
    said = note_judge(learned, judged.real[first], judged.weights(first), asked)
    assert auc(judged.real[~first], said) > 0.9


def test_the_command_prints_both_judges_and_draws_what_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judges, "FOLDS", 2)  # each fold costs a network
    corpus = str(written(tmp_path / "c.jsonl", *(record(id=f"piece {k}", title=f"tune {k}") for k in range(6))))
    assert main(["eval", "pocket", corpus, "--real-or-generated", "6", "--png", str(tmp_path / "tells.png"), "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert list(told["judged"]) == ["4 bars", "8 bars"]  # the pieces have eight
    assert set(told["judged"]["8 bars"]) >= {"AUC, trees", "AUC, trees, microtiming", "AUC, notes", "AUC, notes, microtiming"}
    assert all(0 <= told["judged"]["4 bars"][name] <= 1 for name in ("AUC, trees", "AUC, trees, microtiming"))
    assert len(told["tells"]["real"]) == 12
    assert (tmp_path / "tells.png").read_bytes().startswith(b"\x89PNG")
    assert "played 6 solos beside 6 real ones" in err
