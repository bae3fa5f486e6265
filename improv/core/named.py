"""What a setting names: where its class is, and what it does, in one row.

A table of such rows imports nothing else. So the settings read the names and the words from it, the classes may read the
settings, and neither goes round in a circle. Whoever needs the classes loads them all as the program starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple


class NamedClass(NamedTuple):
    """A row. where: module:class, as `improv.core.modes.echo:Echo`. help: what it does, in a few words."""

    where: str
    help: str


def classes_of(table: Mapping[str, NamedClass]) -> dict[str, Any]:
    """The class of each row, by its name."""
    found = {}
    for name, row in table.items():
        module, _, cls = row.where.partition(":")
        found[name] = getattr(import_module(module), cls)
    return found
