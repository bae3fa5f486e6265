"""Changes that stand beside a file, in its beats.

Looked for under the file's own name with .changes, .txt, .irealb, .html or .htm. The chart's first bar is the
file's first whole bar, and the chart is repeated to the file's end. Where the file's metre changes, each bar of the chart is one of
the file; else bars are as long as the chart says, if it says so.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from improv.charts.text import read_chart
from improv.core.harmony import Changes
from improv.core.metres import Metres
from improv.outside import MissingError, OutsideError, read_file, why

ENDINGS = (".changes", ".txt", ".irealb", ".html", ".htm")
LONGEST = 2**20  # bytes of a chart; a playlist of iReal Pro may hold a thousand


@dataclass(frozen=True, slots=True)
class ChartBeside:
    """What stood beside a file. changes: None for none. unknown: symbols taken as no chord; left_out: charts, by reason; counted."""

    changes: Changes | None = None
    unknown: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def chart_beside(path: Path, metres: Metres, one: float, until: float) -> ChartBeside:
    """The changes beside a file, in its beats.

    metres: of the file; one: the beat of its bar one, with which the chart begins; until: the beat to which the chart is repeated.
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
        changes, unknown = read_chart(text, metres, path.stem)
        if changes is None:
            left_out[f"{ending} files beside that hold no changes"] += 1
            continue
        spans = [(one + at, chord) for at, chord in changes.spans(max(until - one, 0.0) + metres.bar_at(max(until - one, 0.0)))]
        found = Changes([at for at, _ in spans], [chord for _, chord in spans], math.inf, loop=False, metres=changes.metres)
        return ChartBeside(found, unknown, left_out)
    return ChartBeside(left_out=left_out)
