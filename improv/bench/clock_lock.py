"""How near the true grid notes lie that follow another program's MIDI Clock, whose pulses jitter: for `improv bench`.

A second program sends pulses to our own input port, with gaussian jitter on each, and says where its true grid lies. Our
side is the loop that performs. Both read `time.perf_counter`, which counts from one zero for all programs: CLOCK_MONOTONIC
on Linux, mach_absolute_time on macOS, QueryPerformanceCounter on Windows. Python promises that nowhere, so it is checked.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable

from improv.bench.latency import equipped
from improv.core.beats.pulse_filter import PULSES, PulseFilter
from improv.core.errors import ImprovError
from improv.core.events import Event, NoteOff, NoteOn, Pulse, Stop
from improv.perform.engine import perform

TEMPO = 240.0  # fast, for many notes in little time
JITTER = 0.002  # seconds, the standard deviation of each pulse
APART = PULSES // 4  # pulses from one note-on or note-off to the next: notes are eighths
LEAD = 8 * PULSES  # two bars of 4/4, in which the filter may find the grid
CLOCK = """
import random, re, sys, time
api, count, period, jitter = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
from improv.midi.binding import rtmidi
from improv.perform.priority import raise_priority
port = rtmidi.MidiOut(api, name="improv-clock")
port.open_port(next(i for i, name in enumerate(port.get_ports()) if re.match(r"improv(-\\d+)?:in", name)))
time.sleep(0.3)
granted, _ = raise_priority()  # as a DAW has it: what is measured is how it is followed
spin = 0.001 if granted.spins else 0.0
rng = random.Random(1)
start = time.perf_counter() + 0.2
print(repr(time.perf_counter()), repr(start), flush=True)
for due in sorted(start + i * period + rng.gauss(0, jitter) for i in range(count)):
    time.sleep(max(0.0, due - time.perf_counter() - spin))
    while time.perf_counter() < due:
        pass
    port.send_message([0xF8])
time.sleep(0.2)
"""


class Clocked:
    """Plays eighths on the grid that a filter makes of the pulses it hears, the first with pulse LEAD."""

    done = -1.0  # stamps are left as they arrive

    def __init__(self, tempo: float = 120.0):
        self.filter = PulseFilter(tempo)
        self.number = 0  # of the next note-on or note-off
        self.due: float | None = None

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        for event in heard:
            if isinstance(event, Pulse):
                self.filter.pulse(event.time)
        self._aim()
        if self.due is None or now < self.due:
            return []
        played = NoteOff(self.due, 60) if self.number % 2 else NoteOn(self.due, 60, 80)
        self.number += 1
        self._aim()
        return [played]

    def silence(self, now: float) -> list[Event]:
        return []

    def _aim(self) -> None:
        ahead = LEAD + APART * self.number - (self.filter.count - 1)
        self.due = self.filter.predict(ahead) if ahead <= 1 else None


def clock_lock(api: int | None, notes: int) -> tuple[list[float], int]:
    """Microseconds of each note-on and note-off from the true grid, late ones positive; and how many pulses got lost.

    api: the MIDI system's number, None to run without ports. About notes / 16 + 3 seconds.
    """
    count, period = LEAD + APART * (notes - 1) + 2, 60.0 / TEMPO / PULSES
    handed: list[float] = []
    grid: list[float] = []  # where the first pulse truly is, on the performance clock
    player = Clocked()
    with equipped(api) as (clock, inbox, send, number, recorder):
        clock.begin()
        zero = time.perf_counter() - clock.now()

        def out(event: Event) -> None:
            send(event)
            now = clock.now()
            recorder.played(event, now - event.time)
            if len(handed) < player.number:  # not the note-off that closes what sounds at the end
                handed.append(now)

        def play() -> None:
            try:
                if number is None:
                    grid.append(_pulses(clock.now, inbox.put, count, period))
                else:
                    start = _listen([str(number), str(count), str(period), str(JITTER)])
                    if start is not None:
                        grid.append(start - zero)
            finally:
                inbox.put(Stop(clock.now(), "over"))

        source = threading.Thread(target=play, daemon=True)
        source.start()
        perform(player, clock, inbox, out, recorder.heard)
        source.join()
    if not grid or not handed:
        raise ImprovError("no MIDI clock arrived at our own input; see `improv ports`, or choose another system with --api")
    true = [grid[0] + (LEAD + APART * i) * period for i in range(len(handed))]
    return [1e6 * (at - due) for at, due in zip(handed, true, strict=True)], count - player.filter.count


def _pulses(now: Callable[[], float], put: Callable[[Event], None], count: int, period: float) -> float:
    """Put pulses as the other program sends them; returns when the first is truly due."""
    rng, start = random.Random(1), now() + 0.2
    for due in sorted(start + i * period + rng.gauss(0, JITTER) for i in range(count)):
        time.sleep(max(0.0, due - now()))
        put(Pulse(now()))
    time.sleep(0.05)
    return start


def _listen(arguments: list[str]) -> float | None:
    """Run the other program to its end; returns when its first pulse is truly due, None where it could not send."""
    before = time.perf_counter()
    command = [sys.executable, "-c", CLOCK, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as other:
        assert other.stdout
        said = other.stdout.readline().split()
        after = time.perf_counter()
    if len(said) != 2:
        return None
    if not before <= float(said[0]) <= after:
        return None  # clocks that can't be compared
    return float(said[1])
