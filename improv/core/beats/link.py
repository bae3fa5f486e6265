"""A timeline shared with others (Ableton Link): the beat is theirs, and so are the bar lines."""

from __future__ import annotations

import math

from improv.core.beats.source import BeatSource
from improv.core.events import Event, Sync
from improv.core.hearing import NOW
from improv.core.meter import Meter

SMALL = 0.25  # beats: a correction that is larger is a jump to elsewhere in the song


class LinkBeat(BeatSource):
    """Runs as soon as the timeline is known; bar one is the bar that goes on then. Stop and start are obeyed where others use them."""

    def __init__(self, meter: Meter, hearing: int = NOW):
        super().__init__(meter, hearing)
        self._playing: bool | None = None
        self._base = 0.0  # of the timeline's beats: where ours are 0

    def hear(self, event: Event, time: float) -> None:
        if not isinstance(event, Sync):
            return
        self.heard = True
        meter, first = self.meter, self._playing is None
        before, self._playing = self._playing, event.playing
        if before and not event.playing:
            self.meter = meter.stopped(time)
        elif first or (event.playing and not before):
            length = meter.metres.first.bar  # their bars are all alike
            bar = math.floor(event.beat / length) * length
            beat = meter.beat(time)
            self._base = event.beat - beat
            self.meter = meter.locked(time, beat, event.tempo).jumped(beat, event.beat - bar)
        elif meter.running:
            expected, said = meter.beat(time), event.beat - self._base
            if abs(said - expected) < SMALL:
                self.meter = meter.locked(time, said, event.tempo)
            else:
                position = meter.position(expected) + said - expected
                self._base = event.beat - expected
                self.meter = meter.locked(time, expected, event.tempo).jumped(expected, position)
