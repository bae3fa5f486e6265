"""A folder of sessions: listed from their first and last lines, and pruned by age and size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from improv.cli import main
from improv.core.events import Mark, NoteOn
from improv.session import Recorder, SessionError, cut_off, prune, sessions

DAY = 86400.0


def session(folder: Path, name: str, started: str, *lines: str, end: bool = True, written: float | None = None) -> Path:
    path = folder / f"{name}.jsonl"
    head = json.dumps({"session": 1, "started": started}, separators=(",", ":"))
    last = {
        "end": {"reason": "SIGINT", "time": 75.5, "lateness_ms": {"p99": 0.4}, "notes": {"heard": 2, "played": 5, "filled": 1, "marks": 3}}
    }
    path.write_text("\n".join([head, *lines, *([json.dumps(last)] if end else [])]) + "\n")
    if written is not None:
        os.utime(path, (written, written))
    return path


NOTE = '{{"{}":"NoteOn","time":{},"pitch":60,"velocity":80,"channel":0,"part":0}}'


def test_sessions_are_listed_the_newest_last_and_what_is_wrong_is_told(tmp_path: Path) -> None:
    session(tmp_path, "b", "2026-11-21T20:00:00+0000")
    cut = [NOTE.format("heard", 1.5), NOTE.format("played", 2.0), '{"heard":"Mark","time":61.0,"text":"x"}']
    session(tmp_path, "a", "2026-11-21T22:00:00+0100", *cut, '{"heard":"No', end=False)
    (tmp_path / "empty.jsonl").write_text("")
    os.utime(tmp_path / "empty.jsonl", (0, 0))
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "folder.jsonl").mkdir()
    found = sessions(tmp_path)
    assert [(k.path.name, k.state, k.seconds, k.heard, k.played, k.filled, k.marks, k.late, k.reason) for k in found] == [
        ("empty.jsonl", "damaged", None, 0, 0, 0, 0, None, "empty, or its first line is no JSON"),
        ("b.jsonl", "whole", 75.5, 2, 5, 1, 3, 0.4, "SIGINT"),
        ("a.jsonl", "cut", 61.0, 1, 1, 0, 1, None, "no end was written"),
    ]


def test_whether_the_last_one_was_cut_off(tmp_path: Path) -> None:
    assert not cut_off(tmp_path)
    assert not cut_off(tmp_path / "none")
    session(tmp_path, "a", "2026-11-21T20:00:00+0000", NOTE.format("played", 2.0), end=False)
    os.utime(tmp_path / "a.jsonl", (1000, 1000))
    assert cut_off(tmp_path)
    session(tmp_path, "b", "2026-11-21T22:00:00+0000")
    assert not cut_off(tmp_path)


def test_a_session_that_is_being_recorded_is_told_apart_and_never_removed(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "now.jsonl", {"started": "2026-11-21T20:00:00+0000"})
    recorder.heard(NoteOn(0.5, 60, 80))
    assert [k.state for k in sessions(tmp_path)] == ["running"]
    assert prune(tmp_path, 0.0, 0.0, now=1e12) == []
    recorder.heard(Mark(1.0))
    recorder.ended({"reason": "over", "time": 2.0})
    assert [(k.state, k.heard, k.marks) for k in sessions(tmp_path)] == [("whole", 1, 1)]
    assert prune(tmp_path, 0.0, 0.0, now=1e12) == [tmp_path / "now.jsonl"]


def test_old_sessions_go_first_by_age_and_then_by_size(tmp_path: Path) -> None:
    now = 100 * DAY
    paths = [session(tmp_path, f"s{i}", "", "x" * 300_000, written=(90 + i) * DAY) for i in range(6)]
    assert prune(tmp_path, None, None, now) == []
    assert prune(tmp_path, 9.5, None, now) == paths[:1]
    assert prune(tmp_path, None, 1.0, now, current=paths[1]) == paths[2:4]
    assert prune(tmp_path, None, 0.65, now) == paths[1:2]
    assert prune(tmp_path, 1e9, 1e9, now) == []
    assert sorted(tmp_path.iterdir()) == paths[4:]


def test_only_what_is_a_session_is_removed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.jsonl"
    session(tmp_path, "outside", "")
    folder = tmp_path / "sessions"
    folder.mkdir()
    (folder / "link.jsonl").symlink_to(outside)
    (folder / "data.jsonl").write_text('{"mine": 1}\n')
    (folder / "song.mid").write_bytes(b"MThd")
    (folder / "below.jsonl").mkdir()
    before = sorted(folder.iterdir())
    assert prune(folder, 0.0, 0.0, now=1e12) == []
    assert sorted(folder.iterdir()) == before
    assert outside.exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert prune(tmp_path / "none", 0.0, 0.0, now=1e12) == []
    with pytest.raises(SessionError, match="can't be listed"):
        sessions(tmp_path / "none")


def test_sessions_in_which_nothing_was_played_are_left_out_of_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session(tmp_path, "b", "2026-11-21T20:00:00+0000")
    silent = json.dumps({"end": {"reason": "SIGINT", "time": 3.0, "notes": {"heard": 0, "played": 0, "filled": 0, "marks": 0}}})
    session(tmp_path, "silent", "2026-11-21T21:00:00+0000", silent, end=False)
    session(tmp_path, "marked", "2026-11-21T22:00:00+0000", silent.replace('"marks": 0', '"marks": 1'), end=False)
    assert [k.empty for k in sessions(tmp_path)] == [False, True, False]
    for more, listed in (([], False), (["--all"], True)):
        assert main(["sessions", "--folder", str(tmp_path), *more]) == 0
        said = capsys.readouterr().out
        assert ("silent.jsonl" in said, "in 1 more nothing was played (--all lists them)" in said) == (listed, not listed)
        assert "marked.jsonl" in said
    assert main(["sessions", "--folder", str(tmp_path), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
    (tmp_path / "b.jsonl").unlink()
    (tmp_path / "marked.jsonl").unlink()
    assert main(["sessions", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no sessions in {tmp_path}; in 1 more nothing was played (--all lists them)\n"


def test_the_command_lists_and_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session(tmp_path, "b", "2026-11-21T20:00:00+0000")
    end = json.dumps({"end": {"reason": "\x1b[2J", "notes": [], "lateness_ms": "?", "time": 1e999}})
    session(tmp_path, "c", "nonsense", end, end=False)
    assert main(["sessions", "--folder", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "b.jsonl  0:01:15       2       6    0.4 ms     3" in said
    assert "\x1b" not in said
    assert main(["sessions", "--folder", str(tmp_path), "--json"]) == 0
    assert {k["reason"] for k in json.loads(capsys.readouterr().out)} == {"SIGINT", "\x1b[2J"}
    assert main(["sessions", "--folder", str(tmp_path / "none")]) == 2


def test_listing_reads_heads_and_tails_alone(tmp_path: Path) -> None:
    """A session of a terabyte, nearly all of it a hole."""
    path = session(tmp_path, "big", "2026-11-21T20:00:00+0000")
    tail = path.read_bytes()
    try:
        with open(path, "r+b") as file:
            file.truncate(2**40)
            file.seek(0, os.SEEK_END)
            file.write(b"\n" + tail.splitlines(keepends=True)[-1])
    except OSError:
        pytest.skip("no files with holes here")
    assert [(k.state, k.played) for k in sessions(tmp_path)] == [("whole", 5)]


def test_a_running_session_is_seen_from_another_process(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("no locks on Windows")
    recorder = Recorder(tmp_path / "now.jsonl", {})
    code = f"from improv.session import prune, sessions; print(sessions({str(tmp_path)!r})[0].state, prune({str(tmp_path)!r}, 0, 0, 1e12))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    recorder.ended({})
    assert said == "running []\n"
