"""MIDI Clock from outside: 24 pulses a quarter note, Start, Stop, Continue, Song Position Pointer."""

from __future__ import annotations

import math

from improv.core.beats.pulse_filter import PULSES, PulseFilter
from improv.core.beats.pulse_sorter import PulseSorter
from improv.core.beats.source import BeatSource
from improv.core.events import Event, NoteOn, Pulse, Setting, Transport
from improv.core.hearing import FIRST, NOW
from improv.core.meter import Meter, limited
from improv.core.settings import PERIOD

COAST = 6  # pulses for which the beat goes on when no more come


class MidiClockBeat(BeatSource):
    """Follows the pulses, sorted and filtered: their count is the beat. Where they stop, so does the beat, a quarter of a beat later.

    A source that was never heard to Start is joined as it goes: the first note is beat one, at the nearest pulse.
    """

    def __init__(self, meter: Meter, hearing: int = NOW):
        super().__init__(meter, hearing)
        self._pulses: PulseSorter | PulseFilter = self._begun(0.0)
        self._base = meter.until if not meter.running else 0.0  # beats before the first pulse
        self._count = -1  # of the latest pulse that moved the beat on, by a 24th
        self._rolling: bool | None = None  # None: neither Start nor Stop was heard, nor a note
        self._latest = -math.inf  # when the latest pulse came

    def _begun(self, grain: float) -> PulseSorter | PulseFilter:
        """What the pulses go through. grain: seconds between two looks of the MIDI system at its ports."""
        return PulseFilter(self.meter.tempo, grain) if self.hearing == FIRST else PulseSorter(self.meter.tempo, grain, self.hearing)

    @property
    def _filter(self) -> PulseFilter:
        return self._pulses if isinstance(self._pulses, PulseFilter) else self._pulses.filter

    @property
    def lost(self) -> int:
        return self._pulses.lost if isinstance(self._pulses, PulseSorter) else 0

    @property
    def two(self) -> bool:
        return isinstance(self._pulses, PulseSorter) and self._pulses.two

    @property
    def doubled(self) -> bool:
        return isinstance(self._pulses, PulseSorter) and self._pulses.doubled

    @property
    def sure(self) -> float:
        return 1.0 if self._filter.locked else 0.0

    def hear(self, event: Event, time: float) -> None:
        if isinstance(event, Setting) and event.name == PERIOD and not self.heard:
            self._pulses = self._begun(float(event.value) / 1000.0)  # type: ignore[arg-type]
        elif isinstance(event, Pulse):
            self._pulse(time if event.arrived is None else event.arrived)
        elif isinstance(event, Transport):
            self._transport(event, time)
        elif isinstance(event, NoteOn) and self._rolling is None and time - self._latest < COAST * self._filter.period:
            near = time - self._filter.time < self._filter.period / 2
            self._count = 0 if near else -1
            self._rolling = True
            if isinstance(self._pulses, PulseSorter):
                self._pulses.told()
            self._set()

    def _pulse(self, time: float) -> None:
        self.heard = True
        moved = self._pulses.pulse(time)
        self._latest = time
        if self._rolling:
            self._count += moved
            if moved:
                self._set()
        else:
            self.meter = self.meter.at_tempo(time, limited(self._tempo()))

    def _transport(self, event: Transport, time: float) -> None:
        if isinstance(self._pulses, PulseSorter):
            self._pulses.told()
        coming = self._base + (self._count + 1) / PULSES
        if event.kind in ("start", "continue"):
            if not self._rolling:
                self._pulses.restart()  # its pulses may lie elsewhere now
            self._rolling = True
            if event.kind == "start":
                self.meter = self.meter.jumped(coming, 0.0)
        elif event.kind == "position":
            self.meter = self.meter.jumped(coming, event.beat or 0.0)
        else:
            self._rolling = False
            self.meter = self.meter.stopped(time)

    def _set(self) -> None:
        beat = self._base + self._count / PULSES
        self.meter = self.meter.locked(self._filter.time, beat, self._tempo(), until=beat + COAST / PULSES)

    def _tempo(self) -> float:
        return 60.0 / (PULSES * self._filter.period)
