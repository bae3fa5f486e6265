"""The rooms of the project: which may import which, and what holds in each of them. `docs/` draws them; this is the truth."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "improv"
TESTS, SCRIPTS = PACKAGE.parent / "tests", PACKAGE.parent / "scripts"

# The table: what each room may import of ours, itself apart. A room that is not here fails.
BELOW = {"core", "models", "atomic", "outside", "places", "extras"}  # what every room above them may import
ROOMS: dict[str, set[str]] = {
    "core": set(),
    "atomic": {"core"},
    "places": set(),
    "extras": set(),
    "outside": {"core"},
    "models": {"core", "atomic", "outside"},
    "perform": BELOW,
    "session": BELOW,
    "midi": BELOW,
    "bridge": BELOW | {"perform"},  # the engine of a plugin is a performance, with a clock and ends of its own
    "bench": BELOW | {"perform", "session", "midi"},
    "control": BELOW,
    "learning": BELOW,
    "train": BELOW | {"charts"},
    "charts": BELOW,
    "render": BELOW,
    "mood": BELOW,
    "titles": BELOW,
    "tutorials": BELOW | {"train", "titles"},
    "__main__": {"cli"},
    "__init__": set(),
}
ROOMS["cli"] = set(ROOMS) - {"tutorials", "__main__", "cli"}
# A file that may import one room more, and why.
MORE = {
    ("bench/findings.py", "control"): "the doctor reads a daemon's configuration and asks whether one performs",
    ("control/page/page_end.py", "charts"): "a transposing player reads the page's chart in the key of the instrument",
    ("control/page/scene.py", "charts"): "and types changes in that key",
    ("control/page/sessions.py", "session"): "the page shows what was recorded",
    ("control/page/sessions.py", "midi"): "and hands it out as MIDI files",
    ("bridge/examined.py", "bench"): "what was found of the plugin is told as the doctor tells it",
    ("bridge/records.py", "midi"): "a host's messages are bytes as a port's are",
    ("control/config/tune.py", "charts"): "improv.toml names a tune as --tune does",
    ("control/apply.py", "mood"): "the command `mood` says what words play like",
    ("train/reading/midi.py", "midi"): "training reads a MIDI file as a jam does",
    ("session/again.py", "perform"): "a session is played again by the performance that played it",
    ("session/chores.py", "perform"): "what performers remember is written while they play",
    ("session/header.py", "perform"): "the header says who performs what, as a performance is told",
    ("train/criticism.py", "perform"): "a critic learns from what the loop that performs sends",
    ("train/evaluation/takes.py", "perform"): "a take is what the loop that performs sends",
    ("train/evaluation/playing.py", "perform"): "a model is judged by what it plays through the loop that performs",
    ("train/reading/sessions.py", "session"): "what a player played in recorded sessions is a corpus",
    ("train/evaluation/scores.py", "render"): "a solo is drawn beside its figures",
}
FORBIDDEN_IN_CORE = {"time", "threading", "asyncio", "socket", "subprocess", "logging", "mido", "rtmidi", "os", "pathlib", "queue"}
HEAVY = {"tensorflow", "keras", "music21"}  # for training and the tutorials alone
LONGEST_FILE, LONGEST_FUNCTION = 350, 60  # lines; `# long: REASON` in a file's first lines, or above a function, allows more
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler", "data"}


def paths(folder: Path = PACKAGE) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> frozenset[str]:
    """All that a file imports anywhere in it, for type checking as well: modules, and names in them."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: an import by dots"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def ours(path: Path) -> set[str]:
    """The rooms that a file imports, its own apart."""
    return {n.split(".")[1] for n in imported(path) if n.startswith("improv.")} - {room_of(path), "__version__"}


def outside(path: Path) -> set[str]:
    return {n.split(".")[0] for n in imported(path)}


def graph() -> dict[str, set[str]]:
    """The modules that each module imports. A name of a package's own is an import of the package."""
    modules = {module_of(p): p for p in paths()}
    found: dict[str, set[str]] = {}
    for module, path in modules.items():
        of = set()
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import):
                of |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                of |= {name if name in modules else str(node.module) for name in inner}
        found[module] = of & set(modules) - {module}
    return found


