"""Reading over an engine is reading here: the same results in the same order, from processes of their own."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket

import pytest

from improv.core.harmony import parse_chord
from improv.train.reading import engines
from improv.train.reading.engines import Engine, EngineError, engine_of

SYMBOLS = [f"{root}{kind}" for root in ("C", "Eb", "F#", "A") for kind in ("", "m7", "7alt", "maj7", "m7b5", "sus", "6", "o", "7b9")]


def here(function, items):  # type: ignore[no-untyped-def]
    return map(function, items)


def dask(lost=None) -> Engine:  # type: ignore[no-untyped-def]
    pytest.importorskip("distributed", reason="an extra: pip install '.[cluster]'")
    return engine_of("dask", here, lost)


def squared_and_where(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def dies_of_thirteen(number: int) -> int:
    if number == 13:
        os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    return -number


def test_dask_says_what_map_says_in_order_from_other_processes() -> None:
    pairs = list(dask()(squared_and_where, range(200)))
    assert [squared for squared, _ in pairs] == [n**2 for n in range(200)]
    assert os.getpid() not in {pid for _, pid in pairs}


def test_values_of_improv_come_back_whole_and_a_cluster_of_ones_own_does_as_well() -> None:
    pytest.importorskip("distributed", reason="an extra: pip install '.[cluster]'")
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        engine = engine_of(f"dask={cluster.scheduler_address}", here)
        assert list(engine(parse_chord, SYMBOLS)) == [parse_chord(s) for s in SYMBOLS]
        assert list(engine(parse_chord, [])) == []
        assert len(cluster.workers) == 1  # it is the user's: it stays


def test_what_kills_its_worker_is_lost_alone() -> None:
    assert list(dask(lost=lambda item: f"lost {item}")(dies_of_thirteen, range(20))) == [f"lost {n}" if n == 13 else -n for n in range(20)]


def test_an_error_of_the_function_is_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        list(dask()((1).__truediv__, [1, 0]))


def test_local_is_the_engine_that_is_given() -> None:
    assert engine_of("local", here) is here


@pytest.mark.parametrize("text", ["ray", "dask=", "local=8", "", "Dask"])
def test_an_unknown_engine_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match="expected local, dask"):
        engine_of(text, here)


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="an extra: pip install '.[cluster]'")
    monkeypatch.setattr(engines, "PATIENCE", "300ms")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(EngineError, match=address):
        list(engine_of(f"dask={address}", here)(abs, [1]))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install .*\[cluster\]'"):
        engine_of("dask", here)
