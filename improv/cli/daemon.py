"""`improv daemon`: performers from a configuration, for weeks, without a screen.

The process that performs has its ports' threads, one thread that performs, one a performer that thinks, a writer for the
record, a reader of the control process, and one that looks after everything twice a second. Servers run in another process.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from improv.cli import BROKEN, OK
from improv.cli.replay import made_with, performed_by
from improv.control.bindings import Bindings
from improv.control.commands import Commands, learned_bindings
from improv.control.config.config import Config, PerformerConfig, check_models, load_config
from improv.core.events import Event, NoteOff, NoteOn, ProgramChange, Pulse, Ready, Setting, Stop, Transport
from improv.core.guard import longest
from improv.core.improviser import Improviser
from improv.core.note_model import NoteModel
from improv.midi.calibration import stored_advance
from improv.midi.systems import choose_api, mend
from improv.models.loader import find_model, load_model, voicings_for
from improv.perform.band import Band, Slot
from improv.perform.clock import SPIN, LiveClock
from improv.perform.deadline import DeadlinePlayer, Worker
from improv.perform.engine import asked, perform
from improv.perform.housekeeping import Housekeeping, keep_state
from improv.perform.inbox import Inbox
from improv.perform.log import Log
from improv.perform.metronome import PART, Metronome
from improv.perform.monitor import LatenessLog
from improv.perform.priority import priority, raise_priority
from improv.perform.sd_notify import notify
from improv.session import Recorder, cut_off
from improv.session.capture import Capture
from improv.session.snapshot import SnapshotError, read_snapshot, state_beside
from improv.titles.draw import titled

WAIT = 2.0  # seconds between looks for a MIDI system
STATE = "state.safetensors"
KEPT_BARS = 64  # of which the last can be captured


class Member:
    """A performer of the configuration, at work. models: those at hand, by name; each performer has its own, for its own thread."""

    def __init__(self, number: int, performer: PerformerConfig, config: Config, inbox: Inbox, clock: LiveClock):
        self.number, self.name = number, performer.name
        self.settings = config.settings_of(performer)
        self.seed = performer.seed if performer.seed is not None else int.from_bytes(os.urandom(4), "little")
        self.model_name = performer.model
        self.models: dict[str, NoteModel] = {performer.model: load_model(performer.model)}
        self.channel = performer.channel - 1
        self.inputs = frozenset(i for i, source in enumerate(config.inputs) if source.name in performer.hears)
        self.hears = frozenset(i for i, other in enumerate(config.performers) if other.name in performer.hears and i != number)
        model = self.models[performer.model]
        music = config.music
        self.improviser = Improviser(
            model,
            self.settings,
            music.sheet,
            music.metre,
            self.seed,
            None,
            self.channel,
            self.inputs,
            self.models,
            voicings=voicings_for(self.settings),
        )
        self.worker = Worker(lambda: inbox.put(Ready(clock.now())), raise_priority)
        self.deadline = DeadlinePlayer(self.improviser, self.worker)

    def header(self) -> dict[str, Any]:
        """What the record is to know of it, to play it again."""
        model = self.improviser.generator.model
        return performed_by(self.name, model, self.settings, self.seed, self.channel, self.hears, self.inputs)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", default="improv.toml", metavar="FILE", help="the configuration (default: improv.toml; `improv init` writes one)"
    )
    parser.add_argument("--log-json", action="store_true", help="log as JSON lines")


def run(args: argparse.Namespace) -> int:
    """Perform until told to stop. Returns the exit code."""
    config = load_config(args.config)
    check_models(config, find_model)
    log = Log(config.log_json or args.log_json)
    with ExitStack() as stack:
        return _run(Path(args.config), config, log, stack)


def _run(path: Path, config: Config, log: Log, stack: ExitStack) -> int:
    over = threading.Event()
    clock = LiveClock()
    members: list[Member] = []
    inbox = Inbox(behind=lambda: sum(m.deadline.behind for m in members))
    orders: list[Commands] = []  # once there is one
    _on_signals(clock, inbox, over, lambda: orders[0].reload() if orders else None)
    api = _awaited_api(log, over)
    if api is None:
        return OK
    members += [Member(i, p, config, inbox, clock) for i, p in enumerate(config.performers)]
    for member in members:
        stack.callback(member.worker.close)
    state = config.record.folder / STATE
    restored = _restore(members, state, log)
    counts = {"heard": 0, "played": 0, "filled": 0, "dropped": 0, "guarded": 0}
    punctuality = LatenessLog()
    first = members[0].improviser
    music = config.music
    header: dict[str, Any] = made_with() | {
        "changes": music.changes,
        "metre": list(music.metre),
        "bars": None,
        "seed": members[0].seed,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "performers": [m.header() for m in members],
    }
    name = f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}.jsonl"
    record = config.record.folder / name if config.record.on else None
    header |= titled(members[0].seed) if record else {}
    if restored:
        header["restored"] = restored
        if record is not None:
            keep_state(state_beside(record), members, log)
    hanging = cut_off(config.record.folder)
    recorder = Recorder(record, header, warn=log.warn)
    capture = Capture(first.meter, KEPT_BARS)
    bindings = Bindings((), [i.name for i in config.inputs])
    bindings.learned = learned_bindings(config.record.folder)
    bindings.replace(config.bindings)
    binding = threading.Lock()
    steering = {i for i, source in enumerate(config.inputs) if source.role == "control"}

    def arrive(event: Event) -> None:
        """In a port's thread: an event is a wish, or music."""
        with binding:
            wishes = bindings.wishes(event)
        if wishes is not None and orders:
            for wish in wishes:
                orders[0].grant(wish)
        elif wishes is None and not isinstance(event, ProgramChange) and getattr(event, "part", -1) not in steering:
            inbox.put(event)

    from improv.midi.patchbay import Input, Output, Patchbay
    from improv.midi.ports import api_name

    inputs = [Input(i, s.name, s.port, frozenset(c - 1 for c in s.channels), s.role) for i, s in enumerate(config.inputs)]
    outputs = []
    for i, p in enumerate(config.performers):
        label = p.name if len(config.performers) > 1 else "out"
        outputs.append(Output(i, p.output, label, members[i].channel if hanging else None))
    if hanging:
        log("the last session was cut off; what it may have left sounding is closed", "notice")
    bay = Patchbay(api, clock.now, arrive, inputs, outputs, raise_priority, lambda text: log(text, "notice"))
    stack.callback(bay.close)
    early = _advance(config, api_name(api), bay) / 1000.0
    arrived = 0.0

    def send(event: Event) -> None:
        bay.send(event)
        if isinstance(event, Pulse | Transport) or getattr(event, "part", 0) == PART:
            return
        late = clock.now() - asked(event.time, early, arrived)
        filled = isinstance(event, NoteOn | NoteOff) and members[event.part].deadline.relieved(event)
        recorder.play(event, late, filled)
        capture.play(event)
        if isinstance(event, NoteOn):
            counts["filled" if filled else "played"] += 1
            punctuality.add(late)

    def heard(event: Event) -> None:
        nonlocal arrived
        arrived = event.time
        recorder.hear(event)
        capture.hear(event)
        counts["heard"] += isinstance(event, NoteOn)

    def dropped(event: Event, late: float) -> None:
        if isinstance(event, NoteOn | NoteOff) and event.part != PART:
            recorder.drop(event, late, members[event.part].deadline.relieved(event))
        counts["dropped"] += isinstance(event, NoteOn)

    def allowed(event: NoteOn) -> float:
        if event.part == PART:
            return longest("comp", first.meter)
        return longest(members[event.part].improviser.settings.mode, first.meter)

    def closed(event: NoteOff) -> None:
        counts["guarded"] += 1
        log(f"a note sounded for longer than any phrase, and was closed: pitch {event.pitch}", "warning")

    metronome = Metronome(members[0].settings, music.metre, music.send_clock)
    slots = [Slot(metronome, PART), *(Slot(m.deadline, m.number, m.hears) for m in members)]
    orders.append(Commands(path, config, members, clock, inbox, bay, capture, bindings, binding, log))
    upkeep = Housekeeping(config, members, clock, inbox, bay, recorder, punctuality, counts, orders[0], state, log)
    if config.music.clock == "link":
        from improv.perform.link import Link

        link = Link(clock.now, inbox.put, config.music.tempo, first.meter.bar)
        stack.callback(link.close)
        orders[0].link = link
    sys.setswitchinterval(0.0001)
    gc.collect()
    gc.freeze()
    end: dict[str, Any] = {"reason": "error"}
    try:
        with priority() as granted:
            clock.spin = SPIN if granted.spins else 0.0
            bay.start()
            while not inbox.empty():  # heard while things were made ready, by another zero
                inbox.get_nowait()
            clock.begin()
            if over.is_set():  # stopped while things were made ready
                inbox.put(Stop(0.0, "stopped as it began"))
            if bay.period:
                inbox.put(Setting(0.0, "grain", round(1000 * bay.period, 3)))
            if first.keeper.source.own and any(m.settings.mode == "solo" for m in members):
                inbox.put(Transport(0.0, "start"))  # one beat for all
            upkeep.start(granted.text)
            notify("READY=1\nSTATUS=performing")
            log(f"performing: {', '.join(m.name for m in members)}", priority=granted.text, session=recorder.path)
            stop = perform(Band(slots, recorder.overhear), clock, inbox, send, heard, dropped, early, allowed, closed)
        end = {"reason": stop.reason, "time": stop.time, "priority": granted.text}
    except Exception as e:
        end = {"reason": "error", "error": f"{type(e).__name__}: {e}"}
        log(f"internal error, all notes closed: {end['error']}", "error")
        if os.environ.get("IMPROV_DEBUG"):
            raise
    finally:
        notify("STOPPING=1")
        over.set()
        upkeep.close()
        behind = {str(m.number): m.deadline.unknown_since for m in members if m.deadline.unknown_since is not None}
        end |= {k: counts[k] for k in ("filled", "dropped")} | {"lateness_ms": punctuality.all()}
        recorder.close(end | ({"behind": behind} if behind else {}))
    log(f"stopped: {end['reason']}", heard=counts["heard"], played=counts["played"])
    return BROKEN if end["reason"] == "error" else OK


