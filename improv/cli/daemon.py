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
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from improv.cli import BROKEN, OK
from improv.cli.steered import KEPT_BARS, Arrival, KeptBars, Served, ToldLog
from improv.cli.terminal import patient
from improv.control.bindings import Bindings
from improv.control.config.reading import check_models, load_config
from improv.control.config.tree import Config, PerformerConfig
from improv.control.kept import learned_bindings, page_tokens
from improv.control.page.keyboard import NAME
from improv.control.page.page_end import PageSetup
from improv.control.performance_end import PerformanceEnd
from improv.control.steering import Steering
from improv.control.surprises import SurpriseTap
from improv.core.errors import ImprovError
from improv.core.events import Stop
from improv.core.harmony import taken_for, wanted
from improv.midi.calibration import CalibrationError, calibration_file, stored_advance
from improv.midi.left_sounding import sounding_folder
from improv.midi.systems import choose_api, mend_sentence
from improv.models.loader import find_model, load_model
from improv.models.model import State
from improv.outside import put_aside
from improv.perform.clock import LiveClock, OfflineClock
from improv.perform.ends import Ends
from improv.perform.inbox import Inbox
from improv.perform.log import Log, Logged
from improv.perform.performance import Joined, Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.perform.performing import Chore
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
SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")  # that end it; SIGHUP reads the configuration again


@dataclass
class Daemon:
    """What there is of a daemon before it performs. over: it is to end. arrival: what its inputs hand events to, once there is one."""

    config: Config
    clock: LiveClock | OfflineClock
    log: Log
    inbox: Inbox = field(default_factory=Inbox)
    over: threading.Event = field(default_factory=threading.Event)
    steering: Steering | None = None  # once there is one
    arrival: Arrival | None = None

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
    from improv.midi.kitted import KittedPorts, read_kit
    from improv.midi.patchbay import Input, Output, Patchbay
    from improv.midi.ports import api_name

    config, clock, log = parts.config, parts.clock, parts.log
    bindings, binding = Bindings((), source_names(config)), threading.Lock()
    bindings.learned = learned_bindings(config.record.folder, log.warn)
    bindings.replace(config.bindings)
    inputs = [Input(i, s.name, s.port, frozenset(c - 1 for c in s.channels), s.role) for i, s in enumerate(config.inputs)]
    outputs = []
    for i, p in enumerate(config.performers):
        label = p.name if len(config.performers) > 1 else "out"
        outputs.append(Output(i, p.output, label))
    surfaces = frozenset(i for i, source in enumerate(config.inputs) if source.role == "control")
    arrival = parts.arrival = Arrival(parts.inbox.put, bindings, binding, surfaces)
    bay = Patchbay(api, clock.now, arrival, inputs, outputs, raise_priority, lambda text: log(text, "notice"), sounding=sounding_folder())
    stack.callback(bay.close)
    link: Joined | None = None
    if config.music.clock == "link":
        from improv.perform.link import Link

        link = opened = Link(clock.now, parts.inbox.put, config.music.tempo, config.music.metres.first.bar)
        stack.callback(opened.close)
    kits = {i: read_kit(p.kit) for i, p in enumerate(config.performers) if p.kit}
    return perform(
        path, parts, KittedPorts(bay, kits) if kits else bay, link, _advance(config, api_name(api), log) / 1000.0, bindings, binding
    )


def perform(path: Path, parts: Daemon, ends: Ends, link: Joined | None, early: float, bindings: Bindings, binding: threading.Lock) -> int:
    """The performance, its record and all that is looked after meanwhile. Returns the exit code."""
    config, log = parts.config, ToldLog(parts.log)
    state = StateOnDisk(config.record.folder / STATE, parts.log)
    song, performers = music_of(config, state)
    for performer in performers:
        if performer.state is not None:
            log(f"{performer.name} remembers {performer.state.past.notes} notes")
    settings = PerformanceConfig(performers, song, config.music.send_clock, early, signals=(), ends=False)  # they are told to the parts
    performance = Performance(settings, parts.clock, ends, inbox=parts.inbox, link=link)
    name = f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}.jsonl"
    record = config.record.folder / name if config.record.on else None
    header = header_of(song, performers, early) | ({"sources": source_names(config)} if config.control.panel else {})
    if record:
        header |= titled(performers[0].seed)
        try:
            keep_beside(record, performers)
        except (ImprovError, OSError) as e:
            log(str(e), "warning")
    recorder, capture = Recorder(record, header, warn=parts.log.warn), Capture(lambda: performance.meter, KEPT_BARS)
    for observer in (recorder, capture, Logged(parts.log, [p.name for p in performers], record)):
        performance.observe(observer)
    last_bars = KeptBars(capture, performance.performers, parts.clock)
    steering = parts.steering = Steering(path, config, performance, bindings, binding, last_bars, log)

    if parts.arrival:
        parts.arrival.steering = steering
    surprises = SurpriseTap(performance.performers) if config.control.osc and config.control.osc.surprise else None
    if surprises:
        performance.observe(surprises)
    served = Served(
        lambda page: PerformanceEnd(config, steering.answer, log, page=page, surprises=surprises).start(), lambda: recorder.path
    )
    if setup := _page_setup(config, header, record, parts.log):
        log.taps.append(served.show(performance, steering, setup, parts.arrival or parts.inbox.put).tap)

    def limits() -> tuple[Path, float | None, float | None]:
        kept = steering.config.record
        return kept.folder, kept.keep_days if kept.on else None, kept.keep_mb if kept.on else None

    chores: list[Chore] = [
        Watchdog(),
        served,
        state,
        Pruning(limits, lambda: recorder.path, parts.log),
    ]
    with patient(told=lambda text: parts.log.line(text, "warning")):
        end = performance.run(chores)
    counts = performance.counters.counts
    log(f"stopped: {end['reason']}", heard=counts["heard"], played=counts["played"])
    return BROKEN if end["reason"] == "error" else OK


def source_names(config: Config) -> list[str]:
    """The inputs' names by number; the page's keys come last."""
    return [i.name for i in config.inputs] + ([NAME] if config.control.panel else [])


def _inputs_of(config: Config, performer: PerformerConfig) -> frozenset[int]:
    """The inputs that a performer listens to, by number; the page's keys where it listens to any that plays."""
    found = {i for i, source in enumerate(config.inputs) if source.name in performer.hears}
    return frozenset(found | ({len(config.inputs)} if found and config.control.panel else set()))


def _page_setup(config: Config, header: Mapping[str, Any], record: Path | None, log: Log) -> PageSetup | None:
    """What the configuration says of the page."""
    panel = config.control.panel
    if panel is None:
        return None
    steer, watch = page_tokens(config.record.folder, log.warn)
    return PageSetup(
        panel.listen,
        panel.port,
        panel.token or steer,
        panel.watch_token or watch,
        config.record.folder,
        tuple(source_names(config)),
        panel.allow,
        panel.hosts,
        False,
        str(header.get("title") or ""),
        record.name if record else "",
    )


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
            _inputs_of(config, p),
            state=states.get(p.name),
            harmony=frozenset(i for i, source in enumerate(config.inputs) if source.role == "harmony"),
        )
        for number, (p, model) in enumerate(zip(config.performers, models, strict=True))
    ]
    banded = any(p.kind != "soloist" for p in config.performers)
    band = tuple(p.settings.mode for p in performers) if banded else ()
    return Song(music.sheet, wanted(music.changes), music.metres, band=band), performers


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
