"""What control asks of a performance: the small protocol between the two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from improv.core.events import Event
from improv.core.improviser import Improviser
from improv.core.note_model import NoteModel


class SteeredPerformer(Protocol):
    """models: those at hand, by name, each performer's own; model_name: the one that it plays with."""

    model_name: str

    @property
    def number(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def improviser(self) -> Improviser: ...
    @property
    def models(self) -> dict[str, NoteModel]: ...


class PerformanceClock(Protocol):
    def now(self) -> float: ...


class Silenced(Protocol):
    """The ports."""

    def panic(self) -> None: ...


class LinkedTempo(Protocol):
    def set_tempo(self, tempo: float) -> None: ...


class SteeredPerformance(Protocol):
    """put: hand an event to the performance, from any thread. link: None where the clock is none of Link's."""

    @property
    def performers(self) -> Sequence[SteeredPerformer]: ...
    @property
    def clock(self) -> PerformanceClock: ...
    @property
    def ends(self) -> Silenced: ...
    @property
    def link(self) -> LinkedTempo | None: ...
    def put(self, event: Event) -> None: ...
