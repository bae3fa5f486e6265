"""What one note costs to think of, in microseconds.

Beside it, in the same run: the same mathematics written plainly, one product a gate on one-hot inputs (as tutorials
write it), and the least time in which this machine can read the weights that one note needs.
"""

from __future__ import annotations

import gc
import time
from typing import Any

import numpy as np

from improv.bench.plain import Plain
from improv.bench.spread import CHANGES, spread
from improv.core.line.draw import draw_note
from improv.core.line.sampler import sample
from improv.core.note_model import NoteModel
from improv.core.settings import Settings
from improv.core.vocabulary import Context, Value
from improv.models.grammar_model import speaks_grammar

SETTINGS = Settings()


def note_times(model: NoteModel, notes: int) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Microseconds of each note and of each step alone. Returns their figures and all the times, both by `note` and `step`.

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
    step, note = spread(times["step"]), spread(times["note"])
    more = {"limit_us": model.bytes_a_note / bandwidth() * 1e6}
    if times["plain"]:
        plain_p50 = float(np.median(times["plain"]))
        more |= {"plain_p50_us": plain_p50, "times_faster_than_plain": plain_p50 / note["p50_us"]}
    figures = {"step": step, "note": note | {k: round(v, 2) for k, v in more.items()}}
    return figures, {"step": times["step"], "note": times["note"]}


class Streaming:
    """Improvises note after note with the step that plays."""

    def __init__(self, model: NoteModel):
        self.model, self.rng = model, np.random.default_rng(1)
        self.state, self.last, self.position = model.start(), 60, 0
        self.played: list[tuple[Value, int, Context]] = []

    def note(self) -> None:
        model, rng = self.model, self.rng
        said = model.read(self.state)
        ioi = sample(said.ioi, rng, SETTINGS.temperature, SETTINGS.top_p)
        self.position += ioi
        at = Context(CHANGES.harmony(self.position / 12), self.position % 48, self.position // 48 % 8, 160.0, "swing")
        value = draw_note(model, said, self.last, ioi, at, SETTINGS, rng).value
        self.state = model.step(self.state, value, self.last, at)
        self.played.append((value, self.last, at))
        self.last = value.pitch


def bandwidth(megabytes: int = 64) -> float:
    """Bytes a second that one core reads from memory, the best of several passes over a large array."""
    numbers = np.ones(megabytes * 2**18, np.float32)
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        numbers.max()
        best = min(best, time.perf_counter() - started)
    return numbers.nbytes / best
