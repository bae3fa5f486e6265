"""What is told of the harmony that is heard: that it listens for the key, which key it is, a progression that is followed, and left.

It is asked in the monitor's thread. A chord by itself is no news: the lines of the notes show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from improv.core.beats.timekeeper import Timekeeper
from improv.core.harmony import Changes
from improv.core.harmony.spelling import Key
from improv.core.heard.harmony import EarSetup
from improv.core.heard.key_now import key_now
from improv.core.heard.told import ToldHarmony
from improv.perform.departing import DepartureListener
from improv.perform.performers import PerformerAtWork

LEFT = "heard: you have left the progression; listening on"
FROM = 3.0  # seconds from the start after which it is told that it listens


class HarmonyNews:
    """See the module's first lines. What is told is what the first performer hears; the others hear the same, as far as they listen.

    reads: a chord's symbol, or a key, as the player reads it: whoever knows that the instrument transposes sets it. For people alone:
    the record has all as it sounds.
    """

    def __init__(self, performers: Sequence[PerformerAtWork], keeper: Timekeeper, ear: Callable[[], EarSetup | None]):
        self._performers = performers
        self.reads: Callable[[str], str] = str
        self.departures = DepartureListener(keeper, self._typed, ear, lambda symbol: self.reads(symbol))
        self._told = ToldHarmony()
        self._listens = False

    @property
    def now(self) -> ToldHarmony | None:
        """As it stands; None where changes are given."""
        return self._performers[0].improviser.listening.told

    def _typed(self) -> Changes | None:
        return self._performers[0].improviser.generator.changes

    @property
    def words(self) -> str | None:
        """What there is to say now: what is heard; over changes that are typed, where the player departs from them. None: nothing."""
        latest = self.departures.latest
        return self.now.text(self.reads) if self.now is not None else latest.text if latest else None

    @property
    def key(self) -> Key | None:
        """The key in which notes and chords are spelled: that of the changes, or as it is heard; None where it isn't known."""
        return key_now(self._performers[0].improviser.generator)

    def news(self, now: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is new at a time in seconds: for people, and for the record."""
        for found in self.departures.look(now, self.key):
            fact = {"bar": found.bar, "played": found.played, "charted": found.charted}
            yield found.text, {"departs": fact | {"time": now}}
        told, before = self.now, self._told
        if told is None or now < FROM:
            return
        self._told = told
        if told.chart and (before.chart is None or before.chart.bars != told.chart.bars or before.time != told.time):
            yield told.text(self.reads), {"harmony": {"changes": told.changes, "round": told.time, "key": str(told.key or ""), "time": now}}
        elif before.chart and not told.chart:
            yield LEFT, {"harmony": {"changes": None, "time": now}}
        elif told.key and told.key != before.key and not told.chart:
            yield told.text(self.reads), {"harmony": {"key": str(told.key), "time": now}}
        elif not told.key and not self._listens:
            yield told.text(self.reads), {}
        self._listens = True
