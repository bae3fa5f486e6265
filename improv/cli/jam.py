"""`improv jam` and `improv solo`: settings, model, clock, ports and record, wired into one performance."""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from improv import __version__
from improv.cli import BROKEN, HUNG_UP, INTERRUPTED, OK, PORT_LOST, TERMINATED
from improv.cli.ports import choose_api, mend
from improv.clock import SPIN, Inbox, LiveClock, OfflineClock
from improv.core.errors import ImprovError
from improv.core.events import Event, NoteOn, Ready, Stop
from improv.core.harmony import Changes, parse_changes
from improv.core.improviser import Improviser
from improv.core.meter import Meter
from improv.core.settings import Settings
from improv.engine import perform
from improv.ladder import Ladder, Worker
from improv.loader import load_model
from improv.midi.files import Part, read_part, write_take
from improv.priority import Priority, priority, raise_priority
from improv.session import Recorder
from improv.show import draw_roll, line

DEMO_CALL = Path(__file__).parent.parent / "demo" / "call.mid"
DEMO_CHANGES = "Dm7 | G7 | Cmaj7 | A7"
WATCH = 0.5  # seconds between looks at the ports
EXITS = {"SIGINT": INTERRUPTED, "SIGTERM": TERMINATED, "SIGHUP": HUNG_UP, "SIGBREAK": INTERRUPTED, "port": PORT_LOST, "over": OK}


@dataclass
class Take:
    """What a performance needs, apart from clock and ports, all of it checked."""

    improviser: Improviser
    changes: Changes | None
    metre: tuple[int, int]
    seed: int
    header: dict[str, Any]


def jam(args: argparse.Namespace) -> int:
    """Live with ports; with a file as the player; or the demo where there is no MIDI."""
    if args.fast and not args.player:
        raise ImprovError("--fast plays a file as fast as it computes; say which with --player FILE")
    if not 1 <= args.channel <= 16:
        raise ImprovError(f"--channel {args.channel}: expected 1 to 16")
    part = read_part(args.player) if args.player else None
    api = None if args.fast else choose_api(args.api)
    if api is None and not args.fast:
        if args.source or args.target:
            raise ImprovError(f"no MIDI system here, so no port to connect to: {mend()}")
        if part is None:
            print(f"no MIDI system here: {mend()}. Until then, a demo: a file plays you.", file=sys.stderr)
            part = read_part(DEMO_CALL)
            args.changes = args.changes or DEMO_CHANGES
            args.record = args.record or "improv-demo.mid"
            args.wav = args.wav or "improv-demo.wav"
    take = _take(args, "trade", part)
    _check_writable(args.record, args.png, args.wav)
    script = part.events if part else None
    # A solo would go on for ever after the file: it gets eight bars more.
    bars_more = take.improviser.meter.seconds(8 * take.improviser.meter.bar)
    limit = script[-1].time + bars_more if script and take.improviser.settings.mode == "solo" else math.inf
    clock = OfflineClock(script or (), limit) if args.fast else LiveClock(script, limit)
    inbox: Inbox[Event] = queue.SimpleQueue()
    send_to_port: Callable[[Event], None] = lambda event: None  # noqa: E731
    ports = None
    if api is not None:
        from improv.midi.ports import Ports

        ports = Ports(api, clock.now, inbox.put, args.source, args.target, args.channel - 1, raise_priority)
        send_to_port = ports.send
        if not args.json:
            print(f"listening on {ports.source}, playing on {ports.target}; seed {take.seed}. Ctrl-C ends.", flush=True)
    try:
        return _perform(args, take, clock, inbox, send_to_port, ports)
    finally:
        if ports:
            ports.close()


def solo(args: argparse.Namespace) -> int:
    """Offline: improvise and write."""
    if not 1 <= args.bars <= 10_000:
        raise ImprovError(f"--bars {args.bars}: expected 1 to 10,000")
    take = _take(args, "solo", None, args.bars)
    _check_writable(args.out, args.png, args.wav)
    args.record, args.quiet, args.session, args.no_session = args.out, True, None, True
    return _perform(args, take, OfflineClock(), queue.SimpleQueue(), lambda event: None, None)


