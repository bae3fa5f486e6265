"""The plugin where hosts look, and what `improv plugin` says of it."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from improv.bridge import examined as examination
from improv.bridge.bundles import binary
from improv.bridge.examined import examined
from improv.bridge.installed import bundle_of, folder_of, remembered
from improv.bridge.instances import instances, tidied
from improv.cli import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if binary() is None:
        pytest.skip("the plugin is not built: install a C compiler, and run python plugin/hatch_build.py")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("IMPROV_PLUGIN_SETTINGS", str(tmp_path / "settings" / "plugin.conf"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_install_puts_both_where_hosts_look_and_remove_takes_all_away(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugin", "install"]) == 0
    told = capsys.readouterr().out
    assert all(str(bundle_of(kind)) in told for kind in ("lv2", "vst3", "clap"))
    assert remembered()["python"] == sys.executable
    assert main(["plugin", "install"]) == 0  # a second time is as good
    assert main(["plugin", "remove"]) == 0
    assert not [*home.glob(".lv2/*"), *home.glob(".vst3/*"), *home.glob(".clap/*")]
    assert remembered() == {}
    capsys.readouterr()
    assert main(["plugin", "remove"]) == 0
    assert capsys.readouterr().out == "nothing was installed\n"


def test_the_doctor_says_what_is_wrong_and_what_to_do(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(examination, "PATIENCE", 0.0)
    assert main(["plugin", "doctor"]) == 1
    told = capsys.readouterr().out
    assert "BROKEN  improv.lv2: not in" in told
    assert "improv plugin install" in told
    main(["plugin", "install"])
    (home / "settings" / "plugin.conf").write_text("improv plugin 1\npython=/gone/python\nversion=0\n")
    log = tmp_path / "plugin.log"
    log.write_text("old\n2026-01-01 12:00:00 model gone: no such folder\n")
    found = {finding.what: finding for finding in examined(log)}
    assert found["improv.lv2"].how == found["improv.vst3"].how == found["improv.clap"].how == "ok"
    assert found["engine"].text == "its Python has gone: /gone/python"
    assert found["last error"].text.endswith("model gone: no such folder")
    assert found["open"].text == "no plugin is open in a host now"


def test_a_plugin_of_another_version_is_told(home: Path) -> None:
    main(["plugin", "install", "--only", "lv2"])
    next(bundle_of("lv2").glob("improv.*o*")).write_bytes(b"old")
    found = {finding.what: finding for finding in examined(home / "none")}
    assert found["improv.lv2"].mend == "improv plugin install"
    assert found["improv.vst3"].how == "broken"


@pytest.mark.parametrize(
    ("system", "kind", "end"),
    [
        ("linux", "lv2", ".lv2"),
        ("linux", "vst3", ".vst3"),
        ("linux", "clap", ".clap"),
        ("darwin", "clap", "Library/Audio/Plug-Ins/CLAP"),
        ("win32", "clap", "AppData/Local/Programs/Common/CLAP"),
        ("darwin", "lv2", "Library/Audio/Plug-Ins/LV2"),
        ("darwin", "vst3", "Library/Audio/Plug-Ins/VST3"),
        ("win32", "lv2", "AppData/Roaming/LV2"),
        ("win32", "vst3", "AppData/Local/Programs/Common/VST3"),
    ],
)
def test_where_hosts_look(system: str, kind: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APPDATA", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    assert folder_of(kind, system) == Path.home() / end


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """As a host has it open."""
    fcntl = pytest.importorskip("fcntl", reason="Windows has other locks")
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def head_of_a_file() -> bytes:
    head = bytearray(512)
    head[:8] = b"improv\r\n"
    struct.pack_into("<II", head, 20, 77, 99)
    head[64:80] = b"00112233aabbccdd"
    struct.pack_into("<I", head, 128, 1)
    struct.pack_into("<6I", head, 156, 6, 0, 1, 0, 2, 40)
    head[392:412] = "Mia plays trade\x07ü".encode() + bytes(3)
    return bytes(head)


def test_an_open_plugin_is_read_and_a_torn_file_is_passed_over(tmp_path: Path) -> None:
    head = head_of_a_file()
    (tmp_path / "a.ring").write_bytes(head)
    (tmp_path / "b.ring").write_bytes(head[:100])
    (tmp_path / "c.ring").write_bytes(bytes(512))
    with locked(tmp_path / "a.ring"):
        (one,) = instances(tmp_path)
    assert (one.name, one.host, one.engine, one.active, one.status) == ("00112233aabbccdd", 99, 77, True, "ready")
    assert one.text == "Mia plays tradeü"
    assert one.counts == {"played": 40, "taken back": 2, "too late": 1, "lost": 0}


def test_what_a_killed_host_left_is_no_open_plugin_and_is_tidied_up(tmp_path: Path) -> None:
    for name in ("alive.ring", "dead.ring", "dead.sock", "dead.lock", "fresh.ring", "served.ring", "served.lock"):
        (tmp_path / name).write_bytes(head_of_a_file())
        if not name.startswith("fresh"):
            os.utime(tmp_path / name, (0, 0))
    (tmp_path / "notes.ring").write_text("somebody else's")
    os.utime(tmp_path / "notes.ring", (0, 0))
    with locked(tmp_path / "alive.ring"), locked(tmp_path / "served.lock"):
        assert [one.path.name for one in instances(tmp_path)] == ["alive.ring", "served.ring"]
        tidied(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alive.ring", "fresh.ring", "notes.ring", "served.lock", "served.ring"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["changes", "nonsense |"], "nonsense"),
        (["changes", "C7"], "no plugin is open in a host: open your project first"),
        (["set", "mode=yodel"], "mode 'yodel': expected one of trade, solo, echo"),
        (["set", "density=9"], "density '9': expected from -2 to 2"),
        (["set", "seed=1.5"], "seed '1.5': expected a whole number from 0 to 9999"),
        (["set", "mode"], "mode: expected NAME=VALUE, for example mode=solo"),
        (["set", "bend=3"], "no parameter 'bend'; there are mode, trade"),
        (["mood", "xyzzy"], "I don't know 'xyzzy'"),
        (["preset", "late"], "no preset 'late'"),
        (["model", "../mine"], "model: expected the name of a model that is installed, not a folder"),
        (["name", "x" * 41], "name: expected a text of at most 40 characters"),
    ],
)
def test_a_wish_that_can_not_be_granted_is_one_line(home: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugin", *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_an_engine_without_a_file_of_a_plugin_ends_with_one_line(home: Path) -> None:
    (home / "x.ring").write_bytes(bytes(4096))
    command = [sys.executable, "-m", "improv", "plugin", "engine", str(home / "x.ring")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"improv: {home / 'x.ring'}: ")
    assert done.stderr.count("\n") == 1


def test_the_clock_of_the_host_is_for_the_plugin_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jam", "--clock", "host", "--fast", "--player", "improv/demo/call.mid"]) == 2
    assert "--clock host is the plugin's own" in capsys.readouterr().err
