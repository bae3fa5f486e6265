"""What the player plays beside the changes that are typed: heard apart from the performance, so that it alters nothing of it.

Events are noted down in the performance's thread, each with the beat of its moment. They are listened to when the monitor looks, in
its thread, by an ear of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.harmony import Changes
from improv.core.harmony.spelling import Key
from improv.core.heard.departures import Departure, Departures, PlayedChord
from improv.core.heard.harmony import EarSetup
from improv.core.heard.listening import HarmonyListener
from improv.core.line.tracker import LineTracker
from improv.core.meter import Meter
from improv.core.observer import Observer
from improv.core.settings import Settings

if TYPE_CHECKING:
    from improv.core.beats.timekeeper import Timekeeper

MOST = 2000  # events that wait for a look
AFTER = 0.5  # beats after a bar line at which the bar is judged
BACK = 0.25  # beats by which the beat must fall back to have begun again: a clock's corrections are less


class DepartureListener(Observer):
    """See the module's first lines. changes: those of now; None where none are typed. ear: makes what hears, when it is first needed.

    reads: a chord's symbol as the player reads it.
    """

    def __init__(
        self,
        keeper: Timekeeper,
        changes: Callable[[], Changes | None],
        ear: Callable[[], EarSetup | None],
        reads: Callable[[str], str] = str,
    ):
        self._keeper, self._changes, self._ear, self._reads = keeper, changes, ear, reads
        self._events: deque[tuple[Event, Meter, Settings]] = deque(maxlen=MOST)
        self._of: Departures | None = None
        self._listener: HarmonyListener | None = None
        self._chords: list[PlayedChord] = []
        self._bar = 0  # of the song, that is judged next
        self.latest: Departure | None = None  # what was told last, for as long as a round of the chart lasts
        self._until = 0.0  # song position up to which that is shown
        self._seen, self._beat, self._shift, self._ran = 0.0, 0.0, 0.0, False  # the latest time, its beat, and the meter there

    def heard(self, event: Event) -> None:
        if isinstance(event, NoteOn | NoteOff | ControlChange) and event.part >= 0 and self._changes() is not None:
            self._events.append((event, self._keeper.meter, self._keeper.settings))

    # In the monitor's thread

    def look(self, now: float, key: Key | None) -> list[Departure]:
        """What there is to tell at a time in seconds. key: in which chords are spelled."""
        changes = self._changes()
        if changes is None:
            self._of = self.latest = None
            return []
        if self._of is None or self._of.changes is not changes:
            self._begin(changes)
        found: list[Departure] = []
        while self._events:
            event, meter, settings = self._events.popleft()
            found += self._go_on(event.time, meter, key)
            if self._listener:
                self._listener.ask(True, meter, event.time)
                self._listener.hear(event, meter.beat(event.time), settings, False)
        found += self._go_on(now, self._keeper.meter, key)
        return found

    def _begin(self, changes: Changes) -> None:
        """Other changes hold."""
        setup = self._ear()
        self._of, self.latest = Departures(changes, self._reads), None
        self._listener = HarmonyListener(LineTracker(), setup, self._keeper.meter, True) if setup else None
        self._chords.clear()
        self._ran = False

    def _follow(self, time: float, meter: Meter) -> None:
        """Where the beat begins to run, or begins again, all that was heard is another song's; where the song jumps, its bars are."""
        self._seen = max(self._seen, time)
        beat, shift = meter.beat(self._seen), meter.shift
        begins = (meter.running and not self._ran) or beat < self._beat - BACK
        if self._of and (begins or shift != self._shift):
            self._of.begin()
            self._chords.clear()
            self._until += shift - self._shift
        if self._listener and begins:
            self._listener.restart(meter.beat(time))
            self.latest = None
        self._beat, self._shift, self._ran = beat, shift, meter.running

    def _go_on(self, time: float, meter: Meter, key: Key | None) -> list[Departure]:
        """Settle what is due up to a time, and judge the bars that are over."""
        self._follow(time, meter)
        listener, found = self._listener, list[Departure]()
        if listener is None or listener.harmony is None or self._of is None or not meter.running:
            return found
        while (due := listener.due) < time:
            listener.ask(True, meter, due)
            listener.settle(due)
            self._note(listener, meter)
        listener.ask(True, meter, time)
        self._note(listener, meter)
        over = meter.bar_of(meter.beat(time) - AFTER)  # bars before that one are over
        if over < self._bar or over > self._bar + 1:  # it jumped, or nothing was heard yet
            self._bar = max(over - 1, 0)
        while self._bar < over:
            line, end = (meter.metres.line(self._bar + i) for i in (0, 1))
            chords = [chord for chord in self._chords if line - 0.01 <= chord.position < end - 0.01]
            self._chords = [chord for chord in self._chords if chord.position >= end - 0.01]
            if told := self._of.bar_over(self._bar, meter, chords, key):
                self.latest, self._until = told, end + self._of.changes.length
                found.append(told)
            self._bar += 1
        if self.latest and meter.position(meter.beat(time)) > self._until:
            self.latest = None
        return found

    def _note(self, listener: HarmonyListener, meter: Meter) -> None:
        """Take note of the latest chord."""
        latest = listener.harmony.latest if listener.harmony else None
        if latest is None:
            return
        chord = PlayedChord(meter.position(latest.place), latest.chord, latest.sure)
        while self._chords and self._chords[-1].position >= chord.position:
            self._chords.pop()
        self._chords.append(chord)
