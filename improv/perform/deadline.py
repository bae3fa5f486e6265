"""The deadline ladder: the model's answer if it is there in time, else a cheaper one; never silence, never a stall.

The improviser thinks in a thread of its own and is the only one to use the model. The performance thread waits for it
for a moment, which nearly always is enough; after that it goes on without: it closes what ends, yields to the player,
and plays a riff (`core.relief`) from the beat on which a note is missed until the improviser is back.
What the improviser plays depends on the stamped events alone, as ever. Its notes that come back too late are dropped by
`engine.perform`. `filled` has what the relief played: so played, filled and dropped, all in the record, tell which rung
of the ladder every note came from.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from time import perf_counter
from typing import Protocol

from improv.core.beats.timekeeper import News, Timekeeper
from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.improviser import ALL_NOTES_OFF, ALL_SOUND_OFF, Improviser
from improv.perform.engine import LATE
from improv.perform.fallback_riff import FallbackNote, FallbackRiff

PATIENCE = 0.002  # seconds for which the performance thread waits for a thought
LINES = ("trade", "solo", "duet")  # modes in which a line is missed that does not come
LOOK = 0.05  # seconds between looks for one that takes longer, should nothing wake it


class Thinker(Protocol):
    """What thinks for the improviser, one thought at a time."""

    def give(self, thought: Callable[[], list[Event]]) -> None: ...
    def take(self, patience: float) -> list[Event] | None:
        """What the thought said; None if it takes longer than patience, in seconds. Raises what the thought raised."""


class Worker:
    """A thinker that is a thread. wake: is called in it when a thought is ready that `take` found wanting."""

    def __init__(self, wake: Callable[[], None], begin: Callable[[], object] | None = None):
        self._thoughts: queue.SimpleQueue[Callable[[], list[Event]] | None] = queue.SimpleQueue()
        self._said: queue.SimpleQueue[list[Event] | Exception] = queue.SimpleQueue()
        self._wake, self._begin = wake, begin
        self._awaited = False
        self.seconds = 0.0  # that thoughts took, all together
        threading.Thread(target=self._think, name="think", daemon=True).start()

    def give(self, thought: Callable[[], list[Event]]) -> None:
        self._awaited = False
        self._thoughts.put(thought)

    def take(self, patience: float) -> list[Event] | None:
        try:
            said = self._said.get(timeout=patience) if patience > 0 else self._said.get_nowait()
        except queue.Empty:
            self._awaited = True
            try:
                said = self._said.get_nowait()  # it came just before the flag
            except queue.Empty:
                return None
        if isinstance(said, Exception):
            raise said
        return said

    def close(self) -> None:
        """No more thoughts; one that is going on is left to itself."""
        self._thoughts.put(None)

    def _think(self) -> None:
        if self._begin:
            self._begin()
        said: list[Event] | Exception
        while (thought := self._thoughts.get()) is not None:
            began = perf_counter()
            try:
                said = thought()
            except Exception as e:
                said = e
            self.seconds += perf_counter() - began
            self._said.put(said)
            if self._awaited:
                self._wake()


class DeadlinePlayer:
    """A player in front of an improviser that may take too long. The contract is `due`, `advance`, `silence`."""

    def __init__(self, improviser: Improviser, thinker: Thinker, patience: float = PATIENCE):
        self.filled: set[Event] = set()  # what the relief played, and the note-offs that it gave for the improviser
        self._improviser, self._thinker, self._patience = improviser, thinker, patience
        self._riff = FallbackRiff()
        self.steps = 0  # of the model, in all thoughts that are over
        self._busy = False
        self._pending: list[Event] = []  # heard while the improviser was busy
        self._given = 0  # events of the thought that goes on
        self._upto = -1.0  # how far the thought goes that is going on, in seconds
        self._from = 0.0  # from when on it may play something
        self._now = 0.0
        self._done = -1.0  # when the relief last played
        self._ends: dict[int, float] = {}  # the improviser's notes that sound while it is busy, and the beats on which they end
        self._closed: set[int] = set()  # those that were closed for it
        self._fill: dict[int, float] = {}  # the relief's note that sounds, and its end
        self._settings = improviser.settings
        self._keeper = Timekeeper(improviser.settings, improviser.meter.metre)  # the improviser's own is its thread's while it thinks
        self._meter = self._keeper.meter

    @property
    def done(self) -> float:
        return max(self._done, self._upto if self._busy else self._improviser.done)

    @property
    def behind(self) -> int:
        """How many events were heard and are still to be thought about. To be asked from any thread."""
        return self._given + len(self._pending)

    @property
    def due(self) -> float | None:
        times = list(self._fill.values())
        if self._busy:
            times += [self._meter.end(beat) for beat in self._ends.values()]
            times += [at for at, _ in self._missed()]
            times.append(self._now + LOOK)
        elif self._improviser.due is not None:
            times.append(self._improviser.due)
        return min(times, default=None)

    @property
    def unknown_since(self) -> float | None:
        """Where the improviser is too slow now: from when on its music is not known yet, in seconds."""
        return self._from if self._busy else None

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        """As the improviser's, but never waits for long."""
        self._now = now
        played: list[Event] = []
        heard = list(heard)
        for event in heard:
            self._listen(event, played)
        if self._busy:
            self._pending += heard
            said = self._thinker.take(0.0)
            if said is None:
                self._relieve(now, played)
                return played
            self._back(said, played)
            heard, self._pending = self._pending, []
        self._relieve(now, played)
        improviser = self._improviser
        if not heard and not improviser.thinks:
            self._sound(improviser.advance(now), played)
            return played
        self._give(now, heard)
        said = self._thinker.take(self._patience)
        if said is not None:
            self._back(said, played)
        return played

    def relieved(self, event: Event) -> bool:
        """Whether the relief played an event, whatever its part. It is told once, so that nothing grows for weeks."""
        bare = replace(event, part=0) if isinstance(event, NoteOn | NoteOff) and event.part else event
        if bare not in self.filled:
            return False
        self.filled.discard(bare)
        return True

    def silence(self, now: float) -> list[Event]:
        """Note-offs for all that sounds; a thought that is going on is not waited for."""
        played: list[Event] = []
        self._end_fill(now, played)
        if self._busy:
            played += [NoteOff(now, pitch, self._improviser.channel) for pitch in sorted(self._ends)]
            self._ends.clear()
        else:
            self._sound(self._improviser.silence(now), played)
        return played

    # Between the two

    def _give(self, now: float, heard: list[Event]) -> None:
        improviser = self._improviser
        self._ends = {p: end for p, end in improviser.sounding.items() if p not in self._closed}
        self._busy, self._upto, self._from, self._given = True, now, improviser.time, len(heard)
        self._thinker.give(lambda: improviser.advance(now, heard))

    def _back(self, said: list[Event], played: list[Event]) -> None:
        self._busy, self._given, self.steps = False, 0, self._improviser.generator.steps
        self._ends.clear()
        self._settings = self._improviser.settings
        self._sound(said, played)

    def _sound(self, said: Iterable[Event], played: list[Event]) -> None:
        """Play what the improviser says, but no note-off twice."""
        for event in said:
            if isinstance(event, NoteOn):
                self._closed.discard(event.pitch)
                if self._now - event.time <= LATE:
                    self._end_fill(event.time, played)
                    self._riff.played(event.time, event.pitch, event.velocity)
            elif isinstance(event, NoteOff) and event.pitch in self._closed:
                self._closed.discard(event.pitch)
                continue
            played.append(event)
        if not self._busy and self._improviser.due is None:
            self._riff.over()

    def _listen(self, event: Event, played: list[Event]) -> None:
        """What the relief must know of what is heard; and it yields at once, as the improviser does when it is free."""
        stopped = self._keeper.hear(event, event.time) is News.STOPPED
        if not self._improviser.listens(event):
            return
        if isinstance(event, NoteOn):
            self._riff.heard_on(event.time, event.channel, event.pitch, event.velocity)
        elif isinstance(event, NoteOff):
            self._riff.heard_off(event.time, event.channel, event.pitch)
        elif stopped or (isinstance(event, ControlChange) and event.control in (ALL_SOUND_OFF, ALL_NOTES_OFF)):
            self._riff.over()
        else:
            return
        if not isinstance(event, NoteOff):
            self._end_fill(event.time, played)
            yields = not isinstance(event, NoteOn) or self._settings.mode in ("trade", "solo")
            for pitch in sorted(self._ends) if self._busy and yields else ():
                self._close(event.time, pitch, played)

    # Relief

    def _missed(self) -> list[tuple[float, FallbackNote]]:
        """The note of relief that comes next, with its time in seconds, while the improviser is busy."""
        if not (self._busy and self._meter.running):
            return []
        settings = self._settings
        if settings.mode not in LINES:
            return []
        solo = settings.mode == "solo"
        note = self._riff.next(self._meter, self._now - LATE, self._improviser.generator.changes, settings.low, settings.high, solo)
        return [(self._meter.time(note.onset), note)] if note else []

    def _relieve(self, now: float, played: list[Event]) -> None:
        """Close what ends by now, and play what is missed by now."""
        for pitch, beat in sorted(self._ends.items(), key=lambda item: item[1]):
            if self._busy and (end := self._meter.end(beat)) <= now:
                self._close(end, pitch, played)
        if self._fill and min(self._fill.values()) <= now:
            self._end_fill(min(self._fill.values()), played)
        for at, note in self._missed():
            if at > now:
                continue
            self._end_fill(at, played)
            for pitch in sorted(self._ends):
                self._close(at, pitch, played)
            on = NoteOn(at, note.pitch, note.velocity, self._improviser.channel)
            self._fill[note.pitch] = self._meter.time(note.onset + note.duration)
            self._riff.relieved(at)
            self._done = at
            self.filled.add(on)
            played.append(on)

    def _close(self, time: float, pitch: int, played: list[Event]) -> None:
        del self._ends[pitch]
        self._closed.add(pitch)
        off = NoteOff(time, pitch, self._improviser.channel)
        self.filled.add(off)
        played.append(off)

    def _end_fill(self, time: float, played: list[Event]) -> None:
        for pitch in sorted(self._fill):
            off = NoteOff(time, pitch, self._improviser.channel)
            self.filled.add(off)
            played.append(off)
        self._fill.clear()
