"""The harmony that is heard as it is played: which chord sounds at a beat, and which one comes.

The ear hears (see `harmony.ear`); here is decided when it is asked, and what is made of it. A chord is settled once no key of it has
come for a moment, so that nothing changes while its keys go down one by one; a bar with nothing new keeps what was; a line alone is
asked about beat by beat. Where the ear is not sure of a chord there is that of the key's tonic, and where it is not sure of the key, none.
What is to come is said by the chart, once a progression has come round; before that by what is likeliest.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

from improv.core.harmony import NO_CHORD, OPEN, Chord, HarmonicContext
from improv.core.harmony.ear import Ear, EarHeard, Hears
from improv.core.harmony.frames import EARLY
from improv.core.harmony.spelling import Key
from improv.core.heard.rounds import Bar, Rounds, alike
from improv.core.heard.struck import Standing, more_above, share_of, weighed
from improv.core.heard.told import ToldHarmony
from improv.core.hearing import AMONG, NOW
from improv.core.meter import Meter

SETTLED = 0.045  # seconds after a key within which another may be of the same chord
TOGETHER = 0.13  # seconds within which the keys of a struck chord come
STRUCK = 3  # keys of a chord that is struck, at the least
RINGS = 0.3  # beats of a bar into which the chord before may sound that is over
SURE_STRUCK, SURE_BROKEN, SURE_LINE = 0.3, 0.35, 0.3  # how sure the ear must be of a chord that is struck, broken, outlined by a line
SURE_AGAIN = 0.8  # and of another chord, where the same keys are struck again
CLEARLY = 1.3  # times as likely as the chord before, for one that is not struck
SURE_KEY = 0.45  # how sure of the key
SURE_NEXT = 0.25  # how likely the next chord must be to be reckoned with
ALONE = 8.0  # beats without a key of a chord, after which the line is alone
HARMONY_INPUT = 2  # of a jam: the number of the input that brings chords alone; 1 is the page's
MANY = 256  # chords that are kept
OFF_BEAT = 0.4  # of a beat: a chord that is struck after that belongs to the next beat


class Foresees(Protocol):
    """What foretells the next chord, see `harmony.coming`."""

    def after(self, chords: Sequence[Chord], key: Key | None = None) -> list[tuple[Chord, float]]: ...


@dataclass(frozen=True, slots=True)
class EarSetup:
    """network: what hears. foresees: what foretells the next chord; None: nothing does. inputs: numbers of those that bring chords
    alone. by: the rules of hearing, see `core.hearing`."""

    network: Hears
    foresees: Foresees | None = None
    inputs: frozenset[int] = frozenset()
    by: int = NOW


class Span(NamedTuple):
    """A chord. beat: from when on it sounds; place: the beat that it belongs to in the chart. sure: how sure the ear is of it."""

    beat: float
    place: float
    chord: Chord
    sure: float = 1.0


class HeardHarmony:
    """See the module's first lines.

    meter: the beat of the moment; whoever feeds it brings it. told: what there is to say of it, for people, of any thread.
    """

    def __init__(self, setup: EarSetup, meter: Meter):
        self.meter = meter
        self.rounds = Rounds()
        self.told = ToldHarmony()
        self.key: Key | None = None
        self._setup = setup
        self._ear = Ear(setup.network, meter.within_bar)
        self.restart(0.0)

    def restart(self, beat: float) -> None:
        """The beat jumps, or begins: what was heard is another song's."""
        self._ear.restart(beat)
        self._spans: list[Span] = []
        self.sounding: dict[int, bool] = {}  # pitch -> whether it is of the line, as the ear was told
        self._waiting: list[tuple[float, float, int, int]] = []  # keys of a chord to be settled: time, beat, pitch, velocity
        self._ended: set[int] = set()  # pitches of those that are up again
        self._due = math.inf
        self._look = math.inf  # beat that ends one in which a chord's key came: what was heard in it
        self._rang = self._ringing = -math.inf  # beat up to which a chord sounded: before the one to be settled, and at all
        self._voicing = frozenset[int]()  # the keys of the latest chord that was struck
        self._standing = Standing()  # that chord, as long as nothing says otherwise
        self.perhaps: tuple[tuple[Chord, float], ...] = ()  # what the latest chord may be, see `HarmonicContext`
        self._before: dict[int, float] = {}  # keys that were taken for the line's, and their time: the first of a chord may be
        self._decided = -math.inf  # beat of the latest chord that was struck and settled
        self._upto = beat  # up to this beat the bars, and the line's beats, are taken in
        self._accompanied = -math.inf  # beat of the latest key of a chord
        self._lately = -math.inf  # beat up to which something sounded
        self.rounds.forget()

    @property
    def due(self) -> float:
        """When a chord is to be settled, or a beat of a broken one is over, in seconds; infinity: there is none."""
        return min(self._due, self.meter.time(self._look) if self._look < math.inf else math.inf)

    # What is heard

    def struck(self, time: float, beat: float, pitch: int, velocity: int, chords: bool, line: bool) -> None:
        """A key goes down. chords: it may be of a chord, and the chord is to be settled. line: it is the melody."""
        self.go_on(beat)
        self._lately = max(self._lately, beat)
        if chords:
            if not self._waiting:
                self._rang = self._ringing
            self._waiting.append((time, beat, pitch, velocity))
            self._due, self._accompanied = time + SETTLED, beat
            self._look = float(math.floor(beat + EARLY) + 1) - EARLY
        else:
            self._ear.note_on(beat, pitch, velocity, line)
            self.sounding[pitch] = line
            self._before = {p: at for p, at in self._before.items() if time - at <= TOGETHER} | {pitch: time}

    def sounds(self, beat: float, sounding: Mapping[int, bool]) -> None:
        """What sounds now: pitches, and whether each is of the line."""
        if not all(self.sounding.values()):
            self._ringing = beat
        waiting = {pitch for _, _, pitch, _ in self._waiting}
        for pitch, line in list(self.sounding.items()):
            if pitch not in sounding:
                if pitch not in waiting:
                    self._ear.note_off(beat, pitch)
                    del self.sounding[pitch]
            elif sounding[pitch] != line and pitch not in waiting:
                self._ear.as_line(pitch, sounding[pitch])
                self.sounding[pitch] = sounding[pitch]
        self._ended = {pitch for pitch in waiting if pitch not in sounding}
        if sounding:
            self._lately = max(self._lately, beat)

    def settle(self, time: float) -> bool:
        """No more keys of the chord come: which one it is. Returns whether it is another than before."""
        waiting, self._waiting, self._due = self._waiting, [], math.inf
        beat = self.meter.beat(time)
        before = self._last
        self.go_on(beat)
        if not waiting:
            self._look = math.inf
            number = math.floor(beat + EARLY - 1e-6)
            if self._decided < number:
                self._take(self._standing.weigh(self._ear.heard(beat - 1e-6), number), number, number, SURE_BROKEN, False)
            return self._last != before
        first = waiting[0][1]
        before_it = self._first_of(waiting[0][0])
        struck = len(before_it) + sum(at - waiting[0][0] <= TOGETHER for at, *_ in waiting) >= STRUCK
        place = math.floor(first + 1.0 - OFF_BEAT)
        # what is struck ahead of a beat belongs to it, and the beat that goes on is still the chord's before
        ahead = place - first if struck and place > first else 0.0
        for _, on, pitch, velocity in waiting:
            self._ear.note_on(on + ahead, pitch, velocity, False)
            self.sounding[pitch] = False
        for pitch in self._ended:
            self._ear.note_off(beat + ahead, pitch)
            self.sounding.pop(pitch, None)
        self._ended = set()
        if struck:
            self._decided = place
        sure, of = SURE_STRUCK if struck else SURE_BROKEN, self._bar_of(place)
        heard = self._ear.heard(beat + ahead)
        keys = frozenset(pitch for _, _, pitch, _ in waiting)
        if struck:
            keys |= before_it
            heard = weighed(heard, keys)
            again, self._voicing = self._voicing, keys
            more = self._setup.by >= AMONG and more_above(again, keys) and heard.chord.root != self._last.root
            if (again == keys or more) and heard.confidence < SURE_AGAIN:  # the same keys are the same chord
                self._spans.append(Span(min(first, place), of, self._last, self._spans[-1].sure if self._spans else 0.0))
                return False
            self._standing = Standing(keys, place) if self._setup.by >= AMONG else self._standing
        else:
            self._standing = self._standing.with_keys(keys)
            heard = self._standing.weigh(heard, place)
        return self._take(heard, min(first, place), of, sure, struck)

    def _first_of(self, time: float) -> frozenset[int]:
        """The keys of a chord that were taken for the line's as they came, since there was nothing else yet. time: of its next key."""
        if self._setup.by < AMONG:
            return frozenset()
        return frozenset(p for p, at in self._before.items() if time - at <= TOGETHER and self.sounding.get(p) is False)

    def _bar_of(self, place: float) -> float:
        """The place in the chart of a chord that is struck at a place: the bar line before it, if nothing of the chord before sounded
        since then."""
        line = place - self.meter.within_bar(place)
        return line if self._rang <= line + RINGS and self._decided <= place else place

    def go_on(self, beat: float) -> None:
        """Take in what has passed up to a beat: the bars that are over, and what the line says where it is alone."""
        meter = self.meter
        while meter.running and (step := math.floor(self._upto + 1.0)) <= beat:
            over, self._upto = self._upto, float(step)
            if step - self._accompanied > ALONE and self._lately >= over and not self._waiting:
                self._take(self._ear.heard(step - 0.11), over, over, SURE_LINE, False)
            line = meter.next_bar(over + 1e-6)
            if line <= step:
                self._bar_over(line)

    def _bar_over(self, line: float) -> None:
        """A bar ends on a beat."""
        meter = self.meter
        length = meter.bar_at(line - 0.01)
        number = meter.bar_of(line - 0.01)
        begun = line - length
        bar: Bar = tuple(self._placed(begun + i, begun) for i in range(max(round(length), 1)))
        first = next((chord for chord in bar if chord.root is not None), NO_CHORD)
        bar = tuple(first if chord.root is None else chord for chord in bar)  # as it begins
        if self._lately < begun or not any(chord.root is not None for chord in bar):
            bar = self.rounds.chart.bar(number) if self.rounds.chart else ()
        self.rounds.take(number, bar)
        self._tell(number + 1)

    def _take(self, heard: EarHeard, beat: float, place: float, sure: float, struck: bool) -> bool:
        """What the ear hears, from a beat on. Returns whether that is another chord than before."""
        self.key = heard.key if heard.key_confidence >= SURE_KEY else self.key
        self.perhaps = heard.perhaps() if self._setup.by >= AMONG else ()
        before, chord, played = self._last, heard.chord, self.chord(beat)
        if chord.root is None or heard.confidence < sure or (chord == before and sure == SURE_LINE):
            self._tell()
            return False
        rival = share_of(heard, before) if not struck and not alike(chord, before) else 0.0
        if heard.confidence < CLEARLY * rival:
            return False
        spans = self._spans
        while spans and spans[-1].place >= place:
            spans.pop()
        spans.append(Span(beat, place, chord, heard.confidence))
        if len(spans) > MANY:
            del spans[: MANY // 2]
        self._tell()
        return self.chord(beat).told != played.told

    # What is known

    @property
    def _last(self) -> Chord:
        return self._spans[-1].chord if self._spans else NO_CHORD

    @property
    def _tonic(self) -> Chord:
        """What is played by where no chord is known."""
        return NO_CHORD if self.key is None else Chord(self.key.tonic, "m" if self.key.minor else "6")

    def _placed(self, beat: float, begun: float) -> Chord:
        """The chord of a beat of a bar that began on another, by the places of the chords; where nothing new was heard, the chart's."""
        i = bisect_right(self._spans, beat + 1e-6, key=lambda span: span.place) - 1
        span = self._spans[i] if i >= 0 else None
        if self.rounds.chart and (span is None or span.place < begun or alike(span.chord, self._charted(span.place))):
            same = span is not None and span.place >= begun and alike(span.chord, self._charted(beat))
            return span.chord if span and same else self._charted(beat)
        return span.chord if span else NO_CHORD

    def chord(self, beat: float) -> Chord:
        """The chord at a beat: as it was heard, as the chart has it, or that of the key."""
        spans, chart = self._spans, self.rounds.chart
        if chart and (not spans or beat >= spans[-1].beat):
            number = self.meter.bar_of(beat)
            heard = spans and self.meter.bar_of(spans[-1].place) == number and not alike(spans[-1].chord, self._charted(spans[-1].place))
            if not heard:
                return self._charted(beat)
        i = bisect_right(spans, beat + 1e-6, key=lambda span: span.beat) - 1
        return spans[i].chord if i >= 0 else self._tonic

    def _charted(self, beat: float) -> Chord:
        """The chart's chord at a beat."""
        chart = self.rounds.chart
        assert chart
        bar = chart.bar(self.meter.bar_of(beat + 1e-6))
        if not bar:
            return NO_CHORD
        within = self.meter.within_bar(beat + 1e-6)
        return bar[min(int(within), len(bar) - 1)]

    def harmony(self, beat: float) -> HarmonicContext:
        """The harmony as seen from a beat."""
        now = self.chord(beat)
        if now.root is None:
            return OPEN._replace(perhaps=self.perhaps)
        if self.rounds.chart:
            first = math.floor(beat) + 1
            beats = sum(len(bar) for bar in self.rounds.chart.bars)
            for ahead in range(first, first + beats):
                coming = self.chord(ahead)
                if coming.told != now.told:
                    return HarmonicContext(now, coming, ahead - beat)
            return HarmonicContext(now, NO_CHORD, math.inf)
        coming, until = self._likeliest(now, beat)
        return HarmonicContext(now, coming, until, None, self.perhaps)

    @property
    def latest(self) -> Span | None:
        """The latest chord that was heard."""
        return self._spans[-1] if self._spans else None

    def so_far(self) -> tuple[float, Bar]:
        """The beat on which the bar began that is not over, and its chords, as far as they are known: up to the latest that was heard in
        it, and where nothing new was heard up to now, as the bar before ends."""
        begun = round(self._upto + 1e-6 - self.meter.within_bar(self._upto + 1e-6), 6)
        known = round(self._upto - begun)
        if self._spans and self._spans[-1].place >= begun - 1e-6:
            known = min(max(known, math.floor(self._spans[-1].place - begun + 1e-6) + 1), round(self.meter.bar_at(begun + 1e-6)))
        return begun, tuple(self._placed(begun + i, begun) for i in range(known))

    def likely(self) -> list[tuple[Chord, float]]:
        """What follows the latest chords in many tunes, with probabilities, the likeliest first."""
        if self._setup.foresees is None:
            return []
        return self._setup.foresees.after([span.chord for span in self._latest_chords()], self.key)

    def _latest_chords(self) -> list[Span]:
        """The latest chords, each once."""
        return [span for i, span in enumerate(self._spans) if not i or not alike(span.chord, self._spans[i - 1].chord)][-4:]

    def _likeliest(self, now: Chord, beat: float) -> tuple[Chord, float]:
        """The likeliest next chord, and the beats until it."""
        spans = self._spans
        if self._setup.foresees is None or not spans or beat < spans[-1].beat:
            after = next((span for span in spans if span.beat > beat + 1e-6), None)
            return (after.chord, after.beat - beat) if after else (now, math.inf)
        spans, found = self._latest_chords(), self.likely()
        if not found or found[0][1] < SURE_NEXT:
            return now, math.inf
        lasted = [b.place - a.place for a, b in pairwise(spans)]
        usual = sorted(lasted)[len(lasted) // 2] if lasted else self.meter.bar_at(beat)
        due = spans[-1].place + usual
        return (found[0][0], due - beat) if due > beat else (now, math.inf)

    def _tell(self, bar: int | None = None) -> None:
        """What there is to say now."""
        if bar is None:
            bar = self.meter.bar_of(self._upto)
        self.told = ToldHarmony(self.key, self._last, self.rounds.chart, self.rounds.chart.time(bar) if self.rounds.chart else 0)
