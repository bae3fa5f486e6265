"""Whose beat it is: the meter, set by the source that the settings name. Pure; it is told all that is heard, in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from improv.core.beats.followed import FollowedBeat, FreeBeat
from improv.core.beats.internal import InternalBeat
from improv.core.beats.link import LinkBeat
from improv.core.beats.midi_clock import MidiClockBeat
from improv.core.beats.source import BeatSource, OwnBeat
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Setting, Sync
from improv.core.meter import Meter
from improv.core.settings import SETTINGS, Settings

SOURCES: dict[str, type[BeatSource]] = {
    "internal": InternalBeat,
    "midi": MidiClockBeat,
    "link": LinkBeat,
    "follow": FollowedBeat,
    "free": FreeBeat,
}
TEMPO_CHANGED = 0.001  # of the tempo: what a tempo map notes


class News(Enum):
    """What something heard did to the beat."""

    STARTED = 1  # it runs: from bar one, or from where it stood
    STOPPED = 2
    JUMPED = 3  # it runs on, elsewhere in the song


class Timekeeper:
    """The meter of a performance that begins at 0 s, and who sets it."""

    def __init__(self, settings: Settings, metre: tuple[int, int] = (4, 4)):
        self.meter = Meter(settings.tempo, metre)
        self.meter.stop(0.0)
        self.source = SOURCES[settings.clock](self.meter)
        self.settings = settings
        self._count_in()
        if settings.mode == "solo" or settings.click or settings.count_in:
            self.begin(0.0)

    def begin(self, time: float) -> None:
        """The beat is to run from now on, where that is ours to say; beat one comes after the count-in."""
        self.source.run(time, self.settings.count_in * self.meter.bar)

    def hear(self, event: Event, time: float) -> News | None:
        """Take in what was heard, at a time in seconds that is never before the last one."""
        meter = self.meter
        if isinstance(event, NoteOn | NoteOff | ControlChange) and event.part < 0:
            return None  # another performer's: the beat is the player's affair
        ran, shift = meter.running, meter.shift
        if isinstance(event, Setting):
            self._set(event, time)
        self.source.hear(event, time)
        if meter.running != ran:
            return News.STARTED if meter.running else News.STOPPED
        if meter.shift != shift and ran:
            return News.JUMPED
        return None

    def _set(self, event: Setting, time: float) -> None:
        if event.name not in SETTINGS:
            return
        before = self.settings
        settings = self.settings = before.taken(event.name, event.value)
        if event.name == "tempo" and self.source.own:
            self.meter.set_tempo(time, settings.tempo)
        elif event.name == "clock" and settings.clock != before.clock:
            if not SOURCES[settings.clock].own:
                self.meter.stop(time)  # until the others are heard
            self.source = SOURCES[settings.clock](self.meter)
            if self.source.own and self.meter.running:  # it goes on, as far as one likes
                self.meter.start(time, self.meter.beat(time))
        elif (event.name == "mode" and settings.mode == "solo") or (event.name == "click" and settings.click):
            self.source.run(time)
        self._count_in()

    def _count_in(self) -> None:
        if isinstance(self.source, OwnBeat):
            self.source.count_in = self.settings.count_in * self.meter.bar


def in_beats(
    keeper: Timekeeper, heard: Sequence[Event], played: Sequence[Event]
) -> tuple[list[Event], list[Event], list[tuple[float, float]]]:
    """A take's events with beats for times, never falling, and its tempo map, as (beat, bpm).

    keeper: a new one, as the performance had it. What says where the beat is (pulses) is left out.
    """
    sides: tuple[list[Event], list[Event]] = ([], [])
    tempos = [(-math.inf, keeper.meter.tempo)]
    last = -math.inf
    moments = [(e.time, side, i, e) for side, events in enumerate((heard, played)) for i, e in enumerate(events)]
    for time, side, _, event in sorted(moments, key=lambda m: m[:3]):
        if side == 0:
            keeper.hear(event, time)
        meter = keeper.meter
        last = max(last, meter.beat(time))
        if abs(meter.tempo / tempos[-1][1] - 1) > TEMPO_CHANGED and meter.running:
            tempos.append((last, meter.tempo))
        if not isinstance(event, Pulse | Sync):
            sides[side].append(replace(event, time=last))
    return *sides, tempos
