"""`improv calibrate`: how long a note takes from our output port back to our input port.

Measured is all of it: the output's driver, whatever is between (a cable, an interface, a synth's thru, a DAW), and the
input's driver; from the moment a note is handed to the port until the port's thread has it again. The median is stored as
the output's advance, so what is played through the same way comes out on the beat. If the synth itself is slow to sound,
that is not in it: MIDI comes back before the sound does.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from improv.cli import HUNG_UP, TERMINATED
from improv.core.errors import ImprovError
from improv.core.events import Event, NoteOff, NoteOn
from improv.midi.calibration import forget_advance, store_advance
from improv.midi.systems import choose_api, mend
from improv.perform.clock import SPIN, Inbox, LiveClock

KNOCK = 60  # the pitch that asks whether anything is connected; never one that is measured
PITCHES = [pitch for pitch in range(36, 96) if pitch != KNOCK]  # in an order drawn anew each round: a late note is taken for no other
VELOCITY = 64
KNOCKING = 0.25  # seconds between two knocks
GAP = (0.02, 0.08)  # seconds from a note's return to the next: at no one's period
PATIENCE = 2.0  # seconds until a note is lost
HOPELESS = 5  # notes lost in a row
VIRTUAL = ("improv:out", "improv:in")

Send = Callable[[NoteOn | NoteOff], None]


class LoopError(ImprovError):
    """No loop to measure: what to connect."""


class Clock(Protocol):
    """What tells the time and waits: see `improv.perform.clock`."""

    def now(self) -> float: ...
    def wait(self, inbox: Inbox[Event], until: float | None) -> list[Event]: ...


@dataclass(frozen=True, slots=True)
class Loop:
    """What came back. times: seconds of each; lost: how many did not. strange: notes that we never sent."""

    times: tuple[float, ...]
    lost: int
    strange: int


def calibrate(args: argparse.Namespace) -> int:
    """Measure, print, store; or forget what is stored."""
    if args.forget:
        api, name = forget_advance(args.api, args.target or VIRTUAL[0])
        print(json.dumps({"forgot": name, "api": api}) if args.json else f"forgot the advance of {name} ({api})")
        return 0
    if not 10 <= args.notes <= 10_000:
        raise ImprovError(f"--notes {args.notes}: expected 10 to 10,000")
    if not 1 <= args.channel <= 16:
        raise ImprovError(f"--channel {args.channel}: expected 1 to 16")
    if not 0 < args.wait <= 600:
        raise ImprovError(f"--wait {args.wait:g}: expected up to 600 seconds")
    number = choose_api(args.api)
    if number is None:
        raise ImprovError(f"no MIDI system here, so nothing to measure: {mend()}")
    api, target, source, loop = _measured(args, number)
    if loop.lost * 2 > args.notes:
        raise LoopError(f"only {len(loop.times)} of {args.notes} notes came back from {target} to {source}; nothing is stored")
    found = {"api": api, "output": target, "input": source, "notes": args.notes} | figures(loop)
    path = store_advance(api, target, found["advance_ms"])
    if args.json:
        print(json.dumps(found | {"stored": str(path)}))
        return 0
    print("{output} to {input} over {api}: {notes} notes, {lost} lost".format(**found))
    print("{p50_ms} ms (p50), {p99_ms} ms (p99), at most {max_ms} ms; jitter {jitter_ms} ms".format(**found))
    print(f"{found['advance_ms']} ms is stored as the advance of {target}, in {path}")
    return 0


def figures(loop: Loop) -> dict[str, Any]:
    """Milliseconds from a loop's times; jitter is p99 - p50; advance is what is stored."""
    import numpy as np

    p50, p99, most = (float(x) for x in np.percentile([1000 * t for t in loop.times], [50, 99, 100]))
    spread = {"p50_ms": p50, "p99_ms": p99, "max_ms": most, "jitter_ms": p99 - p50}
    return {"lost": loop.lost} | {name: round(ms, 3) for name, ms in spread.items()} | {"advance_ms": round(p50, 1)}


