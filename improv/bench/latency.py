"""What `improv bench` measures of time: how late notes are handed over, and how long a key takes to make a note.

Both run the loop that performs, with players so plain that the loop is what is measured; over real ports where there
are any. Beside lateness, in turns with it, the same loop with nothing to think, send or record: what the machine does.
"""

from __future__ import annotations

import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from improv.core.events import Event, NoteOff, NoteOn, Stop
from improv.perform.clock import EventQueue, LiveClock
from improv.perform.engine import perform
from improv.perform.in_time import in_time
from improv.perform.priority import raise_priority
from improv.session import Recorder

GAP = (0.006, 0.022)  # seconds between two events, drawn evenly: faster than anyone plays, at no one's beat
WARM = 10  # events at the start of each turn that don't count
TURNS = 4  # of ours and of nothing, each
LOAD = "while True: pass"
KEYS = """
import random, re, sys, time
from improv.midi.binding import rtmidi
api, count = int(sys.argv[1]), int(sys.argv[2])
port = rtmidi.MidiOut(api, name="improv-keys")
port.open_port(next(i for i, name in enumerate(port.get_ports()) if re.match(r"improv(-\\d+)?:in", name)))
time.sleep(0.3)
for i in range(count):
    time.sleep(random.uniform(0.006, 0.022))
    port.send_message([0x80 if i % 2 else 0x90, 60, 80])
time.sleep(0.2)
"""


class Ticking:
    """Plays notes at times drawn ahead; think is called after each, as a player plans its next one."""

    def __init__(self, events: int, think: Callable[[], None] | None = None, seed: int = 1):
        rng = random.Random(seed)
        self.done, self._think, self._idle = 0.0, think, True
        self._times = []
        at = 0.05
        for _ in range(events):
            at += rng.uniform(*GAP)
            self._times.append(at)
        self._times.reverse()
        self._on = False

    @property
    def due(self) -> float | None:
        return self.done if not self._idle else self._times[-1] if self._times else None

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        if not self._idle:
            self._idle = True
            if self._think:
                self._think()
        if not self._times or now < self._times[-1]:
            return []
        self.done = self._times.pop()
        self._on, self._idle = not self._on, self._think is None
        return [NoteOn(self.done, 60, 80) if self._on else NoteOff(self.done, 60)]

    def silence(self, now: float) -> list[Event]:
        return []


class Echoing:
    """Plays each note that it hears, at once."""

    done = -1.0
    due: float | None = None

    def advance(self, now: float, heard: Iterable[Event] = ()) -> list[Event]:
        return [e for e in heard if isinstance(e, NoteOn | NoteOff)]

    def silence(self, now: float) -> list[Event]:
        return []


