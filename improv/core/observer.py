"""Who watches a performance: told what is heard and played, observers change nothing in it.

The record, the capture of the last bars, the counters, the terminal and a log are observers. All but `changed` are
called in the performance's own thread, so they must be quick, and never raise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from improv.core.events import Event, NoteOff

MODEL_FAILED = "model failed"  # the reason of an end, see `Observer.ended`


class Observer:
    """Does nothing. Observers do what concerns them."""

    def began(self, priority: str) -> None:
        """A live performance has begun. priority: what its thread was granted, for people."""

    def heard(self, event: Event) -> None:
        """With the stamp that the performers act on."""

    def overheard(self, by: int, event: Event) -> None:
        """by: the number of the performer that heard it from another."""

    def played(self, event: Event, late: float, filled: bool) -> None:
        """By a performer, and handed over `late` seconds after it was due. filled: not its model's choice."""

    def dropped(self, event: Event, late: float, filled: bool) -> None:
        """By a performer, but not handed over, since it was too late."""

    def closed(self, event: NoteOff) -> None:
        """What was just played is the end of a note that sounded longer than it may."""

    def changed(self, text: str, fact: Mapping[str, Any], warning: bool = False) -> None:
        """How it stands has changed. text: for people; fact: for the record, empty where it is none. Comes from another thread."""

    def ended(self, end: Mapping[str, Any]) -> None:
        """The last word. end: what the record's last line says."""
