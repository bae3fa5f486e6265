"""Changes: which chord sounds when. Read from text, and seen from one beat. Beats are quarter notes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from improv.core.harmony.scales import NO_CHORD, Chord, HarmonyError
from improv.core.harmony.symbols import parse_chord
from improv.core.harmony.symbols_as_before import parse_chord_as_before

READING = 2  # how changes are read; 1, to kinds alone, is how sessions without the mark were
REPEATED = {"%": 1, "x": 1, "r": 2}  # how many bars a sign repeats


class HarmonicContext(NamedTuple):
    """The harmony seen from one beat: the chord now, the next that is another to a model, the beats until it.

    before: a chord that comes before that, which only a reader of the symbols tells from the chord now, and the beats until it.
    """

    chord: Chord
    coming: Chord
    until: float  # beats until `coming`; infinity when no other chord comes
    before: tuple[Chord, float] | None = None


OPEN = HarmonicContext(NO_CHORD, NO_CHORD, float("inf"))


class Changes:
    """Chord changes: who sounds when, optionally looping by chorus.

    starts: beats, ascending from 0; chords: one a start; length: beats of one chorus. text: as they were written, if they were.
    """

    def __init__(self, starts: Sequence[float], chords: Sequence[Chord], length: float, loop: bool = True, text: str = ""):
        merged = [(s, c) for i, (s, c) in enumerate(zip(starts, chords, strict=True)) if i == 0 or c != chords[i - 1]]
        self.starts = [s for s, _ in merged]
        self.chords = [c for _, c in merged]
        self.length = length
        self.loop = loop
        self.text = text

    def __len__(self) -> int:
        return len(self.chords)

    def harmony(self, beat: float) -> HarmonicContext:
        """What an improviser who reads the sheet knows at `beat` (may be negative: a pick-up)."""
        if not self.starts:
            return OPEN
        within = beat % self.length if self.loop else beat
        i = bisect_right(self.starts, within + 1e-9) - 1
        if i < 0:
            return HarmonicContext(NO_CHORD, self.chords[0], self.starts[0] - within)
        chord = self.chords[i]
        before: tuple[Chord, float] | None = None
        for j in range(i + 1, len(self.starts)):
            if self.chords[j].told != chord.told:
                return HarmonicContext(chord, self.chords[j], self.starts[j] - within, before)
            before = before or (self.chords[j], self.starts[j] - within)
        if not self.loop:
            return HarmonicContext(chord, NO_CHORD, float("inf"), before)
        for j, coming in enumerate(self.chords):
            if coming.told != chord.told:
                return HarmonicContext(chord, coming, self.length - within + self.starts[j], before)
            if coming != chord:
                before = before or (coming, self.length - within + self.starts[j])
        return HarmonicContext(chord, NO_CHORD, float("inf"), before)

    def spans(self, until: float) -> Iterable[tuple[float, Chord]]:
        """(beat, chord) for each change from 0 up to `until` beats, choruses repeated."""
        chorus = 0.0
        while self.starts and chorus < until:
            for start, chord in zip(self.starts, self.chords, strict=True):
                if chorus + start < until:
                    yield chorus + start, chord
            if not self.loop:
                return
            chorus += self.length


MOST_BARS = 10_000
# [A], [Verse 2], and `A:` where a line begins: marks of sections, which say nothing of the chords.
_MARKS = re.compile(r"\[[A-Za-z][^\]|\n]*\]|^[ \t]*[A-Z](?:[1-4]|[a-z]+(?: \d)?)?:(?=\s)", re.MULTILINE)
_WORD = re.compile(r"(?P<line>\|+:?|:\|+:?|\n)|(?P<volta>\[?\d(?:,\d)*[.)\]]?(?=[\s|]|$|[A-GN]))|(?P<chord>[^\s|]+?(?=:\||\s|\||$))")


def words_of(text: str) -> Iterable[tuple[str, str, int]]:
    """(kind, word, column) of each word of changes: a bar `line`, a `volta`, or a `chord`, which may be `%` or `/`."""
    for found in _WORD.finditer(_MARKS.sub(lambda mark: " " * len(mark[0]), text)):
        yield str(found.lastgroup), found[0], found.start()


def parse_changes(text: str, bar: float = 4.0, reading: int = READING) -> Changes:
    """Read changes: bars between `|` or line ends, chords split the bar evenly, `%`, `x` or an empty bar repeats the bar
    before, `r` the two before, `/` holds the chord for its share of the bar, `|: ... :|` is played twice, with `1.` and `2.` for its
    endings.

    bar: beats a bar. reading: 1 for what was recorded when symbols were read to their kinds alone, and neither an empty bar nor
    a new line said anything. Raises HarmonyError with the column.
    """
    page, written = _Sheet(reading), text
    text = text if reading > 1 else text.replace("\n", " ")
    for kind, word, column in words_of(text):
        try:
            {"line": page.line, "volta": page.volta, "chord": page.chord}[kind](word)
        except HarmonyError as e:
            column += e.position
            raise HarmonyError(f"changes, column {column + 1}: {e}", column) from None
    bars = page.end()
    if not bars:
        raise HarmonyError('changes: no chord in them; write for example "Dm7 | G7 | Cmaj7 | %"')
    starts = [i * bar + j * bar / len(b) for i, b in enumerate(bars) for j in range(len(b))]
    return Changes(starts, [c for b in bars for c in b], bar * len(bars), text=written)


class _Sheet:
    """Changes as they are read: the bars so far, in the order in which they are played, and the one that is being read."""

    def __init__(self, reading: int) -> None:
        self.reading = reading
        self.bars: list[list[Chord]] = []
        self.pending: list[Chord] = []
        self.before = ""  # the word before
        self.repeat_from = 0
        self.body: list[list[Chord]] | None = None  # of a repeat with endings: what comes before them
        self.ending_from, self.turns = 0, 1  # where the last ending begins, and for how many turns it is
        self.alone = self.closed = False  # it is the first one; `:|` stood behind it

    def line(self, word: str) -> None:
        if self.reading > 1 and not self.pending and self.bars and self.before == "|" and word == "|":  # an empty bar
            self.pending = list(self.bars[-1])
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
            self.bars += [list(bar) for bar in self.bars[-count:]]
        elif word == "/":
            if not self.pending:
                raise HarmonyError("'/' holds a chord, and none stands before it in this bar")
            self.pending.append(self.pending[-1])
        else:
            self.pending.append(parse_chord(word) if self.reading > 1 else parse_chord_as_before(word))
        self.before = word

    def end(self) -> list[list[Chord]]:
        self._close()
        self._behind_endings()
        return self.bars

    def _close(self) -> None:
        if self.pending:
            self.bars.append(self.pending)
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
