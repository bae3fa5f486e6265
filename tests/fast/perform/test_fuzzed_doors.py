"""Messages of strangers to OSC and the local socket: understood or refused in a line, and none disturbs the music.

`scripts/fuzz_doors.py` sends many more to a daemon that plays on JACK.
"""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from door_messages import PERFORMERS, osc_packet, request, socket_line

from improv.control.bindings import Bindings
from improv.control.config.reading import load_config
from improv.control.requests import RequestError, read_request
from improv.control.server.osc import OscError, read_packet
from improv.control.server.osc_addresses import asked, opened, told
from improv.control.status import Status
from improv.control.steering import Steering
from improv.core.errors import ImprovError
from improv.core.events import Event, NoteOff, NoteOn
from improv.models.model import Model
from improv.perform.clock import EventQueue, OfflineClock
from improv.perform.observers import KeptTake
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song

SHORT = 1500  # messages
CONFIG = """
model = "pocket"
[record]
folder = "kept"
[[performer]]
name = "sax"
[[performer]]
name = "piano"
channel = 2
"""


def test_osc_packets() -> None:
    r = random.Random(1)
    understood = 0
    said: list[str] = []
    for _ in range(SHORT):
        try:
            messages = read_packet(osc_packet(r))
        except OscError:
            continue
        for message in messages:
            plain = opened(message, None)
            assert plain is not None
            try:
                wanted = asked(plain, PERFORMERS)
                if wanted and wanted["do"] == "get":
                    told(wanted, Status())
                elif wanted:
                    json.dumps(read_request(wanted, PERFORMERS))
                understood += 1
            except ImprovError as e:
                said.append(str(e))
    assert all(text.isprintable() and len(text) < 1000 for text in said), said
    assert understood > SHORT / 25


class Steered(OfflineClock):
    """A clock on which somebody asks for something at each step."""

    def __init__(self, limit: float, ask: Any):
        super().__init__((), limit)
        self._ask = ask

    def wait(self, inbox: EventQueue[Event], until: float | None) -> list[Event]:
        self._ask()
        return super().wait(inbox, self._now + 0.02 if until is None else min(until, self._now + 0.02))


def test_requests_to_a_performance(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "improv.toml"
    path.write_text(CONFIG)
    config, r, take, replies = load_config(path), random.Random(3), KeptTake(), []
    answer: Any = None

    def ask() -> None:
        if len(replies) >= SHORT:
            return
        line = socket_line(r) if r.random() < 0.5 else json.dumps(request(r)).encode()
        try:
            wanted = read_request(json.loads(line), PERFORMERS)
        except (ValueError, RecursionError, RequestError, ImprovError) as e:
            replies.append({"ok": False, "error": str(e)})
            return
        if wanted["do"] not in ("status", "reload"):
            replies.append(answer(wanted))

    setups = [PerformerSetup(p.name, model, config.settings_of(p), n, "pocket", n) for n, p in enumerate(config.performers)]
    performance = Performance(PerformanceConfig(setups, Song()), Steered(30.0, ask), observers=[take])
    kept: Any = SimpleNamespace(most=64)
    log: Any = lambda text, *level: None  # noqa: E731
    answer = Steering(path, config, performance, Bindings((), []), threading.Lock(), kept, log).answer
    end = performance.run()
    assert end["reason"] == "over"
    assert sum(reply["ok"] for reply in replies) > 200
    for reply in replies:
        json.dumps(reply)
        assert reply["ok"] or str(reply["error"]).isprintable(), reply
    on, off = ([e for e in take.played_events if isinstance(e, kind)] for kind in (NoteOn, NoteOff))
    assert len(on) > 2  # it may be told to end, or to rest
    assert {(e.part, e.channel, e.pitch) for e in on} == {(e.part, e.channel, e.pitch) for e in off}
