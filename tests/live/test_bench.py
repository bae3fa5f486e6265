"""`improv bench` as a whole, on this machine's clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from improv.cli import main


def test_the_whole_bench_measures_each_part(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Few events and close together, no assertion about time: which figures there are, of how many events, and the picture."""
    monkeypatch.setattr("improv.bench.latency.GAP", (0.002, 0.004))
    png = tmp_path / "b.png"
    assert main(["bench", "--notes", "100", "--events", "40", "--json", "--png", str(png)]) == 0
    figures = json.loads(capsys.readouterr().out)
    spreads = [figures["step"], figures["lateness"]["idle"], figures["lateness"]["loaded"], figures["key_to_note"], figures["clock_lock"]]
    for row in spreads:
        assert 0 <= row["p50_us"] <= row["p99_us"] <= row["p999_us"] <= row["max_us"]
        assert row["n"] >= 30
    assert {"constant_us", "apart_p50_us", "apart_p99_us", "pulses_lost"} <= figures["clock_lock"].keys()
    assert {"times_nothing_p99", "nothing_p50_us", "nothing_p99_us"} <= figures["lateness"]["idle"].keys()
    assert figures["verdict"] == "stage-ready" or figures["verdict"].startswith("to mend: ")
    assert png.read_bytes().startswith(b"\x89PNG")