@contextmanager
def two_busy() -> Iterator[None]:
    """Two other processes that keep two cores busy."""
    others = [subprocess.Popen([sys.executable, "-c", LOAD]) for _ in range(2)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def lateness(think: Callable[[], None], api: int | None, events: int) -> dict[str, list[float]]:
    """Microseconds from a note's time until the port has it: `ours`, and `nothing`, which take turns."""
    late: dict[str, list[float]] = {"ours": [], "nothing": []}
    each = max(20, events // TURNS)
    with equipped(api) as (clock, inbox, send, _, recorder):
        for turn in range(TURNS):
            for name, thought in (("ours", think), ("nothing", None)):
                found: list[float] = []
                clock.begin()

                def out(event: Event, ours: bool = name == "ours", found: list[float] = found) -> None:
                    if ours:
                        send(event)
                    took = clock.now() - event.time
                    if ours:
                        recorder.played(event, took)
                    found.append(took * 1e6)

                perform(Ticking(each + WARM, thought, turn), _UntilOver(clock), inbox, out)
                late[name] += found[WARM:]
    return late


def key_to_note(api: int | None, keys: int) -> list[float]:
    """Microseconds from a message's arrival at our input until the note that answers it is with the port."""
    found: list[float] = []
    with equipped(api) as (clock, inbox, send, number, recorder):
        clock.begin()

        def out(event: Event) -> None:
            send(event)
            took = clock.now() - event.time
            recorder.played(event, took)
            found.append(took * 1e6)

        def play() -> None:
            if number is None:
                rng = random.Random(1)
                for i in range(keys):
                    time.sleep(rng.uniform(*GAP))
                    inbox.put(NoteOff(clock.now(), 60) if i % 2 else NoteOn(clock.now(), 60, 80))
                time.sleep(0.1)
            else:
                subprocess.run([sys.executable, "-c", KEYS, str(number), str(keys)], check=False, stderr=subprocess.DEVNULL)
            inbox.put(Stop(clock.now(), "over"))

        player = threading.Thread(target=play, daemon=True)
        player.start()
        perform(Echoing(), clock, inbox, out, recorder.heard)
        player.join()
    return found[WARM:]


class _UntilOver:
    """The live clock, which ends the performance when nothing is due any more."""

    def __init__(self, clock: LiveClock):
        self.now = clock.now
        self._wait = clock.wait

    def wait(self, inbox: EventQueue[Event], until: float | None) -> list[Event]:
        return [Stop(self.now(), "over")] if until is None else self._wait(inbox, until)


@contextmanager
def equipped(api: int | None) -> Iterator[tuple[LiveClock, EventQueue[Event], Callable[[Event], None], int | None, Recorder]]:
    """A clock, an inbox, a port's send, its system's number (None: no port) and a record, as `jam` has them."""
    clock, inbox = LiveClock(), queue.SimpleQueue[Event]()
    send: Callable[[Event], None] = lambda event: None  # noqa: E731
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        recorder = Recorder(Path(folder) / "s.jsonl", {})
        stack.callback(recorder.ended, {})
        if api is not None:
            from improv.midi.fixed_ports import FixedPorts

            ports = FixedPorts(api, clock.now, inbox.put, begin=raise_priority)
            stack.callback(ports.close)
            send = ports.send
        stack.enter_context(in_time(clock))
        yield clock, inbox, send, api, recorder


def ports_and_period(api: int | None) -> tuple[str, float | None]:
    """Which MIDI system is measured, and its period in seconds, where it tells."""
    if api is None:
        return "no port (no MIDI system answers here)", None
    from improv.midi.fixed_ports import FixedPorts
    from improv.midi.ports import api_name

    ports = FixedPorts(api, lambda: 0.0, lambda event: None)
    period = ports.period
    ports.close()
    return f"{api_name(api)} ports", period


def verdict(figures: dict[str, Any], real_time: bool, period: float | None) -> str:
    """One line: stage-ready, or what to mend. period: seconds of the MIDI system's, where it tells."""
    mend = []
    stolen = max((row.get("stolen", 0.0) for row in rows_in_time(figures).values()), default=0.0)
    if stolen > 0.02:
        mend.append(f"the host of this virtual machine withheld {stolen:.0%} of the processor: play on a machine of your own")
    late = figures.get("lateness", {})
    if late and late["idle"]["p99_us"] > 400:
        mend.append(f"notes are up to {late['idle']['p99_us'] / 1000:.1f} ms late on the idle machine{_power()}")
    if late and late["loaded"]["p99_us"] > (600 if real_time else 1500):
        mend.append(f"notes are up to {late['loaded']['p99_us'] / 1000:.1f} ms late beside two busy programs")
    if mend and not real_time:
        mend.append("there is no real-time priority: see README")
    if figures.get("key_to_note", {}).get("p99_us", 0) > 2000:
        mend.append(f"a key takes up to {figures['key_to_note']['p99_us'] / 1000:.1f} ms to make a note")
    clock = figures.get("clock_lock", {})
    if clock.get("pulses_lost", 0):
        mend.append(f"{clock['pulses_lost']} MIDI clock pulses got lost on their way")
    elif clock.get("apart_p99_us", 0) > 2000:
        mend.append(f"notes lie up to {clock['apart_p99_us'] / 1000:.1f} ms off a MIDI clock's grid")
    if figures.get("note", {}).get("p99_us", 0) > 20_000:
        mend.append("a note takes over 20 ms to think of: train or choose a smaller model (--size pocket)")
    if period and period > 0.006:
        mend.append(f"JACK's period is {1000 * period:.1f} ms: choose fewer frames a period")
    return "stage-ready" if not mend else "to mend: " + "; ".join(mend)


def rows_in_time(figures: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parts that depend on the clock, by what they are called in print."""
    rows = {f"lateness {k}": v for k, v in figures.get("lateness", {}).items()}
    return rows | {name: figures[key] for name, key in (("key to note", "key_to_note"), ("clock lock", "clock_lock")) if key in figures}


class Stolen:
    """Of the processor time that was asked for since it was made, the share that a virtual machine's host gave to others.

    Linux counts it (proc_stat(5)); elsewhere, and on a machine of one's own, it is 0.
    """

    def __init__(self) -> None:
        self._before = self._count()

    def share(self) -> float:
        busy, stolen = (now - before for now, before in zip(self._count(), self._before, strict=True))
        return round(stolen / (busy + stolen), 4) if stolen else 0.0

    @staticmethod
    def _count() -> tuple[int, int]:
        """Ticks of all cores: used, and withheld."""
        try:
            user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
        except (OSError, ValueError):
            return 0, 0
        return user + nice + system + irq + softirq, steal


def _power() -> str:
    """What Linux says of a core that saves power."""
    try:
        governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text().strip()
    except OSError:
        return ""
    return "" if governor == "performance" else f" (the cores' governor is {governor}: cpupower frequency-set -g performance)"
