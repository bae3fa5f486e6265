"""The bars to come, as somebody reckons with them who plays by ear: what is known, and what is likely, beat by beat.

See `expected` for how likely. A bar further ahead is reckoned from what is likeliest of those before it.
"""

from __future__ import annotations

from improv.core.harmony import NO_CHORD, Chord, HarmonicContext
from improv.core.harmony.ear import MOST, SURE
from improv.core.heard.expected import Chances, changes_by_the_bar, expected
from improv.core.heard.harmony import SURE_NEXT, HeardHarmony
from improv.core.heard.rounds import Bar, alike

FARTHEST = 4  # bars ahead that are reckoned with


class BarsToCome:
    """See the module's first lines. heard: what is heard; it is asked, and never changed."""

    def __init__(self, heard: HeardHarmony):
        self.heard = heard
        self._known: tuple[object, ...] = ()
        self._bars: list[Bar] = []  # those that are over, and those to come as far as they were reckoned
        self._begun = 0.0  # the beat on which the bar began that is not over
        self._so_far: Bar = ()  # what is known of it
        self._ahead: Bar = ()  # what is known of the bar after it: a chord that was struck before its bar line
        self._chances: dict[tuple[int, int], Chances] = {}  # by bar from the one that is not over, and beat in it
        self._over = 0
        self._likely: list[tuple[Chord, float]] | None = None  # what follows the latest chords, once it was asked for

    def chances(self, beat: float) -> Chances:
        """The chords that a beat may have, the likeliest first; a single one where that is known. Empty: there is none."""
        heard = self.heard
        latest = heard.latest
        if heard.rounds.chart or latest is None or beat < latest.beat or not heard.meter.running:
            chord = heard.chord(beat)
            return ((chord, 1.0),) if chord.root is not None else ()
        self._look()
        begun, ahead = self._begun, 0
        if beat < begun - 1e-6:
            return ((heard.chord(beat), 1.0),)
        while (line := heard.meter.next_bar(begun + 0.01)) <= beat + 1e-6 and ahead < FARTHEST:
            begun, ahead = line, ahead + 1
        within = min(int(beat - begun + 1e-6), max(round(line - begun), 1) - 1)
        if (ahead == 0 and within < len(self._so_far)) or (ahead == 1 and within < len(self._ahead)):
            return ((heard.chord(beat), 1.0),)
        return self._of(ahead, within)

    def chord(self, beat: float) -> Chord:
        """The likeliest."""
        chances = self.chances(beat)
        return chances[0][0] if chances else self.heard.chord(beat)

    def harmony(self, beat: float) -> HarmonicContext:
        """The harmony as seen from a beat."""
        heard, chances = self.heard, self.chances(beat)
        if heard.rounds.chart or not chances or chances[0][0].root is None:
            return heard.harmony(beat)
        now, perhaps = chances[0][0], heard.perhaps
        if len(chances) > 1:
            total = sum(p for _, p in chances[:MOST])
            perhaps = () if chances[0][1] >= SURE else tuple((chord, p / total) for chord, p in chances[:MOST])
        line = beat
        for _ in range(FARTHEST):
            line = heard.meter.next_bar(line + 0.01)
            chances = self.chances(line)
            if chances and chances[0][0].told != now.told:
                if chances[0][1] < SURE_NEXT:
                    break
                return HarmonicContext(now, chances[0][0], line - beat, None, perhaps)
        return HarmonicContext(now, now, float("inf"), None, perhaps)

    def _look(self) -> None:
        """Take note of how far it has come."""
        heard = self.heard
        begun, so_far = heard.so_far()
        number = heard.meter.bar_of(begun + 1e-6)
        latest, line = heard.latest, heard.meter.next_bar(begun + 0.01)
        ahead = (latest.chord,) * (int(latest.place - line + 1e-6) + 1) if latest and latest.place > line - 1e-6 else ()
        known = begun, so_far, ahead, latest, heard.key, number == heard.rounds.number
        if known == self._known:
            return
        self._known, self._begun, self._so_far, self._ahead = known, begun, so_far, ahead
        self._bars = list(heard.rounds.bars) if number == heard.rounds.number else []
        self._over = len(self._bars)
        self._chances.clear()
        self._likely = None

    def _of(self, ahead: int, within: int) -> Chances:
        """The chances of a beat of the bar that is not over, or so many bars ahead."""
        if (ahead, within) not in self._chances:
            while len(self._bars) < self._over + ahead:
                self._bars.append(self._likeliest_bar(len(self._bars) - self._over))
            bars, known = self._bars[: self._over + ahead], self._known_of(ahead)
            self._chances[ahead, within] = expected(bars, known, within, {} if known else self._otherwise(ahead))
        return self._chances[ahead, within]

    def _known_of(self, ahead: int) -> Bar:
        return self._so_far if ahead == 0 else self._ahead if ahead == 1 else ()

    def _likeliest_bar(self, ahead: int) -> Bar:
        heard = self.heard
        beat = self._begun
        for _ in range(ahead):
            beat = heard.meter.next_bar(beat + 0.01)
        beats = max(round(heard.meter.bar_at(beat + 1e-6)), 1)
        known = self._known_of(ahead)
        return tuple(known[i] if i < len(known) else self._of(ahead, i)[0][0] for i in range(beats))

    def _otherwise(self, ahead: int) -> dict[Chord, float]:
        """What may come where no bar before says anything: the same chord, or what is likely after it; the rest is anything."""
        heard, bars = self.heard, self._bars[: self._over + ahead]
        latest = heard.latest
        now = bars[-1][-1] if bars and bars[-1] else latest.chord if latest else NO_CHORD
        moves = changes_by_the_bar(bars)
        found = {now: 1.0 - moves}
        if latest is not None and alike(now, latest.chord):
            self._likely = heard.likely() if self._likely is None else self._likely
            for chord, p in self._likely:
                found[chord] = found.get(chord, 0.0) + moves * p
        return found
