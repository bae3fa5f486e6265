"""`improv daemon`: performers from a configuration, for weeks, without a screen.

The process that performs has its ports' threads, one thread that performs, one a performer that thinks, a writer for the
record, a reader of the control process, and one that looks after everything twice a second. Servers run in another process.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from improv.cli import BROKEN, OK
from improv.cli.take import write_cut
from improv.control.bindings import Asked, Bindings
from improv.control.config.reading import check_models, load_config
from improv.control.config.tree import Config
from improv.control.kept import learned_bindings
from improv.control.performance_end import PerformanceEnd
from improv.control.standing import status_of
from improv.control.steered import PerformanceClock, SteeredPerformer
from improv.control.steering import Steering
from improv.core.errors import ImprovError
from improv.core.events import Event, ProgramChange, Stop
from improv.core.harmony import taken_for
from improv.midi.calibration import CalibrationError, calibration_file, stored_advance
from improv.midi.left_sounding import sounding_folder
from improv.midi.systems import choose_api, mend_sentence
from improv.models.loader import find_model, load_model
from improv.models.model import State
from improv.outside import put_aside
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.ends import Ends
from improv.perform.figures import StepFigure, thinking
from improv.perform.inbox import Inbox
from improv.perform.log import Log, Logged
from improv.perform.performance import Joined, Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.perform.performing import Chore, Performing
from improv.perform.priority import raise_priority
from improv.perform.sd_notify import notify
from improv.perform.signals import told_signals
from improv.perform.watchdog import Watchdog
from improv.session import Recorder
from improv.session.capture import Capture
from improv.session.chores import Pruning, StateOnDisk
from improv.session.header import header_of, keep_beside
from improv.titles.draw import titled

WAIT = 2.0  # seconds between looks for a MIDI system
STATE = "state.safetensors"
KEPT_BARS = 64  # of which the last can be captured
SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")  # that end it; SIGHUP reads the configuration again


@dataclass
class Daemon:
    """What there is of a daemon before it performs. over: it is to end."""

    config: Config
    clock: LiveClock | OfflineClock
    log: Log
    inbox: Inbox = field(default_factory=Inbox)
    over: threading.Event = field(default_factory=threading.Event)
    steering: Steering | None = None  # once there is one

    def stop(self, signal_name: str) -> None:
        self.over.set()
        self.inbox.put(Stop(self.clock.now(), signal_name))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", default="improv.toml", metavar="FILE", help="the configuration (default: improv.toml; `improv init` writes one)"
    )
    parser.add_argument("--log-json", action="store_true", help="log as JSON lines")


def run(args: argparse.Namespace) -> int:
    """Perform until told to stop. Returns the exit code."""
    config = load_config(args.config)
    check_models(config, find_model)
    parts = Daemon(config, LiveClock(), Log(config.log_json or args.log_json))
    read_as = taken_for(config.music.sheet) if config.music.sheet else None
    for note in (*config.notes, *([read_as] if read_as else [])):
        parts.log(note, "notice")
    with told_signals(parts.stop, SIGNALS), ExitStack() as stack:
        _reload_on_hangup(parts)
        api = _awaited_api(parts.log, parts.over)
        return OK if api is None else _on_ports(Path(args.config), parts, api, stack)


def _on_ports(path: Path, parts: Daemon, api: int, stack: ExitStack) -> int:
    """Open what is live, and perform there."""
    from improv.midi.patchbay import Input, Output, Patchbay
    from improv.midi.ports import api_name

    config, clock, log = parts.config, parts.clock, parts.log
    bindings, binding = Bindings((), [i.name for i in config.inputs]), threading.Lock()
    bindings.learned = learned_bindings(config.record.folder, log.warn)
    bindings.replace(config.bindings)
    inputs = [Input(i, s.name, s.port, frozenset(c - 1 for c in s.channels), s.role) for i, s in enumerate(config.inputs)]
    outputs = []
    for i, p in enumerate(config.performers):
        label = p.name if len(config.performers) > 1 else "out"
        outputs.append(Output(i, p.output, label))
    arrival = _arrival(parts, bindings, binding)
    bay = Patchbay(api, clock.now, arrival, inputs, outputs, raise_priority, lambda text: log(text, "notice"), sounding=sounding_folder())
    stack.callback(bay.close)
    link: Joined | None = None
    if config.music.clock == "link":
        from improv.perform.link import Link

        link = opened = Link(clock.now, parts.inbox.put, config.music.tempo, config.music.metres.first.bar)
        stack.callback(opened.close)
    return perform(path, parts, bay, link, _advance(config, api_name(api), log) / 1000.0, bindings, binding)


def perform(path: Path, parts: Daemon, ends: Ends, link: Joined | None, early: float, bindings: Bindings, binding: threading.Lock) -> int:
    """The performance, its record and all that is looked after meanwhile. Returns the exit code."""
    config, log = parts.config, parts.log
    state = StateOnDisk(config.record.folder / STATE, log)
    song, performers = music_of(config, state)
    for performer in performers:
        if performer.state is not None:
            log(f"{performer.name} remembers {performer.state.past.notes} notes")
    settings = PerformanceConfig(performers, song, config.music.send_clock, early, signals=())  # they are told to the parts
    performance = Performance(settings, parts.clock, ends, inbox=parts.inbox, link=link)
    name = f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}.jsonl"
    record = config.record.folder / name if config.record.on else None
    header = header_of(song, performers, early)
    if record:
        header |= titled(performers[0].seed)
        try:
            keep_beside(record, performers)
        except (ImprovError, OSError) as e:
            log(str(e), "warning")
    recorder, capture = Recorder(record, header, warn=log.warn), Capture(lambda: performance.meter, KEPT_BARS)
    for observer in (recorder, capture, Logged(log, [p.name for p in performers], record)):
        performance.observe(observer)
    last_bars = KeptBars(capture, performance.performers, parts.clock)
    steering = parts.steering = Steering(path, config, performance, bindings, binding, last_bars, log)

    def limits() -> tuple[Path, float | None, float | None]:
        kept = steering.config.record
        return kept.folder, kept.keep_days if kept.on else None, kept.keep_mb if kept.on else None

    chores: list[Chore] = [
        Watchdog(),
        Served(lambda: PerformanceEnd(config, steering.answer, log).start(), lambda: recorder.path),
        state,
        Pruning(limits, lambda: recorder.path, log),
    ]
    end = performance.run(chores)
    counts = performance.counters.counts
    log(f"stopped: {end['reason']}", heard=counts["heard"], played=counts["played"])
    return BROKEN if end["reason"] == "error" else OK


def music_of(config: Config, state: StateOnDisk) -> tuple[Song, list[PerformerSetup]]:
    """What a configuration says of the music. state: what the performers remember from the last end."""
    music = config.music
    models = [load_model(p.model) for p in config.performers]  # each has its own, for its own thread
    states: dict[str, State] = state.before({p.name: m for p, m in zip(config.performers, models, strict=True)})
    performers = [
        PerformerSetup(
            p.name,
            model,
            config.settings_of(p),
            p.seed if p.seed is not None else int.from_bytes(os.urandom(4), "little"),
            p.model,
            p.channel - 1,
            frozenset(i for i, other in enumerate(config.performers) if other.name in p.hears and i != number),
            frozenset(i for i, source in enumerate(config.inputs) if source.name in p.hears),
            state=states.get(p.name),
        )
        for number, (p, model) in enumerate(zip(config.performers, models, strict=True))
    ]
    return Song(music.sheet, music.changes, music.metres), performers


@dataclass
class KeptBars:
    """The last bars of all performers, to be written when asked for."""

    capture: Capture
    performers: Sequence[SteeredPerformer]
    clock: PerformanceClock
    most: int = KEPT_BARS

    def write(self, path: Path, bars: int) -> None:
        cut = self.capture.cut(self.clock.now(), bars)
        if not cut.events:
            raise ImprovError("nothing was played in the last bars")
        write_cut(path, cut, self.performers[0].improviser.generator.changes, [p.name for p in self.performers])


class Served:
    """A chore: the control process, which is told how the performance stands. begin: begins it. record: the record's path, if any."""

    def __init__(self, begin: Callable[[], PerformanceEnd], record: Callable[[], Path | None]):
        self._begin, self._record = begin, record
        self._control: PerformanceEnd | None = None
        self._since = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self._step = StepFigure()

    def start(self, performance: Performing) -> None:
        self._control = self._begin()

    def look(self, performance: Performing, now: float) -> None:
        assert self._control
        self._step.look(*thinking(performance.performers))
        record, counts = self._record(), performance.counters.counts
        session = None if record is None else str(record)
        waits = performance.waiting.text(now)
        status = status_of(performance, counts, performance.lateness, self._step.us, self._since, session, performance.priority, waits)
        self._control.status(status)

    def close(self, performance: Performing) -> None:
        if self._control:
            self._control.close()


