"""The class of each clock source, by name."""

from __future__ import annotations

from improv.core import beats
from improv.core.beats.source import BeatSource
from improv.core.named import classes_of

SOURCES: dict[str, type[BeatSource]] = classes_of(beats.CLOCKS)
