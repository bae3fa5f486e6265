"""What control keeps on disk beside the sessions: presets that were saved, bindings that were learned. Read with doubt, written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from improv.atomic import atomic_write
from improv.control.bindings import Binding
from improv.control.commands import OLDER
from improv.core.errors import ImprovError
from improv.core.settings import SETTINGS

PRESETS, LEARNED = "presets.json", "learned.json"
MOST_PRESETS = 200

Preset = dict[str, Any]


def saved_presets(folder: Path) -> dict[str, Preset]:
    """The presets that were saved; none where the file is not what was written."""
    known = {*SETTINGS, "model"}
    path = folder / PRESETS
    try:
        if path.stat().st_size > 2**20:
            return {}
        saved = json.loads(path.read_text(encoding="utf-8"))
        return {str(n): {k: v for k, v in p.items() if k in known} for n, p in saved.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def save_preset(folder: Path, name: str, preset: Mapping[str, Any]) -> None:
    """Keep a preset. Raises ImprovError where there are too many, or the file can't be written."""
    presets = saved_presets(folder) | {name: dict(preset)}
    if len(presets) > MOST_PRESETS:
        raise ImprovError(f"there are {MOST_PRESETS} saved presets already; delete some in {folder / PRESETS}")
    _write(folder / PRESETS, presets)


def learned_bindings(folder: Path) -> tuple[Binding, ...]:
    """The bindings that were learned before; none where the file is not what was written."""
    path = folder / LEARNED
    try:
        if path.stat().st_size >= 2**18:
            return ()
        return tuple(Binding(**(b | {"action": OLDER.get(b["action"], b["action"])})) for b in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def keep_learned(folder: Path, learned: tuple[Binding, ...]) -> None:
    """Keep the bindings that were learned. Raises ImprovError."""
    _write(folder / LEARNED, [asdict(b) for b in learned])


def _write(path: Path, content: object) -> None:
    """Write JSON, whole or not at all. Raises ImprovError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ImprovError(f"{path.parent}: {e.strerror}") from None
    atomic_write({path: json.dumps(content, indent=1).encode()})
