"""Changes that stand beside a file: plain text in the syntax of `--changes`, or a chart exported from iReal Pro.

Looked for under the file's own name with .changes, .txt, .irealb, .html or .htm. The chart's first bar is the
file's first whole bar, and the chart is repeated to the file's end. In a plain chart each line begins a bar;
lines that begin with `#` say nothing, and where some lines have bar lines, those without are headings.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from improv.charts import ireal
from improv.core.harmony import Changes, HarmonyError, parse_changes, parse_chord
from improv.train.piece import Reading

ENDINGS = (".changes", ".txt", ".irealb", ".html", ".htm")
LONGEST = 2**20  # bytes of a chart; a playlist of iReal Pro may hold a thousand


def changes_beside(path: Path, bars: Sequence[float], bar: float, until: float, reading: Reading) -> Changes | None:
    """The changes beside a file, in its beats, or None. Unknown symbols and unreadable charts are counted.

    bars: the file's bar lines; bar: beats a bar; until: the beat to which the chart is repeated.
    """
    for ending in ENDINGS:
        chart = path.with_suffix(ending)
        try:
            if not chart.is_file():
                continue
            text = chart.read_bytes()[:LONGEST].decode("utf-8-sig", errors="replace")
        except OSError:
            reading.left_out["charts that can't be opened"] += 1
            continue
        unknown: Counter[str] = Counter()
        changes = read_chart(text, bar, path.stem, unknown)
        if changes is None:
            reading.left_out[f"{ending} files beside that hold no changes"] += 1
            continue
        reading.unknown_chords += unknown
        pickup = len(bars) > 1 and bars[1] - bars[0] < bar - 1e-6
        first = bars[1] if pickup else bars[0]
        spans = [(first + at, chord) for at, chord in changes.spans(max(until - first, 0.0) + bar)]
        return Changes([at for at, _ in spans], [chord for _, chord in spans], math.inf, loop=False)
    return None


def read_chart(text: str, bar: float, title: str, unknown: Counter[str]) -> Changes | None:
    """The changes of a chart's text, or None if it is none: less than half of its words are chords.

    title: which song of an iReal Pro playlist is meant; the first if none is called so.
    """
    if ireal.is_chart(text):
        text = ireal.bars_of(text, title)
    else:
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if any("|" in line for line in lines):
            lines = [line for line in lines if "|" in line]
        text = " | ".join(lines)
    known = 0

    def checked(found: re.Match[str]) -> str:
        nonlocal known
        word = found[0].strip(":")
        if word in ("", "%", "/"):
            return found[0]
        try:
            parse_chord(word)
        except HarmonyError:
            unknown[word] += 1
            return found[0].replace(word, "NC")
        known += 1
        return found[0]

    text = re.sub(r"[^\s|]+", checked, text)
    if known < max(unknown.total(), 1):
        return None
    try:
        return parse_changes(text, bar)
    except HarmonyError:
        return None
