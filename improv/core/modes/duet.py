"""Duet: both at once. The network hears both lines as one; it plays in the player's gaps, and long notes under a busy player."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from improv.core.events import Event, NoteOn
from improv.core.line.draw import gaps
from improv.core.line.sampler import sample
from improv.core.modes.mode import Mode
from improv.core.vocabulary import GRID

if TYPE_CHECKING:
    from improv.core.improviser import Improviser
    from improv.core.line.generator import Plan

ROOM = 0.5  # beats after the player's latest onset that are the player's
BUSY = 3  # notes of the player's within two beats, from which on it plays long notes
APART = 2.0  # beats between long notes, which are chord tones on the beat
PATIENCE = 4  # bars without the player, after which it ends


class Duet(Mode):
    """A line of its own that leaves room."""

    def __init__(self, improviser: Improviser):
        super().__init__(improviser)
        self._struck: deque[float] = deque(maxlen=BUSY)  # beats of the player's onsets
        self._plan: Plan | None = None
        self._takes = False  # the plan's memory has the player's latest note in it

    def struck(self, event: NoteOn, time: float, played: list[Event]) -> None:
        self._struck.append(self.improviser.meter.beat(time))
        self.prepare()

    def released(self, time: float, played: list[Event]) -> None:
        if self._plan:
            self.prepare()

    def next(self) -> float:
        return self.improviser.meter.time(self._plan.onset) if self._plan else math.inf

    def play(self, time: float, played: list[Event]) -> bool:
        plan = self._plan
        if plan is None:
            return False
        self._plan = None
        if self._takes:
            self.improviser.forget()
        self.improviser.play(plan, time, played)
        self.pending = True
        return True

    def jumped(self) -> None:
        if self._plan:
            self.prepare()

    def drop(self) -> None:
        self._plan = None
        self.pending = False
        self._struck.clear()

    def prepare(self) -> None:
        """Draw our next note afresh from all that was heard and played."""
        self.pending, self._plan = False, None
        improviser = self.improviser
        now, bar = improviser.meter.beat(improviser.time), improviser.meter.bar
        if not self._struck or now - self._struck[-1] > PATIENCE * bar:
            return
        note = improviser.tracker.line
        self._takes = note is not None and note.off is not None
        memory = improviser.generator.after(note, now) if note is not None and note.off is not None else improviser.generator.memory
        if len(self._struck) == BUSY and now - self._struck[0] < 2.0:
            onset = improviser.meter.next(max(now, improviser.generator.last_onset + APART) - 1e-6, 1.0)
            plan = improviser.generator.draw(memory, round(onset * GRID), onset=onset, lands=True)
            self._plan = replace(plan, duration=max(plan.duration, 1.0))
            return
        earliest = math.ceil(max(now, self._struck[-1] + ROOM) * GRID - 1e-6)
        since = earliest if memory.position is None else memory.position
        open_class = len(memory.said.ioi) - 1
        ioi = max(earliest - since, 1)
        if ioi < open_class:
            settings = improviser.settings
            bias = gaps(open_class + 1, ioi, open_class, settings.density)
            ioi = sample(memory.said.ioi, improviser.generator.rng, settings.rhythm_temperature, bias=bias)
        self._plan = improviser.generator.draw(memory, since + ioi)
