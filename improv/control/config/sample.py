"""The file that `improv init` writes: every key with its text, limits and default, from the tables that it is read by."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from improv.control.config.errors import expected
from improv.control.config.reading import default_of, nested
from improv.control.config.tree import Tables, meta_of
from improv.core.settings import OWN

WIDTH = 100
NOTHING = (None, (), "")  # defaults that are none
WRITTEN = {"input": {"name": "keys"}, "performer": {"name": "improv"}}  # what stands in the file, without a #
EXAMPLES: dict[str, list[dict[str, Any]]] = {  # tables that are shown as examples, with all their keys told above
    "binding": [
        {"cc": 74, "setting": "temperature", "low": 0.5, "high": 2.0},
        {"cc": 80, "channel": 1, "action": "panic"},
        {"program": 0, "preset": "ballad"},
        {"program": 1, "model": "pocket"},
        {"key": 36, "action": "keep", "name": "first chorus"},
        {"key": 37, "action": "recall", "name": "first chorus"},
        {"key": 38, "setting": "mode", "value": "comp", "performer": "improv"},
        {"key": 39, "action": "capture", "bars": 16},
        {"key": 40, "action": "mark", "name": "good bit"},
        {"key": 41, "action": "manner", "name": "spare:0.7, restless:0.3"},
    ],
    "preset": [{"mode": "duet", "temperature": 0.8, "enter": "bar"}],
}


def sample() -> str:
    """The whole file. It loads, and performs as an empty file does; so it does with each # before a key taken away."""
    lines = [*_prose(Tables.__doc__ or "", ""), ""]
    for key in msgspec.structs.fields(Tables):
        table, how = nested(key.type)
        if table is None:
            lines += [*_key(key), ""]
        else:
            lines += _section(key.encode_name, table, how)
    return "\n".join(lines).rstrip() + "\n"


def value_text(value: Any) -> str:
    """A value in TOML."""
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _section(name: str, table: type[Struct], how: str) -> list[str]:
    lines = ["", f"# ---- {name} " + "-" * (WIDTH - 9 - len(name)), *_prose(table.__doc__ or "", ""), ""]
    if name in EXAMPLES:
        return lines + _examples(name, table, how)
    header = f"[[{name}]]" if how == "several" else f"[{name}]"
    lines.append(f"#{header}" if how == "optional" else header)
    inner: list[str] = []
    for key in msgspec.structs.fields(table):
        within, within_how = nested(key.type)
        if within is not None:
            inner += _section(f"{name}.{key.encode_name}", within, within_how)
        elif name != "performer" or key.name not in OWN:
            lines += _key(key, WRITTEN.get(name, {}).get(key.encode_name))
    return [*lines, "", *inner]


def _examples(name: str, table: type[Struct], how: str) -> list[str]:
    """The keys' texts, then tables as examples. The settings of a preset are told elsewhere."""
    lines = []
    if how == "several":
        for key in msgspec.structs.fields(table):
            lines += _prose(_told(key, _default(key)), "    ")
        lines.append("")
    for example in EXAMPLES[name]:
        lines += [f"#[[{name}]]" if how == "several" else f"#[{name}.ballad]", *(f"#{k} = {value_text(v)}" for k, v in example.items()), ""]
    return lines


def _key(key: Any, written: Any = None) -> list[str]:
    default = _default(key)
    value = default if default not in NOTHING else (meta_of(key.type).examples or [""])[0]
    line = f"{key.encode_name} = {value_text(value if written is None else written)}"
    return [*_prose(_told(key, default), ""), line if written is not None else f"#{line}"]


def _told(key: Any, default: Any) -> str:
    """A key's name, its text, and what it takes."""
    text = meta_of(key.type).description or ""
    takes = expected(key.type)
    explained = takes.startswith("one of ") and all(f"{word}:" in text for word in takes[7:].split(", "))
    plain = key.encode_name != "name" and takes.removeprefix("a list, each ").startswith("a word")  # a name, as said there
    brackets = [] if explained or plain or takes in ("text in quotes", "a path in quotes", "") or takes in text else [takes]
    if default not in NOTHING:
        brackets.append(f"default {value_text(default)}")
    return f"{key.encode_name}: {text}" + (f" ({'; '.join(brackets)})" if brackets else "")


def _default(key: Any) -> Any:
    if key.default is None and key.name in OWN:
        return (meta_of(key.type).examples or [None])[0]  # of a setting: what it is where nobody says
    return default_of(key)


def _prose(text: str, indent: str) -> list[str]:
    """Text as comments. A line that begins with '# ' is prose; with '#' and a key, a setting that is not used."""
    lines = []
    for paragraph in text.split("\n"):
        plain = " ".join(paragraph.split())
        lines += textwrap.wrap(plain, WIDTH, initial_indent="# ", subsequent_indent="#   " + indent, break_on_hyphens=False) or ["#"]
    return lines
