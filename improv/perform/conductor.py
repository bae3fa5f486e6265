"""Who ends a band's song: the tag before the last chord, the ritardando into it, and the stop behind it.

It performs beside the band as the metronome does, and plays nothing. What it wants of the beat it puts into the inbox as anybody
would, so it is heard by all, and recorded: an end replays like all else. A beat that is not ours is left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from improv.core.band.ending import ENDING, Ending
from improv.core.band.form import Form, form_of
from improv.core.beats.moment import Moment, News
from improv.core.beats.sources import SOURCES
from improv.core.events import Event, Setting, Stop, Transport
from improv.core.harmony import Changes, parse_changes
from improv.core.meter import SLOWEST, Meter
from improv.core.settings import SETTINGS, Settings

PART = -2  # its number in a band
TAGS, TAG = 2, 4  # how often so many bars are played again
EARLY = 0.15  # beats before a bar line at which the song jumps: the band is to know before it plays on
SLOWER, BARS, STEP = 0.28, 2, 0.5  # by how much it slows down, within so many bars, every so many beats
HELD = 2.5  # seconds that the last chord is held at the least
OVER = "over"  # the reason of the stop


class ConductorStep(NamedTuple):
    """Something to do on a beat. jump: beats that the song goes on from before; tempo; stop: it is over."""

    beat: float
    jump: float = 0.0
    tempo: float = 0.0
    stop: bool = False


class Conductor:
    """settings: of who has the beat. meter, changes: as it begins. bars: how many are played, None for no end. put: takes what it wants.

    stops: the performance ends with the song; otherwise the beat alone is stopped.
    """

    done = -math.inf

    def __init__(
        self, settings: Settings, meter: Meter, changes: Changes | None, bars: int | None, put: Callable[[Event], None], stops: bool = True
    ):
        self._settings, self._meter, self._changes = settings, meter, changes
        self._put, self._stops = put, stops
        self._form: Form = form_of(changes, meter.metres)
        self._ending = Ending(self._form, bars)
        self._tags = 0  # to come
        self._usual = settings.tempo  # before it slowed down
        self._slows = False
        self._from = 0.0  # the beat up to which all is done

    @property
    def due(self) -> float | None:
        step = self._next()
        return None if step is None else self._meter.time(step.beat)

    def advance(self, now: float, heard: Iterable[Moment] = ()) -> list[Event]:
        for moment in heard:
            self._up_to(math.nextafter(moment.time, -math.inf))
            self._hear(moment)
        self._up_to(now)
        return []

    def silence(self, now: float) -> list[Event]:
        return []

    def _hear(self, moment: Moment) -> None:
        event, self._meter = moment.event, moment.meter
        if moment.news is News.STARTED:
            self._ending.begin(self._form)
            self._tags, self._slows, self._from = 0, False, self._meter.beat(moment.time)
        if not isinstance(event, Setting):
            return
        if event.name == ENDING and self._meter.running:
            self._ending.ask(self._form, self._meter, self._meter.beat(moment.time))
            self._tags = TAGS if self._ending.asked == 1 and self._changes is not None else 0
        elif event.name == "changes":
            text = str(event.value or "")
            self._changes = parse_changes(text, self._meter.metres) if text else None
            self._form = form_of(self._changes, self._meter.metres)
        elif event.name in SETTINGS:
            self._settings = self._settings.taken(event.name, event.value)
            if event.name == "tempo" and not self._slows:
                self._usual = self._settings.tempo

    def _next(self) -> ConductorStep | None:
        """What comes next, if anything does."""
        meter, at = self._meter, self._ending.at
        if at is None or not meter.running:
            return None
        own, here = SOURCES[self._settings.clock].own, self._from
        last = meter.line(at, here)
        bar = meter.bar_at(last)
        if self._tags and own:
            if here < last - EARLY:
                return ConductorStep(last - EARLY, jump=TAG * bar)
        elif self._settings.clock == "internal" and here < last:
            begins = last - BARS * bar
            beat = max(begins + STEP, math.floor(here / STEP + 1 + 1e-6) * STEP)
            if beat < last - 1e-6:
                gone = (beat - begins) / (last - begins)
                return ConductorStep(beat, tempo=self._usual * (1.0 - SLOWER * gone * gone))
            return ConductorStep(last, tempo=min(self._usual * (1.0 - SLOWER), 60.0 * bar / HELD))
        return ConductorStep(last + bar, stop=True) if here < last + bar else None

    def _up_to(self, now: float) -> None:
        while (step := self._next()) is not None and (time := self._meter.time(step.beat)) <= now:
            self._from = step.beat
            if step.jump:
                self._tags -= 1
                self._put(Transport(time, "position", self._meter.position(step.beat) - step.jump))
                return  # the song is elsewhere, once that is heard
            if step.tempo:
                self._slows = True
                self._put(Setting(time, "tempo", round(max(step.tempo, SLOWEST), 3)))
                return
            if self._stops:
                self._put(Stop(time, OVER))
            elif SOURCES[self._settings.clock].own:
                self._put(Transport(time, "stop"))
                if self._slows:
                    self._slows = False
                    self._put(Setting(time, "tempo", self._usual))
