"""The one performance: what every command runs, live or offline, with one performer or several.

It opens nothing itself. It is given a clock, ends (ports, or none) and observers (record, terminal, capture), all of them ready,
and joins them: what is heard comes out of the inbox, goes to the band, and what the band plays goes to the ends, while the guard
looks that no note sounds for ever. What it promises depends on none of them:

- what is heard, overheard, played, filled in, dropped and closed by the guard is told to each observer, in this order of events;
- notes that arrive while all is made ready count as heard at 0 s; clock of that time does not;
- all sound off (CC 120) silences the ends at once; all notes off (CC 123) is a release of keys, for the performers;
- a tempo that is set, by whomever, is told to the Link session;
- however it ends, all that sounds is closed, and the observers are told why it ended and what was counted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from improv.core.beats.timekeeper import one_beat
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Ready, Renewed, Setting, Stop, Sync
from improv.core.flood import NoteLimit
from improv.core.improviser import ALL_SOUND_OFF
from improv.core.meter import Meter
from improv.core.modes.classes import MODES
from improv.core.modes.mode import Mode
from improv.core.note_book import NoteBook
from improv.core.note_model import CannotSpeakError
from improv.core.observer import MODEL_FAILED, Observer
from improv.core.settings import PERIOD
from improv.perform.band import Band, Slot
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.conductor import PART as CONDUCTS
from improv.perform.conductor import Conductor
from improv.perform.deadline import Thinker, Worker
from improv.perform.ends import Ends, NoEnds
from improv.perform.engine import asked, perform
from improv.perform.harmony_news import HarmonyNews
from improv.perform.in_time import in_time
from improv.perform.inbox import Inbox
from improv.perform.metronome import PART, Metronome
from improv.perform.monitor import Monitor
from improv.perform.observers import Counters, LatenessLog, spread
from improv.perform.performers import PerformerAtWork, PerformerSetup, Song, ear_for
from improv.perform.performing import Chore
from improv.perform.priority import raise_priority
from improv.perform.signals import ENDING, told_signals
from improv.perform.waiting import Waiting


class Joined(Protocol):
    """A Link session, see `perform.link`."""

    def set_tempo(self, tempo: float) -> None: ...


@dataclass(frozen=True, slots=True)
class PerformanceConfig:
    """What is performed, and by whom. The beat is the first performer's, as its settings say.

    send_clock: MIDI Clock goes out. early: seconds by which notes are handed over before their time.
    signals: that end it. See `perform.signals`. conducted: whether a band's end slows down, stops the beat and, with `ends`, all.
    """

    performers: Sequence[PerformerSetup]
    song: Song = field(default_factory=Song)
    send_clock: bool = False
    early: float = 0.0
    signals: Sequence[str] = ENDING
    conducted: bool = True
    ends: bool = True


class Performance:
    """See the module's first lines.

    inbox: where the ends put what they hear; its own if none is given. link: the Link session, where one was joined.
    thinker: who thinks for a performer whose model may be late, given what wakes the performance; on a live clock a thread.
    """

    def __init__(
        self,
        config: PerformanceConfig,
        clock: LiveClock | OfflineClock,
        ends: Ends | None = None,
        observers: Sequence[Observer] = (),
        inbox: Inbox | None = None,
        link: Joined | None = None,
        thinker: Callable[[Callable[[], None]], Thinker] | None = None,
    ):
        self.config, self.clock, self.link = config, clock, link
        self.ends: Ends = NoEnds() if ends is None else ends
        self.inbox = Inbox() if inbox is None else inbox
        self.counters, self.lateness = Counters(), LatenessLog()
        self.observers: tuple[Observer, ...] = (self.counters, self.lateness, *observers)
        self.priority = ""  # what a live performance's thread was granted, for people
        if thinker is None and isinstance(clock, LiveClock):
            thinker = _thread
        first = config.performers[0]
        wishes, song = [setup.settings for setup in config.performers], config.song
        self.timekeeper = one_beat(wishes, song.metres, song.hearing)  # not to be changed by others
        meter = self.timekeeper.meter
        self.waiting = Waiting(self.timekeeper)
        self.observers = (*self.observers, self.waiting)
        self.performers = tuple(
            PerformerAtWork(number, setup, config.song, meter, thinker(self._wake) if thinker else None, self._renewed(number))
            for number, setup in enumerate(config.performers)
        )
        self.harmony = HarmonyNews(self.performers, self.timekeeper, lambda: ear_for(song.hearing))
        self.observers = (*self.observers, self.harmony.departures)
        self.inbox.behind = self._behind
        metronome = Metronome(first.settings, meter, config.send_clock, "drums" not in song.band)
        slots = [Slot(metronome, PART), *(Slot(p.player, p.number, p.setup.hears, p.setup.inputs) for p in self.performers)]
        if song.band and config.conducted:
            slots.append(Slot(Conductor(first.settings, meter, song.changes, song.bars, self.put, config.ends), CONDUCTS))
        self.band = Band(slots, self.timekeeper, self._overheard)
        self.limit = NoteLimit()  # of the notes that leave
        self.sounding = NoteBook()  # what was sent and not yet closed, with the times by which each note is closed
        self._arrived = 0.0  # when something was last heard
        self.rounded: Callable[[], None] = lambda: None  # is called after each round of the engine, in the performance's thread

    # For others

    @property
    def meter(self) -> Meter:
        return self.timekeeper.meter

    def put(self, event: Event) -> None:
        """Something is heard. From any thread."""
        self.inbox.put(event)

    def changed(self, text: str, fact: dict[str, object], warning: bool = False) -> None:
        """Tell the observers; see `Observer.changed`."""
        for observer in self.observers:
            observer.changed(text, fact, warning)

    # Its course

    def observe(self, observer: Observer) -> None:
        """One more observer, before it runs."""
        self.observers = (*self.observers, observer)

    def run(self, chores: Sequence[Chore] = ()) -> dict[str, Any]:
        """Perform until a Stop is heard. Returns what the record's last line says, with the `reason`: "error" for a fault of ours,
        "model failed" where nobody could play for it, as offline; both with an `error` that says which.

        chores: what is looked after meanwhile, in a thread of its own, while the clock is live.
        """
        with told_signals(lambda name: self.put(Stop(self.clock.now(), name)), self.config.signals):
            return self._run(Monitor(self, chores) if isinstance(self.clock, LiveClock) else None)

    def _run(self, monitor: Monitor | None) -> dict[str, Any]:
        end: dict[str, Any] = {"reason": "error"}
        try:
            with self._ready(monitor):
                told = self._send, self._heard, self._dropped, self.config.early, self._allowed, self._closed
                stop = perform(self.band, self.clock, self.inbox, *told, self.sounding, self.limit, self.rounded)
            end = {"reason": stop.reason, "time": stop.time}
        except KeyboardInterrupt:  # Ctrl-C again, since it did not end at the first; all that sounded was closed
            end = {"reason": "SIGINT", "time": self.clock.now()}
        except CannotSpeakError as e:
            end = {"reason": MODEL_FAILED, "error": f"{self._named()} fails after {self.clock.now():.1f} s: {e}"}
        except Exception as e:
            end = {"reason": "error", "error": f"{type(e).__name__}: {e}"}
            if os.environ.get("IMPROV_DEBUG"):
                raise
        finally:
            try:
                for performer in self.performers:
                    if isinstance(performer.worker, Worker):
                        performer.worker.close()
                if monitor:
                    monitor.close()
            finally:
                end |= self._counted()
                for observer in self.observers:
                    observer.ended(end)
        return end

    @contextmanager
    def _ready(self, monitor: Monitor | None) -> Iterator[None]:
        """All is made ready, and 0 s is now."""
        clock = self.clock
        if not isinstance(clock, LiveClock):
            self._open([])
            yield
            return
        spread([0.0])  # loads what it needs now: later there may be no time for it, or no file handle
        with in_time(clock) as granted:
            self.priority = granted.text
            self.ends.start()
            early = []  # heard while things were made ready
            while not self.inbox.empty():
                early.append(self.inbox.get())
            clock.begin()
            self._open(early)
            for observer in self.observers:
                observer.began(granted.text)
            if monitor:
                monitor.start()
            yield

    def _open(self, early: Sequence[Event]) -> None:
        """What is heard at 0 s. early: what came before."""
        if self.ends.period:
            self.put(Setting(0.0, PERIOD, round(1000 * self.ends.period, 3)))
        for event in early:
            if not isinstance(event, Pulse | Sync):  # of another zero
                self.put(replace(event, time=0.0))

    def _counted(self) -> dict[str, Any]:
        """What the record's last line says beside the reason."""
        end: dict[str, Any] = {"priority": self.priority} if self.priority else {}
        end |= {what: self.counters.counts[what] for what in ("filled", "dropped")}
        if self.priority:
            end["lateness_ms"] = self.lateness.all()
        behind = {p.number: p.deadline.unknown_since for p in self.performers if p.deadline}
        if late := {str(number): since for number, since in behind.items() if since is not None}:
            end["behind"] = late
        quoted = {str(p.number): told for p in self.performers if (told := p.improviser.generator.quoted()) is not None}
        if quoted:
            end["quoted"] = quoted
        if self.limit.held:
            end["held"] = self.limit.held
        if any(self.inbox.dropped.values()):
            end["shed"] = dict(self.inbox.dropped)
        return end

    def _named(self) -> str:
        """The models, by name."""
        names = sorted({performer.model_name for performer in self.performers})
        return f"model {names[0]}" if len(names) == 1 else f"one of the models {', '.join(names)}"

    def _wake(self) -> None:
        self.put(Ready(self.clock.now()))

    def _behind(self) -> int:
        return sum(p.deadline.behind for p in self.performers if p.deadline)

    # What the engine says, in the performance's thread

    def _heard(self, event: Event) -> None:
        self._arrived = event.time
        for observer in self.observers:
            observer.heard(event)
        if isinstance(event, ControlChange) and event.control == ALL_SOUND_OFF:
            self.ends.panic()
        elif self.link is not None and isinstance(event, Setting) and event.name == "tempo":
            taken = self.timekeeper.settings.taken("tempo", event.value).tempo
            if taken == event.value:
                self.link.set_tempo(float(taken))

    def _renewed(self, number: int) -> Callable[[Renewed], None]:
        def told(event: Renewed) -> None:
            for observer in self.observers:
                observer.heard(replace(event, part=number))

        return told

    def _overheard(self, by: int, event: Event) -> None:
        for observer in self.observers:
            observer.overheard(by, event)

    def _send(self, event: Event) -> None:
        self.ends.send(event)
        if (performer := self._who(event)) is None:
            return
        late = self.clock.now() - asked(event.time, self.config.early, self._arrived)
        filled = performer.relieved(event)
        for observer in self.observers:
            observer.played(event, late, filled)

    def _dropped(self, event: Event, late: float) -> None:
        if (performer := self._who(event)) is not None:
            filled = performer.relieved(event)
            for observer in self.observers:
                observer.dropped(event, late, filled)

    def _closed(self, event: NoteOff) -> None:
        if self._who(event) is not None:
            for observer in self.observers:
                observer.closed(event)

    def _allowed(self, event: NoteOn) -> float:
        performer = self._who(event)
        return (MODES[performer.settings.mode] if performer else Mode).longest(self.meter)

    def _who(self, event: Event) -> PerformerAtWork | None:
        """Who played it; None for the metronome's clicks, and for what is no performer's, as clock."""
        if not isinstance(event, NoteOn | NoteOff | ControlChange) or not 0 <= event.part < len(self.performers):
            return None
        return self.performers[event.part]


def _thread(wake: Callable[[], None]) -> Thinker:
    return Worker(wake, raise_priority)
