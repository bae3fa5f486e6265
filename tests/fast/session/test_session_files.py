"""Session files on disks that fail, full up, freeze or vanish, and in processes that are killed: the music goes on, and
what was confirmed can be read."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import improv.session.disk as disk_module
import improv.session.recorder as recorder_module
from improv.core.events import Event, Mark, NoteOff, NoteOn, Pulse, Setting, Stop, Transport
from improv.session import Recorder, Session, SessionError, read_session
from improv.session.disk import AGAIN, Disk

EVENTS: list[Event] = [
    NoteOn(0.1 + 0.2, 60, 80, 3),
    NoteOff(1 / 3, 60, 3),
    Setting(2.0, "tempo", 90.5),
    Mark(2.5, "good bit"),
    Stop(3.0, "SIGINT"),
]


def recorded(path: Path, events: list[Event], warn: list[str] | None = None) -> list[Event]:
    """What is read of a session in which events were heard."""
    recorder = Recorder(path, {"seed": 1}, warn=(warn if warn is not None else []).append)
    for event in events:
        recorder.heard(event)
    recorder.ended({"reason": "SIGINT"})
    return [e for _, e in read_session(path)[1]] if path.exists() else []


def test_events_read_back_as_they_were(tmp_path: Path) -> None:
    assert recorded(tmp_path / "deep" / "s.jsonl", EVENTS) == EVENTS


def test_pulses_keep_their_place_among_the_others(tmp_path: Path) -> None:
    events: list[Event] = [*(Pulse(i / 48) for i in range(30)), NoteOn(0.7, 60, 80), Pulse(0.8, 0.75), Pulse(0.9), Transport(1.0, "stop")]
    path = tmp_path / "s.jsonl"
    assert recorded(path, events) == events
    assert path.read_text().count("pulses") >= 2


def test_the_last_line_has_what_was_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    recorder = Recorder(path, {})
    recorder.heard(NoteOn(0.0, 60, 80))
    recorder.heard(NoteOff(0.5, 60))
    recorder.heard(Mark(0.6))
    recorder.overheard(1, NoteOn(0.7, 62, 80, 0, -1))
    recorder.played(NoteOn(1.0, 64, 80), 0.001)
    recorder.played(NoteOn(2.0, 64, 80), 0.001, filled=True)
    recorder.dropped(NoteOn(3.0, 64, 80), 0.1, filled=True)
    recorder.changed("", {"punctual": {}})
    recorder.ended({"reason": "over"})
    session = Session(path)
    lines = list(session.lines())
    counts = {"heard": 1, "overheard": 1, "played": 1, "filled": 1, "dropped": 1, "marks": 1}
    assert session.end == {"reason": "over", "notes": counts, "lost": 0}
    assert [(line.side, line.late, line.by, line.filled) for line in lines[3:]] == [
        ("overheard", None, 1, False),
        ("played", 0.001, None, False),
        ("filled", 0.001, None, False),
        ("dropped", 0.1, None, True),
    ]


# Reading what is left


WHOLE = "".join(
    [
        '{"session":1,"seed":1}\n',
        '{"heard":"NoteOn","time":0.5,"pitch":60,"velocity":80,"channel":0,"part":0}\n',
        '{"heard":"Pulse","pulses":[2,3,1]}\n',
        '{"played":"NoteOn","time":1.5,"pitch":62,"velocity":80,"channel":0,"part":0,"late":0.001}\n',
        '{"heard":"Setting","time":2.0,"name":"mode","value":"solo","part":null}\n',
        '{"end":{"reason":"over","time":3.0}}\n',
    ]
).encode()
TOLD = [NoteOn(0.5, 60, 80), Pulse(0.75), Pulse(1.0), NoteOn(1.5, 62, 80), Setting(2.0, "mode", "solo")]
HEADER = WHOLE.index(b"\n") + 1


def test_any_beginning_of_a_session_reads(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    for length in range(HEADER, len(WHOLE) + 1):
        path.write_bytes(WHOLE[:length])
        session = Session(path)
        events = [line.event for line in session.lines()]
        whole_lines = WHOLE[:length].count(b"\n") - 1
        assert events == TOLD[: [0, 1, 3, 4, 5, 5][whole_lines]], f"of {length} bytes"
        assert session.torn == (WHOLE[length - 1 : length] != b"\n"), f"of {length} bytes"
        assert session.skipped == [], f"of {length} bytes"


@given(st.binary(max_size=60), st.integers(0, 5))
def test_any_bytes_in_between_cost_no_more_than_their_line(tmp_path_factory: pytest.TempPathFactory, noise: bytes, after: int) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.jsonl"
    lines = WHOLE.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[: after + 1], noise + b"\n", *lines[after + 1 :]]))
    session = Session(path)
    events = [line.event for line in session.lines()]
    assert [e for e in events if e in TOLD] == TOLD
    assert session.damaged <= 1 + noise.count(b"\n")


def test_a_torn_line_in_the_middle_is_passed_over_and_told(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    lines = WHOLE.splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:20] + b"\n" + bytes(200_000) + b"\n" + b"[" * 60_000 + b"\n" + b"".join(lines[2:]))
    session = Session(path)
    assert [line.event for line in session.lines()] == TOLD[1:]
    assert session.skipped == [(2, "not JSON"), (3, "too long"), (4, "not JSON")]
    assert session.end == {"reason": "over", "time": 3.0}


@pytest.mark.parametrize("text", ["", "{}", "nonsense\n", '{"session": 99}\n', "[]\n", '{"session":1}', "[" * 100_000])
def test_what_is_no_session_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(text)
    with pytest.raises(SessionError, match="not a session"):
        read_session(path)


# A process that is killed


CHILD = """
import itertools, os, sys, threading
from pathlib import Path
from improv.core.events import NoteOn, Pulse
from improv.session import Recorder
import improv.session.disk as disk

