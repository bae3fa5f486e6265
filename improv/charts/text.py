"""A tune's changes as text: in the syntax of `--changes`, or a chart exported from iReal Pro.

In a plain chart lines that begin with `#` say nothing, and where some lines have bar lines, those without are headings.
"""

from __future__ import annotations

from collections import Counter

from improv.charts import ireal
from improv.charts.spelling import is_chord
from improv.core.harmony import Changes, HarmonyError, parse_changes
from improv.core.harmony.sheet import words_of
from improv.core.metres import Metres


def without_headings(text: str) -> str:
    """The lines of a plain chart that have its bars."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if any("|" in line for line in lines):
        lines = [line for line in lines if "|" in line]
    return "\n".join(lines)


def read_chart(text: str, metres: Metres, title: str) -> tuple[Changes | None, Counter[str]]:
    """The changes of a chart's text, or None if it is none: less than half of its words are chords; and the words that are none.

    metres: those of the song, see `parse_changes`. title: which song of an iReal Pro playlist is meant; the first if none is called so.
    """
    text = ireal.bars_of(text, title) if ireal.is_chart(text) else without_headings(text)
    known, unknown, at, read = 0, Counter[str](), 0, ""
    for kind, word, column in words_of(text):
        if kind == "chord" and word not in ("%", "x", "r", "/"):
            if is_chord(word):
                known += 1
            else:
                unknown[word] += 1
                read, at = read + text[at:column] + "NC", column + len(word)
    if known < max(unknown.total(), 1):
        return None, unknown
    try:
        return parse_changes(read + text[at:], metres), unknown
    except HarmonyError:
        return None, unknown
