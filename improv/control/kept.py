"""What control keeps on disk beside the sessions: presets that were saved, bindings that were learned. Read with doubt, written whole."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from improv.atomic import atomic_write
from improv.control.bindings import Binding
from improv.control.commands import COMMANDS, OLDER
from improv.core.errors import ImprovError
from improv.core.heard.told import ToldHarmony
from improv.core.meter import Meter
from improv.core.settings import SETTINGS
from improv.outside import MissingError, OutsideError, number, plain_name, put_aside, read_json, whole

PRESETS, LEARNED, TOKENS, CHARTS = "presets.json", "learned.json", "page.json", "charts"
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
MOST_PRESETS = 200

Preset = dict[str, Any]


def saved_presets(folder: Path) -> dict[str, Preset]:
    """The presets that were saved; none where the file is not what was written."""
    try:
        return _presets(folder / PRESETS)
    except OutsideError:
        return {}


def _presets(path: Path) -> dict[str, Preset]:
    """Those in a file; none where there is no file. What a value may be is checked as it is set. Raises OutsideError."""
    known = {*SETTINGS, "model"}
    try:
        saved = read_json(path, 2**20)
    except MissingError:
        return {}
    if not isinstance(saved, dict) or len(saved) > MOST_PRESETS or not all(isinstance(p, dict) for p in saved.values()):
        raise OutsideError(f"{path}: no presets as improv writes them")
    presets = {n: {k: v for k, v in p.items() if k in known} for n, p in saved.items() if plain_name(n)}
    if not all(isinstance(v, str | int | float) for p in presets.values() for v in p.values()):
        raise OutsideError(f"{path}: no presets as improv writes them")
    return presets


def save_preset(folder: Path, name: str, preset: Mapping[str, Any]) -> None:
    """Keep a preset. Raises ImprovError where there are too many, or the file can't be written."""
    presets = saved_presets(folder) | {name: dict(preset)}
    if len(presets) > MOST_PRESETS:
        raise ImprovError(f"there are {MOST_PRESETS} saved presets already; delete some in {folder / PRESETS}")
    _write(folder / PRESETS, presets)


def save_chart(folder: Path, name: str, told: ToldHarmony, meter: Meter) -> Path:
    """Write the chart that is heard as text. Returns where. Raises ImprovError where it can't be written."""
    path = folder / CHARTS / f"{name}.txt"
    count, unit = meter.metres.first.metre
    head = [f"title: {name}", *([f"key: {told.key}"] if told.key else []), f"metre: {count}/{unit}", f"tempo: {meter.tempo:.0f}"]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ImprovError(f"{path.parent}: {e.strerror}") from None
    atomic_write({path: ("\n".join([*head, "", str(told.changes), ""])).encode()})
    return path


def learned_bindings(folder: Path, say: Callable[[str], None] = lambda text: None) -> tuple[Binding, ...]:
    """The bindings that were learned before. A file that is not what was written, also of presets, is put aside, which is said."""
    try:
        _presets(folder / PRESETS)
    except OutsideError as e:
        say(f"{e}; {put_aside(folder / PRESETS)}")
    try:
        return _bindings(folder / LEARNED)
    except OutsideError as e:
        say(f"{e}; {put_aside(folder / LEARNED)}")
        return ()


def _bindings(path: Path) -> tuple[Binding, ...]:
    """Those in a file; none where there is no file. Raises OutsideError."""
    try:
        rows = read_json(path, 2**18)
    except MissingError:
        return ()
    try:
        found = tuple(msgspec.convert(row | {"action": OLDER.get(row["action"], row["action"])}, Binding) for row in rows)
        if all(map(_learned, found)):
            return found
    except (msgspec.ValidationError, TypeError, KeyError, OverflowError):
        pass
    raise OutsideError(f"{path}: no bindings as improv writes them")


def _learned(b: Binding) -> bool:
    """Whether a binding is one that can be learned: a controller, for a setting or an action."""
    known = b.kind in ("cc", "key", "program") and whole(b.number, 0, 127) and (b.channel is None or whole(b.channel, 1, 16))
    known = known and (b.setting is None or b.setting in SETTINGS) and (b.action is None or b.action in COMMANDS)
    return known and (b.setting is None) != (b.action is None) and all(x is None or number(x, -1e6, 1e6) for x in (b.low, b.high, b.bars))


def keep_learned(folder: Path, learned: tuple[Binding, ...]) -> None:
    """Keep the bindings that were learned. Raises ImprovError."""
    _write(folder / LEARNED, [asdict(b) for b in learned])


def page_tokens(folder: Path, say: Callable[[str], None]) -> tuple[str, str]:
    """The tokens of the page's links, to steer and to watch, so that links hold from one day to the next. Made up where there are none."""
    path = folder / TOKENS
    try:
        kept = read_json(path, 4096)
        steer, watch = (kept.get("steer"), kept.get("watch")) if isinstance(kept, dict) else (None, None)
        if all(isinstance(t, str) and TOKEN.fullmatch(t) for t in (steer, watch)) and steer != watch:
            return str(steer), str(watch)
        say(f"{path}: no tokens as improv writes them; {put_aside(path)}")
    except MissingError:
        pass
    except OutsideError as e:
        say(f"{e}; {put_aside(path)}")
    made = {"steer": secrets.token_urlsafe(16), "watch": secrets.token_urlsafe(16)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            json.dump(made, file)
    except OSError as e:
        say(f"{path}: {e.strerror or e}; the page's links hold until this performance ends")
    return made["steer"], made["watch"]


def _write(path: Path, content: object) -> None:
    """Write JSON, whole or not at all. Raises ImprovError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ImprovError(f"{path.parent}: {e.strerror}") from None
    atomic_write({path: json.dumps(content, indent=1).encode()})
