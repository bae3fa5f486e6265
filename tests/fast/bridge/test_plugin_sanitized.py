"""The plugin's core under the compilers' sanitizers: two threads on the rings, and a hostile engine. The drivers are in plugin/tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from plugin_core import ROOT, compiler, run

CORE = [ROOT / "plugin" / f"{name}.c" for name in ("bridge", "audio", "plugin", "parameters", "system_posix")]
SEEDS = [str(seed) for seed in range(1, 41)]  # 17 had a count of nanoseconds overflow


def built(folder: Path, name: str, *flags: str) -> Path:
    program = folder / name
    command = [
        compiler(),
        "-std=c11",
        "-O1",
        "-g",
        *flags,
        "-o",
        program,
        ROOT / "plugin" / "tests" / f"{name}.c",
        *CORE,
        "-lm",
        "-pthread",
    ]
    done = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if "cannot find" in done.stdout and "san" in done.stdout:
        pytest.skip(f"the compiler's {flags[0]} is not installed (Debian: apt-get install gcc)")
    assert done.returncode == 0, done.stdout
    return program


def test_a_hostile_engine_and_a_torn_file_do_no_harm(tmp_path: Path) -> None:
    program = built(tmp_path, "hostile", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DIMPROV_PATIENCE=0", "-DSTARTS=0")
    assert "40 seeds" in run(program, "2000", *SEEDS, IMPROV_PLUGIN_SETTINGS="/none", XDG_RUNTIME_DIR=str(tmp_path))


def test_two_threads_on_the_rings_lose_nothing_and_race_nowhere(tmp_path: Path) -> None:
    program = built(tmp_path, "threads", "-fsanitize=thread")
    said = run(program, "4000", IMPROV_PLUGIN_SETTINGS="/none", XDG_RUNTIME_DIR=str(tmp_path), TSAN_OPTIONS="halt_on_error=1")
    assert said.startswith("4000 blocks: ")
