"""From improv.toml to a Config, by the tree: all that is wrong is said at once, each with its line."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from improv.control.config.cross_checks import check_all
from improv.control.config.errors import MOST, ConfigError, ConfigErrors, fits, lines_told, meant, wrong_value
from improv.control.config.toml_lines import Path as Keys
from improv.control.config.toml_lines import too_deep, unfinished
from improv.control.config.tree import WORD, Config, InputConfig, PerformerTable, Tables, given, meta_of, read_path
from improv.control.config.tune import tuned
from improv.core.band.together import RANGES
from improv.core.errors import ImprovError
from improv.outside import MissingError, OutsideError, read_file

LARGEST = 2**18  # bytes of a file
MOST_TABLES = 512  # of one kind
RETIRED = {"grain": "is no setting any more, and is ignored; take the line out"}  # keys of before


def load_config(path: Path | str) -> Config:
    """Read and check a file. Raises ConfigError, which names every mistake and its line."""
    path = Path(path)
    try:
        blob = read_file(path, LARGEST)
    except MissingError:
        raise ConfigError(f"{path}: no such file; `improv init --to {path}` writes one") from None
    except OutsideError as e:
        raise ConfigError(str(e)) from None
    try:
        text = blob.decode("utf-8")
    except UnicodeDecodeError as e:
        raise ConfigError(f"{path}:{blob[: e.start].count(10) + 1}: not UTF-8 text; save it as UTF-8") from None
    return read_config(text, path)


def read_config(text: str, path: Path) -> Config:
    """The configuration that a file's text says; path: names the file in errors, and its folder. Raises ConfigError."""
    if line := too_deep(text):
        raise ConfigError(f"{path}:{line}: tables or lists are nested too deep")
    try:
        raw = tomllib.loads(text + "\n")
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(_syntax(str(e), text, path)) from None
    except (ValueError, RecursionError) as e:
        raise ConfigError(f"{path}: not TOML that can be read ({type(e).__name__})") from None
    reading = _Reading()
    wrong = reading.wrong
    try:
        file: Tables = reading.table(Tables, raw, ())
        music = raw.get("music")
        file = tuned(file, path.absolute().parent, frozenset(music) if isinstance(music, dict) else frozenset(), wrong)
        config = completed(file, path.absolute().parent)
        check_all(config, file, wrong)
        if len(wrong):
            raise ConfigError(wrong.told(str(path), text, raw))
        return replace(config, notes=tuple(lines_told(reading.notes, str(path), text, raw)))
    except RecursionError:
        raise ConfigError(f"{path}: tables or lists are nested too deep") from None


def check_models(config: Config, find: Callable[[str], object]) -> None:
    """Whether all models that are named are there, by `loader.find_model`. Raises ConfigError."""
    named = {f'performer "{p.name}"': p.model for p in config.performers if p.kind == "soloist"}
    named |= {f"binding {i}": b.model for i, b in enumerate(config.binding, 1) if b.model}
    wrong = []
    for where, model in named.items():
        try:
            find(model)
        except ImprovError as e:
            wrong.append(f"{where}: {e}")
    if wrong:
        raise ConfigError("; ".join(wrong))


def completed(file: Tables, folder: Path) -> Config:
    """The tables, with all that the file leaves open filled in. folder: where the file is, which its paths are relative to."""
    inputs = tuple(replace(i, name=i.name or f"{n}?") for n, i in enumerate(file.inputs, 1)) or (InputConfig("keys"),)
    playing = tuple(i.name for i in inputs if i.role != "control")
    shared, model = given(file.settings), _model(file.model, folder)
    named = [replace(p, name=p.name or f"{n}?") for n, p in enumerate(file.performers or (PerformerTable("improv"),), 1)]
    performers = tuple(
        replace(
            p,
            model=_model(p.model, folder) if p.model else model if p.kind == "soloist" else p.kind,
            plays_on=p.channel,
            kit=folder / p.kit if p.kit else None,
            listens_to=(*playing, *heard_by(p, named)) if p.listens_to is None else p.listens_to,
            **(usual_of(p.kind, shared) | given(p)),
        )
        for p in named
    )
    tables = {f.name: getattr(file, f.name) for f in msgspec.structs.fields(Tables)}
    return Config(
        **tables
        | {
            "model": model,
            "inputs": inputs,
            "performers": performers,
            "record": replace(file.record, folder=folder / file.record.folder),
            "control": replace(file.control, socket=folder / file.control.socket) if file.control.socket else file.control,
            "binding": tuple(replace(b, model=_model(b.model, folder)) if b.model else b for b in file.binding),
        }
    )


def heard_by(performer: Any, performers: Sequence[Any]) -> tuple[str, ...]:
    """Whom of the others a performer hears who says nothing of it: nobody; as a member of a band the soloists, comping the bass too."""
    heard = {"soloist": (), "comp": ("soloist", "bass")}.get(performer.kind, ("soloist",))
    return tuple(other.name for other in performers if other.kind in heard and other is not performer)


