"""Times that were measured, as histograms, a PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO


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
