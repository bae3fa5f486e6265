"""What is said of the harmony that is heard, in words for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from improv.core.harmony import NO_CHORD, Chord
from improv.core.harmony.spelling import Key
from improv.core.heard.rounds import RoundChart, written

LISTENING = "listening for the key"
TIMES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
MOST = 8  # bars that are written out in a line


@dataclass(frozen=True, slots=True)
class ToldHarmony:
    """key, chord: the latest, as far as they are known. chart: what is followed, and which time it comes round."""

    key: Key | None = None
    chord: Chord = NO_CHORD
    chart: RoundChart | None = None
    time: int = 0

    @property
    def changes(self) -> str | None:
        """The chart in the syntax of changes; None where there is none."""
        return written(self.chart.bars, symbol=self.symbol) if self.chart else None

    def chord_at(self, bar: int, beat: float) -> Chord:
        """The chord of a beat of a bar, from 0: the chart's, where one is followed; otherwise the latest."""
        charted = self.chart.bar(bar) if self.chart else ()
        return charted[min(int(beat), len(charted) - 1)] if charted else self.chord

    def symbol(self, chord: Chord) -> str:
        """A chord's symbol, as it is spelled in the key."""
        return self.key.spelled(chord) if self.key else str(chord)

    def __str__(self) -> str:
        return self.text()

    def text(self, reads: Callable[[str], str] = str) -> str:
        """`heard: | Dm7 | G7 | Cmaj7 | % |, third time, following`. reads: a symbol, or a key, as the player reads it."""
        if self.chart:
            time = TIMES[self.time - 1] if self.time <= len(TIMES) else f"{self.time}th"
            bars = self.chart.bars
            more = f" and {len(bars) - MOST} bars more" if len(bars) > MOST else ""
            return f"heard: {written(bars[:MOST], symbol=lambda chord: reads(self.symbol(chord)))}{more}, {time} time, following"
        key = f"in {reads(str(self.key))}" if self.key else ""
        if self.chord.root is not None:
            return f"heard: {reads(self.symbol(self.chord))}{', ' if key else ''}{key}"
        return f"heard: {key}, no chord yet" if self.key else LISTENING
