"""A progression that comes round: from the bars that were heard, the chart that is followed, and left when the player leaves it.

A bar is a chord for each of its beats. A chart is found as the latest bars repeat those before, for 2 to 32 bars: the longest that is
no repetition of a shorter one, since a song's bridge is foreseen by its whole form alone. Two bars that are played otherwise leave it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from improv.core.harmony import Chord

SHORTEST, LONGEST = 2, 32  # bars of a progression
SHORT = 4  # bars of a progression that comes round thrice before it is followed: two bars are played twice on the way to something else
VAMP = 8  # bars of one chord alone that make it a chart
ALIKE = 0.85  # share of the beats on which one round is as the other
PARTLY = 0.25  # share of a bar's beats on which one is as another that may be one of its round: as it begins, much is misheard
OTHERWISE = 0.5  # share of a bar's beats that are other than the chart's: the player has left it there
LEAVES = 2  # such bars in a row, after which it is left
Bar = tuple[Chord, ...]  # a chord for each beat; empty: nothing was heard
MAJOR = frozenset({"maj", "6", "maj7", "maj7#11"})
DOMINANT = frozenset({"7", "7#11", "7alt", "7sus", "7+"})
MINOR = frozenset({"m", "m7", "m6", "mmaj7"})
FAMILIES = (MAJOR, DOMINANT, MINOR)


def alike(one: Chord, other: Chord) -> bool:
    """Whether two chords are as good as the same in a chart: one root, and major, minor, dominant or the like."""
    if one.root != other.root:
        return False
    return one.kind == other.kind or any(one.kind in family and other.kind in family for family in FAMILIES)


def same_bar(one: Bar, other: Bar) -> float:
    """The share of its beats on which a bar is as another. Nothing heard is like nothing."""
    if not one or len(one) != len(other):
        return 0.0
    return sum(a.root is not None and alike(a, b) for a, b in zip(one, other, strict=True)) / len(one)


@dataclass(frozen=True, slots=True)
class RoundChart:
    """bars: of one round, first to last. begins: the number of a bar with which a round begins."""

    bars: tuple[Bar, ...]
    begins: int

    def bar(self, number: int) -> Bar:
        """What it says of a bar."""
        return self.bars[(number - self.begins) % len(self.bars)]

    def time(self, number: int) -> int:
        """Which round a bar lies in, the first being 1, as far as it was heard."""
        return (number - self.begins) // len(self.bars) + 1


class Rounds:
    """Takes bars as they are over, and finds the chart among them. chart: what is followed; None while there is none."""

    def __init__(self) -> None:
        self.chart: RoundChart | None = None
        self._bars: deque[Bar] = deque(maxlen=2 * LONGEST)
        self._count = 0  # bars so far, of which the latest is number count - 1
        self._otherwise = 0  # in a row

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The latest bars that are over, the oldest first."""
        return tuple(self._bars)

    @property
    def number(self) -> int:
        """Of the bar that is not over yet."""
        return self._count

    def take(self, number: int, bar: Bar) -> None:
        """A bar is over. number: of the bar; where it does not count on, as in a song that jumps, what comes begins anew."""
        if number != self._count:
            self._bars.clear()
            self._count = number
        self._bars.append(bar)
        self._count += 1
        if self.chart and bar and bar != self.chart.bar(number):
            self._otherwise = self._otherwise + 1 if 1.0 - same_bar(bar, self.chart.bar(number)) > OTHERWISE else 0
        else:
            self._otherwise = 0
        if self._otherwise >= LEAVES:
            self.chart, self._otherwise = None, 0
        self._find()

    def forget(self) -> None:
        """What comes is another song."""
        self._bars.clear()
        self.chart, self._otherwise = None, 0

    def _find(self) -> None:
        """Look whether a progression has come round with the latest bar."""
        bars = list(self._bars)
        found: int | None = None
        for length in range(SHORTEST, LONGEST + 1):
            many = length * (2 if length >= SHORT else 3)
            if many > len(bars):
                continue
            if many < VAMP and all(same_bar(bar, bars[-1]) == 1.0 for bar in bars[-many:]):
                continue
            if _repeats(bars[-many:], length) and not (found and length % found == 0 and _repeats(bars[-length:], found)):
                found = length
        if found is None:
            return
        now = self.chart
        if now and (len(now.bars) == found or (len(now.bars) % found == 0 and not self._otherwise)):
            return  # it goes on, or only a part of it is repeated
        begins = self._began(bars, found)
        last = self._count - found  # the number of the first of the latest bars
        self.chart = RoundChart(tuple(bars[-found:][(begins + i - last) % found] for i in range(found)), begins)

    def _began(self, bars: Sequence[Bar], length: int) -> int:
        """The number of the bar with which the first round began, as far back as it is alike."""
        first = len(bars) - 2 * length
        while first >= length and _alike(bars[first - length : first], bars[first : first + length]):
            first -= length
        while first and (not bars[first - 1] or _of_one_root(bars[first - 1], bars[first - 1 + length]) >= PARTLY):
            first -= 1  # before it was heard what is played, it was played already
        return self._count - len(bars) + first


def _of_one_root(one: Bar, other: Bar) -> float:
    """The share of its beats on which a bar has the roots of another."""
    return sum(a.root == b.root for a, b in zip(one, other, strict=False)) / max(len(one), 1)


def _alike(one: Sequence[Bar], other: Sequence[Bar]) -> bool:
    if not all(one) or not all(other):
        return False
    shares = [same_bar(a, b) for a, b in zip(one, other, strict=True)]
    return sum(shares) / len(shares) >= ALIKE and min(shares) > 0.0


def _repeats(bars: Sequence[Bar], length: int) -> bool:
    """Whether bars are a shorter progression, again and again."""
    return all(_alike(bars[:length], bars[i : i + length]) for i in range(length, len(bars), length))


def written(bars: Sequence[Bar], signs: bool = True, symbol: Callable[[Chord], str] = str) -> str:
    """Bars in the syntax of changes: `| Dm7 | G7 | Cmaj7 | % |`. signs: a bar as the one before is written %. symbol: of a chord."""
    said: list[str] = []
    for number, bar in enumerate(bars):
        if signs and number and bar == bars[number - 1]:
            said.append("%")
            continue
        said.append(_shares(bar, symbol))
    return "| " + " | ".join(said) + " |"


def _shares(bar: Bar, symbol: Callable[[Chord], str]) -> str:
    """The chords of a bar, in as few equal shares as say it."""
    if not bar:
        return "NC"
    for shares in range(1, len(bar) + 1):
        if len(bar) % shares == 0:
            step = len(bar) // shares
            firsts = bar[::step]
            if all(bar[i] == firsts[i // step] for i in range(len(bar))):
                return " ".join("/" if i and c == firsts[i - 1] else symbol(c) for i, c in enumerate(firsts))
    return symbol(bar[0])
