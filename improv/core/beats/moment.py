"""A moment of a performance: what was heard, and where the beat is. Whoever performs is told of one after the other."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from improv.core.events import Event
from improv.core.meter import Meter


class News(Enum):
    """What something heard did to the beat."""

    STARTED = 1  # it runs: from bar one, or from where it stood
    STOPPED = 2
    JUMPED = 3  # it runs on, elsewhere in the song


class Moment(NamedTuple):
    """An event and the beat once it was heard. event: None where it was for another, and may have moved the beat all the same."""

    event: Event | None
    time: float  # seconds
    meter: Meter
    news: News | None = None