def _take(args: argparse.Namespace, mode: str, part: Part | None, bars: int | None = None) -> Take:
    """Everything that the arguments say about the music, checked before anything is opened."""
    chosen = {f.name: getattr(args, f.name, None) for f in fields(Settings)}
    if part and chosen["tempo"] is None:
        chosen["tempo"] = part.tempo
    settings = Settings(**{"mode": mode} | {k: v for k, v in chosen.items() if v is not None})
    metre = _metre(args.metre) if args.metre else part.metre if part else (4, 4)
    meter = Meter(settings.tempo, metre)
    changes = parse_changes(args.changes, meter.bar) if args.changes else None
    seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "little")
    if seed < 0:
        raise ImprovError(f"--seed {seed}: expected 0 or more")
    model = load_model(args.model)
    header = {
        "improv": __version__,
        "model": {"name": model.card["name"], "weights_sha256": model.card["weights_sha256"]},
        "settings": asdict(settings),
        "changes": args.changes,
        "metre": list(metre),
        "seed": seed,
        "bars": bars,
    }
    return Take(Improviser(model, settings, changes, metre, seed, bars), changes, metre, seed, header)


def _metre(text: str) -> tuple[int, int]:
    try:
        count, unit = text.split("/")
        return int(count), int(unit)
    except ValueError:
        raise ImprovError(f"--metre {text!r}: expected two numbers, for example 3/4") from None


def _check_writable(*paths: str | None) -> None:
    for path in filter(None, paths):
        folder = Path(path).absolute().parent
        if not folder.is_dir():
            raise ImprovError(f"{path}: there is no folder {folder}")
        if not os.access(folder, os.W_OK) or Path(path).is_dir():
            raise ImprovError(f"{path}: can't be written")


def _session_path(args: argparse.Namespace) -> Path | None:
    if args.no_session:
        return None
    if args.session:
        if Path(args.session).exists():
            raise ImprovError(f"--session {args.session}: exists already; a record is never overwritten")
        return Path(args.session)
    if args.fast:
        return None
    import platformdirs

    stamp = time.strftime("%Y-%m-%dT%H-%M-%S")
    return Path(platformdirs.user_data_dir("improv")) / "sessions" / f"{stamp}-{os.getpid()}.jsonl"


