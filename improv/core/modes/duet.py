"""Duet: both at once. The network hears both lines as one; it plays in the player's gaps, and long notes under a busy player."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from improv.core.events import Event, NoteOn
from improv.core.intent import BOTH, Intent
from improv.core.line.draw import gaps
from improv.core.line.generator import Plan
from improv.core.line.sampler import sample
from improv.core.modes.mode import Mode
from improv.core.vocabulary import GRID
from improv.core.voice import Voice

ROOM = 0.5  # beats after the player's latest onset that are the player's
BUSY = 3  # notes of the player's within two beats, from which on it plays long notes
APART = 2.0  # beats between long notes, which are chord tones on the beat
PATIENCE = 4  # bars without the player, after which it ends


class Duet(Mode):
    """A line of its own that leaves room."""

    leads = True

    def __init__(self, voice: Voice):
        super().__init__(voice)
        self._struck: deque[float] = deque(maxlen=BUSY)  # beats of the player's onsets
        self._plan: Plan | None = None
        self._takes = False  # the plan's memory has the player's latest note in it

    def struck(self, event: NoteOn, time: float) -> list[Event]:
        self._struck.append(self.voice.meter.beat(time))
        self.prepare()
        return []

    def released(self, time: float) -> list[Event]:
        if self._plan:
            self.prepare()
        return []

    def next(self) -> float:
        return self.voice.meter.time(self._plan.onset) if self._plan else math.inf

    def play(self, time: float) -> list[Event]:
        plan = self._plan
        if plan is None:
            return []
        self._plan, self.pending = None, True
        if self._takes:
            self.voice.forget()
        return self.voice.play(plan, time)

    def jumped(self) -> None:
        if self._plan:
            self.prepare()

    def drop(self) -> None:
        self._plan = None
        self.pending = False
        self._struck.clear()

    def intent(self) -> Intent:
        return Intent(BOTH, self.voice.intended(self._plan))

    def prepare(self) -> None:
        """Draw our next note afresh from all that was heard and played."""
        self.pending, self._plan = False, None
        voice = self.voice
        now, bar = voice.meter.beat(voice.time), voice.meter.bar
        if not self._struck or now - self._struck[-1] > PATIENCE * bar:
            return
        note = voice.tracker.line
        self._takes = note is not None and note.off is not None
        memory = voice.generator.after(note, now) if note is not None and note.off is not None else voice.generator.memory
        if len(self._struck) == BUSY and now - self._struck[0] < 2.0:
            onset = voice.meter.next(max(now, voice.generator.last_onset + APART) - 1e-6, 1.0)
            plan = voice.generator.draw(memory, round(onset * GRID), onset=onset, lands=True)
            self._plan = replace(plan, duration=max(plan.duration, 1.0))
            return
        earliest = math.ceil(max(now, self._struck[-1] + ROOM) * GRID - 1e-6)
        since = earliest if memory.position is None else memory.position
        open_class = len(memory.said.ioi) - 1
        ioi = max(earliest - since, 1)
        if ioi < open_class:
            settings = voice.settings
            bias = gaps(open_class + 1, ioi, open_class, settings.density)
            ioi = sample(memory.said.ioi, voice.generator.rng, settings.rhythm_temperature, bias=bias)
        self._plan = voice.generator.draw(memory, since + ioi)
