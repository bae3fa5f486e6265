"""Parts that several tests need: a small model with random weights, and JACK servers."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if sys.platform == "linux" and "avx2" in Path("/proc/cpuinfo").read_text():
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")  # the kernels that old sessions were recorded with

import hypothesis
import pytest
from jack_server import Server, serving
from made_up import random_weights, small_card
from needs import required

from improv.models.model import Model

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# The same examples at every run, and few; HYPOTHESIS_PROFILE=deep looks at others, and for longer.
hypothesis.settings.register_profile("usual", max_examples=50, derandomize=True, deadline=None)
hypothesis.settings.register_profile("deep", max_examples=1000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

# Where the tests run in the background, a shell has them ignore Ctrl-C, and so would every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def strict(report: Report) -> Report:
    """Where everything must run, as in .ci/run, a skip for want of what can be installed is a failure."""
    if os.environ.get("IMPROV_TESTS_ALL") and report.skipped and "install" in str(report.longrepr):
        report.outcome, report.longrepr = "failed", f"IMPROV_TESTS_ALL is set, so this must run: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return strict((yield))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What plays in real time plays in one process, one after another."""
    for item in items:
        if {"jack", "live"} & set(item.path.parts):
            item.add_marker(pytest.mark.xdist_group("real time"))


@pytest.fixture(scope="session", autouse=True)
def runtime_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What performances keep while they run is no other program's, nor another test process's."""
    folder = tmp_path_factory.mktemp("runtime")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def model() -> Model:
    """A small network with random weights: whatever it plays, the laws hold."""
    return Model(small_card(), random_weights())


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One JACK server with the dummy driver for all tests that play on JACK."""
    required("jackd", "jack_wait", "jack_lsp", "jack_connect", package="jackd2")
    with serving(f"improv-test-{os.getpid()}") as server:
        yield server


@pytest.fixture
def jack(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server is $JACK_DEFAULT_SERVER for as long as the test, which must leave no port behind."""
    if "default" not in os.environ.get("JACK_DEFAULT_SERVER", "default"):
        pytest.skip("JACK_DEFAULT_SERVER is set")
    server.insist()
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    yield
    assert server.ports_left() == []


@pytest.fixture
def own_jack(jack: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server for this test alone, which may kill it, stop it and start it again. It is $JACK_DEFAULT_SERVER."""
    with serving(f"improv-test-{os.getpid()}-own") as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        yield server
