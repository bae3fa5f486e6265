"""`improv jam` and `improv solo`: settings, model, clock, ports and record, wired into one performance."""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from improv.cli import BROKEN, HUNG_UP, INTERRUPTED, OK, PORT_LOST, TERMINATED
from improv.cli.learning import add_arguments as add_learning
from improv.cli.learning import schooling_of
from improv.cli.moods import LIST, set_mood
from improv.cli.moods import run as moods
from improv.cli.music_options import add_music, add_pictures, changes_of
from improv.cli.replay import made_with, performed_by
from improv.cli.sessions import default_folder
from improv.cli.take import spread, told, write
from improv.core.beats.timekeeper import Timekeeper
from improv.core.errors import ImprovError
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Ready, Setting, Stop, Sync, Tap, Transport
from improv.core.guard import longest
from improv.core.harmony import Changes
from improv.core.improviser import ALL_NOTES_OFF, ALL_SOUND_OFF, Improviser
from improv.core.meter import Meter
from improv.core.settings import Settings
from improv.learning.setup import LearningSetup
from improv.midi.calibration import LONGEST, stored_advance
from improv.midi.files import Part, read_part
from improv.midi.systems import choose_api, mend
from improv.models.loader import load_model, voicings_for
from improv.perform.band import Band, Slot
from improv.perform.clock import SPIN, LiveClock, OfflineClock
from improv.perform.deadline import DeadlinePlayer, Worker
from improv.perform.engine import asked, perform
from improv.perform.inbox import Inbox
from improv.perform.metronome import PART, Metronome
from improv.perform.monitor import LatenessLog, Monitor
from improv.perform.priority import Priority, priority, raise_priority
from improv.render.lines import line
from improv.session import Recorder, cut_off
from improv.titles.draw import titled

DEMO_CALL = Path(__file__).parent.parent / "demo" / "call.mid"
DEMO_CHANGES = "Dm7 | G7 | Cmaj7 | A7"
EXITS = {"SIGINT": INTERRUPTED, "SIGTERM": TERMINATED, "SIGHUP": HUNG_UP, "SIGBREAK": INTERRUPTED, "port": PORT_LOST, "over": OK}


@dataclass
class Take:
    """What a performance needs, apart from clock and ports, all of it checked."""

    improviser: Improviser
    settings: Settings  # at the start
    changes: Changes | None
    metre: tuple[int, int]
    seed: int
    header: dict[str, Any]
    learning_setup: LearningSetup | None = None


@dataclass
class Stage:
    """Where it is performed. early: seconds by which notes are handed over before their time."""

    clock: LiveClock | OfflineClock
    inbox: Inbox
    early: float = 0.0
    send: Callable[[Event], None] = lambda event: None
    ports: Any = None
    link: Any = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--in", dest="source", metavar="NAME", help="MIDI input, by name or a part of it (default: a virtual port)")
    parser.add_argument("--out", dest="target", metavar="NAME", help="MIDI output, likewise")
    parser.add_argument("--api", choices=("alsa", "jack", "core", "winmm"), help="MIDI system (default: the first that works)")
    parser.add_argument("--channel", type=int, default=1, metavar="1-16", help="MIDI channel to play on (default: 1)")
    parser.add_argument("--send-clock", action="store_true", help="be the master: send MIDI Clock, Start, Stop and song position")
    parser.add_argument("--tap", metavar="CC|KEY", help="what taps the tempo, and a bar of it counts in: cc80, key21")
    parser.add_argument(
        "--advance", type=float, metavar="MS", help="hand notes over earlier, for a slow synth (default: as calibrated, or 0)"
    )
    parser.add_argument("--player", metavar="FILE", help="a MIDI file plays the human")
    parser.add_argument("--fast", action="store_true", help="with --player: as fast as it computes, without ports")
    parser.add_argument("--record", metavar="FILE", help="write the take as a MIDI file, tracks `player` and `improv`")
    parser.add_argument("--session", metavar="FILE", help="where the session's record goes (default: a new file in your data folder)")
    parser.add_argument("--no-session", action="store_true", help="keep no record")
    parser.add_argument("--quiet", action="store_true", help="don't show the notes as they come")
    add_learning(parser)
    add_music(parser, "trade")
    add_pictures(parser)


