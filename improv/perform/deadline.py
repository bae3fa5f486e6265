"""A deadline: the model's answer if it is there in time, else a cheaper one; never silence, never a stall.

The improviser thinks in a thread of its own and is the only one to use the model. The performance thread waits for it
for a moment, which nearly always is enough; after that it goes on without: it closes what ends, yields to the player,
and plays a riff (`fallback_riff`) from the beat on which a note is missed until the improviser is back. Where the model fails
for good, the riff plays on until another model is chosen: no model ends a performance.
What the improviser plays depends on the stamped events alone, as ever. Its notes that come back too late are dropped by
`engine.perform`. `filled` has what the riff played: so played, filled and dropped, all in the record, tell where every
note came from.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Protocol

from improv.core.beats.moment import Moment, News
from improv.core.errors import ImprovError
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Renewed, Setting
from improv.core.improviser import ALL_SOUND_OFF, Improviser
from improv.core.intent import Intent
from improv.core.modes.classes import MODES
from improv.core.note_book import Key, NoteBook, key_of
from improv.core.wanted import Wanted
from improv.perform.engine import LATE
from improv.perform.fallback_riff import FallbackNote, FallbackRiff

PATIENCE = 0.002  # seconds for which the performance thread waits for a thought
LOOK = 0.05  # seconds between looks for one that takes longer, should nothing wake it


class Thinker(Protocol):
    """What thinks for the improviser, one thought at a time."""

    @property
    def ready(self) -> bool:
        """Whether the thought that was given is thought to its end, and waits to be taken."""

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

    @property
    def ready(self) -> bool:
        return not self._said.empty()

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
    """A performer in front of an improviser that may take too long. The contract is `due`, `advance`, `silence`.

    What the improviser's notes are while it thinks in its own thread, is a copy of its note book from just before.
    renewed: is told where another model takes over from one that failed, for the record.
    """

    def __init__(
        self,
        improviser: Improviser,
        thinker: Thinker,
        patience: float = PATIENCE,
        renewed: Callable[[Renewed], None] = lambda event: None,
    ):
        self.filled: set[Event] = set()  # what filled in, and the note-offs that were given for the improviser
        self._improviser, self._thinker, self._patience = improviser, thinker, patience
        self._grace = max(PATIENCE - patience, 0.0)  # for which the riff waits where the performance thread does not
        self._riff, self._hands = FallbackRiff(), improviser.voice.tracker.hands and improviser.voice.tracker.hands.another()
        self.failed: str | None = None  # why the model can't go on; None while it can
        self._renewed = renewed
        self._wanted = Wanted(improviser.settings)  # by all that was given to it to think about
        self.steps = 0  # of the model, in all thoughts that are over
        self._busy = False
        self._pending: list[Moment] = []  # heard while the improviser was busy
        self._given = 0  # events of the thought that goes on
        self._upto = -1.0  # how far the thought goes that is going on, in seconds
        self._from = self._wants = 0.0  # from when on it may play something; when what it thinks about is due at the earliest
        self._now = 0.0
        self._done = -1.0  # when the riff last played
        self._own = NoteBook()  # the improviser's notes that sound while it is busy; ends in beats
        self._closed: set[Key] = set()  # those that were closed for it
        self._fill = NoteBook()  # the riff's note that sounds; its end in seconds
        self._settings, self._meter = improviser.settings, improviser.meter  # the improviser's own are its thread's while it thinks

    @property
    def done(self) -> float:
        return max(self._done, self._upto if self._busy else self._improviser.done)

    @property
    def behind(self) -> int:
        """How many events were heard and are still to be thought about. To be asked from any thread."""
        return self._given + len(self._pending)

    @property
    def due(self) -> float | None:
        if self._busy and not self.failed and self._thinker.ready:
            return self._now  # at once
        soonest = self._fill.soonest
        if self._busy:
            missed = self._missed()
            soonest = min(soonest, self._meter.end(self._own.soonest), missed[0] + self._grace if missed else math.inf, self._now + LOOK)
        elif (due := self._improviser.due) is not None:
            soonest = min(soonest, due)
        return None if soonest == math.inf else soonest

    @property
    def unknown_since(self) -> float | None:
        """Where the improviser is too slow now: from when on its music is not known yet, in seconds."""
        return self._from if self._busy else None

    def intent(self) -> Intent | None:
        """What the improviser has in mind; None while it thinks, and where its model has failed."""
        return None if self._busy or self.failed else self._improviser.intent()

    def advance(self, now: float, heard: Iterable[Moment] = ()) -> list[Event]:
        """As the improviser's, but never waits for long."""
        self._now = now
        heard = list(heard)
        played = [event for moment in heard for event in self._listen(moment)]
        if self._busy:
            self._pending += heard
            said = self._taken(0.0)
            if self.failed:
                played += self._wait_for_another(now)
                said = self._taken(self._patience)
            if said is None:
                return played + self._fill_in(now)
            played += self._back(said)
            heard, self._pending = self._pending, []
        played += self._fill_in(now)
        improviser = self._improviser
        if not heard and not improviser.thinks:
            return played + self._at_once(now)
        self._give(now, lambda: improviser.advance(now, heard), heard)
        said = self._taken(self._patience)
        return played if said is None else played + self._back(said)

    def relieved(self, event: Event) -> bool:
        """Whether the riff played an event, whatever its part. It is told once, so that nothing grows for weeks."""
        bare = replace(event, part=0) if isinstance(event, NoteOn | NoteOff) and event.part else event
        if bare not in self.filled:
            return False
        self.filled.discard(bare)
        return True

    def silence(self, now: float) -> list[Event]:
        """Note-offs for all that sounds; a thought that is going on is not waited for."""
        ended = self._fill_over(now)
        return ended + (self._own.close_all(now) if self._busy else self._sound(self._improviser.silence(now)))

    # Between the two

    def _taken(self, patience: float) -> list[Event] | None:
        """What the thought said; None if it takes longer, or the model has failed."""
        if self.failed:
            return None
        try:
            return self._thinker.take(patience)
        except Exception as e:  # whatever a model does, the performance goes on
            self._fail(e)
            return None

    def _at_once(self, now: float) -> list[Event]:
        """What the improviser does where it need not think."""
        before, since = self._improviser.sounding.copy(), self._improviser.time
        try:
            return self._sound(self._improviser.advance(now))
        except Exception as e:
            self._own, self._busy, self._upto, self._from = before, True, now, since
            self._fail(e)
            return []

    def _fail(self, e: Exception) -> None:
        self.failed = str(e) if isinstance(e, ImprovError) else f"the model has failed ({type(e).__name__}: {e})"
        self._given = 0

    def _wait_for_another(self, now: float) -> list[Event]:
        """The model has failed: keep the settings that are heard; where one of them is a model, begin anew with it."""
        improviser, pending, self._pending = self._improviser, self._pending, []
        for i, moment in enumerate(pending):
            self._wanted = self._wanted.after(moment.event)
            event = moment.event
            if isinstance(event, Setting) and event.name == "model" and improviser.knows(event):
                self._renewed(Renewed(moment.time, str(event.value), self._from))
                return self._begin_with_another(now, moment, pending[i + 1 :])
        return []

    def _begin_with_another(self, now: float, chosen: Moment, heard: list[Moment]) -> list[Event]:
        """chosen: the moment of the setting that names the model. heard: since."""
        improviser, wanted = self._improviser, self._wanted
        closed = self._close(list(self._own), now)
        self._closed.clear()
        self.failed = None

        def thought() -> list[Event]:
            improviser.begin_again(chosen, wanted)
            return improviser.advance(now, heard)

        self._give(now, thought, heard)
        return closed

    def _give(self, now: float, thought: Callable[[], list[Event]], heard: Sequence[Moment]) -> None:
        improviser = self._improviser
        for moment in heard:
            self._wanted = self._wanted.after(moment.event)
        self._own = improviser.sounding.copy()
        for key in self._closed:
            self._own.end(key)
        self._busy, self._upto, self._from, self._given = True, now, improviser.time, len(heard)
        self._wants = min([now, *([] if improviser.due is None else [improviser.due]), *(moment.time for moment in heard)])
        self._thinker.give(thought)

    def _back(self, said: list[Event]) -> list[Event]:
        self._busy, self._given, self._own, self.steps = False, 0, NoteBook(), self._improviser.generator.steps
        self._settings = self._improviser.settings
        return self._sound(said)

    def _sound(self, said: Iterable[Event]) -> list[Event]:
        """Play what the improviser says, but no note-off twice."""
        played: list[Event] = []
        for event in said:
            if isinstance(event, NoteOn):
                self._closed.discard(key_of(event))
                if self._now - event.time <= LATE:
                    played += self._fill_over(event.time)
                    self._riff.played(event.time, event.pitch, event.velocity)
            elif isinstance(event, NoteOff) and key_of(event) in self._closed:
                self._closed.discard(key_of(event))
                continue
            played.append(event)
        if not self._busy and self._improviser.due is None:
            self._riff.over()
        return played

    def _listen(self, moment: Moment) -> list[Event]:
        """What the riff must know of what is heard; and it yields at once, as the improviser does when it is free."""
        event, time, hands = moment.event, moment.time, self._hands
        self._meter = moment.meter
        if hands and isinstance(event, NoteOn | NoteOff):
            hands.as_set(self._settings, MODES[self._settings.mode].endless)
            if hands.hears(event) and isinstance(event, NoteOn):
                return []  # a left hand's chord: nobody yields to it
        if isinstance(event, NoteOff):
            self._riff.heard_off(time, event.channel, event.pitch)
            return []
        if isinstance(event, NoteOn):
            self._riff.heard_on(time, event.channel, event.pitch, event.velocity)
            yields = MODES[self._settings.mode].yields
        elif moment.news is News.STOPPED or (isinstance(event, ControlChange) and event.control == ALL_SOUND_OFF):
            self._riff.over()
            yields = True
        else:
            return []
        return self._fill_over(time) + (self._close(list(self._own), time) if self._busy and yields else [])

    # What fills in

    def _missed(self) -> tuple[float, FallbackNote] | None:
        """The riff's next note, with its time in seconds, while the improviser is busy."""
        mode = MODES[self._settings.mode]
        if not (self._busy and self._meter.running and mode.leads):
            return None
        low, high, changes = self._settings.low, self._settings.high, self._improviser.generator.changes
        note = self._riff.next(self._meter, max(self._now - LATE, self._wants), changes, low, high, mode.endless)
        return (self._meter.time(note.onset), note) if note else None

    def _fill_in(self, now: float) -> list[Event]:
        """Close what ends by now, and play what is missed by now."""
        played: list[Event] = []
        for key, beat in self._own.over(math.inf) if self._busy else ():
            if (end := self._meter.end(beat)) <= now:
                played += self._close([key], end)
        if self._fill.soonest <= now:
            played += self._fill_over(self._fill.soonest)
        missed = self._missed()
        if missed is None or missed[0] + self._grace > now:
            return played
        at, note = missed
        played += self._fill_over(at)
        played += self._close(list(self._own), at)
        on = NoteOn(at, note.pitch, note.velocity, self._improviser.channel)
        self._fill.begin(on, self._meter.time(note.onset + note.duration))
        self._riff.relieved(at)
        self._done = at
        self.filled.add(on)
        return [*played, on]

    def _close(self, keys: list[Key], time: float) -> list[Event]:
        """Close notes of the improviser's for it."""
        offs = self._own.close(keys, time)
        self._closed |= set(keys)
        self.filled |= set(offs)
        return offs

    def _fill_over(self, time: float) -> list[Event]:
        """The riff's note ends."""
        offs = self._fill.close_all(time)
        self.filled |= set(offs)
        return offs
