"""Changes: which chord sounds when. Read from text, and seen from one beat. Beats are quarter notes."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from improv.core.harmony.scales import NO_CHORD, Chord, HarmonyError
from improv.core.harmony.sheet import MOST_BARS, READING, SheetBar, bars_of
from improv.core.metres import FOUR, MeterError, Metres, metres_of


class HarmonicContext(NamedTuple):
    """The harmony seen from one beat: the chord now, the next that is another to a model, the beats until it.

    before: a chord that comes before that, which only a reader of the symbols tells from the chord now, and the beats until it.
    perhaps: where the chord now is heard and not sure: those that it may be, the likeliest first, with their chances, which sum to 1.
    """

    chord: Chord
    coming: Chord
    until: float  # beats until `coming`; infinity when no other chord comes
    before: tuple[Chord, float] | None = None
    perhaps: tuple[tuple[Chord, float], ...] = ()


HEARD = "heard"  # in place of changes: none are given, and those count that are heard
OPEN = HarmonicContext(NO_CHORD, NO_CHORD, float("inf"))


class Changes:
    """Chord changes: who sounds when, optionally looping by chorus.

    starts: beats, ascending from 0; chords: one a start; length: beats of one chorus, after which they go on from `again`, which
    is 0 but where the first choruses are in other metres. metres: those that the changes bring along; None where they bring none.
    text: as they were written, if they were. form: what begins with each bar of the chorus as it is written, see `SheetBar.mark`;
    empty where that isn't known.
    """

    def __init__(
        self,
        starts: Sequence[float],
        chords: Sequence[Chord],
        length: float,
        loop: bool = True,
        again: float = 0.0,
        metres: Metres | None = None,
        text: str = "",
        form: tuple[str, ...] = (),
    ):
        both = zip(starts, chords, strict=True)
        merged = [(s, c) for i, (s, c) in enumerate(both) if i == 0 or c != chords[i - 1] or (again and s == again)]
        self.starts = [s for s, _ in merged]
        self.chords = [c for _, c in merged]
        self.length, self.again, self.loop, self.metres = length, again, loop, metres
        self.text, self.form = text, form
        self._first = bisect_left(self.starts, again) if again else 0  # of the chords that come again

    def __len__(self) -> int:
        return len(self.chords)

    def harmony(self, beat: float) -> HarmonicContext:
        """What an improviser who reads the sheet knows at `beat` (may be negative: a pick-up)."""
        if not self.starts:
            return OPEN
        within = beat
        if self.loop and (beat >= self.length or not self.again):
            within = self.again + (beat - self.again) % (self.length - self.again)
        i = bisect_right(self.starts, within + 1e-9) - 1
        if i < 0:
            return HarmonicContext(NO_CHORD, self.chords[0], self.starts[0] - within)
        chord = self.chords[i]
        before: tuple[Chord, float] | None = None
        for j in range(i + 1, len(self.starts)):
            if self.chords[j].told != chord.told:
                return HarmonicContext(chord, self.chords[j], self.starts[j] - within, before)
            if self.chords[j] != chord:
                before = before or (self.chords[j], self.starts[j] - within)
        if not self.loop:
            return HarmonicContext(chord, NO_CHORD, float("inf"), before)
        for start, coming in zip(self.starts[self._first :], self.chords[self._first :], strict=True):
            if coming.told != chord.told:
                return HarmonicContext(chord, coming, self.length - within + start - self.again, before)
            if coming != chord:
                before = before or (coming, self.length - within + start - self.again)
        return HarmonicContext(chord, NO_CHORD, float("inf"), before)

    def spans(self, until: float) -> Iterable[tuple[float, Chord]]:
        """(beat, chord) for each change from 0 up to `until` beats, choruses repeated."""
        later, first = 0.0, 0
        while self.starts and later + self.starts[first] < until:
            for start, chord in zip(self.starts[first:], self.chords[first:], strict=True):
                if later + start < until:
                    yield later + start, chord
            if not self.loop:
                return
            later, first = later + self.length - self.again, self._first


def wanted(text: str | None) -> str | None:
    """Changes that are asked for: None where none are, as where `heard` stands for them, that is, those that the player plays."""
    return None if text is None or text.strip().lower() in ("", HEARD) else text


def parse_changes(text: str, metres: Metres = FOUR, reading: int = READING) -> Changes:
    """Read changes, in the syntax of `sheet`.

    metres: those of the song. Where it is in one metre, the changes may say their own: then their bars have the lengths that
    they say, and `metres` of what is returned has them. Otherwise each bar of the changes is a bar of the song.
    reading: see `sheet.READING`. Raises HarmonyError with the column.
    """
    return laid(bars_of(text, reading), metres, text)


def laid(bars: Sequence[SheetBar], metres: Metres, text: str = "") -> Changes:
    """The changes of written bars, chorus after chorus, in the bars of a song's metres. text: as written. Raises HarmonyError."""
    own = None
    if metres.one and any(bar.metre for bar in bars):
        try:
            own = metres_of([bar.metre or metres.first.metre for bar in bars], chorus=True)
        except MeterError as e:
            raise HarmonyError(f"changes: {e}") from None
        metres = own
    many = len(bars)
    # The bars, counted in the song, that are written out: up to where the last metre begins, or until both choruses begin again.
    first = 0 if metres.length < math.inf else math.ceil(metres.stretches[-1].first / many) * many
    until = math.lcm(many, metres.bar_of(metres.length)) if metres.length < math.inf else first + many
    if until > MOST_BARS:
        raise HarmonyError(f"changes: more than {MOST_BARS:,} bars until they begin again with the metre")
    starts: list[float] = []
    chords: list[Chord] = []
    for number in range(until):
        line, length = metres.line(number), metres.bar_at(metres.line(number))
        shares = bars[number % many].chords
        starts += [line + i * length / len(shares) for i in range(len(shares))]
        chords += shares
    form = tuple(bar.mark for bar in bars)
    return Changes(starts, chords, metres.line(until), again=metres.line(first), metres=own, text=text, form=form)
