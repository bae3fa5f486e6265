"""Pictures of an evaluation: what a model improvises beside what was played, as small histograms.

Matplotlib is imported when something is drawn, so that scoring alone needs none of it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from improv.core.events import Event, NoteOff, NoteOn
from improv.train.evaluation.figures import PROFILE, Samples, SoloLine, pooled
from improv.train.evaluation.judges import Tell

REAL, OURS = "#b5b5b5", "#1f6f8b"
ACROSS = 4  # panels a row
ROLL_BARS = 32  # what is legible of a solo's piano roll


@dataclass(frozen=True)
class Panel:
    """One histogram: of which samples, under which title, on which axis.

    middle: `mean` or `median`, which is marked and told. low, high, step: the bins; samples beyond count in
    the outermost ones. each: one sample a solo (the mean of its own), where solos are compared and not notes.
    """

    of: str
    title: str
    low: float
    high: float
    step: float
    middle: str = "mean"
    each: bool = True
    scale: float = 1.0


PANELS = (
    Panel("chord tones", "chord tones, % of a solo", 20, 80, 4, scale=100),
    Panel("scale tones", "scale tones, % of a solo", 40, 100, 4, scale=100),
    Panel("H1", "entropy of a bar (H1), bits", 0.8, 3.0, 0.15),
    Panel("H4", "entropy of four bars (H4), bits", 1.8, 3.6, 0.12),
    Panel("groove", "groove similarity of a solo", 0.6, 1.0, 0.025),
    Panel("range", "range of a solo, semitones", 10, 50, 3),
    Panel("pitch classes", "pitch classes of a solo, bits", 2.6, 3.6, 0.1),
    Panel("iois", "beats between onsets", 1 / 24, 1 / 24 + 13 / 6, 1 / 6, "median", each=False),
    Panel("phrase notes", "notes in a phrase", 1, 61, 4, "median", each=False),
    Panel("phrase beats", "beats in a phrase", 0, 32, 2, "median", each=False),
    Panel("rests", "beats of rest between phrases", 1, 8, 0.5, "median", each=False),
)


def told(lines: Sequence[Samples]) -> Samples:
    """The samples of PANELS and the intervals: a mean for each solo, or all of all solos. There must be a line."""
    every = pooled(lines)
    of_each = {p.of: np.array([line[p.of].mean() for line in lines if len(line[p.of])]) for p in PANELS if p.each}
    return {p.of: p.scale * (of_each[p.of] if p.each else every[p.of]) for p in PANELS} | {"intervals": every["intervals"]}


def histograms(ours: Samples, real: Samples, names: tuple[str, str] = ("improvised", "real")) -> bytes:
    """A PNG of two sets of samples, as `told` gives them, one over the other: a small histogram for each of PANELS
    and the interval profile. names: what the two are called in it."""
    from matplotlib.figure import Figure

    rows = -(-(len(PANELS) + 1) // ACROSS)
    figure = Figure(figsize=(12, 0.5 + 2.3 * rows), dpi=110, layout="constrained")
    axes = figure.subplots(rows, ACROSS).ravel()
    for panel, at in zip(PANELS, axes, strict=False):
        _histogram(at, panel, {names[1]: real[panel.of], names[0]: ours[panel.of]})
    _profile(axes[len(PANELS)], ours["intervals"], real["intervals"])
    for at in axes:
        at.spines[["top", "right"]].set_visible(False)
        at.tick_params(labelsize=8)
        at.set_ylim(bottom=0)
    for at in axes[::ACROSS]:
        at.set_ylabel("% of all", fontsize=8)
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [Patch(color=REAL, label=names[1]), Line2D([], [], color=OURS, linewidth=2, label=names[0])]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=10, frameon=False)
    return _png(figure)


def telling(tells: Sequence[Tell], heading: str) -> bytes:
    """A PNG of what tells our solos from real ones, most telling first: a small histogram of each."""
    from matplotlib.figure import Figure

    rows = max(-(-len(tells) // ACROSS), 1)
    figure = Figure(figsize=(12, 0.5 + 2.3 * rows), dpi=110, layout="constrained")
    axes = figure.subplots(rows, ACROSS, squeeze=False).ravel()
    for at in axes[len(tells) :]:
        at.set_visible(False)
    for tell, at in zip(tells, axes, strict=False):
        low, high = np.percentile(np.concatenate([tell.real, tell.ours]), (1, 99)).tolist()
        step = max(high - low, 1e-3) / 16
        _histogram(at, Panel(tell.name, tell.name, low, low + 16 * step, step), {"real": tell.real, "improvised": tell.ours})
        at.spines[["top", "right"]].set_visible(False)
        at.tick_params(labelsize=8)
    figure.suptitle(f"{heading}: real solos grey, improvised ones as a line", fontsize=10)
    return _png(figure)


def _histogram(at: Any, panel: Panel, sets: dict[str, np.ndarray]) -> None:
    """sets: the real samples, drawn grey, and ours, drawn as a line over them."""
    edges = np.arange(panel.low, panel.high + panel.step / 2, panel.step)
    styles: tuple[dict[str, Any], ...] = ({"color": REAL, "histtype": "stepfilled"}, {"color": OURS, "histtype": "step", "linewidth": 1.8})
    middles = []
    for (name, samples), style in zip(sets.items(), styles, strict=True):
        if len(samples):
            inside = np.clip(samples, edges[0], np.nextafter(edges[-1], -np.inf))
            at.hist(inside, edges, weights=np.full(len(samples), 100 / len(samples)), **style)
        middles.append(f"{name} {getattr(np, panel.middle)(samples):.3g}" if len(samples) else f"{name} none")
    at.set_xlim(edges[0], edges[-1])
    at.locator_params(axis="x", nbins=8)
    if not panel.each:  # a long tail: the last bin holds all the rest
        ticks = [t for t in at.get_xticks() if edges[0] <= t < edges[-3]]
        at.set_xticks([*ticks, (edges[-2] + edges[-1]) / 2], [*(f"{t:g}" for t in ticks), f"{round(edges[-2], 1):g}+"])
    at.set_title(f"{panel.title}\n{panel.middle}: {', '.join(reversed(middles))}", fontsize=9)


def _profile(at: Any, ours: np.ndarray, real: np.ndarray) -> None:
    """Bars: the share of each kind of interval."""
    for samples, shift, colour in ((real, -0.2, REAL), (ours, 0.2, OURS)):
        shares = [100 * float(np.mean((samples > above) & (samples <= to))) if len(samples) else 0.0 for above, to in PROFILE.values()]
        at.bar(np.arange(len(PROFILE)) + shift, shares, 0.4, color=colour)
    at.set_xticks(range(len(PROFILE)), list(PROFILE))
    at.set_title("intervals, % of all", fontsize=9)


def roll_of(line: SoloLine, bars: int = ROLL_BARS) -> list[Event]:
    """A line's first bars as events with beats for times: what a piano roll is drawn from."""
    until = line.metres.line(bars)
    durations = line.durations if line.durations is not None else [0.25] * len(line.notes)
    events: list[Event] = []
    for (beat, pitch), length in zip(line.notes, durations, strict=True):
        if 0 <= beat < until:
            events += [NoteOn(beat, pitch, 100), NoteOff(min(beat + length, until), pitch)]
    return sorted(events, key=lambda e: (e.time, isinstance(e, NoteOn)))


def _png(figure: Any) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