def _arrival(parts: Daemon, bindings: Bindings, binding: threading.Lock) -> Callable[[Event], None]:
    """What a port's thread hands an event to: it asks for something, or is music."""
    surfaces = {i for i, source in enumerate(parts.config.inputs) if source.role == "control"}

    def arrive(event: Event) -> None:
        with binding:
            asked = bindings.requests(event)
        if asked is not None and parts.steering:
            for said in asked:
                if isinstance(said, Asked):
                    parts.steering.obey(said)
                else:
                    parts.steering.learned(said)
        elif asked is None and not isinstance(event, ProgramChange) and getattr(event, "part", -1) not in surfaces:
            parts.inbox.put(event)

    return arrive


def _awaited_api(log: Log, over: threading.Event) -> int | None:
    """The MIDI system; where none answers yet, as early after power-on, it is waited for. None: stopped meanwhile."""
    told = False
    while not over.is_set():
        api = choose_api(None)
        if api is not None:
            return api
        if not told:
            told = True
            log(f"no MIDI system answers yet; waiting for one. {mend_sentence()}", "warning")
            notify("READY=1\nSTATUS=waiting for a MIDI system")  # systemd, and with it the boot, is not to wait
        notify("WATCHDOG=1")
        over.wait(WAIT)
    return None


def _advance(config: Config, api: str, log: Log) -> float:
    """Milliseconds by which notes are handed over early: as said, or as calibrated for the first output."""
    if config.music.advance is not None:
        return float(config.music.advance)
    output = config.performers[0].output
    try:
        return (stored_advance(api, output) or 0.0) if output else 0.0
    except CalibrationError as e:
        log.warn(f"{e}; {put_aside(calibration_file())}")
        return 0.0


def _reload_on_hangup(parts: Daemon) -> None:
    def reload() -> None:
        if parts.steering:
            parts.steering.reload()

    if hasattr(signal, "SIGHUP"):
        # In a thread of its own: a file is read.
        signal.signal(signal.SIGHUP, lambda number, frame: threading.Thread(target=reload, daemon=True).start())
