"""`improv daemon`: started, steered, cut off, started again, and what it played is played again. And what it is asked, one by one."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mido
import pytest

from improv.cli.daemon import KeptBars, _awaited_api
from improv.control.apply import NOBODYS
from improv.control.bindings import Asked, Bindings, ControllerLearned
from improv.control.config.reading import load_config
from improv.control.kept import learned_bindings
from improv.control.steering import Steering
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Bookmark, ControlChange, Event, Mark, NoteOff, NoteOn, Setting, Stop, Tap, Transport
from improv.core.improviser import Improviser
from improv.core.line.generator import BOOKMARKS
from improv.core.settings import Settings
from improv.models.model import Model
from improv.session.capture import Capture

CONFIG = """
model = "pocket"
[music]
changes = "Dm7 | G7 | Cmaj7 | A7"
tempo = 200
[record]
folder = "sessions"
[control]
socket = "{folder}/ctl"
[preset.calm]
temperature = 0.4
mode = "comp"
[[performer]]
name = "sax"
seed = 5
[settings]
mode = "{mode}"
"""


def configured(folder: Path, mode: str = "trade", more: str = "") -> Path:
    path = folder / "improv.toml"
    path.write_text(CONFIG.format(folder=folder, mode=mode) + more)
    return path


# Requests


@dataclass
class Sax:
    """The one performer."""

    improviser: Improviser
    models: dict[str, Model]
    name: str = "sax"
    number: int = 0
    model_name: str = "pocket"

    @property
    def settings(self) -> Settings:
        return self.improviser.settings


class Desk:
    """A daemon's parts, as far as requests go."""

    def __init__(self, folder: Path, model: Model):
        self.path = configured(folder)
        self.inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.improviser = Improviser(model, Settings(), seed=1)
        self.models = {"pocket": model}
        member = Sax(self.improviser, self.models)
        self.clock = SimpleNamespace(now=lambda: 7.0)
        self.panicked = 0
        self.logged: list[str] = []
        timekeeper = self.timekeeper = Timekeeper(Settings())
        self.capture = Capture(lambda: timekeeper.meter, 64)
        ends = SimpleNamespace(panic=self._panic)
        config = load_config(self.path)
        bindings = self.bindings = Bindings(config.bindings, ["keys"])
        log: Any = lambda text, *level: self.logged.append(text)  # noqa: E731
        performance = self.performance = SimpleNamespace(
            performers=[member], clock=self.clock, ends=ends, put=self.inbox.put, timekeeper=timekeeper
        )
        kept = KeptBars(self.capture, [member], self.clock)
        self.steering = Steering(self.path, config, performance, bindings, threading.Lock(), kept, log)

    def _panic(self) -> None:
        self.panicked += 1

    def put(self) -> list[Event]:
        events = []
        while not self.inbox.empty():
            events.append(self.inbox.get())
        return events


@pytest.fixture
def desk(tmp_path: Path, model: Model) -> Desk:
    return Desk(tmp_path, model)


