"""`improv ctl` against a socket that replies as the test wants."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_performance import STATUS

from improv.cli import main
from improv.cli.ctl import described
from improv.control import local_socket
from improv.control.status import Status

DAY = 1_795_012_000 + 86_400 + 3 * 3600


@contextmanager
def replying(path: Path, *replies: bytes) -> Iterator[list[dict[str, Any]]]:
    """A daemon that has these replies, one a connection."""
    listening, asked = local_socket.listen(path), []
    listening.sock.setblocking(True)

    def serve() -> None:
        for reply in replies:
            sock: socket.socket = listening.sock.accept()[0]
            with sock, sock.makefile("rb") as lines:
                asked.append(json.loads(lines.readline()))
                sock.sendall(reply)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield asked
    thread.join(10)
    listening.close()


@pytest.mark.parametrize(
    ("words", "request_"),
    [
        ("status", {"do": "status"}),
        ("set temperature 0.9", {"do": "set", "name": "temperature", "value": "0.9"}),
        ("set loudness -5 --performer left", {"do": "set", "name": "loudness", "value": "-5", "performer": "left"}),
        ("mode trade", {"do": "set", "name": "mode", "value": "trade"}),
        ("mode duet --performer left", {"do": "set", "name": "mode", "value": "duet", "performer": "left"}),
        ("model pocket", {"do": "model", "name": "pocket"}),
        ("preset calm", {"do": "preset", "name": "calm"}),
        ("mood hope and wonder", {"do": "mood", "text": "hope and wonder"}),
        ("chart save blues", {"do": "chart", "what": "save", "name": "blues"}),
        ("save calm", {"do": "save", "name": "calm"}),
        ("keep mood", {"do": "keep", "name": "mood"}),
        ("recall mood --performer right", {"do": "recall", "name": "mood", "performer": "right"}),
        ("back mood", {"do": "recall", "name": "mood"}),
        ("learn temperature", {"do": "learn", "name": "temperature"}),
        ("unlearn temperature", {"do": "unlearn", "name": "temperature"}),
        ("panic", {"do": "panic"}),
        ("mark", {"do": "mark"}),
        ("mark good bit", {"do": "mark", "text": "good bit"}),
        ("capture", {"do": "capture", "bars": 16}),
        ("capture --bars 8 --to /x/a.mid", {"do": "capture", "bars": 8, "file": "/x/a.mid"}),
        ("reload", {"do": "reload"}),
        ("stop", {"do": "stop"}),
    ],
)
def test_words_become_requests(words: str, request_: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "control.sock"
    with replying(path, b'{"ok": true}\n') as asked:
        assert main(["ctl", "--json", "--socket", str(path), *words.split()]) == 0
    assert (asked, json.loads(capsys.readouterr().out)) == ([request_], {"ok": True})


@pytest.mark.parametrize(
    ("replies", "code", "out", "err"),
    [
        ([b'{"ok": true, "text": "temperature 0.9"}\n'], 0, "temperature 0.9\n", ""),
        ([b'{"ok": true, "file": "/x/a.mid", "bars": 16}\n'], 0, "file /x/a.mid, bars 16\n", ""),
        ([b'{"ok": true}\n'], 0, "done\n", ""),
        ([b'{"ok": true, "text": "\\u001b[2Jgone"}\n'], 0, "?[2Jgone\n", ""),
        ([b'{"ok": false, "error": "no setting \'x\'"}\n'], 2, "", "improv: no setting 'x'\n"),
        ([b'{"ok": false, "busy": true, "error": "too many"}\n', b'{"ok": true}\n'], 0, "done\n", ""),
        ([b""], 1, "", "does not reply: it ended without a reply"),
        ([b"what?\n"], 1, "", "does not reply: its reply is not understood"),
    ],
)
def test_replies_become_words_and_codes(
    replies: list[bytes], code: int, out: str, err: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "control.sock"
    with replying(path, *replies):
        assert main(["ctl", "panic", "--socket", str(path)]) == code
    said = capsys.readouterr()
    assert said.out == out
    assert err in said.err
    assert said.err.count("\n") == (1 if err else 0)


def test_where_no_daemon_is_one_line_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "control.sock"
    assert main(["ctl", "status", "--socket", str(path)]) == 3
    assert capsys.readouterr().err == f"improv: no daemon is running at {path}\n"
    local_socket.listen(path).sock.close()  # a stale one, through the environment
    monkeypatch.setenv("IMPROV_SOCKET", str(path))
    assert main(["ctl", "panic", "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == {"ok": False, "error": f"no daemon is running at {path}"}


def test_the_status_in_a_few_lines() -> None:
    lines = list(described(STATUS, 0.2, DAY))
    assert lines[0].startswith("performing since 2026-11-18 14:26")
    assert lines[0].endswith("(1 d 3 h), session 2026-11-21T20-15.jsonl")
    assert lines[1:] == [
        "clock internal, 132.0 bpm, bar 3, beat 2, running",
        "  left   trade, jazz, temperature 1.1, quotes 27 %, 13 notes at most -> FLUID",
        "  right  comp, pocket, temperature 0.9 -> Synth (MISSING)",
        "heard 40, played 30, filled 1, dropped 0, sounding 1, queue 0, reconnects 2",
        "lateness in ms: 0.10 p50, 0.40 p99, 1.25 p99.9, 3.00 worst; a model step 117 us; SCHED_FIFO 60",
        "MISSING: input keys (Keystation), output of right (Synth)",
    ]
    assert list(described(Status(), 60, DAY))[1] == "ATTENTION: nothing was heard from the performance for 60 s"


def test_it_loads_nothing_of_the_music(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom improv.cli import main\n"
        f"main(['ctl', 'status', '--socket', {str(tmp_path / 'none')!r}])\n"
        "print([m for m in ('numpy', 'improv.core.settings', 'dataclasses', 'asyncio', 'mido') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"
