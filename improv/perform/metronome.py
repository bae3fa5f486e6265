"""The metronome: a click on a channel of its own, and MIDI Clock for those who follow. It thinks of nothing, so it is never late.

It is a player beside the improviser (`advance`, `due`, `silence`), and hears the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from improv.core.beats.pulse_filter import PULSES
from improv.core.beats.timekeeper import News, Timekeeper
from improv.core.events import Event, NoteOff, NoteOn, Pulse, Setting, Transport
from improv.core.settings import DRUMS, TABLE, Settings

HIGH, LOW = 76, 77  # wood blocks of General MIDI's drums
LOUD, SOFT = 110, 80
LENGTH = 0.125  # beats
STEP = 1.0 / PULSES  # beats between pulses
PART = -1  # its number in a band


class Metronome:
    """Clicks on each felt beat, the bar line higher; where send_clock, 24 pulses a quarter with Start, Stop and Continue."""

    done = -math.inf  # what is heard is never late for it

    def __init__(self, settings: Settings, metre: tuple[int, int] = (4, 4), send_clock: bool = False):
        self._keeper = Timekeeper(settings, metre)
        self._meter = self._keeper.meter
        self._sends = send_clock
        self._clicked = self._pulsed = -math.inf  # beats up to which it is done
        self._off: tuple[float, int, int] | None = None  # the click that sounds: its end in seconds, channel, pitch
        self._started = False  # followers were told to start
        self._idle = 0.0  # when a pulse is due while no beat runs, in seconds
        if self._meter.running:
            self._from(0.0)

    @property
    def keeper(self) -> Timekeeper:
        """The beat of the performance, as its own thread knows it."""
        return self._keeper

    @property
    def due(self) -> float | None:
        soonest = min(self._off[0] if self._off else math.inf, self._next_click(), self._next_pulse())
        return None if soonest == math.inf else soonest

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        played: list[Event] = []
        for event in heard:
            before = math.nextafter(event.time, -math.inf)
            while (due := self.due) is not None and due <= before:
                self._play(due, played)
            if isinstance(event, Setting) and event.name in TABLE:
                self._clicked = max(self._clicked, self._meter.beat(event.time))  # no click of a time in which it was off
            news = self._keeper.hear(event, event.time)
            if news:
                self._turn(news, event.time, played)
            if isinstance(event, Setting) and event.name == "clock":
                self._idle = max(self._idle, event.time)
        while (due := self.due) is not None and due <= now:
            self._play(due, played)
        return played

    def silence(self, now: float) -> list[Event]:
        played: list[Event] = []
        self._end(now, played)
        if self._started:
            self._started = False
            played.append(Transport(now, "stop"))
        return played

    # Times

    def _next_click(self) -> float:
        meter = self._meter
        if not meter.running:
            return math.inf
        beat = meter.next(self._clicked, meter.felt)
        return meter.time(beat) if self._channel(beat) else math.inf

    def _next_pulse(self) -> float:
        if not self._sends:
            return math.inf
        if self._meter.running:
            return self._meter.time(self._meter.next(self._pulsed, STEP))
        return self._idle if self._keeper.source.own else math.inf

    def _channel(self, beat: float) -> int:
        """The click's channel, 1-16; 0 for none."""
        counting = self._keeper.settings.count_in and self._meter.position(beat) < -STEP
        return self._keeper.settings.click or (DRUMS if counting else 0)

    def _from(self, beat: float) -> None:
        """Clicks and pulses go on from a beat."""
        self._clicked = self._pulsed = self._meter.just_before(beat)

    # Playing

    def _turn(self, news: News, time: float, played: list[Event]) -> None:
        beat = self._meter.beat(time)
        self._from(beat)
        if news is News.STOPPED:
            self._end(time, played)
            self._idle = time + self._meter.seconds(STEP)
        if self._started and news is not News.STARTED:
            self._started = False
            if self._sends:
                played.append(Transport(time, "stop"))

    def _play(self, due: float, played: list[Event]) -> None:
        if self._off and self._off[0] <= due:
            self._end(due, played)
        elif self._next_pulse() <= due:
            self._pulse(due, played)
        else:
            self._click(due, played)

    def _pulse(self, time: float, played: list[Event]) -> None:
        meter = self._meter
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
                    played.append(Transport(time, "start"))
                else:
                    played += [Transport(time, "position", round(position * 4) / 4), Transport(time, "continue")]
        played.append(Pulse(time))

    def _click(self, time: float, played: list[Event]) -> None:
        meter = self._meter
        beat = meter.next(self._clicked, meter.felt)
        channel = self._channel(beat) - 1
        self._clicked = beat + meter.felt / 2
        within = meter.within_bar(beat)
        first = min(within, meter.bar - within) < STEP
        self._end(time, played)
        played.append(NoteOn(time, HIGH if first else LOW, LOUD if first else SOFT, channel))
        self._off = (time + meter.seconds(LENGTH), channel, HIGH if first else LOW)

    def _end(self, time: float, played: list[Event]) -> None:
        if self._off:
            _, channel, pitch = self._off
            played.append(NoteOff(time, pitch, channel))
            self._off = None
