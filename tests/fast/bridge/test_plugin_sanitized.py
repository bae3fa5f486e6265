"""The plugin's core under sanitizers and filters: two threads on the rings, a hostile engine, an audio thread that asks for nothing.

The drivers are in plugin/tests.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from plugin_core import ROOT, compiler, run

CORE = [ROOT / "plugin" / f"{name}.c" for name in ("bridge", "audio", "news", "plugin", "parameters", "system_posix")]
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


@pytest.mark.skipif(sys.platform != "linux", reason="system calls are filtered on Linux alone")
def test_the_audio_thread_makes_no_system_call_but_a_datagram_and_allocates_nothing(tmp_path: Path) -> None:
    wrapped = ",".join(f"--wrap={name}" for name in ("malloc", "calloc", "realloc", "free", "pthread_mutex_lock"))
    program = built(tmp_path, "quiet", "-D_GNU_SOURCE", f"-Wl,{wrapped}")
    said = run(program, "20000", IMPROV_PLUGIN_SETTINGS="/none", XDG_RUNTIME_DIR=str(tmp_path))
    assert said.startswith("20000 blocks, ")
