"""The class of each mode, by name."""

from __future__ import annotations

from improv.core import modes
from improv.core.modes.mode import Mode
from improv.core.named import classes_of

MODES: dict[str, type[Mode]] = classes_of(modes.MODES)