def run(args: argparse.Namespace) -> int:
    """Live with ports; with a file as the player; or the demo where there is no MIDI."""
    if args.mood == LIST:
        return moods(args)
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
            args.changes = args.changes or (None if args.mood else DEMO_CHANGES)
            args.record = args.record or "improv-demo.mid"
            args.wav = args.wav or "improv-demo.wav"
    take = _take(args, "trade", part)
    _check_writable(args.record, args.png, args.wav)
    settings, meter = take.settings, take.improviser.meter
    if settings.click and settings.click == args.channel:
        raise ImprovError(f"--click {settings.click} is the channel that improv plays on: choose another, or another --channel")
    if settings.clock in ("midi", "link") and api is None:
        raise ImprovError(f"--clock {settings.clock} listens to others, and here is no MIDI system that is in use")
    counted = meter.seconds(settings.count_in * meter.bar)  # a file begins with bar one
    script = [replace(e, time=e.time + counted) for e in part.events] if part else None
    # What would go on for ever after the file gets eight bars more.
    endless = settings.mode == "solo" or settings.click or args.send_clock
    limit = script[-1].time + meter.seconds(8 * meter.bar) if script and endless else math.inf
    clock = OfflineClock(script or (), limit) if args.fast else LiveClock(script, limit)
    inbox = Inbox()
    with ExitStack() as stack:
        stage = Stage(clock, inbox, early=0.0)
        if api is not None:
            _connect(args, take, stage, api, stack)
        return _perform(args, take, stage)


def _connect(args: argparse.Namespace, take: Take, stage: Stage, api: int, stack: ExitStack) -> None:
    """Open the ports, and what else is live; all is closed as the stack is."""
    from improv.midi.fixed_ports import FixedPorts
    from improv.midi.ports import api_name

    heard = tapping(stage.inbox.put, args.tap) if args.tap else stage.inbox.put
    owes = args.channel - 1 if args.target and cut_off(default_folder()) else None
    ports = stage.ports = FixedPorts(api, stage.clock.now, heard, args.source, args.target, raise_priority, owes=owes)
    stack.callback(ports.close)
    stage.send = ports.send
    if ports.period:
        stage.inbox.put(Setting(0.0, "grain", round(1000 * ports.period, 3)))
    stage.early = _advance(args, api_name(api), ports.target) / 1000.0
    if take.settings.clock == "link":
        from improv.perform.link import Link

        link = stage.link = Link(stage.clock.now, stage.inbox.put, take.settings.tempo, take.improviser.meter.bar)
        stack.callback(link.close)
    if not args.json:
        print(f"listening on {ports.source}, playing on {ports.target}; seed {take.seed}. Ctrl-C ends.", flush=True)


def _advance(args: argparse.Namespace, api: str, target: str) -> float:
    """Milliseconds by which notes are handed over early: as said, or as calibrated for this output."""
    if args.advance is not None:
        if not 0 <= args.advance <= LONGEST:
            raise ImprovError(f"--advance {args.advance:g}: expected 0 to {LONGEST:g} ms")
        return float(args.advance)
    stored = stored_advance(api, target)
    if stored and not args.json:
        print(f"notes are handed over {stored:g} ms early, as calibrated for {target}", flush=True)
    return stored or 0.0


def tapping(put: Callable[[Event], object], tap: str) -> Callable[[Event], None]:
    """An inbox in which a controller (`cc80`) or a key (`key21`) taps the tempo instead of being heard. Raises ImprovError."""
    found = re.fullmatch(r"(cc|key)(\d{1,3})", tap.lower())
    if not found or int(found[2]) > 127:
        raise ImprovError(f"--tap {tap!r}: expected cc0 to cc127, or key0 to key127")
    controller, number = found[1] == "cc", int(found[2])

    def heard(event: Event) -> None:
        if controller and isinstance(event, ControlChange) and event.control == number:
            if event.value >= 64:
                put(Tap(event.time))
        elif not controller and isinstance(event, NoteOn | NoteOff) and event.pitch == number:
            if isinstance(event, NoteOn):
                put(Tap(event.time))
        else:
            put(event)

    return heard