@pytest.mark.parametrize(
    ("request_", "events"),
    [
        ({"do": "set", "name": "temperature", "value": 0.9}, [Setting(7.0, "temperature", 0.9)]),
        ({"do": "set", "name": "temperature", "value": 0.9, "performer": "sax"}, [Setting(7.0, "temperature", 0.9, 0)]),
        ({"do": "set", "name": "tempo", "value": 90.0, "performer": "sax"}, [Setting(7.0, "tempo", 90.0)]),
        ({"do": "mode", "value": "comp"}, [Setting(7.0, "mode", "comp")]),
        ({"do": "mode", "value": "solo"}, [Transport(7.0, "start"), Setting(7.0, "mode", "solo")]),
        ({"do": "set", "name": "changes", "value": "F7 | %"}, [Setting(7.0, "changes", "F7 | %")]),
        ({"do": "preset", "name": "calm"}, [Setting(7.0, "mode", "comp"), Setting(7.0, "temperature", 0.4)]),
        ({"do": "keep", "name": "a"}, [Bookmark(7.0, "a", True)]),
        ({"do": "mark", "text": "good bit"}, [Mark(7.0, "good bit")]),
        ({"do": "stop"}, [Stop(7.0, "asked to")]),
        ({"do": "panic"}, [ControlChange(7.0, 120, 0, 0, NOBODYS)]),
    ],
)
def test_a_request_becomes_events(desk: Desk, request_: dict[str, Any], events: list[Event]) -> None:
    assert desk.steering.answer(request_)["ok"]
    assert desk.put() == events


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"do": "set", "name": "temperature", "value": 99}, "expected from 0.05 to 3"),
        ({"do": "set", "name": "temperatur", "value": 1}, "no setting 'temperatur'"),
        ({"do": "set", "name": "temperature", "value": 1.0, "performer": "tuba"}, "no performer 'tuba'; there are sax"),
        ({"do": "set", "name": "changes", "value": "Q7"}, "column 1"),
        ({"do": "model", "name": "nobody"}, "no model 'nobody'"),
        ({"do": "preset", "name": "wild"}, "there are calm"),
        ({"do": "capture", "bars": 1000}, "from 1 to 64"),
        ({"do": "capture", "bars": 4}, "nothing was played"),
        ({"do": "mood", "text": "zorgly"}, "I don't know 'zorgly'"),
        ({"do": "dance"}, "no command 'dance'"),
        ({"do": "set"}, "not a request"),
        ({}, "no command"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(desk: Desk, request_: dict[str, Any], says: str) -> None:
    reply = desk.steering.answer(request_)
    assert not reply["ok"]
    assert says in reply["error"]
    assert desk.put() == []


def test_a_bookmark_that_nobody_keeps_is_refused_with_those_that_there_are(desk: Desk) -> None:
    assert desk.steering.answer({"do": "recall", "name": "a"})["error"] == "no bookmark 'a'; there are none"
    assert desk.steering.answer({"do": "keep", "name": "b"})["ok"]
    assert desk.steering.answer({"do": "keep", "name": "a", "performer": "sax"})["ok"]
    assert desk.put() == [Bookmark(7.0, "b", True), Bookmark(7.0, "a", True, 0)]
    assert desk.steering.answer({"do": "recall", "name": "c"})["error"] == "no bookmark 'c'; there are b, a"
    for word in ("recall", "back"):  # the older word goes on working
        assert desk.steering.answer({"do": word, "name": "a"})["ok"]
        assert desk.put() == [Bookmark(7.0, "a", False)]
    for i in range(BOOKMARKS):
        desk.steering.answer({"do": "keep", "name": str(i)})
    assert not desk.steering.answer({"do": "recall", "name": "a"})["ok"]  # of too many, the first is forgotten


def test_a_mood_becomes_changes_tempo_and_settings(desk: Desk) -> None:
    reply = desk.steering.answer({"do": "mood", "text": "very dark, zorgly"})
    put = {e.name: e.value for e in desk.put() if isinstance(e, Setting)}
    assert {n: put[n] for n in ("low", "high", "loudness", "feel")} == {"low": 36, "high": 60, "loudness": -11, "feel": "straight"}
    assert reply["text"].startswith("very dark: ")
    assert reply["text"].endswith(f", {put['tempo']:g} bpm, {put['changes']}; I don't know 'zorgly'; took very dark")


def test_a_mood_leaves_the_tempo_alone_where_it_is_another_s(desk: Desk) -> None:
    desk.improviser.generator.settings = Settings(clock="midi")
    assert desk.steering.answer({"do": "mood", "text": "dark"})["ok"]
    assert "tempo" not in [e.name for e in desk.put() if isinstance(e, Setting)]


def test_a_preset_that_is_saved_comes_back_and_a_torn_file_of_them_is_none(desk: Desk, tmp_path: Path) -> None:
    desk.improviser.generator.settings = Settings(temperature=0.7, mode="duet")
    (tmp_path / "sessions").mkdir()
    assert desk.steering.answer({"do": "save", "name": "mine"})["saved"] == {"temperature": 0.7, "mode": "duet", "model": "pocket"}
    assert desk.steering.answer({"do": "preset", "name": "mine"})["ok"]
    assert [e.name for e in desk.put() if isinstance(e, Setting)] == ["mode", "temperature", "model"]
    (tmp_path / "sessions" / "presets.json").write_text("{torn")
    assert "there are calm" in desk.steering.answer({"do": "preset", "name": "mine"})["error"]


def test_the_last_bars_are_written(desk: Desk, tmp_path: Path) -> None:
    desk.timekeeper.hear(NoteOn(0.0, 60, 80), 0.0)
    desk.capture.heard(NoteOn(0.0, 60, 80))
    desk.capture.heard(NoteOff(1.0, 60))
    desk.capture.played(NoteOn(2.0, 64, 80))
    desk.capture.played(NoteOff(3.0, 64))
    reply = desk.steering.answer({"do": "capture", "bars": 8, "file": str(tmp_path / "last.mid")})
    file = str(tmp_path / "last.mid")
    assert reply == {"ok": True, "file": file, "text": f"wrote {file}"}
    assert [m.note for m in mido.MidiFile(tmp_path / "last.mid") if m.type == "note_on"] == [60, 64]


def test_a_reload_takes_over_what_it_can_and_a_bad_file_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    configured(tmp_path, more='\n[[binding]]\ncc = 21\nsetting = "recall"\n')
    text = desk.path.read_text()
    desk.path.write_text(text.replace("tempo = 200", "tempo = 150"))
    reply = desk.steering.answer({"do": "reload"})
    assert desk.put() == [Setting(7.0, "tempo", 150.0)]
    assert any("tempo" in line for line in reply["changed"])
    desk.path.write_text("tempo = [")
    assert not desk.steering.answer({"do": "reload"})["ok"]
    assert desk.put() == []


def test_what_pads_and_knobs_ask_for_is_done_and_what_fails_is_logged(desk: Desk) -> None:
    desk.steering.obey(Asked(3.0, {"do": "tap"}))
    desk.steering.obey(Asked(3.0, {"do": "set", "name": "temperature", "value": 0.5}))
    assert desk.put() == [Tap(3.0), Setting(7.0, "temperature", 0.5)]
    desk.steering.obey(Asked(3.0, {"do": "set", "name": "temperature", "value": 50.0}))
    assert desk.put() == []
    assert "expected from" in desk.logged[-1]


def test_no_controller_waits_while_a_model_is_read(desk: Desk, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> Model:
        turned = threading.Thread(target=lambda: desk.steering.answer({"do": "set", "name": "temperature", "value": 0.9}), daemon=True)
        turned.start()
        turned.join(30.0)  # for ever, where it waits
        return model

    monkeypatch.setattr("improv.control.apply.load_model", load)
    assert desk.steering.answer({"do": "model", "name": "slow"})["ok"]
    assert desk.put() == [Setting(7.0, "temperature", 0.9), Setting(7.0, "model", "slow")]


def test_what_a_controller_was_taught_is_known_after_a_new_start(desk: Desk, tmp_path: Path) -> None:
    assert desk.steering.answer({"do": "learn", "name": "temperature"})["ok"]
    for value in (10, 60):
        for said in desk.bindings.requests(ControlChange(1.0, 74, value)) or []:
            if isinstance(said, ControllerLearned):
                desk.steering.keep_learned()
    (found,) = learned_bindings(tmp_path / "sessions")
    assert (found.number, found.setting, found.input) == (74, "temperature", "keys")
    (tmp_path / "sessions" / "learned.json").write_text('[{"kind": "cc"')
    assert learned_bindings(tmp_path / "sessions") == ()


# The whole


def ctl(folder: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "improv", "ctl", "--socket", f"{folder}/ctl", "--json", *words]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return json.loads(said.stdout or "{}") | {"rc": said.returncode}


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """The service manager: a function that waits until it is told a word."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(60)
        manager.bind(str(tmp_path / "notify"))

        def until(word: str) -> None:
            while word not in manager.recv(1000).decode():
                pass

        yield until


@contextmanager
def daemon(folder: Path, told: Callable[[str], None]) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon that performs; its log goes to `log`."""
    environment = os.environ | {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "20000000"}
    command = [sys.executable, "-m", "improv", "daemon", "--config", str(folder / "improv.toml")]
    with open(folder / "log", "ab") as log, subprocess.Popen(command, env=environment, stderr=log) as process:
        try:
            told("READY=1")
            yield process
        finally:
            process.kill()


@pytest.mark.usefixtures("jack")
def test_a_daemon_is_steered_killed_and_goes_on_and_both_records_replay(tmp_path: Path, told: Callable[[str], None]) -> None:
    configured(tmp_path, "solo")
    with daemon(tmp_path, told) as first:
        while ctl(tmp_path, "status")["rc"] != 0:  # until the server listens
            told("WATCHDOG=1")
        assert ctl(tmp_path, "set", "temperature", "0.9")["ok"]
        assert ctl(tmp_path, "model", "jazz")["ok"]
        assert ctl(tmp_path, "mark", "good bit")["ok"]
        assert ctl(tmp_path, "keep", "mood")["ok"]
        assert "expected" in ctl(tmp_path, "set", "temperature", "99")["error"]
        assert ctl(tmp_path, "recall", "mood")["ok"]
        refused = ctl(tmp_path, "back", "mod")
        assert (refused["rc"], refused["error"]) == (2, "no bookmark 'mod'; there are mood")
        for _ in range(5):
            told("WATCHDOG=1")
        status = ctl(tmp_path, "status")["status"]
        assert status["performers"]["sax"]["model"] == "jazz"
        assert status["played"] > 0
        words = [sys.executable, "-m", "improv", "ctl", "--socket", f"{tmp_path}/ctl", "status"]
        said = subprocess.run(words, capture_output=True, text=True, timeout=20)
        assert f"-> {status['performers']['sax']['port']}" in said.stdout
        assert status["performers"]["sax"]["port"]
        assert " us" in said.stdout
        assert "lateness in ms: " in said.stdout
        first.send_signal(signal.SIGKILL)
        first.wait(20)
    sounding = list((Path(os.environ["XDG_RUNTIME_DIR"]) / "improv" / "sounding").iterdir())
    assert len(sounding) == 1
    with daemon(tmp_path, told) as second:
        told("WATCHDOG=1")
        second.send_signal(signal.SIGTERM)
        assert second.wait(20) == 0
    said = (tmp_path / "log").read_text()
    (kept,) = (Path(os.environ["XDG_RUNTIME_DIR"]) / "improv" / "sounding").iterdir()  # nothing was connected that it could be closed on
    assert kept not in sounding
    assert "stopped: SIGTERM" in said
    records = sorted((tmp_path / "sessions").glob("*.jsonl"))
    assert len(records) == 2
    for record in records:
        said = subprocess.run([sys.executable, "-m", "improv", "replay", str(record)], capture_output=True, text=True, timeout=60)
        assert said.returncode == 0, said.stdout + said.stderr
        assert "bit for bit" in said.stdout


def test_where_no_midi_system_answers_it_is_waited_for_and_the_manager_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([None, None, 3])
    monkeypatch.setattr("improv.cli.daemon.choose_api", lambda api: next(answers))
    monkeypatch.setattr("improv.cli.daemon.WAIT", 0.0)
    notified: list[str] = []
    monkeypatch.setattr("improv.cli.daemon.notify", notified.append)
    logged: list[str] = []
    log: Any = lambda text, *level: logged.append(text)  # noqa: E731
    assert _awaited_api(log, threading.Event()) == 3
    assert notified == ["READY=1\nSTATUS=waiting for a MIDI system", "WATCHDOG=1", "WATCHDOG=1"]
    assert len(logged) == 1


def test_a_config_that_is_wrong_is_told_in_a_line_and_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "improv.toml").write_text("[music]\ntempoo = 120\n")
    command = [sys.executable, "-m", "improv", "daemon", "--config", str(tmp_path / "improv.toml")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert said.returncode == 2
    assert "improv.toml:2" in said.stderr
    assert "tempo" in said.stderr
    assert "Traceback" not in said.stderr
