"""How a performance stands at this moment: its `Status`, made from its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from improv.control.status import InputStatus, Lateness, LatenessHistogram, PerformerStatus, Status
from improv.control.steered import SteeredPerformance, SteeredPerformer
from improv.core.heard.key_now import key_now
from improv.core.meter import Meter
from improv.core.settings import SETTINGS


class GatheredLateness(Protocol):
    """See `perform.figures.LatenessFigures`."""

    @property
    def spread(self) -> Mapping[str, float]: ...
    @property
    def histogram(self) -> tuple[tuple[float, ...], tuple[int, ...], float]: ...


def status_of(
    performance: SteeredPerformance,
    counts: Mapping[str, int],
    lateness: GatheredLateness,
    step_us: float | None,
    since: str,
    session: str | None,
    priority: str,
    waits: str | None = None,
) -> Status:
    """The status. counts: heard, played, filled, dropped, guarded. waits: what it waits for. Any thread may ask."""
    performers, keeper, inbox = performance.performers, performance.timekeeper, performance.inbox
    first, meter = performers[0], keeper.meter
    now, ports = performance.clock.now(), performance.ends.status()
    at = meter.beat(now)
    return Status(
        since=since,
        time=round(now, 3),
        mode=first.settings.mode,
        model=first.model_name,
        tempo=round(meter.tempo, 2),
        beat=round(beat_in_bar(meter, at), 2),
        bar=meter.bar_of(at) + 1,
        position=round(meter.position(at), 2),
        clock=first.settings.clock,
        sure=round(keeper.source.sure, 2),
        running=meter.running,
        **counts,
        inbox_dropped=dict(inbox.dropped),
        queue=inbox.qsize(),
        reconnects=ports["reconnects"],
        step_us=step_us,
        lateness_ms=Lateness(**lateness.spread),
        lateness_histogram=LatenessHistogram(*lateness.histogram),
        sounding=len(performance.sounding),
        session=session,
        priority=priority,
        waits=waits,
        harmony=performance.harmony.words,
        key=None if (key := key_now(first.improviser.generator)) is None else str(key),
        performers={p.name: _performer(p, ports["outputs"].get(p.number, {})) for p in performers},
        inputs={name: InputStatus(**part) for name, part in ports["inputs"].items()},
    )


def _performer(performer: SteeredPerformer, port: Mapping[str, Any]) -> PerformerStatus:
    settings = asdict(performer.settings)
    others = {name: value for name, value in settings.items() if value != SETTINGS[name].default}
    improviser = performer.improviser
    return PerformerStatus(
        settings["mode"],
        performer.model_name,
        settings["temperature"],
        **port,
        settings=others,
        waits=improviser.waits,
        **(improviser.generator.quoted() or {}),
        surprise_bits=improviser.voice.surprise,
        heard_surprise_bits=improviser.voice.heard_surprise,
    )


def beat_in_bar(meter: Meter, beat: float) -> float:
    """The beat of the bar, from 1, as the metre counts: six of them in 6/8."""
    position = meter.position(beat)
    count, _ = meter.metres.at(position).metre
    return 1.0 + count * max(0.0, meter.metres.bars(position) - meter.bar_of(beat))