def solo(args: argparse.Namespace) -> int:
    """Offline: improvise and write."""
    if args.mood == LIST:
        return moods(args)
    if not 1 <= args.bars <= 10_000:
        raise ImprovError(f"--bars {args.bars}: expected 1 to 10,000")
    take = _take(args, "solo", None, args.bars)
    _check_writable(args.out, args.png, args.wav)
    args.record, args.quiet, args.session, args.no_session = args.out, True, None, True
    return _perform(args, take, Stage(OfflineClock(), Inbox()))


def _take(args: argparse.Namespace, mode: str, part: Part | None, bars: int | None = None) -> Take:
    """Everything that the arguments say about the music, checked before anything is opened."""
    seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "little")
    if seed < 0:
        raise ImprovError(f"--seed {seed}: expected 0 or more")
    mood = set_mood(args, seed, part.tempo if part else None)
    chosen = {f.name: getattr(args, f.name, None) for f in fields(Settings)}
    if part and chosen["tempo"] is None:
        chosen["tempo"] = part.tempo
    settings = Settings(**{"mode": mode} | {k: v for k, v in chosen.items() if v is not None})
    metre = _metre(args.metre) if args.metre else part.metre if part else (4, 4)
    meter = Meter(settings.tempo, metre)
    changes = changes_of(args.changes, meter.bar)
    channel = getattr(args, "channel", 1) - 1
    model = load_model(args.model)
    learning_setup = schooling_of(args, model)
    performer = performed_by("improv", model, settings, seed, channel) | (learning_setup.header if learning_setup else {})
    header = made_with() | {"changes": args.changes, "metre": list(metre), "bars": bars, "seed": seed, "performers": [performer]} | mood
    learning, voicings = learning_setup.learning if learning_setup else None, voicings_for(settings)
    improviser = Improviser(model, settings, changes, metre, seed, bars, channel, learning=learning, voicings=voicings)
    return Take(improviser, settings, changes, metre, seed, header, learning_setup)


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
    return default_folder() / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}.jsonl"


