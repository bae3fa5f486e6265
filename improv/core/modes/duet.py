"""Duet: both at once. The network hears both lines as one; it plays in the player's gaps, and
now and then a long note beside a busy player, in a register of its own."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from statistics import median

import numpy as np

from improv.core.events import Event, NoteOn
from improv.core.intent import BOTH, Intent
from improv.core.line.beside import beside, harsh, side
from improv.core.line.memory import Plan
from improv.core.metres import Unit
from improv.core.modes.mode import Mode
from improv.core.vocabulary import GRID
from improv.core.voice import Voice

ROOM = 0.5  # beats after the player's latest onset that are the player's
BUSY = 3  # notes of the player's within two beats, from which on it plays long notes
APART, AT_REST = 2.0, 4.0  # beats between long notes, which are chord tones on the beat: as it was once, and now
LATELY = 8  # notes of the player's whose middle is where he plays
PATIENCE = 4  # bars without the player, after which it ends


class Duet(Mode):
    """A line of its own that leaves room."""

    leads = True

    def __init__(self, voice: Voice):
        super().__init__(voice)
        self._struck: deque[float] = deque(maxlen=BUSY)  # beats of the player's onsets
        self._plan: Plan | None = None
        self._pitches: deque[int] = deque(maxlen=LATELY)  # of the player's line
        self._above: bool | None = None  # it plays above the player
        self._not_before = -math.inf  # beat; he was in our way before
        self._takes = False  # the plan's memory has the player's latest note in it

    def struck(self, event: NoteOn, time: float) -> list[Event]:
        voice = self.voice
        self._struck.append(voice.meter.beat(time))
        if voice.early:
            self.prepare()
            return []
        if voice.tracker.note is not None and voice.tracker.note.on == event.time:  # it is of his line
            self._pitches.append(event.pitch)
        rubs = [pitch for _, _, pitch in voice.sounding if harsh(pitch, (event.pitch,))]
        closed = voice.close(rubs, time)
        self.prepare()
        return closed

    def released(self, time: float) -> list[Event]:
        if self._plan:
            self.prepare()
        return []

    def next(self) -> float:
        return self.voice.meter.time(self._plan.onset) if self._plan else math.inf

    def play(self, time: float) -> list[Event]:
        plan, voice = self._plan, self.voice
        if plan is None:
            return []
        self._plan, self.pending = None, True
        pitch = plan.value.pitch
        if not voice.early and (harsh(pitch, self._held) or pitch in voice.tracker.accompanying):  # he got there first
            self._not_before = voice.meter.beat(time) + ROOM
            return []
        if self._takes:
            voice.forget()
        return voice.play(plan, time)

    def jumped(self) -> None:
        if self._plan:
            self.prepare()

    def drop(self) -> None:
        self._plan = None
        self.pending = False
        self._struck.clear()
        self._pitches.clear()
        self._not_before = -math.inf

    def intent(self) -> Intent:
        return Intent(BOTH, self.voice.intended(self._plan))

    def prepare(self) -> None:
        """Draw our next note afresh from all that was heard and played."""
        self.pending, self._plan = False, None
        voice = self.voice
        meter = voice.meter
        now = meter.beat(voice.time)
        if not self._struck or now - self._struck[-1] > PATIENCE * meter.bar_at(self._struck[-1]):
            return
        note = voice.tracker.line
        self._takes = note is not None and note.off is not None
        memory = voice.generator.after(note, now) if note is not None and note.off is not None else voice.generator.memory
        if len(self._struck) == BUSY and now - self._struck[0] < 2.0:
            apart = APART if voice.early else AT_REST
            since = max(now, voice.generator.last_onset + apart, self._not_before)
            onset = meter.next_on(since - 1e-6, Unit.QUARTER)
            plan = voice.generator.draw(memory, round(onset * GRID), onset=onset, lands=True, lean=self._lean(memory.last))
            self._plan = replace(plan, duration=max(plan.duration, 1.0))
            return
        earliest = math.ceil(max(now, self._struck[-1] + ROOM, self._not_before) * GRID - 1e-6)
        since = earliest if memory.position is None else memory.position
        open_class = len(memory.said.ioi) - 1
        ioi = max(earliest - since, 1)
        if ioi < open_class:
            ioi = voice.generator.draw_time(memory, ioi, open_class)
        self._plan = voice.generator.draw(memory, since + ioi, lean=self._lean(memory.last))

    @property
    def _held(self) -> list[int]:
        """The keys of his line that the player holds."""
        return self.voice.tracker.line_keys

    def _lean(self, last: int | None) -> np.ndarray | None:
        """What our next pitch leans to beside the player's line."""
        if self.voice.early or not self._pitches:
            return None
        low, high = self.voice.settings.low, self.voice.settings.high
        middle = median(self._pitches)
        self._above = side(middle, low, high, self._above)
        moved = self._pitches[-1] - self._pitches[-2] if len(self._pitches) > 1 else 0
        lean = beside(middle, self._above, self._held, low, high, last, moved)
        taken = [pitch for pitch in self.voice.tracker.accompanying if low <= pitch <= high]
        if len(taken) < np.isfinite(lean[low : high + 1]).sum():
            lean[taken] = -np.inf
        return lean
