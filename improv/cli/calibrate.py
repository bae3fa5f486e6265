"""`improv calibrate`: how long a note takes from an output back to an input. The median is stored as the output's advance, so what
is played through the same way comes out on the beat."""

from __future__ import annotations

import argparse
import json
import queue
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from improv.cli import HUNG_UP, TERMINATED
from improv.core.errors import ImprovError
from improv.core.events import Event, NoteOff, NoteOn
from improv.midi.calibration import forget_advance, store_advance
from improv.midi.loop import Loop, LoopError, figures, measure
from improv.midi.systems import choose_api, mend
from improv.perform.clock import SPIN, LiveClock

VIRTUAL = ("improv:out", "improv:in")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", dest="target", metavar="NAME", help="MIDI output, by name or a part of it (default: a virtual port)")
    parser.add_argument("--in", dest="source", metavar="NAME", help="MIDI input, to which it is connected, likewise")
    parser.add_argument("--api", choices=("alsa", "jack", "core", "winmm"), help="MIDI system (default: the first that works)")
    parser.add_argument("--channel", type=int, default=1, metavar="1-16", help="MIDI channel to send on (default: 1)")
    parser.add_argument("--notes", type=int, default=40, help="how many (default: 40)")
    parser.add_argument("--wait", type=float, default=2.0, metavar="SECONDS", help="how long to wait for the first (default: 2)")
    parser.add_argument("--forget", action="store_true", help="remove what is stored of --out, and measure nothing")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
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
                loop = measure(send, clock.now, partial(clock.wait, inbox), args.notes, args.wait, random.Random())
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