def _perform(args: argparse.Namespace, take: Take, stage: Stage) -> int:
    """The performance itself, and what is written of it."""
    improviser, clock, inbox = take.improviser, stage.clock, stage.inbox
    live = isinstance(clock, LiveClock)

    def show(side: str, event: Event) -> None:
        text = None if isinstance(event, Setting) and event.name == "grain" else line(side, event, improviser.meter, take.changes)
        if text:
            print(text, flush=True)

    shown = show if live and not args.quiet and not args.json else None
    path = _session_path(args)
    header = take.header | {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "advance_ms": 1000 * stage.early}
    header |= titled(take.seed) if path else {}
    keep = bool(args.record or args.png or args.wav)
    recorder = Recorder(path, header, shown, keep)
    if take.learning_setup:
        take.learning_setup.begin(inbox.put, clock.now, recorder.path)
    counts = {"heard": 0, "played": 0, "filled": 0, "dropped": 0}
    punctuality = LatenessLog()
    worker = Worker(lambda: inbox.put(Ready(clock.now())), raise_priority) if live else None
    deadline = DeadlinePlayer(improviser, worker) if worker else None
    if deadline:
        inbox.behind = lambda: deadline.behind
    metronome = Metronome(take.settings, take.metre, getattr(args, "send_clock", False))
    band = Band([Slot(metronome, PART), Slot(deadline or improviser)], recorder.overhear)

    arrived = 0.0

    def send(event: Event) -> None:
        stage.send(event)
        if isinstance(event, Pulse | Transport) or getattr(event, "part", 0) == PART:
            return
        late = clock.now() - asked(event.time, stage.early, arrived)
        filled = deadline is not None and deadline.relieved(event)
        recorder.play(event, late, filled)
        if isinstance(event, NoteOn):
            counts["filled" if filled else "played"] += 1
            punctuality.add(late)

    def hear(event: Event) -> None:
        nonlocal arrived
        arrived = event.time
        recorder.hear(event)
        if stage.ports and isinstance(event, ControlChange) and event.control in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            stage.ports.panic()
        if stage.link and isinstance(event, Setting) and event.name == "tempo":
            stage.link.set_tempo(float(event.value))  # type: ignore[arg-type]
        counts["heard"] += isinstance(event, NoteOn)

    def drop(event: Event, late: float) -> None:
        recorder.drop(event, late, deadline is not None and deadline.relieved(event))
        counts["dropped"] += isinstance(event, NoteOn)

    def allowed(event: NoteOn) -> float:
        return longest(improviser.settings.mode, metronome.meter)

    def closed(event: NoteOff) -> None:
        counts["endless"] = counts.get("endless", 0) + 1
        recorder.note({"endless": asdict(event)})
        print(f"improv: note {event.pitch} sounded longer than it may, and was closed", file=sys.stderr)

    restore = _stop_on_signals(clock, inbox)
    over = threading.Event()
    if stage.ports and isinstance(clock, LiveClock):
        watch = Monitor(stage.ports, clock, inbox, punctuality, recorder, take, shown is not None)
        threading.Thread(target=watch.until, args=(over,), name="watch", daemon=True).start()
    spread([0.0])  # loads what it needs now: later there may be no time for it, or no file handle
    sys.setswitchinterval(0.0001)  # the other threads only pass things on
    gc.collect()
    gc.freeze()
    end: dict[str, Any] = {"reason": "error"}
    granted = None
    try:
        with _prepared(clock, inbox, quiet=args.json) as granted:
            stop = perform(band, clock, inbox, send, hear, drop, stage.early, allowed, closed)
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
            end |= {"priority": granted.text, "filled": counts["filled"], "dropped": counts["dropped"], "lateness_ms": punctuality.all()}
        if deadline and deadline.unknown_since is not None:
            end["behind"] = {"0": deadline.unknown_since}
        if any(inbox.dropped.values()):
            end["shed"] = inbox.dropped
        recorder.close(end)
        profile = take.learning_setup.end() if take.learning_setup else None
    if end["reason"] == "error":
        print(f"improv: internal error, all notes closed: {end['error']} (IMPROV_DEBUG=1 shows where)", file=sys.stderr)
    if str(end["reason"]).startswith("port"):
        print(f"improv: MIDI {end['reason']} vanished; all notes closed", file=sys.stderr)
    summary = counts | {"seed": take.seed, "end": end["reason"], "session": str(recorder.path) if recorder.path else None}
    summary["title"] = header.get("title")
    if take.learning_setup:
        summary |= {"learned": improviser.learned_from, "profile": profile}
    if granted and (late := punctuality.all()):
        summary["lateness_ms"] = late
    if any(inbox.dropped.values()):
        summary["shed"] = inbox.dropped
    summary |= {"mood": take.header["mood"]} if "mood" in take.header else {}
    summary["files"] = write(args, Timekeeper(take.settings, take.metre), take.changes, recorder)
    print(json.dumps(summary) if args.json else told(summary))
    return EXITS.get(str(end["reason"]).split()[0], BROKEN)


def _stop_on_signals(clock: LiveClock | OfflineClock, inbox: Inbox) -> Callable[[], None]:
    """Signals that end a program become a Stop in the inbox, once; a second one ends it at once."""
    before: dict[int, Any] = {}

    def stop(number: int, frame: object) -> None:
        inbox.put(Stop(clock.now(), signal.Signals(number).name))
        if number == signal.SIGINT:  # a second Ctrl-C means at once; a terminal that closes may say so twice
            signal.signal(number, before[number])

    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # a closed terminal is SIGHUP, on Windows SIGBREAK
        if hasattr(signal, name):
            before[getattr(signal, name)] = signal.signal(getattr(signal, name), stop)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore


@contextmanager
def _prepared(clock: LiveClock | OfflineClock, inbox: Inbox, quiet: bool) -> Iterator[Priority | None]:
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
            if not isinstance(event, Pulse | Sync):  # of another zero
                inbox.put(replace(event, time=0.0))
        yield granted
