"""`improv bench`: what this machine does in time. Here, what one note costs; `punctual.py` has lateness, `clock_lock.py`
how well a MIDI clock is followed.

Beside it, in the same run: the same mathematics written plainly, one product a gate on one-hot inputs (as tutorials
write it), and the least time in which this machine can read the weights that one note needs.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from improv.core.errors import ImprovError
from improv.core.harmony import parse_changes
from improv.core.line.draw import draw_note
from improv.core.line.sampler import sample
from improv.core.settings import Settings
from improv.core.vocabulary import STEP_TABLES, Context, Value, step_columns
from improv.models.cells import PARTS, kind_of
from improv.models.grammar_model import speaks_grammar
from improv.models.loader import load_model
from improv.models.model import Model, member_shapes, table_offsets
from improv.models.tcn import convolved

CHANGES = parse_changes("Dm7 | G7 | Cmaj7 | A7")
SETTINGS = Settings()
CLOCKED = 160  # note-ons and note-offs that follow a MIDI clock: ten seconds of eighths
SPREAD = ("p50_us", "p99_us", "p999_us", "max_us")


def bench(args: argparse.Namespace) -> int:
    """Measure all, or the part that was asked for; print the figures and a verdict."""
    if not 100 <= args.notes <= 1_000_000:
        raise ImprovError(f"--notes {args.notes}: expected 100 to 1,000,000")
    if not 40 <= args.events <= 100_000:
        raise ImprovError(f"--events {args.events}: expected 40 to 100,000")
    model = load_model(args.model)
    figures: dict[str, Any] = {}
    drawn: dict[str, list[float]] = {}
    if args.what in (None, "step"):
        drawn |= note_times(model, args.notes, figures)
    if args.what != "step":
        _time_figures(args, model, figures, drawn)
    if args.png:
        from improv.render.show import draw_times

        draw_times(args.png, drawn)
    if args.json:
        print(json.dumps(figures))
        return 0
    if "note" in figures:
        _tell_note(figures)
    from improv.bench.latency import rows_in_time

    rows = rows_in_time(figures)
    if rows:
        print(f"microseconds, over {figures['ports']}, real-time priority: {figures['priority']}")
        print(f"  {'':<16}" + "".join(f"{name:>9}" for name in ("p50", "p99", "p99.9", "max", "n")))
        for name, row in rows.items():
            print(f"  {name:<16}" + "".join(f"{row[k]:>9.0f}" for k in (*SPREAD, "n")) + _beside(row))
        print(figures["verdict"])
    return 0


def _time_figures(args: argparse.Namespace, model: Model, figures: dict[str, Any], drawn: dict[str, list[float]]) -> None:
    """What depends on the clock, into figures and drawn."""
    from improv.bench import latency as punctual
    from improv.bench.clock_lock import clock_lock
    from improv.midi.systems import choose_api
    from improv.perform.priority import priority

    api = choose_api(args.api)
    with priority() as granted:
        figures["priority"] = granted.text
    figures["ports"], period = punctual.ports_and_period(api)
    if args.what in (None, "lateness"):
        think = Streaming(model).note
        figures["lateness"] = {}
        for name in ("idle", "loaded"):
            stolen = punctual.Stolen()
            with punctual.two_busy() if name == "loaded" else nullcontext():
                late = punctual.lateness(think, api, args.events)
            nothing = spread(late["nothing"])
            ours = spread(late["ours"]) | {f"nothing_{k}": nothing[k] for k in ("p50_us", "p99_us")}
            ours["times_nothing_p99"] = round(ours["p99_us"] / max(nothing["p99_us"], 0.1), 2)
            ours["stolen"] = stolen.share()
            figures["lateness"][name] = ours
            drawn[f"lateness, {name}"], drawn[f"nothing, {name}"] = late["ours"], late["nothing"]
    if args.what in (None, "key"):
        stolen = punctual.Stolen()
        found = punctual.key_to_note(api, args.events)
        if not found:
            raise ImprovError("no key arrived at our own input; see `improv ports`, or choose another system with --api")
        figures["key_to_note"], drawn["key to note"] = spread(found) | {"stolen": stolen.share()}, found
    if args.what in (None, "clock"):
        stolen = punctual.Stolen()
        off, lost = clock_lock(api, max(40, min(CLOCKED, args.events)))
        constant = float(np.mean(off))
        apart = spread([abs(t - constant) for t in off])
        more = {"constant_us": round(constant, 2), "apart_p50_us": apart["p50_us"], "apart_p99_us": apart["p99_us"], "pulses_lost": lost}
        more["stolen"] = stolen.share()
        drawn["clock lock"] = [abs(t) for t in off]
        figures["clock_lock"] = spread(drawn["clock lock"]) | more
    figures["verdict"] = punctual.verdict(figures, granted.real_time, period)


def spread(times: Sequence[float]) -> dict[str, Any]:
    """How microseconds are spread: SPREAD, and n."""
    values = np.percentile(times, [50, 99, 99.9, 100])
    return {name: round(float(v), 2) for name, v in zip(SPREAD, values, strict=True)} | {"n": len(times)}


def _beside(row: dict[str, Any]) -> str:
    told = []
    if "constant_us" in row:
        told.append(f"{row['constant_us']:.0f} are constant, {row['apart_p99_us']:.0f} apart from that (p99)")
        told += [f"{row['pulses_lost']} pulses lost"] if row["pulses_lost"] else []
    if "times_nothing_p99" in row:
        told.append(f"{row['times_nothing_p99']:.1f} times the p99 of the same loop doing nothing")
    if row["stolen"] >= 0.005:
        told.append(f"{row['stolen']:.0%} of the processor withheld")
    return "   " + ", ".join(told)


def _tell_note(figures: dict[str, Any]) -> None:
    note = figures["note"]
    print("microseconds of thought a note")
    print(f"  {'':<34}" + "".join(f"{name:>9}" for name in ("p50", "p99", "p99.9", "max", "n")))
    for name, row in (("the step of the networks", figures["step"]), ("with recall, all fields sampled", note)):
        print(f"  {name:<34}" + "".join(f"{row[k]:>9.0f}" for k in (*SPREAD, "n")))
    if "plain_p50_us" in note:
        print(
            f"  {'the same networks, written plainly':<34}{note['plain_p50_us']:>9.0f}   ({note['times_faster_than_plain']:.1f} times ours)"
        )
    print(f"  {'reading their weights from memory':<34}{note['limit_us']:>9.0f}   (the limit)")


def note_times(model: Model, notes: int, figures: dict[str, Any]) -> dict[str, list[float]]:
    """Microseconds of each note and of each step alone; their figures go into `figures`, as note and step.

    Ours and the plain loop's notes take turns, so that both meet the same machine. The steps are those of the same notes:
    from a note to the next state and what it says of rhythm and phrase end.
    """
    gc.disable()
    try:
        players: dict[str, Streaming | Plain] = {"note": (ours := Streaming(model))}
        if not speaks_grammar(model.card):  # what a plain loop would be is written for models of notes
            players["plain"] = Plain(model)
        for player in players.values():
            for _ in range(200):
                player.note()
        times: dict[str, list[float]] = {"note": [], "plain": [], "step": []}
        block = min(1000, notes)  # long, so that neither meets the other in the cache
        for _ in range(notes // block):
            for name, player in players.items():
                for _ in range(block if player is ours else block // 10):
                    started = time.perf_counter()
                    player.note()
                    times[name].append((time.perf_counter() - started) * 1e6)
            state = model.start()
            for value, last, at in ours.played:
                started = time.perf_counter()
                state = model.step(state, value, last, at, trust=0.0)
                model.read(state, recall=0.0)
                times["step"].append((time.perf_counter() - started) * 1e6)
            ours.played.clear()
    finally:
        gc.enable()
    figures["step"], note = spread(times["step"]), spread(times["note"])
    more = {"limit_us": model.bytes_a_note / bandwidth() * 1e6}
    if times["plain"]:
        plain_p50 = float(np.median(times["plain"]))
        more |= {"plain_p50_us": plain_p50, "times_faster_than_plain": plain_p50 / note["p50_us"]}
    figures["note"] = note | {k: round(v, 2) for k, v in more.items()}
    return {"step": times["step"], "note": times["note"]}


class Streaming:
    """Improvises note after note with the step that plays."""

    def __init__(self, model: Model):
        self.model, self.rng = model, np.random.default_rng(1)
        self.state, self.last, self.position = model.start(), 60, 0
        self.played: list[tuple[Value, int, Context]] = []

    def note(self) -> None:
        model, rng = self.model, self.rng
        said = model.read(self.state)
        ioi = sample(said.ioi, rng, SETTINGS.temperature, SETTINGS.top_p)
        self.position += ioi
        at = Context(CHANGES.harmony(self.position / 12), self.position % 48, self.position // 48 % 8, 160.0, "swing")
        value, _ = draw_note(model, said, self.last, ioi, at, SETTINGS, rng)
        self.state = model.step(self.state, value, self.last, at)
        self.played.append((value, self.last, at))
        self.last = value.pitch


class PlainLstm:
    def __init__(self, w: dict[str, np.ndarray]):
        both = np.vstack([w["recurrent"], w["kernel"]]).T
        self.gates = [np.ascontiguousarray(g) for g in np.split(both, 4)]
        self.a, self.c = np.zeros((2, len(w["recurrent"])), np.float32)

    def step(self, x: np.ndarray) -> np.ndarray:
        heard = np.concatenate([self.a, x])
        update, forget, candidate, output = (g @ heard for g in self.gates)
        self.c = _sigmoid(forget) * self.c + _sigmoid(update) * np.tanh(candidate)
        self.a = _sigmoid(output) * np.tanh(self.c)
        return self.a


class PlainTcn:
    def __init__(self, w: dict[str, np.ndarray]):
        self.w, self.heard = w, np.zeros((2 ** len(w["past"]), len(w["kernel"])), np.float32)

    def step(self, x: np.ndarray) -> np.ndarray:
        self.heard = np.vstack([self.heard[1:], x])
        a: np.ndarray = convolved(self.w, self.heard)[-1]
        return a


class Plain:
    """The same networks as tutorials write them: [a; x] one-hot, a product a gate, a softmax, a draw; of a TCN, all that it
    can hear convolved anew for every note. Nothing is recalled."""

    def __init__(self, model: Model):
        rng = np.random.default_rng(1)
        network = model.card["network"]
        self.rng, self.at = rng, table_offsets(STEP_TABLES)
        self.members = []
        for _ in range(network["members"]):
            weight = {k: rng.standard_normal(s).astype(np.float32) * 0.05 for k, s in member_shapes(network).items()}
            cell = PlainTcn if kind_of(network) == "tcn" else PlainLstm
            parts = [{k.partition(".")[2]: w for k, w in weight.items() if k.startswith(f"{part}.")} for part in PARTS]
            self.members.append((weight, [cell(part) for part in parts]))
        self.context = Context(CHANGES.harmony(0.0), 0, 0, 160.0, "swing")

    def note(self) -> None:
        columns = step_columns(Value(6, 62, 4, 6), 60, self.context)
        said: list[list[np.ndarray]] = []
        for w, cells in self.members:
            x = np.zeros(w["line.kernel"].shape[0], np.float32)
            x[np.array(columns) + self.at] = 1.0
            rhythm, line = (cell.step(x) for cell in cells)
            logits = [rhythm @ w["ioi.kernel"]]
            for name, field, parts in (("pitch_hidden", "onset", "pitch_parts"), ("touch_hidden", "touch", "touch_parts")):
                known = np.zeros(w[f"{name}.{field}"].shape[0], np.float32)
                known[:11] = 1.0
                hidden = np.maximum(line @ w[f"{name}.line"] + known @ w[f"{name}.{field}"], 0)
                both = hidden @ w[f"{parts}.kernel"]
                logits += [both] if name == "pitch_hidden" else [both[:21], both[21:]]
            said.append(logits)
        for logits in zip(*said, strict=True):
            self._draw(np.mean(logits, axis=0))

    def _draw(self, logits: np.ndarray) -> int:
        p = np.exp(logits - logits.max()).astype(float)
        return int(self.rng.choice(len(p), p=p / p.sum()))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    result: np.ndarray = 1 / (1 + np.exp(-x))
    return result


def bandwidth(megabytes: int = 64) -> float:
    """Bytes a second that one core reads from memory, the best of several passes over a large array."""
    numbers = np.ones(megabytes * 2**18, np.float32)
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        numbers.max()
        best = min(best, time.perf_counter() - started)
    return numbers.nbytes / best
