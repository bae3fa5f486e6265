"""A take as a piano roll, a PNG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO

from improv.core.events import Event, notes_of
from improv.core.harmony import Changes, pitch_name
from improv.core.metres import Metres, Unit


def draw_roll(
    path: str | Path | BinaryIO, heard: Sequence[Event], played: Sequence[Event], metres: Metres, changes: Changes | None = None
) -> None:
    """Draw a take as a piano roll: bars along, pitches up, the player's notes grey, ours coloured.

    Events with beats for times, beat 0 on bar one, where metres and changes begin. Over changes, our chord tones are green, other
    scale tones blue, the rest orange. Four rows at the most.
    """
    from matplotlib.figure import Figure

    rows = [(n, "heard") for n in notes_of(heard)] + [(n, "played") for n in notes_of(played)]
    before = min(metres.bar_of(min((n[0] for n, _ in rows), default=0.0)), 0)  # a pick-up is a bar before bar one
    bars = max((math.ceil(metres.bars(n[1])) for n, _ in rows), default=1) - before
    lines = min(4, math.ceil(bars / 8))
    across = math.ceil(bars / lines)
    pitches = [n[2] for n, _ in rows] or [60]
    low, high = min(pitches) - 2, max(pitches) + 3
    figure = Figure(figsize=(12, 0.6 + 2.2 * lines), dpi=110, layout="constrained")
    for row, axes in enumerate(figure.subplots(lines, 1, squeeze=False)[:, 0]):
        numbers = range(before + row * across, before + (row + 1) * across + 1)
        drawn = [metres.line(number) for number in numbers]
        first, end = drawn[0], drawn[-1]
        for (start, stop, pitch, velocity), side in rows:
            beat, width = start, max(stop - start, 0.05)
            if first - 0.5 <= beat < end:
                colour = "#9a9a9a" if side == "heard" else _colour(pitch, beat, changes)
                axes.add_patch(_box(beat, pitch, width, colour, velocity, side))
        if changes:
            for beat, chord in changes.spans(end):
                if beat >= first:
                    axes.text(beat + 0.05, high - 1.4, str(chord), fontsize=7, color="#444444")
        for beat in _until(metres.steps(first, Unit.QUARTER), end):
            axes.axvline(beat, color="#eeeeee", linewidth=0.5, zorder=0)
        for line in drawn:
            axes.axvline(line, color="#bbbbbb", linewidth=0.8, zorder=0)
        axes.set_xlim(first - 0.5, end)
        axes.set_ylim(low, high)
        axes.set_yticks([p for p in range(low, high) if p % 12 == 0], [pitch_name(p) for p in range(low, high) if p % 12 == 0], fontsize=7)
        axes.set_xticks(drawn[:-1], [str(number + 1) for number in numbers[:-1]], fontsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    legend = [("player", "#9a9a9a")] if heard else []
    legend += [("improv: chord tone", "#2a9d55"), ("scale tone", "#3b6fd4"), ("outside", "#e8862e")] if changes else [("improv", "#3b6fd4")]
    from matplotlib.patches import Patch

    if played:
        handles = [Patch(color=colour, label=label) for label, colour in legend]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=7, frameon=False)
    figure.savefig(path, format="png")


def _until(beats: Iterator[float], end: float) -> Iterator[float]:
    return takewhile(lambda beat: beat < end, beats)


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
