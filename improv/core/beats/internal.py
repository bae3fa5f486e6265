"""The internal clock: a tempo that is set, or tapped."""

from __future__ import annotations

from improv.core.beats.source import OwnBeat
from improv.core.events import Event, Tap
from improv.core.hearing import NOW
from improv.core.meter import SLOWEST, Meter, limited
from improv.core.metres import Unit

TAPS = 8  # at the most that a tempo is taken from
ASTRAY = 1.7  # times the interval so far, or one over it: what differs by more begins anew


class InternalBeat(OwnBeat):
    """Keeps its tempo. Taps are beats: from the second on they set the tempo, and the beat falls on them.

    Before anything runs, a bar of taps counts in: the beat after it is beat one.
    """

    def __init__(self, meter: Meter, hearing: int = NOW):
        super().__init__(meter, hearing)
        self._taps: list[float] = []

    def hear(self, event: Event, time: float) -> None:
        if isinstance(event, Tap):
            self._tap(time)
        else:
            super().hear(event, time)

    def _tap(self, time: float) -> None:
        taps, felt = self._taps, self.meter.felt_at(self.meter.beat(time))
        if taps:
            last = time - taps[-1]
            usual = (taps[-1] - taps[0]) / (len(taps) - 1) if len(taps) > 1 else last
            if not (usual / ASTRAY < last < usual * ASTRAY) or last * SLOWEST > 60.0:
                taps.clear()
        taps.append(time)
        del taps[:-TAPS]
        if len(taps) > 1:
            tempo = felt * (len(taps) - 1) * 60.0 / (taps[-1] - taps[0])
            self.meter = self.meter.at_tempo(time, limited(tempo))
        meter = self.meter
        if meter.running:
            if len(taps) > 1:
                nearest = meter.next_on(meter.beat(time) - felt / 2, Unit.FELT)
                self.meter = meter.locked(time, nearest, meter.tempo)
        elif len(taps) * felt >= meter.metres.first.bar:
            self.run(time, ahead=felt)
