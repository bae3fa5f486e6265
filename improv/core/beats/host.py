"""The transport of a plugin's host: tempo, metre, bar and place in the song are the DAW's.

The beat runs while the host plays. Bars are counted in the present metre: the song position that bar lines and changes go by is
the number of bars so far times the bar's length, and as long as the metre never changes that is the host's own position.
"""

from __future__ import annotations

from improv.core.beats.source import BeatSource
from improv.core.events import Event, HostTime
from improv.core.hearing import NOW
from improv.core.meter import Meter
from improv.core.metres import MeterError

SMALL = 1 / 48  # beats: a correction that is larger is a jump to elsewhere in the song


class HostBeat(BeatSource):
    """Goes where the host says. What it says holds from that moment on, so a jump in a loop and a ramp of the tempo are obeyed at once."""

    loops = True

    def __init__(self, meter: Meter, hearing: int = NOW):
        super().__init__(meter, hearing)
        self._ahead = 0.0  # beats by which the song position lies ahead of the host's, since the metre has changed

    def hear(self, event: Event, time: float) -> None:
        if not isinstance(event, HostTime):
            return
        self.heard = True
        meter, beat = self.meter, self.meter.beat(time)
        if not event.playing:
            meter = meter.stopped(time) if meter.running else meter
            self.meter = _counted(meter.locked(time, beat, event.tempo, until=beat), event)
            return
        counted = _counted(meter, event)
        off = event.position - (meter.position(beat) - self._ahead)
        if not meter.running or abs(off) >= SMALL:
            place = self._place(event, counted, _bars_before(event, counted))
            self.meter = counted.locked(time, beat, event.tempo).jumped(beat, place)
        elif counted.metres != meter.metres:
            place = self._place(event, counted, meter.bar_of(beat + off + SMALL))
            self.meter = counted.locked(time, beat, event.tempo).jumped(beat, place)
        else:
            self.meter = meter.locked(time, beat + off, event.tempo)

    def _place(self, event: HostTime, meter: Meter, bars: int) -> float:
        """The song position, in bars of the present metre. bars: how many lie before this one."""
        place = bars * meter.metres.first.bar + _in_bar(event, meter)
        self._ahead = place - event.position
        return place


def _in_bar(event: HostTime, meter: Meter) -> float:
    """Beats since the bar line."""
    if event.bar_start is not None and 0 <= (inside := event.position - event.bar_start) < meter.metres.first.bar:
        return inside
    return event.position % meter.metres.first.bar


def _bars_before(event: HostTime, meter: Meter) -> int:
    """How many bars lie before this one, as if all had this metre."""
    return round((event.position - _in_bar(event, meter)) / meter.metres.first.bar)


def _counted(meter: Meter, event: HostTime) -> Meter:
    """In the host's metre, if that is one of ours."""
    metre = event.count, event.unit
    if meter.metres.one and metre == meter.metres.first.metre:
        return meter
    try:
        return meter.in_metre(metre)
    except MeterError:
        return meter
