"""The order in which a chart's written bars are played: repeats, endings, D.C. and D.S., Fine, coda.

As players do it: after a D.C. or D.S. there are no repeats, and the last ending is taken. A jump is not made where what it
leads to, a Fine, a coda, an ending, is nowhere written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from improv.core.metres import Metre

MOST_BARS = 2000  # that are read, and that are played, whatever is written
MOST_TIMES = 16  # that a repeat is played


class Jump(NamedTuple):
    """At the end of its bar: to the segno, or to the beginning; until `fine`, `coda`, an ending by its number, or the end."""

    segno: bool
    until: str | int = ""


class Bar(NamedTuple):
    """One written bar.

    chords: even shares of it, `/` where one goes on. signs: `{` and `}` repeats, `[` and `]` begin and end a section, `S` segno,
    `Q` coda before its chords, `q` after them, `Fine`. endings: that begin here. times: how often its repeat is played, if said.
    metre: that is written for it, None where none is. mark: of the section, or of what a band does, that begins with it.
    """

    chords: tuple[str, ...] = ()
    signs: frozenset[str] = frozenset()
    endings: frozenset[int] = frozenset()
    jump: Jump | None = None
    times: int = 0
    metre: Metre | None = None
    mark: str = ""

    def with_sign(self, sign: str) -> Bar:
        return self._replace(signs=self.signs | {sign})

    @property
    def sounds(self) -> str:
        """The chord at its end."""
        return next((chord for chord in reversed(self.chords) if chord != "/"), "NC")


def in_order(bars: Sequence[Bar]) -> list[Bar]:
    """The bars as they are played, once through."""
    return [bars[i] for i in _Eye(_with_way_to_coda(bars)).read()]


def _with_way_to_coda(bars: Sequence[Bar]) -> list[Bar]:
    """Two coda signs and no jump say that it goes back before the second one."""
    bars = list(bars[:MOST_BARS])
    codas = [i for i, bar in enumerate(bars) if bar.signs & {"Q", "q"}]
    if len(codas) == 2 and not any(bar.jump for bar in bars):
        segno = any("S" in bar.signs for bar in bars)
        bars[codas[1] - 1] = bars[codas[1] - 1]._replace(jump=Jump(segno, "coda"))
    return bars


class _Eye:
    """Goes through written bars as a player's eye does.

    start: where the present repeat began. turn: which time it is played. jumped: the D.C. or D.S. that was made.
    """

    def __init__(self, bars: list[Bar]):
        self.bars = bars
        self.codas = [i for i, bar in enumerate(bars) if bar.signs & {"Q", "q"}]
        self.start, self.turn = 0, 1
        self.jumped: Jump | None = None

    def read(self) -> list[int]:
        """The numbers of the bars as they are played."""
        played: list[int] = []
        at, steps = 0, 0
        while at < len(self.bars) and steps < MOST_BARS:
            steps += 1
            instead = self._instead(at)
            if instead is None:
                played.append(at)
                instead = self._after(at)
            at = instead
        return played

    def _instead(self, at: int) -> int | None:
        """Where to go instead of into this bar, or None."""
        bar = self.bars[at]
        if self.jumped and self.jumped.until == "coda" and "Q" in bar.signs and at == self.codas[0]:
            return self._to_coda()
        if "{" in bar.signs and at != self.start:
            self.start, self.turn = at, 1
        if not bar.endings:
            return None
        if self.jumped:
            until = self.jumped.until
            return self._ending_of(until if isinstance(until, int) else self._last_ending(at), at)
        if self.turn < min(bar.endings) and self.start < at:  # nothing said before this ending that it goes back
            self.turn = min(bar.endings)
            return self.start
        return self._ending_of(self.turn, at)

    def _ending_of(self, turn: int, at: int) -> int | None:
        """Where that turn's ending begins if not here, at another one's; behind this one if it has none."""
        if turn in self.bars[at].endings or turn < min(self.bars[at].endings):
            return None
        end = at
        while end + 1 < len(self.bars) and not self._ends(end):
            end += 1
        if end + 1 == len(self.bars) or not self.bars[end + 1].endings:
            self.start, self.turn = end + 1, 1
        return end + 1

    def _after(self, at: int) -> int:
        """The bar that follows; beyond the last at the end."""
        bar = self.bars[at]
        if self.jumped:
            until = self.jumped.until
            if until == "coda" and "q" in bar.signs and at == self.codas[0]:
                return self._to_coda()
            over = ("Fine" in bar.signs and until in ("fine", "")) or (
                isinstance(until, int) and self._ends(at) and until in self._within(at)
            )
            return len(self.bars) if over else at + 1
        if "}" in bar.signs:
            if self.turn < self._times(at):
                self.turn += 1
                return self.start
            self.start, self.turn = at + 1, 1
        elif self._ends(at) and self.turn > 1 and self.turn in self._within(at):
            self.start, self.turn = at + 1, 1
        if bar.jump and self._leads_somewhere(bar.jump):
            self.jumped = bar.jump
            return next((i for i, b in enumerate(self.bars) if "S" in b.signs), 0) if bar.jump.segno else 0
        return at + 1

    def _leads_somewhere(self, jump: Jump) -> bool:
        if isinstance(jump.until, int):
            return any(jump.until in bar.endings for bar in self.bars)
        return {"fine": any("Fine" in bar.signs for bar in self.bars), "coda": len(self.codas) > 1}.get(jump.until, True)

    def _to_coda(self) -> int:
        self.jumped = Jump(False)
        return self.codas[-1]

    def _times(self, at: int) -> int:
        """How often the repeat that ends here is played."""
        said = max(bar.times for bar in self.bars[self.start : at + 1])
        return min(said or max(2, self._last_ending(self.start)), MOST_TIMES)

    def _last_ending(self, at: int) -> int:
        """The last of the endings that belong together, from a bar on; 0 for none."""
        last = 0
        for i in range(at, len(self.bars)):
            bar = self.bars[i]
            if (i > at and "{" in bar.signs) or (bar.endings and max(bar.endings) < last):
                break
            last = max(last, *bar.endings, 0)
            if last > 1 and self._ends(i) and not (i + 1 < len(self.bars) and self.bars[i + 1].endings):
                break
        return last

    def _within(self, at: int) -> frozenset[int]:
        """The ending in which a bar lies: its numbers."""
        while not self.bars[at].endings and at > 0 and not self._ends(at - 1):
            at -= 1
        return self.bars[at].endings

    def _ends(self, at: int) -> bool:
        """Whether an ending would end with this bar."""
        if at + 1 == len(self.bars):
            return True
        following = self.bars[at + 1]
        return bool(self.bars[at].signs & {"}", "]"} or following.signs & {"{", "["} or following.endings)
