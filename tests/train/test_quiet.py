"""A terminal without TensorFlow's log lines, on which nothing else is lost."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

from improv.train.quiet import held_back

PACKAGE = Path(__file__).parents[2] / "improv"
LOG = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795851599.750165   12036 port.cc:153] oneDNN custom operations are on.\n"
    b"E0000 00:00:1795851605.430268   12036 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error\n"
    b"2026-11-28 07:00:00.123456: W tensorflow/core/util/port.cc:113] oneDNN custom operations are on.\n"
    b"To enable the following instructions: AVX2, rebuild TensorFlow with the appropriate compiler flags.\n"
)


def run(code: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    clean = {k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, env=clean | environ)


def test_keras_comes_without_a_line_and_a_warning_of_python_stays() -> None:
    found = run("import warnings, improv.train.recipe as r\nr.keras.ops.zeros(3)\nwarnings.warn('my own')\nprint('out')")
    assert found.returncode == 0
    assert found.stdout == b"out\n"
    assert [line for line in found.stderr.splitlines() if b"my own" not in line] == []
    assert b"my own" in found.stderr


def test_what_tensorflow_logs_later_is_written_and_its_hints_are_not() -> None:
    said = run(
        "from improv.train.quiet import keras\n"
        "import logging\n"
        "logging.getLogger('tensorflow').warning('traced again')\n"
        "logging.getLogger('tensorflow').error('no memory')"
    ).stderr
    assert b"no memory" in said
    assert b"traced again" not in said
    assert b"Logging error" not in said


def test_who_asks_for_the_lines_gets_them() -> None:
    assert b"oneDNN" in run("import improv.train.quiet", TF_CPP_MIN_LOG_LEVEL="0").stderr


def test_a_backend_that_is_not_there_is_told() -> None:
    found = run("import improv.train.quiet", KERAS_BACKEND="nobody")
    assert found.returncode != 0
    assert b"nobody" in found.stderr


def test_what_is_no_log_line_is_told_afterwards_and_python_writes_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    with held_back():
        os.write(2, LOG + b"glibc says: no memory\n" + LOG)
    assert capfd.readouterr().err == "glibc says: no memory\n"


def test_where_it_fails_all_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        with held_back():
            os.write(2, LOG)
            raise ImportError("libcudart")

    with pytest.raises(ImportError):
        fails()
    assert capfd.readouterr().err.encode() == LOG


def test_pythons_own_words_keep_their_place_before_what_was_held_back() -> None:
    inside = "os.write(2, b'late'); print('at once', file=sys.stderr)"
    assert run(f"import os, sys\nfrom improv.train.quiet import held_back\nwith held_back():\n    {inside}\n").stderr == b"at once\nlate"


def test_without_a_standard_error_nothing_fails() -> None:
    found = subprocess.run(["sh", "-c", f"exec '{sys.executable}' -c 'import improv.train.quiet; print(1)' 2>&-"], capture_output=True)
    assert (found.returncode, found.stdout) == (0, b"1\n")


def test_keras_is_imported_in_one_place() -> None:
    """Elsewhere its backend would write to the terminal."""
    others = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if "keras" in names or (isinstance(node, ast.ImportFrom) and node.module == "keras"):
                others.append(path.name)
    assert others == []