def _awaited_api(log: Log, over: threading.Event) -> int | None:
    """The MIDI system; where none answers yet, as early after power-on, it is waited for. None: stopped meanwhile."""
    told = False
    while not over.is_set():
        api = choose_api(None)
        if api is not None:
            return api
        if not told:
            told = True
            log(f"no MIDI system answers yet; waiting for one. {mend().capitalize()}", "warning")
            notify("STATUS=waiting for a MIDI system")
        notify("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=20000000")  # or systemd, which waits for READY, would begin it anew
        over.wait(WAIT)
    return None


def _advance(config: Config, api: str, bay: Any) -> float:
    if config.music.advance is not None:
        return float(config.music.advance)
    output = config.performers[0].output
    return (stored_advance(api, output) or 0.0) if output else 0.0


def _restore(members: list[Member], path: Path, log: Log) -> list[str]:
    """Go on with what was heard before the last end. Returns who does."""
    try:
        states = read_snapshot(path, {m.name: m.improviser.generator.model for m in members})
    except SnapshotError as e:
        log(str(e), "warning")
        return []
    for member in members:
        if member.name in states:
            member.improviser.restore(states[member.name])
            log(f"{member.name} remembers {states[member.name].past.notes} notes")
    return sorted(states)


def _on_signals(clock: LiveClock, inbox: Inbox, over: threading.Event, reload: Any) -> None:
    def stop(number: int, frame: object) -> None:
        over.set()
        inbox.put(Stop(clock.now(), signal.Signals(number).name))

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if hasattr(signal, "SIGHUP"):
        # In a thread of its own: a file is read.
        signal.signal(signal.SIGHUP, lambda number, frame: threading.Thread(target=reload, daemon=True).start())
