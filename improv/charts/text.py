"""A tune's changes as text: in the syntax of `--changes`, or a chart exported from iReal Pro.

In a plain chart each line begins a bar; lines that begin with `#` say nothing, and where some lines have bar lines,
those without are headings.
"""

from __future__ import annotations

import re
from collections import Counter

from improv.charts import ireal
from improv.core.harmony import Changes, HarmonyError, parse_changes, parse_chord


def read_chart(text: str, bar: float, title: str) -> tuple[Changes | None, Counter[str]]:
    """The changes of a chart's text, or None if it is none: less than half of its words are chords; and the words that are none.

    bar: beats a bar. title: which song of an iReal Pro playlist is meant; the first if none is called so.
    """
    if ireal.is_chart(text):
        text = ireal.bars_of(text, title)
    else:
        lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if any("|" in line for line in lines):
            lines = [line for line in lines if "|" in line]
        text = " | ".join(lines)
    known, unknown = 0, Counter[str]()

    def checked(found: re.Match[str]) -> str:
        nonlocal known
        word = found[0].strip(":")
        if word in ("", "%", "x", "r", "/"):
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
        return None, unknown
    try:
        return parse_changes(text, bar), unknown
    except HarmonyError:
        return None, unknown