def measure(send: Send, clock: Clock, inbox: Inbox[Event], notes: int, wait: float, rng: random.Random) -> Loop:
    """Send notes and wait for each of them. Every note is closed, however this ends.

    wait: seconds for the first to come back, while somebody connects the ports; if none does, nothing is measured.
    After HOPELESS lost in a row the others count as lost too.
    """
    prober = _Prober(send, clock, inbox)
    if not any(prober.probe(KNOCK, KNOCKING) is not None for _ in range(max(1, round(wait / KNOCKING)))):
        return Loop((), notes, prober.strange)
    times: list[float] = []
    row = 0
    deck: list[int] = []
    for _ in range(notes):
        prober.rest(rng.uniform(*GAP))
        deck = deck or rng.sample(PITCHES, len(PITCHES))
        took = prober.probe(deck.pop(), PATIENCE)
        row = row + 1 if took is None else 0
        times += [] if took is None else [took]
        if row == HOPELESS:
            break
    return Loop(tuple(times), notes - len(times), prober.strange)


class _Prober:
    """One note at a time: sent, waited for, closed."""

    def __init__(self, send: Send, clock: Clock, inbox: Inbox[Event]):
        self._send, self._clock, self._inbox = send, clock, inbox
        self._sent: set[int] = set()
        self.strange = 0  # notes heard that were never sent

    def probe(self, pitch: int, patience: float) -> float | None:
        """Seconds until it is back; None when patience, in seconds, is over."""
        sent = self._clock.now()
        self._sent.add(pitch)
        try:
            self._send(NoteOn(sent, pitch, VELOCITY))
            while self._clock.now() < sent + patience:
                for event in self._clock.wait(self._inbox, sent + patience):
                    if isinstance(event, NoteOn) and event.pitch == pitch:
                        return event.time - sent
                    self.strange += isinstance(event, NoteOn) and event.pitch not in self._sent
            return None
        finally:
            self._send(NoteOff(self._clock.now(), pitch))

    def rest(self, seconds: float) -> None:
        until = self._clock.now() + seconds
        while self._clock.now() < until:
            self._clock.wait(self._inbox, until)


def _measured(args: argparse.Namespace, number: int) -> tuple[str, str, str, Loop]:
    """Open the ports and measure: the MIDI system, the output's and the input's name, and what came back. Raises LoopError."""
    from improv.midi.fixed_ports import FixedPorts
    from improv.midi.ports import api_name
    from improv.perform.priority import priority, raise_priority

    api = api_name(number)
    clock, inbox = LiveClock(), queue.SimpleQueue[Event]()
    with _ended_by_signals():
        ports = FixedPorts(number, clock.now, inbox.put, args.source, args.target, raise_priority, own=True)

        def send(note: NoteOn | NoteOff) -> None:
            ports.send(replace(note, channel=args.channel - 1))

        try:
            if not args.json:
                print(f"playing on {ports.target}, listening on {ports.source}, for notes that come back", flush=True)
            interval = sys.getswitchinterval()
            sys.setswitchinterval(0.0001)
            with priority() as granted:
                clock.spin = SPIN if granted.spins else 0.0
                loop = measure(send, clock, inbox, args.notes, args.wait, random.Random())
            sys.setswitchinterval(interval)
        finally:
            ports.close()
    if not loop.times:
        raise LoopError(_nothing(args, ports.target, ports.source, loop.strange))
    return api, ports.target, ports.source, loop


def _nothing(args: argparse.Namespace, target: str, source: str, strange: int) -> str:
    """What to do where no note came back."""
    if strange:
        return (
            f"{strange} notes came to {source}, but none that was sent on {target}: "
            "is something between them that transposes or plays? Switch it off, and run this again"
        )
    said = f"nothing came back within {args.wait:g} s: connect {target} to {source}"
    if args.target is None or args.source is None:
        return f"{said} while this runs; --wait 30 gives you the time"
    return f"{said}, with a cable or by the instrument's MIDI thru, and run this again"


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """What would kill the program ends it in order, so that no note is left hanging."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(TERMINATED if number == signal.SIGTERM else HUNG_UP)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), end) for name in names}
    try:
        yield
    finally:
        for name, old in before.items():
            signal.signal(getattr(signal, name), old)
