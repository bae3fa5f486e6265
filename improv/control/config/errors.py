"""The mistakes of a configuration, in words: where each stands, what it is, what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import inspect

from improv.control.config.toml_lines import Path, line_of, lines_of
from improv.control.config.tree import read_path
from improv.core.errors import ImprovError

SHOWN = 60  # characters of a wrong value
LONG = 10**12  # a limit that nobody needs to be told
MANY = 8  # choices that are not listed where one of them was surely meant
MOST = 40  # mistakes that are told


class ConfigError(ImprovError):
    """A configuration that can't be used; the message has a line for each mistake."""


@dataclass
class ConfigErrors:
    """All mistakes found so far, each with the path of the key that it is about."""

    found: list[tuple[Path, str]] = field(default_factory=list)

    def add(self, path: Path, text: str) -> None:
        self.found.append((path, text))

    def __len__(self) -> int:
        return len(self.found)

    def told(self, file: str, text: str, raw: Any) -> str:
        """One line for each, in the order of the file's lines."""
        lines = lines_told(self.found, file, text, raw)
        told = lines[:MOST] + ([f"and {len(lines) - MOST} more"] if len(lines) > MOST else [])
        return "\n".join([f"{file}: {len(lines)} mistakes", *told]) if len(lines) > 1 else told[0]


def lines_told(found: Iterable[tuple[Path, str]], file: str, text: str, raw: Any) -> list[str]:
    """A line for each thing found, with its line in the file's text, in the order of these."""
    where = lines_of(text)
    lines = sorted((line_of(path, where), place(path, raw), said) for path, said in found)
    return [f"{file}:{line}: {named}: {said}" if named else f"{file}:{line}: {said}" for line, named, said in lines]


def place(path: Path, raw: Any) -> str:
    """A path as people say it: performer "sax", temperature."""
    parts: list[str] = []
    for key in path:
        raw = _at(raw, key)
        if not isinstance(key, int):
            parts.append(str(key)[:SHOWN])
            continue
        name = raw.get("name") if isinstance(raw, dict) else None
        parts[-1] += f' "{name[:SHOWN]}"' if isinstance(name, str) else f" {key + 1}"
    return ", ".join(parts)


def _at(raw: Any, key: str | int) -> Any:
    """What stands there; None where nothing does."""
    if isinstance(key, int):
        return raw[key] if isinstance(raw, list) and key < len(raw) else None
    return raw.get(key) if isinstance(raw, dict) else None


def meant(word: object, known: Iterable[str]) -> str:
    """'; did you mean ...?', or nothing where no known word is like it."""
    words = {k.lower(): k for k in known}
    near = difflib.get_close_matches(str(word).lower()[:SHOWN], words, n=1, cutoff=0.6)
    return f"; did you mean {words[near[0]]!r}?" if near else ""


def shown(value: object) -> str:
    """A value as it stands in the file, cut short."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def expected(kind: Any) -> str:
    """What a key of this kind takes, in words; '' for any text."""
    return _words(inspect.type_info(kind))


def _words(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        return _words(kind.type)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(w for t in kind.types if (w := _words(t)))
    if isinstance(kind, inspect.NoneType):
        return ""
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(str(v) for v in kind.values)
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _range("a whole number" if isinstance(kind, inspect.IntType) else "a number", kind)
    if isinstance(kind, inspect.VarTupleType):
        return f"a list, each {_words(kind.item_type)}"
    if isinstance(kind, inspect.CustomType):
        return "a path in quotes"
    if isinstance(kind, inspect.StrType):
        if kind.pattern and kind.pattern.startswith("^(cc|key)"):
            return "cc0 to cc127, or key0 to key127"
        if kind.pattern:
            return "a word of letters, digits, - and _ in quotes, a letter first"
        if kind.min_length and kind.min_length > 1:
            return f"text of {kind.min_length} to {kind.max_length} characters, in quotes"
        return "text in quotes"
    raise TypeError(f"no words for {kind}")


def _range(what: str, kind: inspect.IntType | inspect.FloatType) -> str:
    low, high = kind.ge, kind.le
    if low is not None and high is not None:
        return f"{what} from {_number(low)} to {_number(high)}" if high < LONG else f"{what}, {_number(low)} or more"
    if kind.gt is not None and high is not None:
        return f"{what} above {_number(kind.gt)}, up to {_number(high)}"
    return what


def _number(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"


def wrong_value(value: object, kind: Any) -> str:
    """What is wrong with a value of a key of this kind."""
    info = inspect.type_info(kind)
    choices = [str(v) for t in _all(info) if isinstance(t, inspect.LiteralType) for v in t.values]
    near = meant(value, choices) if isinstance(value, str) else ""
    if near and len(choices) > MANY:
        return f"{shown(value)}: not known{near}"
    return f"{shown(value)}: expected {expected(kind)}{near}"


def _all(kind: inspect.Type) -> list[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return _all(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [inner for t in kind.types for inner in _all(t)]
    return [kind]


def fits(value: object, kind: Any) -> bool:
    """Whether a key of this kind takes the value."""
    try:
        msgspec.convert(value, kind, strict=True, dec_hook=read_path)
    except (msgspec.ValidationError, OverflowError):
        return False
    return value == value  # not a number is none
