"""The last bars, kept while the music goes on, so that what was good can still be had when it is over.

Each event is given its beat as it happens, since a meter knows the present only.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from improv.core.events import ControlChange, Event, NoteOff, NoteOn
from improv.core.harmony import Changes
from improv.core.meter import Meter
from improv.core.metres import Metres
from improv.core.observer import Observer

MOST = 20_000  # events that are kept, however long the bars are
CHANGED = 0.001  # of the tempo: what is noted
Note = NoteOn | NoteOff | ControlChange


@dataclass(frozen=True, slots=True)
class Cut:
    """The last bars, taken at a moment. Beats count from its first bar line; the performance's went on otherwise.

    first: that bar line; position: where in the song it is; last: where it was cut. All in the performance's beats.
    """

    events: tuple[tuple[bool, Event], ...]  # whether it was heard; with beats for times
    tempos: tuple[tuple[float, float], ...]  # beat, bpm
    metres: Metres
    first: float
    position: float
    last: float

    def heard(self) -> list[Event]:
        return excerpt((e for heard, e in self.events if heard), self.first, self.last)

    def played(self) -> list[Event]:
        return excerpt((e for heard, e in self.events if not heard), self.first, self.last)

    def tempo_map(self) -> list[tuple[float, float]]:
        return tempos_from(self.tempos, self.first)

    def changes(self, changes: Changes | None) -> Changes | None:
        """The changes as they go on from its first bar line."""
        return turned(changes, self.position) if changes else None

    def bars(self) -> Metres:
        """The metres as they go on from there."""
        return self.metres.turned(self.position)


class Capture(Observer):
    """Keeps the last `bars` whole bars and what there is of the next. Its memory is bounded. meter: says where the beat is now."""

    def __init__(self, meter: Callable[[], Meter], bars: int = 16, most: int = MOST):
        self._now, self._bars = meter, bars
        self._events: deque[tuple[bool, Event]] = deque(maxlen=most)
        self._tempos: deque[tuple[float, float]] = deque(maxlen=most)
        self._last = -math.inf

    def heard(self, event: Event) -> None:
        self._keep(True, event)

    def played(self, event: Event, late: float = 0.0, filled: bool = False) -> None:
        self._keep(False, event)

    @property
    def bars(self) -> int:
        """How many whole bars are kept."""
        return self._bars

    def cut(self, now: float, bars: int | None = None) -> Cut:
        """What there is at a time in seconds, or its last so many bars. It is a copy: another thread may go on with it."""
        meter = self._now()
        last = max(meter.beat(now), self._last)
        bar = meter.bar_of(last) - (bars or self._bars)
        if self._events:  # no empty bars before it began
            bar = max(bar, min(meter.bar_of(self._events[0][1].time), meter.bar_of(last)))
        position = meter.metres.line(bar)
        first = last - (meter.position(last) - position)
        return Cut(tuple(self._events), tuple(self._tempos), meter.metres, first, position, last)

    def _keep(self, heard: bool, event: Event) -> None:
        if not isinstance(event, Note):
            return
        meter = self._now()
        beat = self._last = max(meter.beat(event.time), self._last)
        if not self._tempos or abs(meter.tempo / self._tempos[-1][1] - 1) > CHANGED:
            self._tempos.append((beat, meter.tempo))
        self._events.append((heard, replace(event, time=beat)))
        oldest = meter.line(meter.bar_of(beat) - self._bars, beat)  # whole bars before the one that goes on
        while self._events[0][1].time < oldest:
            self._events.popleft()
        while len(self._tempos) > 1 and self._tempos[1][0] < oldest:
            self._tempos.popleft()


def excerpt(events: Iterable[Event], first: float, last: float) -> list[Event]:
    """The notes that begin from `first` to before `last`, and controllers that move there, `first` becoming 0; all are closed.

    Events with beats for times, never falling.
    """
    found: list[Event] = []
    open_notes: dict[tuple[int, int, int], NoteOn] = {}
    for event in events:
        time = event.time
        if isinstance(event, NoteOn):
            if first <= time < last:
                open_notes[event.part, event.channel, event.pitch] = event
                found.append(replace(event, time=time - first))
        elif isinstance(event, NoteOff):
            if open_notes.pop((event.part, event.channel, event.pitch), None):
                found.append(replace(event, time=min(time, last) - first))
        elif isinstance(event, ControlChange) and first <= time < last:
            found.append(replace(event, time=time - first))
    found += [NoteOff(last - first, on.pitch, on.channel, on.part) for on in open_notes.values()]
    return sorted(found, key=lambda e: e.time)


def tempos_from(tempos: Iterable[tuple[float, float]], first: float) -> list[tuple[float, float]]:
    """A tempo map, as (beat, bpm), as it goes on from `first`, which becomes 0."""
    found: list[tuple[float, float]] = []
    for beat, bpm in tempos:
        if beat <= first or not found:
            found = [(0.0, bpm)]
        elif bpm != found[-1][1]:
            found.append((beat - first, bpm))
    return found


def turned(changes: Changes, position: float) -> Changes:
    """Changes that begin where the song is at a position in beats."""
    if not changes.loop or not changes.starts:
        return changes
    length = changes.length - changes.again
    if changes.again > position:  # before they come again as they are
        later = {start - position: chord for start, chord in zip(changes.starts, changes.chords, strict=True) if start >= position}
        later.setdefault(0.0, changes.harmony(position).chord)
        order = sorted(later)
        return Changes(order, [later[s] for s in order], changes.length - position, again=changes.again - position)
    both = zip(changes.starts, changes.chords, strict=True)
    starts = {(start - position) % length: chord for start, chord in both if start >= changes.again}
    starts.setdefault(0.0, changes.harmony(position).chord)
    order = sorted(starts)
    return Changes(order, [starts[s] for s in order], length)
