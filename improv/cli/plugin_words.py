"""What `improv plugin WORD` does, but for the engine."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from improv import __version__
from improv.bench.findings import BROKEN
from improv.bridge.examined import examined
from improv.bridge.installed import FORMATS, install, remove
from improv.bridge.instances import Instance, instances, tell
from improv.bridge.library import path_of
from improv.bridge.parameters import MODELS, NUMBERS, moves_of
from improv.bridge.project import Project
from improv.cli import OK
from improv.cli.doctor import SIGNS
from improv.cli.sessions import default_folder
from improv.control.kept import saved_presets
from improv.core.errors import ImprovError

ANSWER = 0.6  # seconds in which an engine says what came of a wish


def log_file() -> Path:
    """Where engines write what went wrong."""
    return default_folder().parent / "plugin.log"


def run_install(args: argparse.Namespace) -> int:
    for path in install([args.only] if args.only else FORMATS):
        print(f"wrote {path}")
    print(
        "Let your DAW scan its plugins again, then insert improv on a track: docs/daw.md says how. `improv plugin doctor` looks for faults."
    )
    return OK


def run_remove(args: argparse.Namespace) -> int:
    gone = remove()
    for path in gone:
        print(f"removed {path}")
    if not gone:
        print("nothing was installed")
    return OK


def run_doctor(args: argparse.Namespace) -> int:
    """Exit code 0, or 1 where something is broken."""
    found = examined(log_file())
    if args.json:
        print(json.dumps({"improv": __version__, "findings": [asdict(f) for f in found]}))
    else:
        for f in found:
            print(f"{SIGNS[f.how]}  {f.what}: {f.text}")
            if f.mend:
                print(f"          {f.mend}")
    return int(any(f.how == BROKEN for f in found))


def run_changes(args: argparse.Namespace) -> int:
    return _wish(args.name, {"changes": args.text})


def run_name(args: argparse.Namespace) -> int:
    return _wish(args.name, {"name": args.text})


def run_model(args: argparse.Namespace) -> int:
    return _wish(args.name, {"model": args.text})


def run_set(args: argparse.Namespace) -> int:
    wanted = dict(move.partition("=")[::2] for move in args.moves)
    if odd := next((move for move in args.moves if "=" not in move), None):
        raise ImprovError(f"{odd}: expected NAME=VALUE, for example mode=solo")
    return _wish(args.name, {"set": wanted})


def run_mood(args: argparse.Namespace) -> int:
    from improv.mood.choose import choose

    choice = choose(args.text, args.seed, args.key)
    if choice.unknown:
        print(f"improv: {choice.doubt()}", file=sys.stderr)
    print(f"mood: {choice}; the tempo stays your DAW's")
    return _wish(args.name, {"changes": choice.changes, "set": dict(choice.settings)})


def run_preset(args: argparse.Namespace) -> int:
    """A preset may hold settings that are the host's, as the tempo: those stay."""
    presets = saved_presets(default_folder())
    if args.text not in presets:
        raise ImprovError(f"no preset {args.text!r}; there are {', '.join(presets) or 'none'}")
    preset = {name: value for name, value in presets[args.text].items() if name in NUMBERS}
    wish: dict[str, object] = {}
    if preset.get("model", MODELS[0]) not in MODELS:
        wish["model"] = preset.pop("model")
    return _wish(args.name, wish | {"set": preset})


def _wish(name: str | None, wish: dict[str, object]) -> int:
    moves_of(wish.get("set", {}))  # what no engine would take is refused here
    Project().wished({what: value for what, value in wish.items() if what != "set"})
    found = [one for one in instances(path_of("improv_folder")) if one.engine]
    chosen = [one for one in found if name is None or _called(one, name)]
    if not chosen:
        known = ", ".join(one.name for one in found)
        raise ImprovError(
            f"no plugin is called {name}; open are {known}" if found else "no plugin is open in a host: open your project first"
        )
    reached = [one for one in chosen if tell(one, json.dumps(wish).encode())]
    time.sleep(ANSWER)
    after = {one.path: one for one in instances(path_of("improv_folder"))}
    for one in chosen:
        text = after[one.path].text if one.path in after else ""
        print(f"{one.name}: {text if one in reached else 'does not answer'}")
    return OK if reached else 1


def _called(one: Instance, name: str) -> bool:
    return one.name.startswith(name) or one.text.startswith((f"{name} plays", f"{name}:"))


WORDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "install": run_install,
    "remove": run_remove,
    "doctor": run_doctor,
    "changes": run_changes,
    "name": run_name,
    "set": run_set,
    "mood": run_mood,
    "preset": run_preset,
    "model": run_model,
}
