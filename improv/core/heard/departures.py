"""Where a player departs from the changes that are typed: told quietly, and never played by.

A bar is judged when it is over. What differs must be clear, and beyond what one plays over the chart's chord: a root-less voicing,
an upper structure or a substitute of its scale is no departure. Each is told once for a bar of the chart. Who plays four bars that
fit the chart some bars away, and not where it is, is asked whether we are together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from improv.core.harmony import Changes, Chord
from improv.core.harmony.spelling import Key
from improv.core.heard.rounds import alike
from improv.core.meter import Meter

CLEAR = 0.7  # how sure the ear must be of a chord
LASTS = 2.0  # beats of it in a bar, or half of a shorter one
FARTHEST = 8  # bars by which somebody may be elsewhere in the chart
BARS, DIFFERENT = 4, 3  # bars that must fit there, and chords among them that differ
FITS, FITS_NOT = 0.85, 0.4  # share of these bars that fits there, and here at the most
OTHERWISE = "you play {} where the chart has {}, bar {}"
APART = "your chords fit the chart {} {}: are we together?"


class Departure(NamedTuple):
    """What is played otherwise. bar: from 1, of the chart. played, charted: as they sound. text: for people."""

    bar: int
    played: str
    charted: str
    text: str


class PlayedChord(NamedTuple):
    """A chord of the player's: the song position from which on it counts, in beats."""

    position: float
    chord: Chord
    sure: float


def departs(played: Chord, charted: Chord) -> bool:
    """Whether a chord is another than the chart's, and not one that is played over it."""
    if played.root is None or charted.root is None or alike(played, charted):
        return False
    return not played.tones <= charted.scale | charted.tones


class Departures:
    """Takes bars as they are over. changes: those that are typed. reads: a symbol as the player reads it, of an instrument that
    transposes."""

    def __init__(self, changes: Changes, reads: Callable[[str], str] = str):
        self.changes, self._reads = changes, reads
        self._told: set[tuple[int, int | None]] = set()  # bar of the chart, root
        self._latest: deque[tuple[int, Sequence[tuple[float, float, Chord]]]] = deque(maxlen=BARS)
        self._asked = False  # whether we are together

    def begin(self) -> None:
        """The beat begins, or the song goes on elsewhere: no bar that was played before counts."""
        self._latest.clear()

    def bar_over(self, number: int, meter: Meter, chords: Sequence[PlayedChord], key: Key | None) -> Departure | None:
        """A bar of the song is over, from 0. chords: those that were struck in it, in their order. Returns what there is to tell."""
        line, end = meter.metres.line(number), meter.metres.line(number + 1)
        ends = [*(chord.position for chord in chords), end][1:]
        clear = [(c.position, until, c.chord) for c, until in zip(chords, ends, strict=True) if c.sure >= CLEAR]
        self._latest.append((number, clear))
        if (away := self._away(meter)) is not None:
            if self._asked:
                return None
            self._asked = True
            said = f"{abs(away)} bar{'s' if abs(away) > 1 else ''}"
            return Departure(self._charted(number, meter) + 1, "", "", APART.format(said, "later" if away > 0 else "earlier"))
        for position, until, chord in clear:
            charted = self.changes.harmony(position + 0.01).chord
            if until - position < min(LASTS, (end - line) / 2) or not departs(chord, charted):
                continue
            bar = self._charted(number, meter)
            if (bar, chord.root) in self._told:
                continue
            self._told.add((bar, chord.root))
            symbol = key.spelled(chord) if key else str(chord)
            return Departure(bar + 1, symbol, str(charted), OTHERWISE.format(self._reads(symbol), self._reads(str(charted)), bar + 1))
        return None

    def _bars(self, meter: Meter) -> tuple[int, int]:
        """How many bars there are until the changes begin again, and that from which they go on: those of the chart as it is written,
        where that is known; otherwise those of the song."""
        if self.changes.form:
            return len(self.changes.form), 0
        until, first = (round(meter.metres.bars(beats)) for beats in (self.changes.length, self.changes.again))
        return max(until, first + 1), first

    def _charted(self, number: int, meter: Meter) -> int:
        """The bar of the chart, from 0, that a bar of the song is."""
        until, first = self._bars(meter)
        return number if 0 <= number < until else first + (number - first) % (until - first)

    def _away(self, meter: Meter) -> int | None:
        """How many bars later the chart has what was played in the latest bars; None: it has it here, or nowhere clearly."""
        latest = list(self._latest)
        chords = [chord for _, bar in latest for _, _, chord in bar]
        numbers = [number for number, _ in latest]
        if len(latest) < BARS or not all(bar for _, bar in latest) or numbers != list(range(numbers[0], numbers[0] + BARS)):
            return None
        if self._fits(latest, meter, 0) > FITS_NOT:
            self._asked = False
            return None
        if len({(chord.root, chord.kind) for chord in chords}) < DIFFERENT:
            return None
        until, first = self._bars(meter)
        most = min((until - first) // 2, FARTHEST)
        nearest = sorted((by for by in range(-most, most + 1) if by), key=abs)
        return next((by for by in nearest if self._fits(latest, meter, by) >= FITS), None)

    def _fits(self, latest: Sequence[tuple[int, Sequence[tuple[float, float, Chord]]]], meter: Meter, by: int) -> float:
        """The share of the latest bars' chords that the chart has so many bars later."""
        total = good = 0.0
        around = self._bars(meter)[0] if self.changes.loop else 0
        for number, bar in latest:
            there = number + by
            shift = meter.metres.line(there + around if there < 0 else there) - meter.metres.line(number)
            for position, until, chord in bar:
                total += until - position
                good += (until - position) * alike(chord, self.changes.harmony(position + shift + 0.01).chord)
        return good / total if total else 0.0