def usual_of(kind: str, shared: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a performer whose table says none. shared: those of all, of which a band's member has its mode and range itself."""
    if kind == "soloist":
        return dict(shared)
    low, high = RANGES[kind]
    return dict(shared) | {"mode": kind, "low": low, "high": high}


def _model(name: str, folder: Path) -> str:
    """A model's name; a folder's path is as seen from the file."""
    return str(folder / name) if os.sep in name or "/" in name else name


def _syntax(said: str, text: str, path: Path) -> str:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", said, re.DOTALL)
    what = (found[1] if found else said)[0].lower() + (found[1] if found else said)[1:]
    hint = "; put text in quotes" if what == "invalid value" else ""
    if not found or not found[2]:
        return f"{path}:{unfinished(text)}: not TOML: {what}, and what begins here never ends"
    return f"{path}:{found[2]}: column {found[3]}: not TOML: {what}{hint}"


# By the tree


def nested(kind: Any) -> tuple[type[Struct] | None, str]:
    """The table that a key holds, if it holds one, and how: one, optional, several or named."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind, "one"
    inner = [t for t in get_args(kind) if isinstance(t, type) and issubclass(t, Struct)]
    if not inner:
        return None, ""
    if get_origin(kind) in (Union, UnionType):
        return inner[0], "optional"
    return inner[0], "named" if get_origin(kind) is dict else "several"


SECRETS = ("secret", "token", "watch_token")


class _Reading:
    """One file's reading. wrong: its mistakes; notes: what is right, and yet to be told."""

    def __init__(self) -> None:
        self.wrong = ConfigErrors()
        self.notes: list[tuple[Keys, str]] = []

    def table(self, kind: type[Struct], raw: Any, path: Keys) -> Any:
        """A table of a kind; a key that is missing or wrong has its default, or None where there is none."""
        if not isinstance(raw, dict):
            self.wrong.add(path, f"expected a table, [{'.'.join(str(p) for p in path if isinstance(p, str))}]")
            raw = {}
        keys = {f.encode_name: f for f in msgspec.structs.fields(kind)}
        for key in (k for k in raw if k not in keys):
            if key in RETIRED:
                self.notes.append(((*path, key), RETIRED[key]))
            else:
                self.wrong.add((*path, key), unknown(key, keys, path) if len(self.wrong) < MOST else "unknown key")
        said = {}
        for name, key in keys.items():
            table, how = nested(key.type)
            at = (*path, name)
            if table is not None:
                said[key.name] = self._tables(table, how, raw.get(name), name in raw, at)
            elif name in raw:
                said[key.name] = self._value(key, raw[name], at)
            else:
                if key.required:
                    self.wrong.add(path, f"{name!r} is missing")
                said[key.name] = default_of(key)
        return kind(**said)

    def _value(self, key: Any, given: Any, at: Keys) -> Any:
        older = (meta_of(key.type).extra or {}).get("older", {})
        if isinstance(given, str) and given in older:
            self.notes.append((at, f"{given!r} is called {older[given]!r} now; both work"))
            given = older[given]
        if fits(given, key.type):
            return msgspec.convert(given, key.type, dec_hook=read_path)
        self.wrong.add(at, wrong_value("..." if key.name in SECRETS else given, key.type))  # secrets are in no log
        return default_of(key)

    def _tables(self, table: type[Struct], how: str, raw: Any, there: bool, at: Keys) -> Any:
        if how == "optional" and not there:
            return None
        if how == "several":
            if there and not isinstance(raw, list):
                self.wrong.add(at, f"expected [[{at[-1]}]], with double brackets, for each")
                return ()
            if len(raw or []) > MOST_TABLES:
                self.wrong.add(at, f"{len(raw):,} of them; there can be {MOST_TABLES}")
            return tuple(self.table(table, inner, (*at, i)) for i, inner in enumerate((raw or [])[:MOST_TABLES]))
        if how == "named":
            if there and not isinstance(raw, dict):
                self.wrong.add(at, f"expected tables with a name, [{at[-1]}.NAME]")
                return {}
            for name in raw or {}:
                if not re.fullmatch(WORD, name):
                    self.wrong.add((*at, name), "expected a name of letters, digits, - and _, a letter first")
            return {name: self.table(table, inner, (*at, name)) for name, inner in (raw or {}).items()}
        return self.table(table, raw if there else {}, at)


def default_of(key: Any) -> Any:
    """What a key is where the file does not say; None where it must."""
    if key.default is not msgspec.NODEFAULT:
        return key.default
    return None if key.default_factory is msgspec.NODEFAULT else key.default_factory()


def unknown(key: str, known: Any, path: Keys) -> str:
    """What to say of a key that a table does not have."""
    homes = [h for h in _homes(Tables, "").get(key, ()) if h != _header(path)]
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
        name = f"{path.strip('[]')}.{f.encode_name}".lstrip(".")
        if table is None:
            found.setdefault(f.encode_name, []).append(path or "the top, before all tables")
            continue
        if path:
            found.setdefault(f.encode_name, []).append(f"[{name}]")
        inner = _homes(table, f"[[{name}]]" if how == "several" else f"[{name}.NAME]" if how == "named" else f"[{name}]")
        for key, headers in inner.items():
            found.setdefault(key, []).extend(headers)
    return found


def _header(path: Keys) -> str:
    name = ".".join(p for p in path if isinstance(p, str))
    return f"[[{name}]]" if any(isinstance(p, int) for p in path) else f"[{name}]"
