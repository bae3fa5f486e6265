"""Whose beat it is: the meter, set by the source that the settings name. Pure; it is told all that is heard, in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from improv.core.beats.moment import Moment, News
from improv.core.beats.source import OwnBeat
from improv.core.beats.sources import SOURCES
from improv.core.events import ControlChange, Event, HostTime, NoteOff, NoteOn, Pulse, Setting, Sync
from improv.core.hearing import NOW
from improv.core.meter import Meter
from improv.core.metres import FOUR, Metre, Metres
from improv.core.modes.classes import MODES
from improv.core.settings import SETTINGS, Settings

TEMPO_CHANGED = 0.001  # of the tempo: what a tempo map notes


class Timekeeper:
    """One for all who perform: the meter of a performance that begins at 0 s, and who sets it. It never hears a performer.

    settings: of whoever began it; it takes over what is set of the beat later on, whomever that is for.
    metres: of the song, or the one that it has. hearing: see `core.hearing`.
    """

    def __init__(self, settings: Settings, metres: Metres | Metre = FOUR, hearing: int = NOW):
        self.settings, self._hearing = settings, hearing
        self.source = SOURCES[settings.clock](Meter(settings.tempo, metres).stopped(0.0), hearing)
        self._count_in()
        if MODES[settings.mode].begins or settings.click or settings.count_in:
            self.begin(0.0)

    @property
    def meter(self) -> Meter:
        """Where the beat is, as far as it is known now."""
        return self.source.meter

    def begin(self, time: float) -> None:
        """The beat is to run from now on, where that is ours to say; beat one comes after the count-in."""
        self.source.run(time, self._counted)

    def hear(self, event: Event, time: float) -> Moment:
        """Take in what was heard, at a time in seconds that is never before the last one."""
        before = self.source.meter
        if isinstance(event, NoteOn | NoteOff | ControlChange) and event.part < 0:
            return Moment(event, time, before)  # another performer's: the beat is the player's affair
        if isinstance(event, Setting):
            self._set(event, time)
        self.source.hear(event, time)
        return Moment(event, time, self.source.meter, _news(before, self.source.meter))

    def _set(self, event: Setting, time: float) -> None:
        if event.name not in SETTINGS:
            return
        before, source = self.settings, self.source
        settings = self.settings = before.taken(event.name, event.value)
        if event.name == "tempo" and source.own:
            source.meter = source.meter.at_tempo(time, settings.tempo)
        elif event.name == "clock" and settings.clock != before.clock:
            new, meter = SOURCES[settings.clock], source.meter
            if not new.own:
                meter = meter.stopped(time)  # until the others are heard
            source = self.source = new(meter, self._hearing)
            if source.own and meter.running:  # it goes on, as far as one likes
                source.meter = meter.started(time, meter.beat(time))
        elif (event.name == "mode" and MODES[settings.mode].begins) or (event.name == "click" and settings.click):
            source.run(time)
        self._count_in()

    @property
    def _counted(self) -> float:
        """Beats of the count-in: bars of the first metre."""
        return self.settings.count_in * self.meter.metres.first.bar

    def _count_in(self) -> None:
        if isinstance(self.source, OwnBeat):
            self.source.count_in = self._counted


def _news(before: Meter, now: Meter) -> News | None:
    if now.running != before.running:
        return News.STARTED if now.running else News.STOPPED
    return News.JUMPED if now.shift != before.shift and before.running else None


def one_beat(settings: Sequence[Settings], metres: Metres | Metre = FOUR, hearing: int = NOW) -> Timekeeper:
    """A timekeeper for several performers: it goes by the settings of the first, and begins the beat if any of them begins by itself."""
    keeper = Timekeeper(settings[0], metres, hearing)
    if any(MODES[s.mode].begins for s in settings):
        keeper.begin(0.0)
    return keeper


class InBeats(NamedTuple):
    """A take's events with beats for times, never falling, and its tempo map, as (beat, bpm).

    start: how far the song was ahead of the beat, in beats, when it began to run: before bar one (a count-in, a pick-up) it is
    negative.
    """

    heard: list[Event]
    played: list[Event]
    tempos: list[tuple[float, float]]
    start: float = 0.0

    def from_line(self, metres: Metres) -> tuple[float, InBeats]:
        """The bar line of the song from which the take is best told, as a song position, and the take in beats from there: bar
        one, or the one at or before its beginning where that was later in the song.

        In one metre, and where nothing comes before bar one, beat 0 is taken for a bar line, as it always was.
        """
        if metres.one and self.start >= 0:
            return 0.0, self
        line = max(metres.line(metres.bar_of(self.start)), 0.0)
        later = self.start - line
        heard, played = ([replace(e, time=e.time + later) for e in side] for side in (self.heard, self.played))
        return line, InBeats(heard, played, [(beat + later, bpm) for beat, bpm in self.tempos], line)


def in_beats(keeper: Timekeeper, heard: Sequence[Event], played: Sequence[Event]) -> InBeats:
    """A take in beats. keeper: a new one, as the performance had it. What says where the beat is (pulses) is left out."""
    sides: tuple[list[Event], list[Event]] = ([], [])
    tempos = [(-math.inf, keeper.meter.tempo)]
    start = keeper.meter.shift if keeper.meter.running else None
    last = -math.inf
    moments = [(e.time, side, i, e) for side, events in enumerate((heard, played)) for i, e in enumerate(events)]
    for time, side, _, event in sorted(moments, key=lambda m: m[:3]):
        if side == 0:
            keeper.hear(event, time)
        meter = keeper.meter
        if start is None and meter.running:
            start = meter.shift
        last = max(last, meter.beat(time))
        if abs(meter.tempo / tempos[-1][1] - 1) > TEMPO_CHANGED and meter.running:
            tempos.append((last, meter.tempo))
        if not isinstance(event, Pulse | Sync | HostTime):
            sides[side].append(replace(event, time=last))
    return InBeats(*sides, tempos, start or 0.0)
