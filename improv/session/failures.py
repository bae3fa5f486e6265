"""An improviser whose model failed while it was recorded, played again: up to the failure, and from the model that followed it.

One that plays far more than the record has of it, as where a stranger's session says that it lasted for years, is ended likewise.
It goes on step by step, so that nothing is lost of what it played before its model failed. How much of what was heard reached the
failed model depended on the machine, so from the failure on (`Renewed.since`) nothing of it is known, until another begins anew.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from improv.core.beats.moment import Moment
from improv.core.events import Event, Renewed, Setting
from improv.core.improviser import Improviser
from improv.core.wanted import Wanted


class WithFailures:
    """A performer as `band.Performer`. renewals: of the record, in their order. begun: how many events it had played at each of them.
    most: events that it may play.

    failed: its model fails now as well; it plays no more until the next renewal.
    """

    def __init__(self, improviser: Improviser, renewals: Sequence[Renewed], most: int = sys.maxsize):
        self.begun: list[int] = []
        self.failed = False
        self._improviser, self._renewals = improviser, list(renewals)
        self._wanted = Wanted(improviser.settings)
        self._played, self._most = 0, most

    @property
    def done(self) -> float:
        return self._improviser.done

    @property
    def due(self) -> float | None:
        return None if self.failed else self._improviser.due

    def advance(self, now: float, heard: Sequence[Moment] = ()) -> list[Event]:
        played: list[Event] = []
        for moment in heard:
            self._wanted = self._wanted.after(moment.event)
            if self._is_renewed(moment):
                self._renewals.pop(0)
                self.begun.append(self._played)
                self._improviser.begin_again(moment, self._wanted)
                self.failed = False
            else:
                before = math.nextafter(
                    max(moment.time, self._improviser.time), -math.inf
                )  # who comes in on the same instant is heard first
                while (due := self.due) is not None and due <= before:
                    played += self._step(due)
                played += self._step(before, [moment])
        due = self.due
        return played if due is None or due > now else played + self._step(min(due, now))

    def silence(self, now: float) -> list[Event]:
        return self._improviser.silence(now)

    def _is_renewed(self, moment: Moment) -> bool:
        event = moment.event
        return (
            bool(self._renewals)
            and isinstance(event, Setting)
            and (event.name, str(event.value), event.time) == ("model", self._renewals[0].name, self._renewals[0].time)
            and self._improviser.knows(event)
        )

    def _step(self, now: float, heard: Sequence[Moment] = ()) -> list[Event]:
        if self.failed:
            return []
        try:
            played = self._improviser.advance(now, heard)
        except Exception:  # whatever a model does, as in `perform.deadline`
            self.failed = True
            return []
        self._played += len(played)
        self.failed = self._played > self._most
        return played
