"""Changes: which chord sounds when. Read from text, and seen from one beat. Beats are quarter notes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from improv.core.harmony.scales import NO_CHORD, Chord, HarmonyError
from improv.core.harmony.symbols import parse_chord


class HarmonicContext(NamedTuple):
    """The harmony seen from one beat: the chord now, the next other chord, the beats until it."""

    chord: Chord
    coming: Chord
    until: float  # beats until `coming`; infinity when no other chord comes


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
        if i + 1 < len(self.starts):
            return HarmonicContext(chord, self.chords[i + 1], self.starts[i + 1] - within)
        if not self.loop:
            return HarmonicContext(chord, NO_CHORD, float("inf"))
        for j, coming in enumerate(self.chords):
            if coming != chord:
                return HarmonicContext(chord, coming, self.length - within + self.starts[j])
        return HarmonicContext(chord, NO_CHORD, float("inf"))

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


def parse_changes(text: str, bar: float = 4.0) -> Changes:
    """Read changes: bars between `|`, chords split the bar evenly, `%` repeats the bar before,
    `/` holds the chord for its share of the bar, `|: ... :|` is played twice.

    bar: beats a bar. Raises HarmonyError with the column.
    """
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
        elif token == "%":
            if pending or not bars:
                raise HarmonyError(f"changes, column {column + 1}: '%' repeats the bar before, and must stand alone in its bar", column)
            bars.append(list(bars[-1]))
        elif token == "/":
            if not pending:
                raise HarmonyError(f"changes, column {column + 1}: '/' holds a chord, and none stands before it in this bar", column)
            pending.append(pending[-1])
        else:
            try:
                pending.append(parse_chord(token))
            except HarmonyError as e:
                column += e.position
                raise HarmonyError(f"changes, column {column + 1}: {e}", column) from None
    close()
    if not bars:
        raise HarmonyError('changes: no chord in them; write for example "Dm7 | G7 | Cmaj7 | %"')
    starts = [i * bar + j * bar / len(b) for i, b in enumerate(bars) for j in range(len(b))]
    return Changes(starts, [c for b in bars for c in b], bar * len(bars))
