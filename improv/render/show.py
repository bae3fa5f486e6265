"""What people see of a performance: lines in the terminal as it happens, a piano roll as PNG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from improv.core.events import Event, NoteOff, NoteOn, Setting, Transport
from improv.core.harmony import NAMES, Changes
from improv.core.meter import Meter

LOWEST, HIGHEST = 36, 96  # the keyboard that a terminal line spans
MARKS = {"heard": ("you", "o"), "played": ("improv", "#")}


def pitch_name(pitch: int) -> str:
    """Scientific pitch notation: 60 is C4."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def line(side: str, event: Event, meter: Meter, changes: Changes | None = None) -> str | None:
    """A note as one line: bar and beat, the chord, who plays, the key on a keyboard laid flat."""
    if isinstance(event, Setting):
        return f"{'':15}{event.name} is now {event.value}"
    if isinstance(event, Transport):
        where = "" if event.beat is None else f" {math.floor(event.beat / meter.bar) + 1}:{event.beat % meter.bar + 1:g}"
        return f"{'':15}{event.kind}{where}"
    if not isinstance(event, NoteOn):
        return None
    beat = meter.beat(event.time) + 1e-6
    who, mark = MARKS[side]
    chord = str(changes.harmony(meter.position(beat)).chord) if changes else ""
    at = round((min(max(event.pitch, LOWEST), HIGHEST) - LOWEST) * 59 / (HIGHEST - LOWEST))
    keys = "".join(mark if i == at else "|" if i in (0, 59) else " " for i in range(60))
    place = f"{meter.bar_of(beat) + 1}:{meter.within_bar(beat) + 1:.2f}"
    return f"{place:>8} {chord:<8} {who:<6} {keys} {pitch_name(event.pitch):<4}"


def notes_of(events: Sequence[Event]) -> list[tuple[float, float, int, int]]:
    """Note-ons and -offs as (start, end, pitch, velocity), in the events' unit of time. An unclosed note ends with the last event."""
    notes: list[tuple[float, float, int, int]] = []
    open_notes: dict[tuple[int, int], tuple[float, int]] = {}
    last = max((e.time for e in events), default=0.0)
    for event in events:
        if isinstance(event, NoteOn | NoteOff):
            key = (event.channel, event.pitch)
            if key in open_notes:
                start, velocity = open_notes.pop(key)
                notes.append((start, event.time, event.pitch, velocity))
            if isinstance(event, NoteOn):
                open_notes[key] = (event.time, event.velocity)
    notes += [(start, last, key[1], velocity) for key, (start, velocity) in open_notes.items()]
    return sorted(notes)


def draw_roll(
    path: str | Path | BinaryIO, heard: Sequence[Event], played: Sequence[Event], bar: float, changes: Changes | None = None
) -> None:
    """Draw a take as a piano roll: bars along, pitches up, the player's notes grey, ours coloured.

    Events with beats for times; bar: beats a bar. Over changes, our chord tones are green, other scale tones blue, the rest
    orange. Four rows at the most.
    """
    from matplotlib.figure import Figure

    rows = [(n, "heard") for n in notes_of(heard)] + [(n, "played") for n in notes_of(played)]
    bars = max((math.ceil(n[1] / bar) for n, _ in rows), default=1)
    lines = min(4, math.ceil(bars / 8))
    across = math.ceil(bars / lines)
    pitches = [n[2] for n, _ in rows] or [60]
    low, high = min(pitches) - 2, max(pitches) + 3
    figure = Figure(figsize=(12, 0.6 + 2.2 * lines), dpi=110, layout="constrained")
    for row, axes in enumerate(figure.subplots(lines, 1, squeeze=False)[:, 0]):
        first, end = row * across * bar, (row + 1) * across * bar
        for (start, stop, pitch, velocity), side in rows:
            beat, width = start, max(stop - start, 0.05)
            if first - 0.5 <= beat < end:
                colour = "#9a9a9a" if side == "heard" else _colour(pitch, beat, changes)
                axes.add_patch(_box(beat, pitch, width, colour, velocity, side))
        if changes:
            for beat, chord in changes.spans(end):
                if beat >= first:
                    axes.text(beat + 0.05, high - 1.4, str(chord), fontsize=7, color="#444444")
        for beat in range(math.floor(first), math.ceil(end) + 1):
            on_bar = abs(beat % bar) < 1e-6
            axes.axvline(beat, color="#bbbbbb" if on_bar else "#eeeeee", linewidth=0.8 if on_bar else 0.5, zorder=0)
        axes.set_xlim(first - 0.5, end)
        axes.set_ylim(low, high)
        axes.set_yticks([p for p in range(low, high) if p % 12 == 0], [pitch_name(p) for p in range(low, high) if p % 12 == 0], fontsize=7)
        ticks = [b * bar for b in range(row * across, (row + 1) * across)]
        axes.set_xticks(ticks, [str(round(t / bar) + 1) for t in ticks], fontsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    legend = [("player", "#9a9a9a")] if heard else []
    legend += [("improv: chord tone", "#2a9d55"), ("scale tone", "#3b6fd4"), ("outside", "#e8862e")] if changes else [("improv", "#3b6fd4")]
    from matplotlib.patches import Patch

    if played:
        handles = [Patch(color=colour, label=label) for label, colour in legend]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=7, frameon=False)
    figure.savefig(path, format="png")


def _colour(pitch: int, beat: float, changes: Changes | None) -> str:
    if changes:
        chord = changes.harmony(beat + 0.1).chord  # a note just before the change belongs to the change
        if chord.root is not None:
            return "#2a9d55" if pitch % 12 in chord.tones else "#3b6fd4" if pitch % 12 in chord.scale else "#e8862e"
    return "#3b6fd4"


def _box(beat: float, pitch: int, width: float, colour: str, velocity: int, side: str) -> Any:
    from matplotlib.patches import Rectangle

    alpha = 0.9 if side == "heard" else 0.5 + 0.5 * velocity / 127
    return Rectangle((beat, pitch - 0.4), width, 0.8, facecolor=colour, alpha=alpha, linewidth=0)


def draw_times(path: str | Path | BinaryIO, times: Mapping[str, Sequence[float]]) -> None:
    """Draw microseconds as histograms as PNG, one row each, on one logarithmic scale; p50 and p99 are marked."""
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1.3 * len(times) + 0.4), dpi=110, layout="constrained")
    low = min(max(min(t), 0.5) for t in times.values())
    bins = np.geomspace(low, 1.1 * max(max(t) for t in times.values()), 80)
    for axes, (name, found) in zip(figure.subplots(len(times), 1, sharex=True, squeeze=False)[:, 0], times.items(), strict=True):
        axes.hist(np.clip(found, low, None), bins, color="#9a9a9a" if name.startswith("nothing") else "#3b6fd4")
        p50, p99 = np.percentile(found, [50, 99])
        for at, style in ((p50, "-"), (p99, "--")):
            axes.axvline(max(at, low), color="#e8862e", linewidth=1, linestyle=style)
        axes.set_xscale("log")
        axes.set_title(f"{name}: p50 {p50:.0f}, p99 {p99:.0f}, max {max(found):.0f} µs", fontsize=8, loc="left")
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel("microseconds", fontsize=8)
    figure.savefig(path, format="png")
