"""Builds the plugin for this machine while the wheel is made, where there is a C compiler: a hook of hatchling.

    python plugin/hatch_build.py        # in a checkout: builds it where an editable install looks for it

The wheel stays `py3-none-any`: the binary is a file in it that Python doesn't import. Without a compiler the plugin is left out, and
all else works. scripts/build_plugins.py builds it for other machines.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand
    BuildHookInterface = object  # type: ignore[assignment, misc]

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("bridge", "audio", "news", "plugin", "parameters", "system_posix", "system_windows", "lv2", "vst3", "clap")
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden")
ENDINGS = {"linux": "so", "macos": "dylib", "windows": "dll"}  # by system


def this_machine() -> str | None:
    """As `linux-x86_64`; None for a machine that nobody has tried. `improv.bridge.bundles` has the same names."""
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform)
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return f"{system}-{machine}" if system else None


def binary_of(machine: str, root: Path = ROOT) -> Path:
    """Where the binary for a machine belongs."""
    return root / "improv" / "bridge" / "binaries" / machine / f"improv.{ENDINGS[machine.partition('-')[0]]}"


def build(compiler: Sequence[str], machine: str, flags: Sequence[str] = (), out: Path | None = None) -> Path:
    """Compiles the plugin. Returns the binary. Raises OSError or subprocess.CalledProcessError, whose `stdout` says why."""
    version = re.search(r'__version__ = "(.+)"', (ROOT / "improv" / "__init__.py").read_text(encoding="utf-8"))
    assert version, "improv/__init__.py has no __version__"
    out = binary_of(machine) if out is None else out
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(f"{out.name}.{os.getpid()}")  # a host may have the old one open
    system = machine.partition("-")[0]
    own = {"linux": ["-fPIC", "-pthread"], "macos": ["-fPIC"], "windows": []}[system]
    links = {"linux": ["-Wl,-z,defs", "-lm"], "macos": [], "windows": ["-lws2_32", "-lbcrypt"]}[system]
    sources = [str(ROOT / "plugin" / f"{name}.c") for name in SOURCES]
    command = [*compiler, *FLAGS, *own, f'-DIMPROV_VERSION="{version[1]}"', *flags, "-shared", "-o", str(fresh), *sources, *links]
    try:
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        os.replace(fresh, out)
    finally:
        for left in (fresh, *out.parent.glob("*.lib"), *out.parent.glob("*.pdb")):  # Windows's linker makes more than was asked for
            left.unlink(missing_ok=True)
    return out


def build_here() -> tuple[Path | None, str]:
    """The binary for this machine, and a line for people."""
    machine = this_machine()
    compiler = os.environ.get("CC", "").split() or next(([name] for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if machine is None or machine.startswith("windows"):
        return None, f"the DAW plugin was left out: it is not built on {sys.platform} (scripts/build_plugins.py builds it elsewhere)"
    if compiler is None:
        return None, "the DAW plugin was left out: there is no C compiler (Debian: apt-get install gcc), all else works"
    try:
        return build(compiler, machine), "the DAW plugin was built"
    except OSError as e:
        return None, f"the DAW plugin was left out: {e}"
    except subprocess.CalledProcessError as e:
        return None, f"the DAW plugin was left out, {compiler[0]} says:\n{e.stdout}"


class PluginHook(BuildHookInterface):
    """What hatchling calls."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        built, said = build_here()
        (self.app.display_info if built else self.app.display_warning)(said)


if __name__ == "__main__":
    binary, line = build_here()
    print(f"{line}: {binary}" if binary else line)
    sys.exit(binary is None)