def _perform(
    args: argparse.Namespace,
    take: Take,
    clock: LiveClock | OfflineClock,
    inbox: Inbox[Event],
    send_to_port: Callable[[Event], None],
    ports: Any,
) -> int:
    """The performance itself, and what is written of it."""
    improviser = take.improviser

    def show(side: str, event: Event) -> None:
        text = line(side, event, improviser.meter, take.changes)
        if text:
            print(text, flush=True)

    shown = None if args.quiet or args.json or isinstance(clock, OfflineClock) else show
    header = take.header | {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
    keep = bool(args.record or args.png or args.wav)
    recorder = Recorder(_session_path(args), header, shown, keep)
    lateness: deque[float] = deque(maxlen=100_000)
    counts = {"heard": 0, "played": 0, "filled": 0, "dropped": 0}
    worker = None if isinstance(clock, OfflineClock) else Worker(lambda: inbox.put(Ready(clock.now())), raise_priority)
    ladder = Ladder(improviser, worker) if worker else None

    def send(event: Event) -> None:
        send_to_port(event)
        late = clock.now() - event.time
        filled = ladder is not None and event in ladder.filled
        recorder.play(event, late, filled)
        if isinstance(event, NoteOn):
            counts["filled" if filled else "played"] += 1
            lateness.append(late)

    def hear(event: Event) -> None:
        recorder.hear(event)
        counts["heard"] += isinstance(event, NoteOn)

    def drop(event: Event, late: float) -> None:
        recorder.drop(event, late)
        counts["dropped"] += isinstance(event, NoteOn)

    restore = _stop_on_signals(clock, inbox)
    over = threading.Event()
    if ports:
        threading.Thread(target=_watch, args=(ports, clock, inbox, over), name="watch", daemon=True).start()
    sys.setswitchinterval(0.0001)  # the other threads only pass things on
    gc.collect()
    gc.freeze()
    end: dict[str, Any] = {"reason": "error"}
    granted = None
    try:
        with _prepared(clock, inbox, quiet=args.json) as granted:
            stop = perform(ladder or improviser, clock, inbox, send, hear, drop)
        end = {"reason": stop.reason, "time": stop.time}
    except Exception as e:
        end = {"reason": "error", "error": f"{type(e).__name__}: {e}"}
        if os.environ.get("IMPROV_DEBUG"):
            raise
    finally:
        over.set()
        if worker:
            worker.close()
        restore()
        if granted:
            end |= {"priority": granted.text, "filled": counts["filled"], "dropped": counts["dropped"], "lateness_ms": _spread(lateness)}
        recorder.close(end)
    if end["reason"] == "error":
        print(f"improv: internal error, all notes closed: {end['error']} (IMPROV_DEBUG=1 shows where)", file=sys.stderr)
    if str(end["reason"]).startswith("port"):
        print(f"improv: MIDI {end['reason']} vanished; all notes closed", file=sys.stderr)
    summary = counts | {"seed": take.seed, "end": end["reason"], "session": str(recorder.path) if recorder.path else None}
    if lateness and granted:
        summary["lateness_ms"] = _spread(lateness)
    summary["files"] = _write(args, take, recorder)
    print(json.dumps(summary) if args.json else _told(summary))
    return EXITS.get(str(end["reason"]).split()[0], BROKEN)


def _stop_on_signals(clock: LiveClock | OfflineClock, inbox: Inbox[Event]) -> Callable[[], None]:
    """Signals that end a program become a Stop in the inbox, once; a second one ends it at once."""
    before: dict[int, Any] = {}

    def stop(number: int, frame: object) -> None:
        inbox.put(Stop(clock.now(), signal.Signals(number).name))
        signal.signal(number, before[number])

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # a closed terminal is SIGHUP, on Windows SIGBREAK
        if hasattr(signal, name):
            before[getattr(signal, name)] = signal.signal(getattr(signal, name), stop)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore


@contextmanager
def _prepared(clock: LiveClock | OfflineClock, inbox: Inbox[Event], quiet: bool) -> Iterator[Priority | None]:
    """This thread is fit to perform in time, and the clock of a live performance begins; None where nobody waits."""
    if isinstance(clock, OfflineClock):
        yield None
        return
    with priority() as granted:
        clock.spin = SPIN if granted.spins else 0.0
        if not quiet:
            print(f"real-time priority: {granted.text}", flush=True)
        early = []  # heard while things were made ready
        while not inbox.empty():
            early.append(inbox.get())
        clock.begin()
        for event in early:
            inbox.put(replace(event, time=0.0))
        yield granted


def _spread(lateness: Sequence[float]) -> dict[str, float]:
    """Lateness in ms, from seconds: how it is spread; jitter is p99 - p50. Empty where nothing was played."""
    if not lateness:
        return {}
    import numpy as np

    p50, p99, p999, most = (float(x) for x in np.percentile(np.array(lateness) * 1000, [50, 99, 99.9, 100]))
    spread = {"p50": p50, "p99": p99, "p999": p999, "max": most, "jitter": p99 - p50}
    return {name: round(ms, 3) for name, ms in spread.items()}


def _watch(ports: Any, clock: LiveClock, inbox: Inbox[Event], over: threading.Event) -> None:
    """Look now and then whether the ports are still there."""
    while not over.wait(WATCH):
        gone = ports.missing()
        if gone:
            inbox.put(Stop(clock.now(), f"port {gone}"))
            return


def _write(args: argparse.Namespace, take: Take, recorder: Recorder) -> list[str]:
    """The take as MIDI, sound and picture, as asked for. Returns what was written."""
    written: list[str] = []
    began, heard, played = take.improviser.began, recorder.heard, recorder.played
    if began is None or not any(isinstance(e, NoteOn) for e in (*heard, *played)):
        if args.record or args.wav or args.png:
            print("improv: nothing was played, so nothing is written", file=sys.stderr)
        return written
    tempo = take.header["settings"]["tempo"]
    midi = Path(args.record or f"{args.wav or args.png}.mid")
    if args.record or args.wav:
        write_take(midi, heard, played, began, tempo, take.metre, take.changes)
        written += [str(midi)] if args.record else []
    if args.wav:
        from improv.sound import render

        render(midi, args.wav)
        written.append(args.wav)
        if not args.record:
            midi.unlink()
    if args.png:
        meter = Meter(tempo, take.metre)
        meter.start(began)
        draw_roll(args.png, heard, played, meter, take.changes)
        written.append(args.png)
    return written


def _told(summary: dict[str, Any]) -> str:
    said = [f"{summary['heard']} notes heard, {summary['played']} played, seed {summary['seed']}"]
    if "lateness_ms" in summary:
        said.append("late by {p50} ms (p50), {p99} ms (p99), at most {max} ms; jitter {jitter} ms".format(**summary["lateness_ms"]))
    said += [f"{summary['filled']} filled in while the model was too slow"] if summary["filled"] else []
    said += [f"{summary['dropped']} dropped as too late"] if summary["dropped"] else []
    said += [f"wrote {', '.join(summary['files'])}"] if summary["files"] else []
    said += [f"session {summary['session']}"] if summary["session"] else []
    return "; ".join(said)
