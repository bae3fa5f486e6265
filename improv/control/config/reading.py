"""From the text of improv.toml to a Config: by the tables of `schema`, then by what refers to what."""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from improv.control.bindings import Binding
from improv.control.config.config import (
    CHANNELS,
    Config,
    ConfigError,
    Control,
    Input,
    Metrics,
    Music,
    Osc,
    PerformerConfig,
    Record,
)
from improv.control.config.cross_checks import metre_of, refer, sheet_of
from improv.control.config.errors import MOST, ConfigErrors, fits, meant, wrong_value
from improv.control.config.schema import WORD, Root
from improv.control.config.toml_lines import Path as Keys
from improv.control.config.toml_lines import unfinished
from improv.core.settings import OWN

TABLES = 512  # of one kind


def read(text: str, path: Path) -> Config:
    """See `config.read_config`."""
    try:
        raw = tomllib.loads(text + "\n")
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(_syntax(str(e), text, path)) from None
    except (ValueError, RecursionError) as e:
        raise ConfigError(f"{path}: not TOML that can be read ({type(e).__name__})") from None
    wrong = ConfigErrors()
    try:
        said = _table(Root, raw, (), wrong)
        config = _build(said, path, wrong)
        refer(config, said, wrong)
        if len(wrong):
            raise ConfigError(wrong.told(str(path), text, raw))
    except RecursionError:
        raise ConfigError(f"{path}: tables or lists in one another, far too deep") from None
    return config


def _syntax(said: str, text: str, path: Path) -> str:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", said, re.DOTALL)
    what = (found[1] if found else said)[0].lower() + (found[1] if found else said)[1:]
    hint = "; text stands in quotes" if what == "invalid value" else ""
    if not found or not found[2]:
        return f"{path}:{unfinished(text)}: not TOML: {what}, and what begins here never ends"
    return f"{path}:{found[2]}: column {found[3]}: not TOML: {what}{hint}"


# By the tables


def nested(kind: Any) -> tuple[type[Struct] | None, str]:
    """The table that a key holds, if it holds one, and how: one, optional, list or named."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind, "one"
    inner = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        tables = [t for t in inner if isinstance(t, type) and issubclass(t, Struct)]
        return (tables[0], "optional") if tables else (None, "")
    if get_origin(kind) in (list, dict) and isinstance(inner[-1], type) and issubclass(inner[-1], Struct):
        return inner[-1], "list" if get_origin(kind) is list else "named"
    return None, ""


def _table(kind: type[Struct], raw: Any, path: Keys, wrong: ConfigErrors) -> dict[str, Any]:
    """A table's values by key, defaults where a key is missing or wrong."""
    if not isinstance(raw, dict):
        wrong.add(path, f"expected a table, [{'.'.join(str(p) for p in path if isinstance(p, str))}]")
        raw = {}
    keys = {f.name: f for f in msgspec.structs.fields(kind)}
    for key in (k for k in raw if k not in keys):
        wrong.add((*path, key), unknown(key, keys, path) if len(wrong) < MOST else "unknown key")
    said = {}
    for name, key in keys.items():
        table, how = nested(key.type)
        at = (*path, name)
        if table is not None:
            said[name] = _tables(table, how, raw.get(name), name in raw, at, wrong)
        elif name not in raw:
            if key.required:
                wrong.add(path, f"{name!r} is missing")
            said[name] = None if key.required else key.default if key.default is not msgspec.NODEFAULT else key.default_factory()
        elif fits(raw[name], key.type):
            said[name] = msgspec.convert(raw[name], key.type)
        else:
            wrong.add(at, wrong_value("..." if name == "secret" else raw[name], key.type))  # secrets are in no log
            said[name] = None if key.required or key.default is msgspec.NODEFAULT else key.default
    return said


def _tables(table: type[Struct], how: str, raw: Any, given: bool, at: Keys, wrong: ConfigErrors) -> Any:
    if how == "optional" and not given:
        return None
    if how == "list":
        if given and not isinstance(raw, list):
            wrong.add(at, f"expected [[{at[-1]}]], with double brackets, for each")
            return []
        if len(raw or []) > TABLES:
            wrong.add(at, f"{len(raw):,} of them; there can be {TABLES}")
        return [_table(table, inner, (*at, i), wrong) for i, inner in enumerate((raw or [])[:TABLES])]
    if how == "named":
        if given and not isinstance(raw, dict):
            wrong.add(at, f"expected tables with a name, [{at[-1]}.NAME]")
            return {}
        for name in raw or {}:
            if not re.fullmatch(WORD, name):
                wrong.add((*at, name), "expected a name of letters, digits, - and _, a letter first")
        return {name: _table(table, inner, (*at, name), wrong) for name, inner in (raw or {}).items()}
    return _table(table, raw if given else {}, at, wrong)


