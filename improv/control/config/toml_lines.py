"""On which line of a TOML text each of its keys stands. tomllib, which reads it, does not say.

A statement of TOML ends with a line, so lines are gathered until they can be read by themselves.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
EFFORT = 2**19  # characters
DEEPEST = 12  # brackets inside each other, and names that dots join
_PIECES = re.compile(r'"{3}(?:[^\\]|\\.)*?"{3}|\'{3}.*?\'{3}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}.=,\n]', re.DOTALL)


def too_deep(text: str) -> int | None:
    """The line, from 1, of a text that may be TOML on which it is nested deeper than any configuration; None where none is.

    It is asked first: what reads TOML takes the square of the depth, or an error of its own.
    """
    depth = dots = 0
    for found in _PIECES.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth, dots = depth + 1, 0
        elif mark in "]}":
            depth = max(depth - 1, 0)
        elif mark == ".":
            dots += 1
        elif mark in "=,\n":
            dots = 0
        if max(depth, dots) > DEEPEST:
            return text.count("\n", 0, found.start()) + 1
    return None


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, of each table, key and element, by its path: ("performer", 0, "name"). text: TOML that can be read."""
    where: dict[Path, int] = {}
    tables: dict[Path, int] = {}  # arrays of tables, and how many there were of each
    here: Path = ()
    for first, statement, said in _statements(text):
        if statement.lstrip().startswith("["):
            here = _header(said, tables)
            where.setdefault(here, first)
        elif said:
            _note(said, here, first, where)
    return where


def unfinished(text: str) -> int:
    """The line, from 1, on which the last statement begins: the one to blame where the text ends too early."""
    return [first for first, _, _ in _statements(text)][-1]


def _statements(text: str) -> Iterator[tuple[int, str, Any]]:
    """Each statement's first line, its text and what it says by itself; None for a last one that can't be read.

    A statement of thousands of lines would be read thousands of times; after EFFORT characters no more are told.
    """
    pending, first, said, effort = "", 1, None, 0
    for number, line in enumerate(text.split("\n"), 1):
        first = first if pending else number
        pending += line + "\n"
        effort += len(pending)
        if effort > EFFORT:
            break
        try:
            said = tomllib.loads(pending)
        except ValueError:
            continue
        yield first, pending, said
        pending = ""
    if pending:
        yield first, pending, None


def line_of(path: Path, where: dict[Path, int]) -> int:
    """The line of a path, or of the innermost table around it; 1 where nothing of it is written."""
    while path and path not in where:
        path = path[:-1]
    return where.get(path, 1)


def _header(said: Any, tables: dict[Path, int]) -> Path:
    """Where [a.b] or [[a.b]] leads, with the numbers of the arrays' elements that it leads through."""
    path: Path = ()
    while said:
        if isinstance(said, list):
            tables[path] = tables.get(path, -1) + 1
            said = said[0]
        else:
            (key, said) = next(iter(said.items()))
            path = (*path, key)
            if isinstance(said, list):
                continue
        if path in tables:
            path = (*path, tables[path])
    return path


def _note(value: Any, path: Path, line: int, where: dict[Path, int]) -> None:
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        return
    for key, inner in items:
        where.setdefault((*path, key), line)
        _note(inner, (*path, key), line, where)
