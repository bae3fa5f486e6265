"""A beat inferred from the player: followed, or no more than the player's own pace."""

from __future__ import annotations

from improv.core.beats.follow import Follow
from improv.core.beats.pace import Pace
from improv.core.beats.source import OwnBeat
from improv.core.events import Event, NoteOn, Setting, Transport
from improv.core.hearing import NOW
from improv.core.meter import Meter
from improv.core.metres import Unit
from improv.core.settings import Settings

USUAL = Settings().tempo  # what is told where nothing is said: believed less than a tempo that was chosen


class FollowedBeat(OwnBeat):
    """Tempo and beat of the player, from the first note on, which is beat one. A tempo that is set is where it begins anew."""

    def __init__(self, meter: Meter, hearing: int = NOW):
        super().__init__(meter, hearing)
        self._base: float | None = None  # the beat of the first note that is followed
        self._anew()

    @property
    def sure(self) -> float:
        return self._follow.sure

    def run(self, time: float, ahead: float = 0.0) -> None:
        if not self.meter.running:
            self._anew()
        super().run(time, ahead)

    def hear(self, event: Event, time: float) -> None:
        if isinstance(event, Transport) and event.kind == "continue" and not self.meter.running:
            self._anew()  # the line that was followed ran on meanwhile
        super().hear(event, time)
        meter = self.meter
        told = isinstance(event, Setting) and event.name == "tempo" and meter.running
        if told or (isinstance(event, Transport) and event.kind == "start"):
            self._anew()
        elif isinstance(event, NoteOn) and meter.running:
            if self._base is None:
                beat = meter.beat(time)
                self._base = meter.next_on(beat - meter.felt_at(beat) / 2, Unit.FELT)  # the first note is on a beat
            self._follow.struck(time, event.velocity)
            at, beat = self._follow.bend
            bend = (at, self._base + beat) if at > time else None
            self.meter = meter.locked(time, max(self._base + self._follow.beat(time), meter.beat(time)), self._follow.tempo, bend=bend)

    def _anew(self) -> None:
        tempo = self.meter.tempo
        self._follow, self._base = Follow(tempo, trusted=tempo != USUAL), None


class FreeBeat(OwnBeat):
    """No beat that anybody hears: beats are at the player's pace, so that rhythms are."""

    beats = False

    def __init__(self, meter: Meter, hearing: int = NOW):
        super().__init__(meter, hearing)
        self._pace = Pace(meter.tempo)

    def hear(self, event: Event, time: float) -> None:
        super().hear(event, time)
        if isinstance(event, Setting) and event.name == "tempo":
            self._pace = Pace(self.meter.tempo)
        elif isinstance(event, NoteOn):
            self._pace.struck(time)
            self.meter = self.meter.at_tempo(time, self._pace.tempo)
