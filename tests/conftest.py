"""Parts that several tests need: a small model with random weights, and a JACK server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if sys.platform == "linux" and "avx2" in Path("/proc/cpuinfo").read_text():
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")  # the kernels that old sessions were recorded with

import pytest
from ears import start_server
from made_up import random_weights, small_card

from improv.models.model import Model

# Where the tests run in the background, a shell has them ignore Ctrl-C, and so would every program that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def model() -> Model:
    """A small network with random weights: whatever it plays, the laws hold."""
    return Model(small_card(), random_weights())


def missing_jack() -> str | None:
    """Why JACK tests can't run, or None. In CI they must run."""
    if sys.platform != "linux":
        return "JACK tests run on Linux"
    for program in ("jackd", "jack_lsp"):
        if shutil.which(program) is None:
            if os.environ.get("CI"):
                raise RuntimeError(f"{program} is missing in CI: these tests must run there")
            return f"{program} is not installed (Debian: apt-get install jackd2)"
    return None


@pytest.fixture
def jack() -> Iterator[subprocess.Popen[bytes]]:
    """A JACK server of our own, with the dummy driver."""
    why = missing_jack()
    if why:
        pytest.skip(why)
    if "default" not in os.environ.get("JACK_DEFAULT_SERVER", "default"):
        pytest.skip("JACK_DEFAULT_SERVER is set")
    name = f"improv-test-{os.getpid()}"
    os.environ["JACK_DEFAULT_SERVER"] = name
    server = start_server(name)
    try:
        yield server
    finally:
        server.terminate()
        server.wait(10)
        del os.environ["JACK_DEFAULT_SERVER"]
