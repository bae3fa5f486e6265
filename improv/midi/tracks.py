"""The tracks of a take: a name each, and in a band a sound of General MIDI, so that one hears who plays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

PROGRAMS = {"bass": 32, "comp": 0}  # from 0: acoustic bass, grand piano
SOLOIST = 66  # tenor saxophone


class Track(NamedTuple):
    """A performer's track. drums: it is played on the drums' channel. program: General MIDI's, from 0; None: none is said."""

    name: str
    drums: bool = False
    program: int | None = None


def tracks_of(performers: Iterable[tuple[str, str]]) -> list[Track]:
    """The tracks of performers, each with its name and mode. Where none is a band's bass or drums, no sound is said."""
    performers = list(performers)
    banded = any(mode in ("bass", "drums") for _, mode in performers)
    return [Track(name, mode == "drums", PROGRAMS.get(mode, SOLOIST) if banded else None) for name, mode in performers]
