"""Learning while playing: in a process of its own, in a jam, in its replay; and when the process dies."""

from __future__ import annotations

import json
import queue
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import in_lessons, notes_of, random_weights, small_card
from safetensors.numpy import save
from slow_thinking import BEAT, call

from improv.cli import main
from improv.cli.demo import DEMO_CALL
from improv.core.events import Event, Learned, NoteOn, Setting
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.learning.inline import Inline
from improv.learning.learner import Profile
from improv.learning.process import BACKLOG, BEGIN, COMMAND, LearnerProcess, packed, unpacked
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.engine import perform

FAST = ["jam", "--player", str(DEMO_CALL), "--fast", "--seed", "7", "--json", "--changes", "Dm7 | G7 | Cmaj7 | A7"]


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("improv.cli.sessions.default_folder", lambda: tmp_path / "kept" / "sessions")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small model with random weights, in a folder."""
    import hashlib

    found, blob = tmp_path / "small", save(random_weights())
    found.mkdir()
    (found / "weights.safetensors").write_bytes(blob)
    (found / "card.json").write_text(json.dumps(small_card() | {"weights_sha256": hashlib.sha256(blob).hexdigest()}))
    return found


def said(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


# The process


def test_notes_come_through_the_pipe_as_they_were() -> None:
    notes = notes_of(30)
    assert [unpacked(json.loads(json.dumps(packed(note)))) for note in notes] == notes


def test_the_process_learns_what_is_learned_inline(folder: Path, tmp_path: Path) -> None:
    model, versions, keep = load_model(str(folder)), queue.SimpleQueue(), tmp_path / "me.safetensors"
    apart = LearnerProcess(model, folder, keep=keep)
    apart.told = versions.put
    assert apart.child is None  # it begins with the first lesson
    inline = Inline(model)
    for lesson in in_lessons(notes_of(36)):
        apart.give(lesson)
        inline.give(lesson)
    assert [versions.get(timeout=60) for _ in range(3)] == [1, 2, 3]
    for number in (1, 2, 3):
        for one, other in zip(apart.version(number), inline.version(number), strict=True):
            np.testing.assert_array_equal(one, other)
    apart.close(60)
    assert keep.is_file()


def test_a_process_that_dies_is_told_of_once_and_no_more(folder: Path) -> None:
    warned: queue.SimpleQueue[str] = queue.SimpleQueue()
    apart = LearnerProcess(load_model(str(folder)), folder, warn=warned.put, command=[sys.executable, "-c", "raise SystemExit(3)"])
    for lesson in in_lessons(notes_of(36)):
        apart.give(lesson)
    assert "nothing more is learned: the learner " in warned.get(timeout=60)
    apart.give(in_lessons(notes_of(12))[0])
    apart.close(60)
    assert warned.empty()
    assert apart.version(1) is None


def test_a_process_that_is_far_behind_is_given_up_and_nobody_waits(folder: Path) -> None:
    warned: list[str] = []
    apart = LearnerProcess(
        load_model(str(folder)), folder, warn=warned.append, command=[sys.executable, "-c", "import threading; threading.Event().wait()"]
    )
    lessons = in_lessons(notes_of(64 * 12), 64)
    for _ in range(40):
        for lesson in lessons:
            apart.give(lesson)
    assert warned == [f"improv: nothing more is learned: it is {BACKLOG} phrases behind; the music goes on"]
    apart.close(0.1)


def test_the_process_ends_with_its_pipe_however_the_performance_ended(folder: Path) -> None:
    begin = json.dumps({"model": str(folder), "weights_sha256": load_model(str(folder)).card["weights_sha256"], "keep": None}).encode()
    ended = subprocess.run(COMMAND, input=struct.pack("<II", len(begin), BEGIN) + begin + b"cut off", capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


# The performance


def inline() -> Inline:
    return Inline(Model(small_card(), random_weights()))


def played_with(
    learning: Inline | LearnerProcess | None, script: list[Event], clock: type = OfflineClock, recall: float = 1.5
) -> tuple[list[Event], list[Event]]:
    """What is played, what came too late for the port included, and what is heard, versions included."""
    improviser = Improviser(Model(small_card(), random_weights()), Settings(tempo=400, recall=recall), seed=3, learning=learning)
    played: list[Event] = []
    heard: list[Event] = []
    inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    running = clock(script)
    if learning and not any(isinstance(e, Learned) for e in script):
        learning.told = lambda number: inbox.put(Learned(running.now(), number))
    perform(alone(improviser), running, inbox, played.append, heard.append, lambda event, late: played.append(event))
    return [e for e in played if isinstance(e, NoteOn)], heard


ROOM = 16 * BEAT  # seconds from one call to the next, at 120; played at 400


def calls(count: int) -> list[Event]:
    """The same call again and again, with room for an answer."""
    return [replace(e, time=(e.time + ROOM * k) * 0.3) for k in range(count) for e in call()]


def test_live_offline_and_replay_are_one() -> None:
    """Versions are swapped in when they are there; a replay that learns for itself plays the same."""
    for clock, count in ((OfflineClock, 2), (LiveClock, 1)):
        played, heard = played_with(inline(), calls(count), clock)
        assert any(isinstance(e, Learned) for e in heard)
        assert played_with(inline(), heard[:-1])[0] == played  # without the Stop: a script ends by itself


def test_what_is_learned_is_played_by_as_far_as_the_knob_says() -> None:
    model = Model(small_card(), random_weights())
    profile = Profile.new(model)
    profile.moved[0].register[60:72] = 4.0  # this player never leaves one octave
    knob = [Setting(0.0, "learned", 0.0), *calls(4)]
    by_model, by_learned, at_zero = (
        played_with(learning, script, recall=0.0)[0]
        for learning, script in ((None, calls(4)), (Inline(model, profile), calls(4)), (Inline(model, profile), knob))
    )
    assert at_zero == by_model
    assert sum(60 <= e.pitch < 72 for e in by_learned) > sum(60 <= e.pitch < 72 for e in by_model)


def test_the_music_goes_on_when_the_learner_dies(folder: Path) -> None:
    warned: queue.SimpleQueue[str] = queue.SimpleQueue()
    apart = LearnerProcess(load_model(str(folder)), folder, warn=warned.put, command=[sys.executable, "-c", "raise SystemExit(3)"])
    played, heard = played_with(apart, calls(1), LiveClock)
    assert "nothing more is learned" in warned.get(timeout=60)
    apart.close(60)
    assert played == played_with(None, calls(1))[0]
    assert not any(isinstance(e, Learned) for e in heard)


# The command


def test_a_jam_learns_keeps_and_replays(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name in ("one.jsonl", "two.jsonl"):
        assert main([*FAST, "--learn", "--profile", "me", "--session", name]) == 0
        summary = said(capsys)
        assert summary["learned"] >= 1
        assert summary["profile"] == str(tmp_path / "kept" / "profiles" / "me.safetensors")
        assert main(["replay", name, "--json"]) == 0
        assert said(capsys)["same"] is True
    assert Path("two.profile").is_file()  # what it began with
    assert not Path("one.profile").exists()
    kept = Path(summary["profile"]).read_bytes()
    assert main([*FAST, "--profile", "me", "--session", "three.jsonl"]) == 0  # by what is known, which stays
    assert main(["replay", "three.jsonl"]) == 0
    assert Path(summary["profile"]).read_bytes() == kept
    Path("two.profile").unlink()
    capsys.readouterr()
    assert main(["replay", "two.jsonl"]) == 2
    assert "what was learned before is not there" in capsys.readouterr().err


def test_a_profile_is_forgotten_when_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main([*FAST, "--learn", "--profile", "me"])
    assert main([*FAST, "--profile", "me", "--forget"]) == 0
    assert list((tmp_path / "kept" / "profiles").iterdir()) == []
    capsys.readouterr()
    assert main([*FAST, "--profile", "me"]) == 2
    assert capsys.readouterr().err == "improv: profile me: there is none yet; --learn makes it\n"
    assert main([*FAST, "--forget"]) == 2
    assert capsys.readouterr().err == "improv: --forget removes a profile; say which with --profile NAME\n"
