"""`improv plugin engine`: what the plugin starts, one for each instance. It ends by itself when the plugin has gone."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from improv import __version__
from improv.bridge.bell import Bell, Heart
from improv.bridge.host_clock import Feed
from improv.bridge.library import BridgeError, EngineSide, EngineState
from improv.bridge.takes import Engine
from improv.cli import BROKEN, OK
from improv.cli.plugin_words import log_file
from improv.cli.sessions import default_folder
from improv.core.errors import ImprovError
from improv.core.observer import Observer
from improv.perform.in_time import SWITCH
from improv.perform.performers import PerformerSetup, Song
from improv.perform.priority import raise_priority
from improv.perform.signals import told_signals
from improv.session import Recorder
from improv.session.header import header_of
from improv.titles.draw import titled

KEPT = 200  # lines of what went wrong


def run_engine(name: str) -> int:
    """Play for one instance until it is gone. Returns the exit code."""
    os.closerange(3, 256)  # what the host had open is none of ours
    path = Path(name)
    side = EngineSide(path, __version__)
    with ExitStack() as stack:
        stack.callback(side.close)
        stack.callback(_tidied, path)
        stack.callback(Heart(side.beat).close)
        try:
            return _play(path, side, stack)
        except (ImprovError, OSError) as e:
            _fault(str(e))
            side.say(EngineState.FAILS, str(e))
            _stay(side)
            return BROKEN


def _play(path: Path, side: EngineSide, stack: ExitStack) -> int:
    engine: Engine

    def wish(said: bytes) -> None:
        try:
            _log(engine.wish(dict(json.loads(said))))
        except (ValueError, TypeError, RecursionError):
            _log("a wish that is no JSON object")

    bell = Bell(path.with_suffix(".sock"), wish)
    stack.callback(bell.close)
    if bell.port:
        side.port(bell.port)
    records = Records(side.instance)
    engine = Engine(side, Feed(side, bell), records.begun, _fault)
    raise_priority()
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()

    def stop(signal: str) -> None:
        engine.stop()
        bell.ring()

    with told_signals(stop):
        engine.run()
    records.tidy()
    return OK


class Records:
    """The session of each take. Those in which no note was heard or played are not kept."""

    def __init__(self, instance: str):
        self._instance = instance
        self._count = 0
        self._latest: Recorder | None = None

    def begun(self, song: Song, setup: PerformerSetup) -> Sequence[Observer]:
        self.tidy()
        self._count += 1
        path = default_folder() / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}-{self._count}.jsonl"
        header = header_of(song, [setup]) | {"plugin": self._instance} | titled(int.from_bytes(os.urandom(4)))  # takes of one seed are many
        self._latest = Recorder(path, header, warn=_log)
        return [self._latest]

    def tidy(self) -> None:
        """The latest take is over."""
        kept, self._latest = self._latest, None
        if kept and kept.path and not any(kept.counts.values()):
            with suppress(OSError):
                kept.path.unlink()


def _tidied(path: Path) -> None:
    for suffix in (".ring", ".log"):
        with suppress(OSError):
            path.with_suffix(suffix).unlink()


def _stay(side: EngineSide) -> None:
    """Say what is wrong for as long as the plugin is there."""
    with suppress(BridgeError):
        while side.life != side.life.GONE:
            time.sleep(0.5)


def _log(text: str) -> None:
    """Beside the mapped file, for as long as that is there."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _fault(text: str) -> None:
    """What went wrong, for `improv plugin doctor`; the latest are kept."""
    _log(text)
    path = log_file()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8", errors="replace").splitlines()[1 - KEPT :] if path.exists() else []
        path.write_text("\n".join([*before, f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}"]) + "\n", encoding="utf-8")