confirm = os.fsync
def fsync(number):
    confirm(number)
    if os.fstat(number).st_nlink == 1:  # not the folder
        print(os.fstat(number).st_size, flush=True)
disk.os = type("os", (), {**vars(os), "fsync": staticmethod(fsync)})
recorder = Recorder(Path(sys.argv[1]), {"seed": 1})
for i in itertools.count():
    recorder.heard(NoteOn(i / 7, 60, 80) if i % 3 else Pulse(i / 7))
    threading.Event().wait(0.0003)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_process_leaves_all_that_was_confirmed(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "s.jsonl"
    rng = random.Random(seed)
    with subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for _ in range(rng.randrange(2, 6)):
            confirmed = int(process.stdout.readline())
        threading.Event().wait(rng.random() * 0.1)  # anywhere between two writes
        process.send_signal(signal.SIGKILL)
    assert path.stat().st_size >= confirmed
    session = Session(path)
    events = [line.event for line in session.lines()]
    assert events == [NoteOn(i / 7, 60, 80) if i % 3 else Pulse(i / 7) for i in range(len(events))]
    assert events
    assert (session.end, session.skipped) == (None, [])


# Disks


class Full(FileIO):
    """A disk that has room for so many bytes."""

    room = 300

    def write(self, blob: memoryview) -> int:  # type: ignore[override]
        if not Full.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = super().write(blob[: Full.room])
        Full.room -= taken
        return taken


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Full, "room", 300)
    monkeypatch.setattr(disk_module, "open", lambda path, mode, buffering: Full(path, "xb"), raising=False)


def test_a_full_disk_is_told_once_and_what_is_there_reads(tmp_path: Path, full: None) -> None:
    path, warned = tmp_path / "s.jsonl", list[str]()
    events: list[Event] = [NoteOn(float(i), 60, 80) for i in range(100)]
    assert recorded(path, events, warned) == events[:3]
    assert warned == [f"improv: recording stopped: {path}: No space left on device; the music goes on"]


def test_a_disk_that_can_not_confirm_stops_the_record_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, warned = tmp_path / "s.jsonl", list[str]()
    calls = []

    def fsync(number: int) -> None:
        calls.append(number)
        if len(calls) > 2:  # the header and the folder
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk_module.os, "fsync", fsync)
    recorded(path, EVENTS, warned)
    assert warned == [f"improv: recording stopped: {path}: No space left on device; the music goes on"]


