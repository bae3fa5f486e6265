"""Changes as they are written: bars between `|` or line ends, with their chords.

Chords share a bar evenly; `/` holds one for another share. `%`, `x` or an empty bar repeats the bar before, `r` the two before.
`|: ... :|` is played twice, with `1.` and `2.` for its endings. `3/4` at the beginning of a bar says its metre, and that of those
after it. `[A]`, or `A:` where a line begins, marks a section; `[break]` and `[stop time]` say what a band does from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from improv.core.harmony.scales import Chord, HarmonyError
from improv.core.harmony.symbols import parse_chord
from improv.core.harmony.symbols_as_before import parse_chord_as_before
from improv.core.metres import LIMITS, Metre, possible

# How changes are read, and what is made of chords. 3: what some kinds exclude that models play too freely is left to passing, too (see
# `line.written`); 2: only what symbols say beyond their kind was. 1, that of sessions without the mark: symbols were read to
# kinds alone, and neither an empty bar nor a new line said anything.
READING = 3
REPEATED = {"%": 1, "x": 1, "r": 2}  # how many bars a sign repeats
MOST_BARS = 10_000
# [A], [Verse 2], and `A:` where a line begins: marks of sections, which say nothing of the chords.
_MARKS = re.compile(r"\[[A-Za-z][^\]|\n]*\]|^[ \t]*[A-Z](?:[1-4]|[a-z]+(?: \d)?)?:(?=\s)", re.MULTILINE)
_WORD = re.compile(
    r"(?P<line>\|+:?|:\|+:?|\n)|(?P<metre>\d{1,2}/\d{1,2}(?=[\s|]|$))|(?P<volta>\[?\d(?:,\d)*[.)\]]?(?=[\s|]|$|[A-GN]))"
    r"|(?P<chord>[^\s|]+?(?=:\||\s|\||$))"
)


def words_of(text: str) -> Iterable[tuple[str, str, int]]:
    """(kind, word, column) of each word of changes: a bar `line`, a `metre`, a `volta`, a `mark`, or a `chord`, which may be `%`
    or `/`."""
    marks = [(mark.start(), mark[0].strip().strip("[]").removesuffix(":")) for mark in _MARKS.finditer(text)]
    for found in _WORD.finditer(_MARKS.sub(lambda mark: " " * len(mark[0]), text)):
        while marks and marks[0][0] < found.start():
            at, mark = marks.pop(0)
            yield "mark", mark, at
        yield str(found.lastgroup), found[0], found.start()


class SheetBar(NamedTuple):
    """A bar: its chords, which share it evenly, and its metre; None: that of the song. mark: of what begins with it, if anything."""

    chords: list[Chord]
    metre: Metre | None = None
    mark: str = ""


def bars_of(text: str, reading: int = READING) -> list[SheetBar]:
    """The bars in the order in which they are played, once through. Raises HarmonyError with the column."""
    page = _Sheet(reading)
    text = text if reading > 1 else text.replace("\n", " ")
    for kind, word, column in words_of(text):
        try:
            {"line": page.line, "metre": page.metre, "volta": page.volta, "chord": page.chord, "mark": page.mark}[kind](word)
        except HarmonyError as e:
            column += e.position
            raise HarmonyError(f"changes, column {column + 1}: {e}", column) from None
    bars = page.end()
    if not bars:
        raise HarmonyError('changes: no chord in them; write for example "Dm7 | G7 | Cmaj7 | %"')
    return bars


class _Sheet:
    """Changes as they are read: the bars so far, in the order in which they are played, and the one that is being read."""

    def __init__(self, reading: int) -> None:
        self.reading = reading
        self.bars: list[SheetBar] = []
        self.pending: list[Chord] = []
        self.now: Metre | None = None  # the metre, where one was written
        self.before = ""  # the word before
        self.marked = ""  # what stands before the next bar that begins
        self.repeat_from = 0
        self.body: list[SheetBar] | None = None  # of a repeat with endings: what comes before them
        self.ending_from, self.turns = 0, 1  # where the last ending begins, and for how many turns it is
        self.alone = self.closed = False  # it is the first one; `:|` stood behind it

    def line(self, word: str) -> None:
        if self.reading > 1 and not self.pending and self.bars and self.before == "|" and word == "|":  # an empty bar
            self.pending = list(self.bars[-1].chords)
        self._close()
        if word.startswith(":"):
            if self.body is None:
                self.bars += self.bars[self.repeat_from :]
                self.repeat_from = len(self.bars)
            elif not self.closed:
                self.bars += (self.body + self.bars[self.ending_from :]) * (self.turns - 1)
                self.closed = True
        if word.endswith(":"):
            self._behind_endings()
            self.repeat_from = len(self.bars)
        self.before = word

    def volta(self, word: str) -> None:
        if self.pending:
            raise HarmonyError(f"{word!r} begins an ending, and must stand at the beginning of a bar")
        self.alone = self.body is None
        if self.body is None:
            self.body = self.bars[self.repeat_from :]
        else:
            self.bars += self.body
            self._close()
        self.ending_from, self.turns, self.closed = len(self.bars), len(re.findall(r"\d", word)), False
        self.before = word

    def chord(self, word: str) -> None:
        if self.closed:
            self._behind_endings()
        if word in REPEATED:
            count = REPEATED[word]
            if self.pending or len(self.bars) < count:
                before = "the bar before" if count == 1 else "the two bars before"
                raise HarmonyError(f"{word!r} repeats {before}, and must stand alone in its bar")
            self.bars += [SheetBar(bar.chords, self.now, self._mark() if i == 0 else "") for i, bar in enumerate(self.bars[-count:])]
        elif word == "/":
            if not self.pending:
                raise HarmonyError("'/' holds a chord, and none stands before it in this bar")
            self.pending.append(self.pending[-1])
        else:
            self.pending.append(parse_chord(word) if self.reading > 1 else parse_chord_as_before(word))
        self.before = word

    def mark(self, word: str) -> None:
        self.marked = word

    def metre(self, word: str) -> None:
        count, _, unit = word.partition("/")
        if self.pending:
            raise HarmonyError(f"{word!r} is a metre, and must stand at the beginning of a bar")
        if not possible((int(count), int(unit))):
            raise HarmonyError(f"{word!r} is no metre: {LIMITS}")
        self.now = int(count), int(unit)
        self.before = word

    def end(self) -> list[SheetBar]:
        self._close()
        self._behind_endings()
        return self.bars

    def _mark(self) -> str:
        """What stands before the bar that ends here."""
        mark, self.marked = self.marked, ""
        return mark

    def _close(self) -> None:
        if self.pending:
            self.bars.append(SheetBar(self.pending, self.now, self._mark()))
            self.pending = []
        if len(self.bars) > MOST_BARS:
            raise HarmonyError(f"more than {MOST_BARS:,} bars")

    def _behind_endings(self) -> None:
        """No other ending follows: a repeat whose only ending is the first is played again without it."""
        if self.closed and self.alone and self.body:
            self.bars += self.body
        if self.closed:
            self.repeat_from = len(self.bars)
        self.body, self.closed = None, False