def unknown(key: str, known: Any, path: Keys) -> str:
    """What to say of a key that a table does not have."""
    homes = [h for h in _homes(Root, "").get(key, ()) if h != _header(path)]
    if homes and not (path and path[0] == "binding"):
        return f"unknown key here; it belongs in {homes[0]}"
    near = meant(key, known)
    return f"unknown key{near}" if near else f"unknown key; there are {', '.join(known)}"


@cache
def _homes(kind: type[Struct], path: str) -> dict[str, list[str]]:
    """The tables that have a key, as headers, by key."""
    found: dict[str, list[str]] = {}
    for f in msgspec.structs.fields(kind):
        table, how = nested(f.type)
        name = f"{path.strip('[]')}.{f.name}".lstrip(".")
        if table is None:
            found.setdefault(f.name, []).append(path or "the top, before all tables")
            continue
        if path:
            found.setdefault(f.name, []).append(f"[{name}]")
        inner = _homes(table, f"[[{name}]]" if how == "list" else f"[{name}.NAME]" if how == "named" else f"[{name}]")
        for key, headers in inner.items():
            found.setdefault(key, []).extend(headers)
    return found


def _header(path: Keys) -> str:
    name = ".".join(p for p in path if isinstance(p, str))
    return f"[[{name}]]" if any(isinstance(p, int) for p in path) else f"[{name}]"


# To values


def _build(said: dict[str, Any], path: Path, wrong: ConfigErrors) -> Config:
    folder = path.absolute().parent
    music = dict(said["music"])
    music["metre"] = metre_of(music["metre"], wrong)
    bindings = tuple(_binding(b, folder) for b in said["binding"])
    if music["tap"]:
        bindings += (Binding("cc" if music["tap"].startswith("cc") else "key", int(music["tap"].strip("ceky")), action="tap"),)
    inputs = tuple(
        Input(i["name"] or f"{n}?", i["port"], frozenset(i["channels"] or CHANNELS), i["role"]) for n, i in enumerate(said["input"], 1)
    ) or (Input("keys"),)
    default_model = _model(said["model"], folder)
    playing = tuple(i.name for i in inputs if i.role == "play")
    everybody = said["performer"] or [dict.fromkeys((*OWN, "model", "output", "hears", "seed")) | {"name": "improv", "channel": 1}]
    performers = tuple(
        PerformerConfig(
            p["name"] or f"{n}?",
            _model(p["model"], folder) if p["model"] else default_model,
            p["output"],
            p["channel"],
            playing if p["hears"] is None else tuple(p["hears"]),
            _given(said["settings"]) | _given({name: p[name] for name in OWN}),
            p["seed"],
        )
        for n, p in enumerate(everybody, 1)
    )
    record, control = said["record"], said["control"]
    osc, metrics = control["osc"], control["metrics"]
    return Config(
        folder,
        default_model,
        inputs,
        performers,
        Music(**music, sheet=sheet_of(music["changes"], music["metre"], wrong)),
        Record(_path(record["folder"], folder), record["keep_days"], record["keep_mb"], record["on"]),
        Control(
            _path(control["socket"], folder) if control["socket"] else None,
            Osc(**(osc | {"allow": tuple(osc["allow"])})) if osc else None,
            Metrics(**(metrics | {"allow": tuple(metrics["allow"])})) if metrics else None,
        ),
        bindings,
        {name: _given(preset) for name, preset in said["preset"].items()},
        said["log_json"],
    )


def _binding(said: dict[str, Any], folder: Path) -> Binding:
    kind = next((k for k in ("cc", "program", "key") if said[k] is not None), "cc")
    recalled = next((a for a in ("preset", "model") if said[a] is not None), None)
    name = said[recalled] if recalled else said["name"]
    if recalled == "model":
        name = _model(name, folder)
    same = {k: said[k] for k in ("channel", "setting", "performer", "low", "high", "value", "bars", "input")}
    number = said[kind] if said[kind] is not None else 0
    return Binding(kind, number, action=recalled or said["action"], name=name, **same)


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _path(said: str, folder: Path) -> Path:
    return folder / Path(said).expanduser()


def _model(name: str, folder: Path) -> str:
    """A model's name; a folder's path is as seen from the file."""
    return str(folder / name) if os.sep in name or "/" in name else name
