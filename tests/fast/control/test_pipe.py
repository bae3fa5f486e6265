"""The performance's end of the pipe, with the server as a process: what it survives, and that it never outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest
from fake_performance import STATUS

from improv.control import local_socket
from improv.control.performance_end import PerformanceEnd, introduction
from improv.control.status import Lateness, Status, as_json
from improv.core.errors import ImprovError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="tells of Unix sockets and signals")


@dataclass(frozen=True)
class Performer:
    name: str


@dataclass(frozen=True)
class Section:
    socket: Path | None
    osc: None = None
    metrics: None = None


@dataclass(frozen=True)
class Config:
    control: Section
    performers: tuple[Performer, ...] = (Performer("left"), Performer("right"))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    if request["do"] == "preset":
        raise ImprovError("no preset 'calm'; there are wild")
    if request["do"] == "reload":
        return {"ok": True, "text": [1j]}["stop"]
    if request["do"] == "keep":
        return {"ok": True, "text": 1j}
    return {"ok": True, "asked": request}


@contextmanager
def controlled(folder: Path, **more: Any) -> Iterator[tuple[PerformanceEnd, list[str]]]:
    logged: list[str] = []
    with PerformanceEnd(Config(Section(folder / "control.sock")), answer, logged.append, **more) as control:
        assert control.wait(30)
        yield control, logged


def ask(path: Path, **request: Any) -> dict[str, Any]:
    with local_socket.connect(path, 30) as sock:
        return local_socket.converse(sock, request)


def ask_status(path: Path) -> dict[str, Any]:
    return until(lambda: (reply := ask(path, do="status")).get("ok") and reply)


def until(found: Callable[[], Any]) -> Any:
    """What is found, once it is; an error after half a minute."""
    over = monotonic() + 30
    while not (what := found()):
        assert monotonic() < over
        threading.Event().wait(0.01)
    return what


def test_a_conversation_through_a_process_of_its_own(tmp_path: Path) -> None:
    with controlled(tmp_path) as (control, logged):
        path = tmp_path / "control.sock"
        assert control.socket == str(path)
        read = {"do": "set", "name": "tempo", "value": 90.0}
        assert ask(path, do="set", name="tempo", value="90") == {"ok": True, "asked": read}
        assert ask(path, do="preset", name="calm") == {"ok": False, "error": "no preset 'calm'; there are wild"}
        assert ask(path, do="reload") == {"ok": False, "error": "internal error: KeyError; see the daemon's log"}
        assert "not to be written as JSON" in ask(path, do="keep", name="mood")["error"]
        control.status(STATUS)
        until(lambda: ask_status(path).get("status") == as_json(STATUS))  # it comes by another way than who asks
        child = control.child
        assert child is not None
        assert os.getsid(child) == child  # the terminal's signals do not reach it
        assert os.getpriority(os.PRIO_PROCESS, child) >= os.getpriority(os.PRIO_PROCESS, 0)
        if sys.platform == "linux":
            assert os.sched_getscheduler(child) == os.SCHED_BATCH
    assert not path.exists()
    assert not alive(child)
    assert [line for line in logged if "internal error" not in line and "JSON" not in line] == []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_status_never_waits_however_many_there_are(tmp_path: Path) -> None:
    with controlled(tmp_path) as (control, _):
        os.kill(control.child, signal.SIGSTOP)  # so that it takes nothing off the pipe
        big = STATUS._replace(session="x" * 50000)
        for number in range(500):
            control.status(big._replace(bar=number))
        os.kill(control.child, signal.SIGCONT)
        control.status(STATUS._replace(bar=500))
        until(lambda: ask_status(tmp_path / "control.sock")["status"]["bar"] == 500)


def test_a_status_that_can_not_be_written_is_told_once_and_odd_numbers_are_mended(tmp_path: Path) -> None:
    with controlled(tmp_path) as (control, logged):
        for _ in range(2):
            control.status(STATUS._replace(bar=1j))
            ask(tmp_path / "control.sock", do="panic")
        odd = Status(bar=np.int64(3), beat=np.float32(0.5), lateness_ms=Lateness(float("nan")), tempo=float("inf"))
        control.status(odd)
        status = ask_status(tmp_path / "control.sock")["status"]
    assert status == as_json(Status(bar=3, beat=0.5))
    assert logged == ["control: a status is not to be written as JSON: a complex"]


def test_a_server_that_dies_is_begun_again(tmp_path: Path) -> None:
    with controlled(tmp_path, backoff=(0.01, 0.1)) as (control, logged):
        path, first = tmp_path / "control.sock", control.child
        os.kill(first, signal.SIGKILL)
        until(lambda: control.child not in (None, first) and control.ready is not None)
        assert ask(path, do="panic")["ok"] is True
        assert "the control server has ended; the music goes on" in logged[0]


def test_what_changes_its_configuration_begins_it_again_and_nothing_else_does(tmp_path: Path) -> None:
    with controlled(tmp_path) as (control, logged):
        first = control.child
        control.renew(Config(Section(tmp_path / "control.sock")))
        assert ask(tmp_path / "control.sock", do="panic")["ok"] is True
        assert control.child == first
        control.renew(Config(Section(tmp_path / "other.sock")))
        until(lambda: control.socket == str(tmp_path / "other.sock"))
        assert ask(tmp_path / "other.sock", do="panic")["ok"] is True
        assert (logged, (tmp_path / "control.sock").exists()) == ([], False)


def test_a_place_that_is_taken_is_refused_and_told_once(tmp_path: Path) -> None:
    taken = local_socket.listen(tmp_path / "control.sock")
    logged: list[str] = []
    with PerformanceEnd(Config(Section(tmp_path / "control.sock")), answer, logged.append, backoff=(0.01, 0.01)) as control:
        assert not control.wait(30)
        assert control.refused is not None
        assert "another improv daemon listens" in control.refused
    taken.close()
    assert logged == [f"control: {control.refused}"]


def test_no_server_at_all_is_told_and_the_music_goes_on(tmp_path: Path) -> None:
    told = threading.Event()
    logged: list[str] = []

    def log(text: str) -> None:
        logged.append(text)
        told.set()

    with PerformanceEnd(Config(Section(None)), answer, log, command=("/nowhere/python",)) as control:
        control.status(STATUS)
        assert told.wait(30)
    assert "the control server does not start" in logged[0]


PARENT = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from test_pipe import Config, Section, answer
from improv.control.performance_end import PerformanceEnd
control = PerformanceEnd(Config(Section(Path(sys.argv[1]))), answer, print).start()
assert control.wait(30)
print(control.child, flush=True)
sys.stdin.read()
"""


def test_the_server_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    tests = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(tests)}
    words = [sys.executable, "-c", PARENT, str(tmp_path / "control.sock"), str(Path(__file__).parent)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert local_socket.is_live(tmp_path / "control.sock")
        parent.kill()
    until(lambda: not alive(child) or zombie(child))
    assert not local_socket.is_live(tmp_path / "control.sock")


def zombie(pid: int) -> bool:
    """Dead, and not yet collected by whoever collects orphans here."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def test_the_first_line_is_the_control_section_and_the_names() -> None:
    assert introduction(Config(Section(Path("/run/x.sock")))) == {
        "control": {"socket": "/run/x.sock", "osc": None, "metrics": None},
        "performers": ["left", "right"],
    }
    json.dumps(introduction(Config(Section(None))))
