"""A jam and a daemon with one performer, to whom the same is played, are the same performance."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from improv.cli import main
from improv.cli.daemon import Daemon, perform
from improv.cli.demo import DEMO_CALL
from improv.control.bindings import Bindings
from improv.control.config.reading import load_config
from improv.core.events import Event, NoteOff, NoteOn, Stop
from improv.core.modes.echo import HELD
from improv.midi.files import read_part
from improv.models.loader import load_model
from improv.perform.clock import OfflineClock
from improv.perform.ends import NoEnds
from improv.perform.log import Log
from improv.session import Session
from improv.session.chores import StateOnDisk
from improv.session.snapshot import write_snapshot

CONFIG = """
model = "pocket"
[music]
{music}
[record]
folder = "sessions"
[[performer]]
name = "sax"
seed = {seed}
channel = 3
[settings]
{settings}
"""


def daemon(folder: Path, script: list[Event], limit: float, music: str, settings: str, seed: int = 7) -> Path:
    """The session of a daemon that hears a script, offline."""
    path = folder / "improv.toml"
    path.write_text(CONFIG.format(music=music, settings=settings, seed=seed))
    config = load_config(path)
    parts = Daemon(config, OfflineClock(script, limit), Log())
    assert perform(path, parts, NoEnds(), None, 0.0, Bindings((), []), threading.Lock()) == 0
    (session,) = (folder / "sessions").glob("*.jsonl")
    return session


def recorded(path: Path) -> tuple[dict[str, Any], list[str]]:
    """A session's header, and its lines."""
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    return json.loads(first), lines


@pytest.mark.parametrize(
    ("words", "music", "settings"),
    [
        ("--mode trade", "", 'mode = "trade"'),
        ("--mode solo --click 10", "click = 10", 'mode = "solo"'),
        ("--mode comp --metre 3/4 --count-in 1", 'metre = "3/4"\ncount_in = 1', 'mode = "comp"'),
        ("--mode duet --temperature 0.7", "", 'mode = "duet"\ntemperature = 0.7'),
        ("--mode echo --send-clock", "send_clock = true", 'mode = "echo"'),
    ],
)
def test_their_records_are_the_same_but_for_names(tmp_path: Path, words: str, music: str, settings: str) -> None:
    session = tmp_path / "jam.jsonl"
    changes = "Dm7 | G7 | Cmaj7 | A7"
    common = ["--model", "pocket", "--seed", "8", "--tempo", "160", "--changes", changes, "--channel", "3"]
    assert main(["jam", "--player", str(DEMO_CALL), "--fast", "--quiet", "--session", str(session), *common, *words.split()]) == 0
    jam_header, jam_lines = recorded(session)
    script = [line.event for line in Session(session).lines() if line.side == "heard"]
    assert isinstance(script[-1], Stop)
    music = f'tempo = 160\nchanges = "{changes}"\n{music}'
    header, lines = recorded(daemon(tmp_path, script, 1e9, music, settings, seed=8))
    assert sum('"played":"NoteOn"' in line for line in jam_lines) > 5
    assert lines == jam_lines
    for name in ("name", "inputs"):
        assert header["performers"][0].pop(name) != jam_header["performers"][0].pop(name)
    header.pop("started"), jam_header.pop("started")
    assert header == jam_header


def test_a_daemon_s_session_in_which_the_guard_closed_a_note_replays(tmp_path: Path) -> None:
    script = [NoteOn(1.0, 72, 80), NoteOn(2.0, 76, 80), NoteOff(3.0, 76), Stop(HELD + 20.0)]  # a key that never comes up
    session = daemon(tmp_path, script, 1e9, 'changes = "Dm7 | G7"', 'mode = "echo"', seed=5)
    assert '{"endless":' in session.read_text()
    assert main(["replay", str(session)]) == 0


def test_who_remembers_is_named_and_a_session_of_old_and_new_performers_replays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, script = load_model("pocket"), [*read_part(DEMO_CALL).events]
    state = model.start()
    (tmp_path / "sessions").mkdir()
    write_snapshot(tmp_path / "sessions" / "state.safetensors", {"sax": (model, state)})
    more = 'mode = "trade"\n[[performer]]\nname = "bass"\nseed = 3'
    session = daemon(tmp_path, script, 1e9, "tempo = 160", more)
    header, lines = recorded(session)
    assert header["restored"] == ["sax"]
    assert session.with_suffix(".state").exists()
    assert any('"played":"NoteOn"' in line for line in lines)
    assert main(["replay", str(session)]) == 0
    assert "bass: the same" in capsys.readouterr().out


def test_a_state_that_is_torn_is_said_and_nothing_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"torn")
    said: list[tuple[str, str]] = []
    state = StateOnDisk(tmp_path / "state", lambda text, level: said.append((text, level)))
    assert state.before({"sax": load_model("pocket")}) == {}
    assert [level for _, level in said] == ["warning"]
