"""Which room may import which, and what the run-time never imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "improv"
MAY_IMPORT = {  # room: rooms of ours that it may import, itself apart
    "core": set(),
    "clock": {"core"},
    "engine": {"core", "clock"},
    "ladder": {"core", "engine"},
    "inbox": {"core"},
    "link": {"core"},
    "calibration": {"core", "whole"},
    "midi": {"core", "whole"},
    "session": {"core"},
    "control": {"core"},
    "loader": {"core"},
    "snapshot": {"core", "whole"},
    "service": set(),
    "show": {"core"},
    "mood": {"core"},
    "sound": {"core"},
    "learn": {"core"},
    "profile": {"core", "learn", "whole"},
    "apart": {"core", "learn", "loader", "profile"},
    "train": {"core", "whole"},
    "whole": {"core"},
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
    if room in MAY_IMPORT:
        assert ours <= MAY_IMPORT[room]
    if room == "core":
        assert not {n.split(".")[0] for n in names} & FORBIDDEN_IN_CORE
    if room != "train":
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
