"""`improv plugin engine`: what the plugin starts, one for each instance. It ends by itself when the plugin has gone."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from improv import __version__
from improv.bridge.bell import Bell, Heart
from improv.bridge.host_clock import Feed
from improv.bridge.instances import tidied
from improv.bridge.library import BridgeError, EngineSide, EngineState
from improv.bridge.takes import Engine
from improv.cli import BROKEN, OK
from improv.cli.plugin_records import Records
from improv.cli.plugin_words import log_file
from improv.cli.sessions import default_folder
from improv.core.errors import ImprovError
from improv.perform.in_time import SWITCH
from improv.perform.priority import raise_priority
from improv.perform.signals import told_signals

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
        tidied(path.parent)
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
    records = Records(default_folder(), side.instance, _fault)
    stack.callback(records.close)
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
    return OK


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