def circles(of: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """The sets of modules that reach one another."""
    reach = {module: set(to) for module, to in of.items()}
    for via, start in itertools.product(of, of):  # Warshall 1962
        if via in reach[start]:
            reach[start] |= reach[via]
    seen: set[str] = set()
    for module in of:
        if module in reach[module] and module not in seen:
            circle = {other for other in reach[module] if module in reach[other]}
            seen |= circle
            yield circle


def has_reason(lines: Iterable[str]) -> bool:
    return any(line.strip().startswith("# long: ") and len(line.strip()) > len("# long: ") for line in lines)


def too_long(path: Path) -> Iterator[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) > LONGEST_FILE and not has_reason(lines[:10]):
        yield name_of(path)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if not has_reason(lines[max(first - 3, 0) : first]):
                yield f"{name_of(path)} {node.name}"


def test_rooms_and_files_are_what_the_table_says() -> None:
    """Each law is a loop over all files. What breaks one is listed with the file."""
    broken: list[str] = []
    needed = set()
    for path in paths():
        name, room = name_of(path), room_of(path)
        if room not in ROOMS:
            broken.append(f"{name}: {room} is no room of the table")
            continue
        for other in sorted(ours(path) - ROOMS[room]):
            needed.add((name, other))
            if (name, other) not in MORE:
                broken.append(f"{name}: {room} may not import {other}")
        if room != "tutorials" and "tutorials" in ours(path):
            broken.append(f"{name}: nothing at run-time imports the tutorials")
        if room == "core" and (found := outside(path) & FORBIDDEN_IN_CORE):
            broken.append(f"{name}: the core does no I/O, and imports {', '.join(sorted(found))}")
        if room not in ("train", "tutorials") and (found := outside(path) & HEAVY):
            broken.append(f"{name}: {', '.join(sorted(found))} is for training and the tutorials alone")
        if set(path.relative_to(PACKAGE).with_suffix("").parts) & NAMES_THAT_SAY_NOTHING:
            broken.append(f"{name}: its name says nothing")
        broken += [f"{what}: too long; part it, or say why in `# long: REASON`" for what in too_long(path)]
    broken += [f"MORE: {name} {other} is not needed" for name, other in MORE if (name, other) not in needed]

    for circle in circles(graph()):
        broken.append(f"a circle of imports: {', '.join(sorted(circle))}")

    classes: dict[str, list[str]] = defaultdict(list)
    for path in paths():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                classes[node.name].append(name_of(path))
    for name, places in classes.items():
        if len(places) > 1:
            broken.append(f"{name}: a class of {' and of '.join(places)}")

    assert not broken, "\n" + "\n".join(broken)


def test_tutorials_are_for_scripts_and_tests_alone() -> None:
    users = [p for folder in (PACKAGE, TESTS, SCRIPTS) for p in paths(folder) if any(n.startswith("improv.tutorials") for n in imported(p))]
    assert users  # or the room is of no use
    assert all(p.is_relative_to(PACKAGE / "tutorials") or not p.is_relative_to(PACKAGE) for p in users)


@pytest.mark.parametrize("command", ["['jam', '--player', CALL, '--fast', '--json']", "['eval', 'jazz', DATA]", "['--version']"])
def test_the_runtime_loads_no_tensorflow_and_no_music21(command: str, tmp_path: Path) -> None:
    call = PACKAGE / "demo" / "call.mid"
    data = tmp_path / "none.jsonl"
    data.write_text("{}\n")
    code = (
        f"import sys; CALL, DATA = {str(call)!r}, {str(data)!r}\n"
        f"from improv.cli import main\n"
        f"try: main({command})\n"
        f"except SystemExit: pass\n"
        f"print([m for m in ('tensorflow', 'keras', 'music21', 'matplotlib', 'msgspec', 'improv.tutorials') if m in sys.modules])\n"
        f"print([m for m in ('numpy', 'improv.cli.jam') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *_, heavy, music = said.stdout.splitlines()
    assert heavy == ("['msgspec']" if "eval" in command else "[]")  # readings travel in it
    if "--version" in command:
        assert music == "[]"  # a command loads itself and no other
