"""`improv init`."""

import subprocess
import sys
from pathlib import Path

import pytest

from improv.cli import MISUSED, OK, main
from improv.control.config.reading import load_config, read_config
from improv.control.config.systemd_unit import unit
from improv.places import SERVICE, folder_with, runtime_folder


def test_the_file_and_the_folders_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "stage" / "improv.toml"
    assert main(["init", "--to", str(path)]) == OK
    assert load_config(path) == read_config("", path)
    assert sorted(p.name for p in path.parent.iterdir()) == ["improv.toml", "sessions"]
    assert "wrote" in capsys.readouterr().out


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "improv.toml"
    path.write_text("model = 'mine'")
    assert main(["init", "--to", str(path)]) == MISUSED
    assert capsys.readouterr().err.count("\n") == 1
    assert [p.read_text() for p in tmp_path.iterdir()] == ["model = 'mine'"]
    assert main(["init", "--to", str(path), "--force"]) == OK
    assert load_config(path).model == "jazz"
    assert (tmp_path / "improv.toml.1").read_text() == "model = 'mine'"


def test_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["init", "--to", str(tmp_path / "file" / "improv.toml")]) == MISUSED
    assert main(["init", "--to", str(tmp_path)]) == MISUSED
    assert [line[:8] for line in capsys.readouterr().err.split("\n")] == ["improv: ", "improv: ", ""]


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_the_unit_is_printed_and_nothing_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "improv.toml"
    assert main(["init", "--to", str(path), "--systemd"]) == OK
    said = capsys.readouterr()
    assert f"ExecStart={sys.executable} -P -m improv daemon --config {path}\n" in said.out
    assert "is not there yet" in said.err
    assert list(tmp_path.iterdir()) == []


def test_the_unit_names_what_is_written_to(tmp_path: Path) -> None:
    text = unit(Path("/my stage/improv.toml"), Path("/opt/100%/bin/python"), "pi", 1000, [Path("/my stage/sessions")])
    lines = dict(line.split("=", 1) for line in text.split("\n") if "=" in line and not line.startswith("#"))
    assert lines["ExecStart"] == '/opt/100%%/bin/python -P -m improv daemon --config "/my stage/improv.toml"'
    assert lines["ReadWritePaths"] == '-/run/user/1000 -/dev/shm -/tmp "-/my stage/sessions"'
    assert lines["WorkingDirectory"] == "/my stage"
    assert lines["User"] == "pi"
    assert lines["RuntimeDirectory"] == SERVICE.name
    assert lines["RuntimeDirectoryPreserve"] == "yes"  # what sounded is told to the next start
    known = {key: lines[key] for key in ("Type", "Restart", "LimitRTPRIO", "LimitMEMLOCK", "DeviceAllow")}
    assert known == {"Type": "notify", "Restart": "always", "LimitRTPRIO": "95", "LimitMEMLOCK": "infinity", "DeviceAllow": "char-alsa rw"}
    forbidding = {"PrivateDevices", "PrivateTmp", "RestrictRealtime", "MemoryDenyWriteExecute", "PrivateNetwork", "ProcSubset"}
    assert not forbidding & lines.keys()


def test_the_unit_of_a_users_own_manager_asks_for_nothing_that_it_may_not_give(tmp_path: Path) -> None:
    text = unit(Path("/home/pi/improv.toml"), Path("/opt/bin/python"), "pi", 1000, [], own=True)
    lines = dict(line.split("=", 1) for line in text.split("\n") if "=" in line and not line.startswith("#"))
    assert lines["ExecStart"] == "/opt/bin/python -P -m improv daemon --config /home/pi/improv.toml"
    assert lines["RuntimeDirectory"] == SERVICE.name
    assert lines["WantedBy"] == "default.target"
    assert {"Type", "WatchdogSec", "Restart", "LimitRTPRIO"} <= lines.keys()
    system = {
        "User",
        "SupplementaryGroups",
        "Nice",
        "OOMScoreAdjust",
        "CapabilityBoundingSet",
        "DevicePolicy",
        "ProtectSystem",
        "ReadWritePaths",
    }
    assert not system & lines.keys()
    assert "systemctl --user enable --now improv" in text


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_a_users_unit_is_asked_for_with_systemd(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "improv.toml")
    assert main(["init", "--to", path, "--systemd", "--user"]) == OK
    assert "WantedBy=default.target" in capsys.readouterr().out
    assert main(["init", "--to", path, "--user"]) == MISUSED
    assert "use both" in capsys.readouterr().err


def test_msgspec_is_loaded_by_the_daemon_and_init_alone() -> None:
    others = (
        "cli.jam",
        "cli.jamming",
        "cli.ctl",
        "control.bindings",
        "control.performance_end",
        "control.server.process",
        "control.standing",
    )
    code = f"import sys; import {', '.join(f'improv.{o}' for o in others)}; print('msgspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_service_keeps_its_socket_where_systemd_says_and_others_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the user's own runtime folder is not there yet, as before the first login."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path / 'given'}:{tmp_path / 'more'}")
    assert runtime_folder() == tmp_path / "given"
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    (tmp_path / "user").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "user"))
    own = runtime_folder()
    assert own.is_relative_to(tmp_path / "user")
    service = tmp_path / "service"
    service.mkdir()
    monkeypatch.setattr("improv.places.SERVICE", service)
    assert folder_with("control.sock") == own
    (service / "control.sock").touch()
    assert folder_with("control.sock") == service
    own.mkdir(parents=True)
    (own / "control.sock").touch()
    assert folder_with("control.sock") == own


def test_root_finds_a_users_service_and_a_stranger_is_shown_the_shut_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run" / "0"))
    monkeypatch.setattr("improv.places.USERS", tmp_path / "run")
    monkeypatch.setattr("improv.places.SERVICE", tmp_path / "service")
    theirs = tmp_path / "run" / "1000" / "improv"
    theirs.mkdir(parents=True)
    (tmp_path / "run" / "0").mkdir(mode=0o700)
    own = runtime_folder()
    assert folder_with("control.sock") == own
    (theirs / "control.sock").touch()
    assert folder_with("control.sock") == theirs
    (theirs / "control.sock").unlink()
    (tmp_path / "service").mkdir()
    assert folder_with("control.sock") == own
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path / "service")
    assert folder_with("control.sock") == tmp_path / "service"
