"""All that `improv bench` measures of time, with its verdict: lateness idle and loaded, from a key to its note, on a MIDI clock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np

from improv.bench import latency
from improv.bench.clock_lock import clock_lock
from improv.bench.spread import spread
from improv.bench.thought import Streaming
from improv.core.errors import ImprovError
from improv.core.note_model import NoteModel
from improv.perform.priority import priority

PARTS = ("lateness", "key", "clock")
CLOCKED = 160  # note-ons and note-offs that follow a MIDI clock: ten seconds of eighths


def time_figures(
    model: NoteModel, api: int | None, events: int, what: str | None, thought: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """The figures of `thought` with what depends on the clock, and all the microseconds of each.

    api: the MIDI system, None for none. events: how many of each. what: one of PARTS, None for all. thought: what a note costs to
    think of, which the verdict looks at too, where it was measured. Raises ImprovError.
    """
    figures = dict(thought)
    drawn: dict[str, list[float]] = {}
    with priority() as granted:
        figures["priority"] = granted.text
    figures["ports"], period = latency.ports_and_period(api)
    if what in (None, "lateness"):
        think = Streaming(model).note
        figures["lateness"] = {}
        for name in ("idle", "loaded"):
            stolen = latency.Stolen()
            with latency.two_busy() if name == "loaded" else nullcontext():
                late = latency.lateness(think, api, events)
            nothing = spread(late["nothing"])
            ours = spread(late["ours"]) | {f"nothing_{k}": nothing[k] for k in ("p50_us", "p99_us")}
            ours["times_nothing_p99"] = round(ours["p99_us"] / max(nothing["p99_us"], 0.1), 2)
            ours["stolen"] = stolen.share()
            figures["lateness"][name] = ours
            drawn[f"lateness, {name}"], drawn[f"nothing, {name}"] = late["ours"], late["nothing"]
    if what in (None, "key"):
        stolen = latency.Stolen()
        found = latency.key_to_note(api, events)
        if not found:
            raise ImprovError("no key arrived at our own input; see `improv ports`, or choose another system with --api")
        figures["key_to_note"], drawn["key to note"] = spread(found) | {"stolen": stolen.share()}, found
    if what in (None, "clock"):
        stolen = latency.Stolen()
        off, lost = clock_lock(api, max(40, min(CLOCKED, events)))
        constant = float(np.mean(off))
        apart = spread([abs(t - constant) for t in off])
        more = {"constant_us": round(constant, 2), "apart_p50_us": apart["p50_us"], "apart_p99_us": apart["p99_us"], "pulses_lost": lost}
        more["stolen"] = stolen.share()
        drawn["clock lock"] = [abs(t) for t in off]
        figures["clock_lock"] = spread(drawn["clock lock"]) | more
    figures["verdict"] = latency.verdict(figures, granted.real_time, period)
    return figures, drawn
