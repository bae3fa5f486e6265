"""Which of the packages that improv needs at run-time have a wheel, and so need no compiler: by system and by Python.

    python scripts/wheels.py                      # the table of docs/stage.md, a minute or two
    python scripts/wheels.py --versions           # and which release is taken where

It asks the package index through pip, so your own settings of pip hold. Nothing is installed. A package that improv leaves
out on a system (an environment marker) is not asked for there; what a package itself needs is. Exit code: 0 all have wheels,
1 one has none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = 36  # of Debian 12 and Raspberry Pi OS of that year: 2.36


def _manylinux(machine: str) -> tuple[str, ...]:
    """All tags that such a Linux takes: pip takes each for itself alone."""
    return (f"manylinux2014_{machine}", *(f"manylinux_2_{minor}_{machine}" for minor in range(17, GLIBC + 1)), f"linux_{machine}")


@dataclass(frozen=True, slots=True)
class System:
    """A system that improv runs on. tags: what its wheels are called; environment: what markers ask for."""

    name: str
    tags: tuple[str, ...]
    environment: Mapping[str, str]


def _system(name: str, tags: tuple[str, ...], platform: str, machine: str, system: str, os_name: str) -> System:
    return System(name, tags, {"sys_platform": platform, "platform_machine": machine, "platform_system": system, "os_name": os_name})


SYSTEMS = (
    _system("Raspberry Pi OS (64 bit)", _manylinux("aarch64"), "linux", "aarch64", "Linux", "posix"),
    _system("Linux x86-64", _manylinux("x86_64"), "linux", "x86_64", "Linux", "posix"),
    _system("macOS 14 arm64", ("macosx_14_0_arm64",), "darwin", "arm64", "Darwin", "posix"),
    _system("Windows x86-64", ("win_amd64",), "win32", "AMD64", "Windows", "nt"),
)


@dataclass(slots=True)
class Found:
    """What the index has for one system and Python. releases: by package; a package without a wheel has none."""

    releases: dict[str, str | None] = field(default_factory=dict)


def environment(system: System, python: str) -> dict[str, str]:
    """What markers ask for, on a system and with a Python such as "3.11"."""
    return {
        **system.environment,
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def needed(requirements: Iterable[str], where: Mapping[str, str]) -> dict[str, str]:
    """Those of the requirements that hold somewhere, without their markers, by the package's name."""
    wanted = {}
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({**where, "extra": ""}):
            wanted[canonicalize_name(requirement.name)] = f"{requirement.name}{requirement.specifier}"
    return wanted


def ask(wanted: Iterable[str], system: System, python: str) -> list[dict[str, object]] | None:
    """What pip would take as wheels, each package's `metadata` of its report; None where it has not all of them."""
    with tempfile.TemporaryDirectory() as nowhere:
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary", ":all:"]
        command += ["--python-version", python, "--implementation", "cp", "--target", nowhere, "--quiet", "--report", "-"]
        command += [word for tag in system.tags for word in ("--platform", tag)]
        ran = subprocess.run([*command, *wanted], capture_output=True, text=True)
    if ran.returncode:
        if "No matching distribution found" not in ran.stderr:
            raise SystemExit(f"wheels: pip does not answer: {ran.stderr.strip()[-500:]}")
        return None
    return [each["metadata"] for each in json.loads(ran.stdout)["install"]]


def look(requirements: Iterable[str], system: System, python: str) -> Found:
    """Ask for what improv needs, then for what that needs, until nothing is new."""
    here = environment(system, python)
    found = Found()
    wanted = needed(requirements, here)
    while wanted:
        together = ask(wanted.values(), system, python)
        answers = [together] if together is not None else [ask([each], system, python) for each in wanted.values()]
        there = {canonicalize_name(str(m["name"])): m for answer in answers for m in answer or ()}
        found.releases |= {name: str(there[name]["version"]) if name in there else None for name in wanted}
        more = [str(text) for m in there.values() for text in m.get("requires_dist") or ()]  # type: ignore[attr-defined]
        wanted = {name: text for name, text in needed(more, here).items() if name not in found.releases}
    return found


def cell(name: str, by_python: Mapping[str, Found]) -> str:
    """One field of the table: the Pythons for which there is a wheel."""
    asked = [python for python, found in by_python.items() if name in found.releases]
    have = [python for python in asked if by_python[python].releases[name]]
    if not asked:
        return "not used"
    if have == list(by_python):
        return "all"
    lacking = [python for python in asked if python not in have]
    return "; ".join([*([", ".join(have)] if have else []), *([f"**none for {', '.join(lacking)}**"] if lacking else [])])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=PROJECT, metavar="FILE", help="the pyproject.toml to look at")
    parser.add_argument("--versions", action="store_true", help="show the releases too")
    args = parser.parse_args()
    requirements = tomllib.loads(args.project.read_text(encoding="utf-8"))["project"]["dependencies"]
    found = {system.name: {python: look(requirements, system, python) for python in PYTHONS} for system in SYSTEMS}
    direct = [canonicalize_name(Requirement(text).name) for text in requirements]
    every = {name for by_python in found.values() for one in by_python.values() for name in one.releases}
    print(f"| package | {' | '.join(found)} |")
    print(f"| --- |{' --- |' * len(found)}")
    for name in [*direct, *sorted(every - set(direct))]:
        cells = [cell(name, by_python) for by_python in found.values()]
        print(f"| {name if name in direct else f'({name})'} | {' | '.join(cells)} |")
    if args.versions:
        for system, by_python in found.items():
            for python, one in by_python.items():
                print(f"{system}, {python}: {', '.join(f'{n} {v or chr(45)}' for n, v in one.releases.items())}")
    return int(any(release is None for by_python in found.values() for one in by_python.values() for release in one.releases.values()))


if __name__ == "__main__":
    sys.exit(main())
