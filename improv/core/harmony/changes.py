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

    starts: beats, ascending from 0; chords: one a start; length: beats of one chorus.
    """

    def __init__(self, starts: Sequence[float], chords: Sequence[Chord], length: float, loop: bool = True):
        merged = [(s, c) for i, (s, c) in enumerate(zip(starts, chords, strict=True)) if i == 0 or c != chords[i - 1]]
        self.starts = [s for s, _ in merged]
        self.chords = [c for _, c in merged]
        self.length = length
        self.loop = loop

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


def parse_changes(text: str, bar: float = 4.0, reading: int = READING) -> Changes:
    """Read changes: bars between `|`, chords split the bar evenly, `%` or `x` repeats the bar before, `r` the two before,
    `/` holds the chord for its share of the bar, `|: ... :|` is played twice.

    bar: beats a bar. reading: 1 for what was recorded when symbols were read to their kinds alone. Raises HarmonyError with
    the column.
    """
    read = parse_chord if reading > 1 else parse_chord_as_before
    bars: list[list[Chord]] = []
    repeat_from: int | None = None
    pending: list[Chord] = []

    def close() -> None:
        if pending:
            bars.append(list(pending))
            pending.clear()

    for found in re.finditer(r"\|+:?|:\|+:?|[^\s|]+?(?=:\||\s|\||$)", text):
        token, column = found[0], found.start()
        if "|" in token:
            close()
            if token.startswith(":"):
                bars += bars[repeat_from or 0 :]
                repeat_from = len(bars)
            if token.endswith(":"):
                repeat_from = len(bars)
        elif token in REPEATED:
            count = REPEATED[token]
            if pending or len(bars) < count:
                said = "the bar before" if count == 1 else "the two bars before"
                raise HarmonyError(f"changes, column {column + 1}: {token!r} repeats {said}, and must stand alone in its bar", column)
            bars += [list(one) for one in bars[-count:]]
        elif token == "/":
            if not pending:
                raise HarmonyError(f"changes, column {column + 1}: '/' holds a chord, and none stands before it in this bar", column)
            pending.append(pending[-1])
        else:
            try:
                pending.append(read(token))
            except HarmonyError as e:
                column += e.position
                raise HarmonyError(f"changes, column {column + 1}: {e}", column) from None
    close()
    if not bars:
        raise HarmonyError('changes: no chord in them; write for example "Dm7 | G7 | Cmaj7 | %"')
    starts = [i * bar + j * bar / len(b) for i, b in enumerate(bars) for j in range(len(b))]
    return Changes(starts, [c for b in bars for c in b], bar * len(bars))
