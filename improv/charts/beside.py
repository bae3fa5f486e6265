"""Changes that stand beside a file, in its beats.

Looked for under the file's own name with .changes, .txt, .irealb, .html or .htm. The chart's first bar is the
file's first whole bar, and the chart is repeated to the file's end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from improv.charts.text import read_chart
from improv.core.harmony import Changes
from improv.outside import MissingError, OutsideError, read_file, why

ENDINGS = (".changes", ".txt", ".irealb", ".html", ".htm")
LONGEST = 2**20  # bytes of a chart; a playlist of iReal Pro may hold a thousand


@dataclass(frozen=True, slots=True)
class ChartBeside:
    """What stood beside a file. changes: None for none. unknown: symbols taken as no chord; left_out: charts, by reason; counted."""

    changes: Changes | None = None
    unknown: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def chart_beside(path: Path, bars: Sequence[float], bar: float, until: float) -> ChartBeside:
    """The changes beside a file, in its beats.

    bars: the file's bar lines; bar: beats a bar; until: the beat to which the chart is repeated.
    """
    left_out: Counter[str] = Counter()
    for ending in ENDINGS:
        chart = path.with_suffix(ending)
        try:
            text = read_file(chart, LONGEST).decode("utf-8-sig", errors="replace")
        except MissingError:
            continue
        except OutsideError as e:
            left_out[f"{ending} files beside that can't be read ({why(e, chart)})"] += 1
            continue
        changes, unknown = read_chart(text, bar, path.stem)
        if changes is None:
            left_out[f"{ending} files beside that hold no changes"] += 1
            continue
        pickup = len(bars) > 1 and bars[1] - bars[0] < bar - 1e-6
        first = bars[1] if pickup else bars[0]
        spans = [(first + at, chord) for at, chord in changes.spans(max(until - first, 0.0) + bar)]
        return ChartBeside(Changes([at for at, _ in spans], [chord for _, chord in spans], math.inf, loop=False), unknown, left_out)
    return ChartBeside(left_out=left_out)
