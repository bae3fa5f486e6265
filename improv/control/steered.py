"""What control asks of a performance: the small protocol between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import Any, Protocol

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event
from improv.core.improviser import Improviser
from improv.core.note_model import NoteModel
from improv.core.settings import Settings


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
    def settings(self) -> Settings:
        """The settings of this moment."""

    @property
    def models(self) -> dict[str, NoteModel]: ...


class PerformanceClock(Protocol):
    """zero: 0 s as `time.perf_counter` counts."""

    def now(self) -> float: ...
    @property
    def zero(self) -> float: ...


class PerformanceEnds(Protocol):
    """The ports. status: `inputs` by name, `outputs` by the performer's number, and `reconnects`; see `midi.patchbay`."""

    def panic(self) -> None: ...
    def status(self) -> Mapping[str, Any]: ...


class PerformanceInbox(Protocol):
    """Where events wait. dropped: how many were, by why."""

    @property
    def dropped(self) -> Mapping[str, int]: ...
    def qsize(self) -> int: ...


class SaidHarmony(Protocol):
    """words: what there is to say of the harmony now; None: nothing."""

    @property
    def words(self) -> str | None: ...


class SteeredPerformance(Protocol):
    """put: hand an event to the performance, from any thread."""

    @property
    def performers(self) -> Sequence[SteeredPerformer]: ...
    @property
    def clock(self) -> PerformanceClock: ...
    @property
    def ends(self) -> PerformanceEnds: ...
    @property
    def inbox(self) -> PerformanceInbox: ...
    @property
    def timekeeper(self) -> Timekeeper:
        """Whose beat it is: not to be changed."""

    @property
    def sounding(self) -> Sized:
        """The notes that sound."""

    @property
    def harmony(self) -> SaidHarmony: ...
    def put(self, event: Event) -> None: ...
