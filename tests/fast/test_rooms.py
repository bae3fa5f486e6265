"""Which room may import which, and what the run-time never imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "improv"
BELOW = {"core", "models", "atomic"}  # what every room above them may import
MAY_IMPORT = {  # room: rooms of ours that it may import, itself apart
    "atomic": {"core"},
    "core": {"models"},
    "models": {"core", "titles"},
    "perform": BELOW | {"cli", "session", "control", "render", "train"},
    "session": BELOW | {"perform"},
    "midi": BELOW,
    "bench": BELOW | {"perform", "session", "midi"},
    "control": BELOW | {"cli", "mood", "perform"},
    "learning": BELOW | {"tutorials"},
    "train": BELOW | {"charts", "midi"},  # one reading of MIDI files
    "charts": BELOW | {"train"},
    "render": BELOW,
    "mood": BELOW,
    "titles": BELOW,
    "tutorials": BELOW | {"train", "titles"},
    "cli": {room.name for room in PACKAGE.iterdir() if room.is_dir()} | {"atomic"},
    "__main__": {"cli"},
    "__init__": set(),
}
FORBIDDEN_IN_CORE = {"time", "threading", "asyncio", "socket", "subprocess", "logging", "mido", "rtmidi", "os", "pathlib", "queue"}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_rooms_import_only_what_they_may(path: Path) -> None:
    room = room_of(path)
    names = imports(path)
    ours = {n.split(".")[1] for n in names if n.startswith("improv.")} - {room, "__version__"}
    assert ours <= MAY_IMPORT[room]
    if room == "core":
        assert not {n.split(".")[0] for n in names} & FORBIDDEN_IN_CORE
    if room not in ("train", "tutorials"):
        assert not {n.split(".")[0] for n in names} & {"tensorflow", "keras", "music21"}


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
        f"print([m for m in ('tensorflow', 'keras', 'music21', 'matplotlib', 'msgspec') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"
