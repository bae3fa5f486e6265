"""Sessions of before the house was rebuilt: they are the same, bit for bit. `old/README.txt` says how each was recorded.

Bit for bit where OpenBLAS has the kernels that they were recorded with. Others round otherwise, of old as well; OPENBLAS_CORETYPE=Haswell,
set before numpy is loaded, chooses those on any x86-64 with AVX2.
"""

from __future__ import annotations

import ctypes
import gzip
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from improv.cli import jamming, main
from improv.core import playing
from improv.core.harmony import parse_changes
from improv.core.hearing import HANDS
from improv.perform.performers import Song

OLD = Path(__file__).parent / "old"
SESSIONS = sorted(p.name.removesuffix(".jsonl.gz") for p in OLD.glob("*.jsonl.gz"))
SAID: dict[str, dict[str, Any]] = json.loads((OLD / "said.json").read_text(encoding="utf-8"))  # by the code that recorded them
# What is heard otherwise since `core.hearing` 2: all notes off, or the pedal, ends no turn and keeps none away. Their records replay.
HEARD_OTHERWISE = {f"offline-{what}" for what in ("trade-pedal", *(f"{mode}-silence-ccs" for mode in ("trade", "solo", "echo", "duet")))}
READ_ANEW = ("offline-comp-learned-changes", "offline-trade-pocket-fancy-changes")  # symbols such as F7b9, now read as written
OFFLINE: dict[str, list[str]] = json.loads((OLD / "offline.json").read_text(encoding="utf-8"))  # what `improv jam` was asked


def kernels() -> str:
    """Which of its kernels OpenBLAS chose."""
    for path in (Path(np.__file__).parent.parent / "numpy.libs").glob("*openblas*"):
        name = getattr(ctypes.CDLL(str(path)), "scipy_openblas_get_corename64_", None)
        if name is not None:
            name.restype = ctypes.c_char_p
            return str(name().decode())
    return "unknown"


pytestmark = pytest.mark.skipif(kernels() not in ("Haswell", "Zen"), reason=f"recorded with kernels for Haswell, here are {kernels()}")


def unpacked(name: str, folder: Path) -> Path:
    """A session in a folder, and beside it what it began with: a state, a profile."""
    for packed in OLD.glob(f"{name}.*.gz"):
        (folder / packed.name.removesuffix(".gz")).write_bytes(gzip.decompress(packed.read_bytes()))
    return folder / f"{name}.jsonl"


def events(path: Path) -> list[str]:
    """Its lines without the first, which has a date, and the last, which has figures of the machine."""
    return [line for line in path.read_text(encoding="utf-8").splitlines()[1:] if not line.startswith('{"end":')]


def test_all_of_them_are_here() -> None:
    assert set(SESSIONS) == set(SAID)
    assert set(OFFLINE) < set(SAID)


@pytest.mark.parametrize("name", SESSIONS)
def test_an_old_session_is_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    session = unpacked(name, tmp_path)
    monkeypatch.chdir(tmp_path)
    code = main(["replay", session.name, "--to", "take.mid", "--json"])
    report = json.loads(capsys.readouterr().out)
    expected = SAID[name]["report"]
    assert {key: report[key] for key in expected if key != "why"} == {key: said for key, said in expected.items() if key != "why"}
    assert code == SAID[name]["code"] == (1 if name.endswith("DIFFERS") else 0)
    assert report["same"] is (code == 0)
    assert hashlib.sha256(Path("take.mid").read_bytes()).hexdigest() == SAID[name]["take"]  # so it is in the same bars, too


@pytest.mark.parametrize("name", sorted(OFFLINE))
def test_what_a_file_played_is_answered_as_before_line_for_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way again, by the first rules of playing: from the player's MIDI file by `improv jam` to the session's file."""
    before = unpacked(name, tmp_path)
    monkeypatch.chdir(OLD / "midi")
    monkeypatch.setattr(jamming, "Song", partial(Song, playing=playing.FIRST, hearing=HANDS - 1, reading=1))
    monkeypatch.setattr(jamming, "set_changes", lambda args: None)  # nothing was heard in the player's file
    if name in READ_ANEW:
        monkeypatch.setattr(jamming, "parse_changes", partial(parse_changes, reading=1))
    assert main(["jam", *OFFLINE[name], "--fast", "--quiet", "--session", str(tmp_path / "now.jsonl")]) == 0
    capsys.readouterr()
    assert (events(tmp_path / "now.jsonl") == events(before)) is (name not in HEARD_OTHERWISE)
