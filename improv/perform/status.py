"""How a performance stands, in words and figures, for whoever asks: the control process, metrics, a panel."""

from __future__ import annotations

from typing import Any

from improv.perform.performing import Performing


def status_of(performance: Performing) -> dict[str, Any]:
    """To be asked from any thread. What the observers say of it is part of it."""
    first, keeper = performance.performers[0], performance.timekeeper
    meter, now = keeper.meter, performance.clock.now()
    beat, there = meter.beat(now), performance.ends.status()
    found: dict[str, Any] = {
        "time": round(now, 3),
        "mode": first.settings.mode,
        "model": first.model_name,
        "tempo": round(meter.tempo, 2),
        "beat": round(meter.position(beat), 2),
        "bar": meter.bar_of(beat) + 1,
        "clock": keeper.settings.clock,
        "sure": round(keeper.source.sure, 2),
        "running": meter.running,
        "inbox_dropped": dict(performance.inbox.dropped),
        "queue": performance.inbox.qsize(),
        "reconnects": there["reconnects"],
        "sounding": sum(len(p.improviser.sounding) for p in performance.performers),
        "step_us": max((took for p in performance.performers if p.thinker and (took := p.thinker.microseconds)), default=None),
        "priority": performance.priority,
        "performers": {
            p.name: {"mode": p.settings.mode, "model": p.model_name, "temperature": p.settings.temperature}
            | there["outputs"].get(p.number, {})
            for p in performance.performers
        },
        "inputs": there["inputs"],
    }
    for observer in performance.observers:
        found |= observer.status()
    return found
