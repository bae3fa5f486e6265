"""Whatever an input floods with: the music goes on, no more notes leave than anybody plays, none is left sounding, nothing grows."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from typing import Any

import pytest

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Stop, Tap, Transport
from improv.core.flood import BURST, RATE
from improv.core.harmony import parse_changes
from improv.core.settings import Settings
from improv.models.model import Model
from improv.perform.clock import OfflineClock
from improv.perform.observers import KeptTake
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song

SONG = Song(parse_changes("Dm7 | G7 | Cmaj7 | A7"), "Dm7 | G7 | Cmaj7 | A7")
BEGINS, LASTS, ENDS = 4.0, 1.0, 10.0  # seconds
MOST = 200_000  # bytes of all that is kept in mind of what was heard


def mixed(at: float, i: int, r: random.Random) -> list[Event]:
    pitch, channel = r.randrange(128), r.randrange(16)
    return [r.choice([NoteOn(at, pitch, 80, channel), NoteOff(at, pitch, channel), ControlChange(at, pitch % 120, i % 128, channel)])]


def every_key(at: float, i: int, r: random.Random) -> list[Event]:
    """2,048 keys go down, and stay so."""
    return [NoteOn(at, i % 128, 80, i // 128)] if i < 2048 else []


def controllers(at: float, i: int, r: random.Random) -> list[Event]:
    return [ControlChange(at, r.choice([1, 7, 64, 64, 121, 123]), r.randrange(128), r.randrange(16))]


def transports(at: float, i: int, r: random.Random) -> list[Event]:
    return [Transport(at, r.choice(["start", "stop", "continue"])), Transport(at, "position", float(r.randrange(1000)))]


def taps(at: float, i: int, r: random.Random) -> list[Event]:
    return [Tap(at)]


def pulses(at: float, i: int, r: random.Random) -> list[Event]:
    """Clock at 10,000 beats a minute."""
    return [Pulse(at)]


FLOODS: dict[str, tuple[Callable[[float, int, random.Random], list[Event]], int, str]] = {
    "mixed": (mixed, 3000, "internal"),
    "every key": (every_key, 3000, "internal"),
    "controllers": (controllers, 4000, "internal"),
    "transports": (transports, 600, "internal"),
    "transports over MIDI Clock": (transports, 600, "midi"),
    "taps": (taps, 2000, "internal"),
    "clock": (pulses, 4000, "midi"),
    "clock that nobody asked for": (pulses, 4000, "internal"),
    "notes to follow": (mixed, 1500, "follow"),
}


def flooded(kind: str, mode: str, model: Model) -> tuple[Performance, KeptTake, dict[str, Any]]:
    flood, rate, clock = FLOODS[kind]
    r, lasts = random.Random(1), 2.5 if kind == "clock" else LASTS  # a mad clock is no fault of the model's, however many notes it asks for
    script: list[Event] = [Transport(0.0, "start")]
    beat = [Pulse(i / 48) for i in range(int(48 * ENDS)) if not BEGINS <= i / 48 < BEGINS + lasts]
    script += beat if clock == "midi" else []
    script += [e for i in range(int(rate * lasts)) for e in flood(BEGINS + i / rate, i, r)]
    after = BEGINS + lasts + 0.1
    script += [NoteOff(after, pitch, channel) for pitch in range(128) for channel in range(16)] if flood is every_key else []
    script += [ControlChange(after, number, 0, channel) for number in (64, 123) for channel in range(16)]
    script += [Transport(after, "start"), *([NoteOn(after + 0.1, 62, 80), NoteOff(after + 0.3, 62)]), Stop(ENDS, "over")]
    setup = PerformerSetup("improv", model, Settings(mode=mode, clock=clock), 1)
    take = KeptTake()
    performance = Performance(
        PerformanceConfig([setup], SONG), OfflineClock(sorted(script, key=lambda e: e.time)), observers=[take], thinker=None
    )
    return performance, take, performance.run()


@pytest.mark.parametrize("mode", ["solo", "trade"])
@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood(kind: str, mode: str, model: Model) -> None:
    performance, take, end = flooded(kind, mode, model)
    assert end["reason"] == "over"
    on = [e for e in take.played_events if isinstance(e, NoteOn)]
    assert len(on) <= BURST + ENDS * RATE
    assert any(e.time > BEGINS + LASTS for e in on)
    sounding: set[tuple[int, int]] = set()
    for event in take.played_events:
        if isinstance(event, NoteOn):
            sounding.add((event.channel, event.pitch))
        elif isinstance(event, NoteOff):
            sounding.discard((event.channel, event.pitch))
    assert not sounding
    performer = performance.performers[0].improviser
    kept = (performance.timekeeper, performer.voice.tracker, performance.waiting.__dict__ | {"_keeper": None})
    assert len(pickle.dumps(kept)) < MOST
