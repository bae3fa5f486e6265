"""The metronome: a click on a channel of its own, and MIDI Clock for those who follow. It thinks of nothing, so it is never late.

It performs beside the improviser (`advance`, `due`, `silence`), and hears the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from improv.core.beats.moment import Moment, News
from improv.core.beats.pulse_filter import PULSES
from improv.core.beats.sources import SOURCES
from improv.core.events import Event, NoteOn, Pulse, Setting, Transport
from improv.core.meter import Meter
from improv.core.metres import Unit
from improv.core.note_book import NoteBook
from improv.core.settings import DRUMS, SETTINGS, Settings

HIGH, LOW = 76, 77  # wood blocks of General MIDI's drums
LOUD, SOFT = 110, 80
LENGTH = 0.125  # beats
STEP = 1.0 / PULSES  # beats between pulses
PART = -1  # its number in a band


class Metronome:
    """Clicks on each felt beat, the bar line higher; where send_clock, 24 pulses a quarter with Start, Stop and Continue.

    meter: the beat before anything is heard, as the timekeeper has it. counts: whether it counts in; a drummer does so with sticks.
    """

    done = -math.inf  # what is heard is never late for it

    def __init__(self, settings: Settings, meter: Meter, send_clock: bool = False, counts: bool = True):
        self._settings, self._meter, self._counts = settings, meter, counts
        self._sends = send_clock
        self._clicked = self._pulsed = -math.inf  # beats up to which it is done
        self._sounding = NoteBook()  # ends in seconds
        self._started = False  # followers were told to start
        self._idle = 0.0  # when a pulse is due while no beat runs, in seconds
        if self._meter.running:
            self._from(0.0)

    @property
    def due(self) -> float | None:
        soonest = min(self._sounding.soonest, self._next_click(), self._next_pulse())
        return None if soonest == math.inf else soonest

    def advance(self, now: float, heard: Iterable[Moment] = ()) -> list[Event]:
        played: list[Event] = []
        for moment in heard:
            played += self._up_to(math.nextafter(moment.time, -math.inf))
            if isinstance(moment.event, Setting) and moment.event.name in SETTINGS:
                self._set(moment.event)
            self._meter = moment.meter
            if moment.news:
                played += self._turn(moment.news, moment.time)
        return played + self._up_to(now)

    def silence(self, now: float) -> list[Event]:
        stop: list[Event] = [Transport(now, "stop")] if self._started else []
        self._started = False
        return self._sounding.close_all(now) + stop

    # Times

    def _next_click(self) -> float:
        meter = self._meter
        if not meter.running:
            return math.inf
        beat = meter.next_on(self._clicked, Unit.FELT)
        return meter.time(beat) if self._channel(beat) else math.inf

    def _next_pulse(self) -> float:
        if not self._sends:
            return math.inf
        if self._meter.running:
            return self._meter.time(self._meter.next(self._pulsed, STEP))
        return self._idle if SOURCES[self._settings.clock].own else math.inf

    def _channel(self, beat: float) -> int:
        """The click's channel, 1-16; 0 for none."""
        counting = self._counts and self._settings.count_in and self._meter.position(beat) < -STEP
        return self._settings.click or (DRUMS if counting else 0)

    def _from(self, beat: float) -> None:
        """Clicks and pulses go on from a beat."""
        self._clicked = self._pulsed = self._meter.just_before(beat)

    # Hearing

    def _set(self, event: Setting) -> None:
        self._clicked = max(self._clicked, self._meter.beat(event.time))  # no click of a time in which it was off
        self._settings = self._settings.taken(event.name, event.value)
        if event.name == "clock":
            self._idle = max(self._idle, event.time)

    def _turn(self, news: News, time: float) -> list[Event]:
        """The beat starts, stops or jumps."""
        played: list[Event] = []
        self._from(self._meter.beat(time))
        if news is News.STOPPED:
            played += self._sounding.close_all(time)
            self._idle = time + self._meter.seconds(STEP)
        if self._started and news is not News.STARTED:
            self._started = False
            if self._sends:
                played.append(Transport(time, "stop"))
        return played

    # Playing

    def _up_to(self, now: float) -> list[Event]:
        """What is due up to a time in seconds."""
        played: list[Event] = []
        while (due := self.due) is not None and due <= now:
            if self._sounding.soonest <= due:
                played += self._sounding.close_all(due)
            elif self._next_pulse() <= due:
                played += self._pulse(due)
            else:
                played += self._click(due)
        return played

    def _pulse(self, time: float) -> list[Event]:
        meter = self._meter
        told: list[Event] = []
        if not meter.running:
            self._idle = time + meter.seconds(STEP)
        else:
            beat = meter.next(self._pulsed, STEP)
            self._pulsed = beat + STEP / 2
            position = meter.position(beat)
            sixteenth = abs(position * 4 - round(position * 4)) < 1e-6  # a song position is told in sixteenths
            if not self._started and position > -STEP / 2 and sixteenth:
                self._started = True
                if position < STEP / 2:
                    told.append(Transport(time, "start"))
                else:
                    told += [Transport(time, "position", round(position * 4) / 4), Transport(time, "continue")]
        return [*told, Pulse(time)]

    def _click(self, time: float) -> list[Event]:
        meter = self._meter
        beat = meter.next_on(self._clicked, Unit.FELT)
        channel = self._channel(beat) - 1
        self._clicked = min(beat + meter.felt_at(beat) / 2, meter.next_bar(beat + STEP / 2))
        first = meter.next_bar(beat - STEP) < beat + STEP
        ended = self._sounding.close_all(time)
        on = NoteOn(time, HIGH if first else LOW, LOUD if first else SOFT, channel)
        self._sounding.begin(on, time + meter.seconds(LENGTH))
        return [*ended, on]
