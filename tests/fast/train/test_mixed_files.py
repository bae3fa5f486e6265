"""`improv train` and `jam --player` agree on what is readable. scripts/compare_readers.py makes longer rounds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import mixed_files
import pytest
from mixed_files import KINDS, compared, mixed

from improv.core.metres import Metres
from improv.midi.files import read_part

ROUND = 3 * len(KINDS)


def test_a_jam_and_training_read_the_same_files_and_the_same_in_them(tmp_path: Path) -> None:
    told: Counter[str] = Counter()
    for kind, name, blob in mixed(ROUND, seed=7):
        path = tmp_path / name
        path.write_bytes(blob)
        found = compared(path)
        assert not found.differs, f"{kind}: {found.differs}"
        told[found.told] += 1
    assert told["read by both"] >= 54
    assert told["refused by both"] >= 12
    assert told["no melody to learn from, for a jam alone"] >= 3  # one note, or a bass alone


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda part: replace(part, metres=Metres.of(5, 4)), "bars: jam"),
        (lambda part: replace(part, pickup=1.0), "bars: jam"),
        (lambda part: replace(part, events=part.events[2:]), "is not heard by a jam"),
        (lambda part: replace(part, events=[replace(e, time=e.time * 1.1) for e in part.events]), "is not heard by a jam"),
    ],
)
def test_the_comparison_sees_what_is_not_the_same(change, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.mid"
    path.write_bytes(next(blob for kind, _, blob in mixed(len(KINDS), seed=1) if kind == "a line"))
    monkeypatch.setattr(mixed_files, "read_part", lambda path: change(read_part(path)))
    assert says in compared(path).differs
