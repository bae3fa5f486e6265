"""The one interface of all that can say where the beat is, and what those share that keep it themselves."""

from __future__ import annotations

from improv.core.events import Event, NoteOn, Transport
from improv.core.hearing import NOW
from improv.core.meter import Meter


class BeatSource:
    """A source that knows nothing: what each may do. meter: where the beat is now; each source sets it. Times are in seconds.
    hearing: see `core.hearing`.

    All that it does follows from what it is told, so a record of that gives the same beats.
    """

    heard = False  # whether an outside clock was heard at all
    beats = True  # whether there is a beat at all that one could come in on
    loops = False  # whether it jumps in the midst of a line, as a loop does: then nothing is made up for after a rest
    own = False  # whether the beat is improv's own affair: a tempo can be set, and the first note may be beat one

    def __init__(self, meter: Meter, hearing: int = NOW):
        self.meter, self.hearing = meter, hearing

    @property
    def lost(self) -> int:
        """Pulses of MIDI Clock that were counted though they never came."""
        return 0

    @property
    def two(self) -> bool:
        """Whether two MIDI Clocks come through one port."""
        return False

    @property
    def doubled(self) -> bool:
        """Whether MIDI Clock doubled its tempo from one pulse to the next, as two clocks half a pulse apart would."""
        return False

    @property
    def sure(self) -> float:
        """How sure it is of the beat, 0 to 1."""
        return 1.0

    def run(self, time: float, ahead: float = 0.0) -> None:
        """The performance wants a beat from now on, beat 0 of the song in `ahead` beats."""

    def hear(self, event: Event, time: float) -> None:
        """Anything was heard, at a time that is never before the last one."""


class OwnBeat(BeatSource):
    """A beat that improv keeps itself: the first note is beat one, Start, Stop and Continue are obeyed.

    count_in: beats before beat 0 of the song, on Start.
    """

    own = True

    def __init__(self, meter: Meter, hearing: int = NOW):
        super().__init__(meter, hearing)
        self.count_in = 0.0
        self._stopped = False  # by Stop: the next note does not start it

    def run(self, time: float, ahead: float = 0.0) -> None:
        if not self.meter.running:
            self._stopped = False
            beat = self.meter.beat(time)
            self.meter = self.meter.started(time, beat).jumped(beat, -ahead)

    def hear(self, event: Event, time: float) -> None:
        if isinstance(event, NoteOn):
            if not self.meter.running and not self._stopped:
                self.run(time)
        elif isinstance(event, Transport):
            self._obey(event, time)

    def _obey(self, event: Transport, time: float) -> None:
        meter = self.meter
        beat = meter.beat(time)
        if event.kind == "stop":
            self._stopped = True
            self.meter = meter.stopped(time)
            return
        if event.kind == "position":
            self.meter = meter.jumped(beat, event.beat or 0.0)
            return
        position = meter.position(beat)
        self.meter = meter.started(time, beat).jumped(beat, -self.count_in if event.kind == "start" else position)
