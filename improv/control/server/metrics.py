"""Figures for Prometheus, in its text format 0.0.4. Pure.

Written here because all figures come from a status that is already counted: prometheus_client is made to count within a process,
would take this one four times as long to start, and is needed for nothing else. The tests read what is written with its parser.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from improv.control.status import LatenessHistogram, Status

KIND = "text/plain; version=0.0.4; charset=utf-8"
# name: where it is in the status, its kind, what it is times, what it tells
ROWS: dict[str, tuple[str, str, float, str]] = {
    "improv_heard_total": ("heard", "counter", 1, "Events heard."),
    "improv_played_total": ("played", "counter", 1, "Events played."),
    "improv_filled_total": ("filled", "counter", 1, "Notes that a riff played since the model was too slow."),
    "improv_dropped_total": ("dropped", "counter", 1, "Events dropped: too late, or too many."),
    "improv_reconnects_total": ("reconnects", "counter", 1, "Ports that went and came back."),
    "improv_queue_depth": ("queue", "gauge", 1, "Events that wait to be heard."),
    "improv_sounding_notes": ("sounding", "gauge", 1, "Notes that sound."),
    "improv_tempo_bpm": ("tempo", "gauge", 1, "Quarter notes a minute."),
    "improv_running": ("running", "gauge", 1, "Whether the beat runs."),
    "improv_performance_seconds": ("time", "gauge", 1, "The performance clock."),
    "improv_model_step_seconds": ("step_us", "gauge", 1e-6, "Time that a step of the model takes, with the thinking around it."),
}
PERFORMERS = {  # what a performer's status has: the metric's name, and what it tells
    "quoted": (
        "improv_quoted_ratio",
        "Share of its notes in figures of nine that a solo has which the model learned from.",
    ),
    "quoted_in_rhythm": ("improv_quoted_in_rhythm_ratio", "Share of its notes in figures of seven that a solo has with their rhythm."),
    "longest_quote": ("improv_longest_quote_notes", "Notes of a performer's longest quotation."),
    "surprise_bits": ("improv_surprise_bits", "How surprising a performer's latest note was to its model."),
    "heard_surprise_bits": ("improv_heard_surprise_bits", "How surprising the player's latest note was to a performer's model."),
}
CONTROL = {  # what the server counts: the metric's name, which dashboards know, and what it tells
    "connections": ("improv_control_connections_total", "Connections to the local socket."),
    "refused": ("improv_control_refused_total", "Connections, packets and messages that were refused."),
    "requests": ("improv_control_wishes_total", "Requests handed to the performance."),
    "replaced": ("improv_control_replaced_total", "Requests that a later one for the same setting replaced."),
    "requests_dropped": ("improv_control_wishes_dropped_total", "Requests that found no room."),
    "osc_messages": ("improv_control_osc_messages_total", "OSC messages that were obeyed or answered."),
    "osc_bad": ("improv_control_osc_bad_total", "OSC packets and messages that were not understood."),
}


def exposition(status: Status | None, age: float | None, counts: Mapping[str, int]) -> str:
    """The whole page. status: as the performance sent it, `age` seconds ago; counts: the server's own, by the names of CONTROL.

    What is missing in the status, or is no number, is left out.
    """
    return "\n".join([*_lines(status or Status(), age, counts), ""])


def _lines(status: Status, age: float | None, counts: Mapping[str, int]) -> Iterator[str]:
    yield from _head("improv_up", "gauge", "1: the performance is there and tells its status.")
    yield f"improv_up {int(age is not None and age < 5)}"
    if age is not None:
        yield from _head("improv_status_age_seconds", "gauge", "Since the performance last told its status.")
        yield f"improv_status_age_seconds {_number(age)}"
    for name, (key, kind, times, text) in ROWS.items():
        if (value := _real(getattr(status, key))) is not None:
            yield from _head(name, kind, text)
            yield f"{name} {_number(value * times)}"
    yield from _lateness(status.lateness_histogram)
    yield from _ports(status)
    for key, (name, text) in CONTROL.items():
        yield from _head(name, "counter", text)
        yield f"{name} {counts.get(key, 0)}"


def _lateness(found: LatenessHistogram) -> Iterator[str]:
    bounds, counts = [_real(b) for b in found.le], [_real(c) for c in found.counts]
    if None in bounds or None in counts or len(counts) != len(bounds) + 1:
        return
    name = "improv_lateness_seconds"
    yield from _head(name, "histogram", "From the moment the music asks for an event until the port has it.")
    total = 0.0
    for bound, count in zip(bounds, counts, strict=False):
        total += count or 0.0
        yield f'{name}_bucket{{le="{_number((bound or 0.0) / 1000)}"}} {_number(total)}'
    total += counts[-1] or 0.0
    yield f'{name}_bucket{{le="+Inf"}} {_number(total)}'
    yield f"{name}_sum {_number((_real(found.sum) or 0.0) / 1000)}"
    yield f"{name}_count {_number(total)}"


def _ports(status: Status) -> Iterator[str]:
    if status.inputs or status.performers:
        yield from _head("improv_port_up", "gauge", "Whether a port is there.")
        for side, parts in (("input", status.inputs), ("output", status.performers)):
            for name, part in parts.items():
                yield f'improv_port_up{{side="{side}",name="{_label(name)}"}} {int(bool(part.there))}'
    if status.performers:
        yield from _head("improv_performer_info", "gauge", "Who plays what.")
        for name, part in status.performers.items():
            mode, model = _label(part.mode or ""), _label(part.model or "")
            yield f'improv_performer_info{{name="{_label(name)}",mode="{mode}",model="{model}"}} 1'

        for key, (name, text) in PERFORMERS.items():
            found = {who: _real(getattr(part, key)) for who, part in status.performers.items()}
            if any(value is not None for value in found.values()):
                yield from _head(name, "gauge", text)
                for who, value in found.items():
                    if value is not None:
                        yield f'{name}{{name="{_label(who)}"}} {_number(value)}'


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _real(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, int | float) and abs(value) < 1e300 and math.isfinite(value):
        return float(value)
    return None


def _number(value: float) -> str:
    return f"{value:.10g}"


def _label(value: object) -> str:
    return str(value)[:128].replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