def test_a_file_without_fsync_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(number: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(disk_module.os, "fsync", fsync)
    assert recorded(tmp_path / "s.jsonl", EVENTS) == EVENTS


def test_a_folder_that_can_not_be_made_stops_the_record_and_not_the_music(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    warned: list[str] = []
    recorder = Recorder(tmp_path / "file" / "s.jsonl", {}, warn=warned.append)
    recorder.heard(NoteOn(0.0, 60, 80))
    recorder.ended({})
    assert len(warned) == 1
    assert "the music goes on" in warned[0]


def test_recording_goes_on_in_a_new_file_when_there_is_room_again(tmp_path: Path, full: None) -> None:
    now, warned = [0.0], list[str]()
    disk = Disk(tmp_path / "s.jsonl", {"seed": 1}, warned.append, lambda: now[0])
    disk.append('{"heard":"Tap","time":1.0}\n' * 20)
    disk.append('{"heard":"Tap","time":2.0}\n')
    assert not disk.writes
    now[0] = AGAIN
    disk.append('{"heard":"Tap","time":3.0}\n')  # still full
    assert [p.name for p in tmp_path.iterdir()] == ["s.jsonl"]
    Full.room = 10_000
    now[0] += 2 * AGAIN - 1  # it is asked less often now
    disk.append('{"heard":"Tap","time":4.0}\n')
    assert not disk.writes
    now[0] += 1
    disk.append('{"heard":"Tap","time":5.0}\n')
    disk.close()
    session = Session(disk.path or "")
    assert session.header == {"session": 1, "seed": 1, "continues": "s.jsonl"}
    assert [line.event.time for line in session.lines()] == [5.0]
    assert len(warned) == 2
    assert warned[1] == f"improv: recording goes on in {disk.path}"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that is in use")
def test_a_folder_that_vanishes_is_noticed_and_made_again(tmp_path: Path) -> None:
    now, warned = [0.0], list[str]()
    folder = tmp_path / "sessions"
    disk = Disk(folder / "s.jsonl", {}, warned.append, lambda: now[0])
    shutil.rmtree(folder)
    disk.append('{"heard":"Tap","time":1.0}\n')
    assert warned == [f"improv: recording stopped: {folder / 's.jsonl'}: the file was removed; the music goes on"]
    now[0] = AGAIN
    disk.append('{"heard":"Tap","time":2.0}\n')
    disk.close()
    assert [line.event.time for line in Session(folder / "s-2.jsonl").lines()] == [2.0]


def test_a_stuck_disk_costs_what_does_not_fit_and_that_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free, asked = threading.Event(), threading.Event()
    append = Disk.append

    def stuck(self: Disk, text: str) -> None:
        asked.set()
        free.wait()
        append(self, text)

    monkeypatch.setattr(Disk, "append", stuck)
    path, warned = tmp_path / "s.jsonl", list[str]()
    recorder = Recorder(path, {}, warn=warned.append, most=50)
    recorder.heard(NoteOn(0.0, 60, 80))
    assert asked.wait(10)
    for i in range(1, 1000):
        recorder.heard(NoteOn(float(i), 60, 80))
    free.set()
    recorder.ended({})
    session = Session(path)
    events = [line.event for line in session.lines()]
    assert [e.time for e in events] == [float(i) for i in range(51)]
    assert session.lost == recorder.lost == 949
    assert warned == ["improv: the disk is too slow: 949 events are missing from the record; the music goes on"]


def test_a_disk_that_stays_stuck_does_not_keep_the_end_from_coming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(Disk, "append", lambda self, text: free.wait())
    monkeypatch.setattr(recorder_module, "CLOSING", 0.01)
    warned: list[str] = []
    recorder = Recorder(tmp_path / "s.jsonl", {}, warn=warned.append)
    recorder.heard(NoteOn(0.0, 60, 80))
    recorder.ended({})
    assert warned == [f"improv: {tmp_path / 's.jsonl'}: the disk does not answer; the end of the record may be missing"]
    free.set()
    recorder._thread.join(10)


@pytest.mark.skipif(sys.platform != "linux" or getattr(os, "geteuid", lambda: 1)() != 0, reason="only root may mount a small disk")
def test_a_real_small_disk_that_fills_up(tmp_path: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(tmp_path)], capture_output=True).returncode:
        pytest.skip("not allowed to mount")
    try:
        warned: list[str] = []
        events: list[Event] = [NoteOn(float(i), 60, 80) for i in range(500)]
        read = recorded(tmp_path / "s.jsonl", events, warned)
        assert read == events[: len(read)]
        assert 100 < len(read) < 300
        assert len(warned) == 1
        assert "No space left" in warned[0]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_strange_values_of_settings_do_not_stop_the_writer(tmp_path: Path) -> None:
    events: list[Event] = [Setting(1.0, "mode", object()), Setting(1.5, "x", "\ud800\n\x1b"), NoteOn(2.0, 60, 80)]
    read = recorded(tmp_path / "s.jsonl", events)
    assert read[1:] == events[1:]
    assert json.loads((tmp_path / "s.jsonl").read_text().splitlines()[1])["name"] == "mode"
