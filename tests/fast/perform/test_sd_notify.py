"""What the service manager is told, and the state that is kept on disk."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from made_up import random_weights, small_card

from improv.atomic import WriteError
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.models.model import Model
from improv.perform.sd_notify import notify, watchdog
from improv.session.snapshot import SnapshotError, read_snapshot, write_snapshot


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
def test_the_manager_is_told_and_nobody_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        assert notify("READY=1")
        assert manager.recv(100) == b"READY=1"
    assert not notify("WATCHDOG=1")  # the manager is gone: never mind


@pytest.mark.parametrize(
    ("usec", "pid", "within"), [("20000000", None, 20.0), ("20000000", "1", None), ("rubbish", None, None), ("0", None, None)]
)
def test_the_watchdog_is_ours(usec: str, pid: str | None, within: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid or str(os.getpid()))
    assert watchdog() == within


def heard(model: Model, notes: int = 40) -> Improviser:
    improviser = Improviser(model, Settings(), seed=1)
    improviser.prime([(6 * i, 60 + i * 7 % 12, 0.5, 0.0) for i in range(notes)])
    return improviser


def test_a_snapshot_gives_the_state_back_bit_for_bit(model: Model, tmp_path: Path) -> None:
    state = heard(model).generator.memory.state
    write_snapshot(tmp_path / "s", {"sax": (model, state), "piano": (model, heard(model, 3).generator.memory.state)})
    back = read_snapshot(tmp_path / "s", {"sax": model, "piano": model, "new": model})
    assert set(back) == {"sax", "piano"}
    found = back["sax"]
    for field in ("a", "c", "pitch_classes"):
        assert (getattr(found, field) == getattr(state, field)).all()
    for ours, theirs in zip(found.past.latest(), state.past.latest(), strict=True):
        assert (ours == theirs).all()
    assert (model.read(found).ioi == model.read(state).ioi).all()
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_a_snapshot_of_another_model_is_passed_over_and_none_is_no_fault(model: Model, tmp_path: Path) -> None:
    assert read_snapshot(tmp_path / "none", {"sax": model}) == {}
    write_snapshot(tmp_path / "s", {"sax": (model, heard(model).generator.memory.state)})
    other = Model(small_card() | {"weights_sha256": "other"}, random_weights(seed=3))
    assert read_snapshot(tmp_path / "s", {"sax": other}) == {}


def test_a_snapshot_from_a_stranger_is_refused(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "s"
    state = heard(model).generator.memory.state
    for broken in (b"", b"\x80\x04junk", os.urandom(500), (1 << 60).to_bytes(8, "little") + b"{}"):
        path.write_bytes(broken)
        with pytest.raises(SnapshotError, match="delete it"):
            read_snapshot(path, {"sax": model})
    for odd in (state._replace(a=state.a[:-1]), state._replace(c=np.full_like(state.c, np.nan))):
        write_snapshot(path, {"sax": (model, odd)})
        with pytest.raises(SnapshotError, match="delete it"):
            read_snapshot(path, {"sax": model})


def test_a_folder_that_vanished_costs_the_snapshot_alone(model: Model, tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="untouched"):
        write_snapshot(tmp_path / "gone" / "s", {"sax": (model, model.start())})
