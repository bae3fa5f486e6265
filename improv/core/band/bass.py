"""The bassist: a walking line where the style walks, figures where it has its own, led from chord to chord.

Whoever foretells pitches, rules or a network, says what a walking note is; the rest is by rule. Loudness and time: the backbeat a
little louder (Goldsby 2002); a spread of some 8 ms about the beat, which is what bassists have (C. Prögler, Searching for swing,
Ethnomusicology 39, 1995).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from improv.core.band.bar import TICKS, BandBar, BarNote, Doing, MemberState
from improv.core.band.bass_figures import FIGURES, GHOST, LEAD, OCTAVE, PUSH, ROOT, SAME, THIRD, WALK, Figure, Stroke, fitted
from improv.core.band.swing import TRIPLET, off_beat, swing_lag
from improv.core.band.walking import HEARD, HIGH, LOW, MIDDLE, BassPlace, Foretell, by_rule, mended
from improv.core.harmony import Chord

RULES = 1  # of all that is by rule; a change of what is played is another number
SPREAD = 0.008  # seconds
TIED, BEFORE = HEARD, HEARD + 1  # where a state says that the last note rings into the bar, and the root before it, plus 1; 0 for none
SIZE = HEARD + 2
FOUR, TWO = "four", "two"
SKIP = {FOUR: 0.07, TWO: 0.12}  # how often a skipped note comes before a beat
BUSY = 0.75  # of the band's dynamic, from which on two becomes four
CALM = 0.3  # up to which four becomes two


class Bassist:
    """A member of the band, see `bar.Member`. foretell: what says how likely each pitch is on a beat. about: who it is."""

    def __init__(self, foretell: Foretell = by_rule, about: Mapping[str, Any] | None = None):
        self._foretell = foretell
        self._about = {"kind": "bass", "name": "rules", "version": RULES} if about is None else about

    @property
    def about(self) -> Mapping[str, Any]:
        return self._about

    def start(self) -> MemberState:
        return (0,) * SIZE

    def fits(self, state: Sequence[int]) -> bool:
        whole = len(state) == SIZE and all(type(n) is int for n in state)
        return whole and all(n == 0 or LOW <= n <= HIGH for n in state[:HEARD]) and state[TIED] in (0, 1) and 0 <= state[BEFORE] <= 12

    def bar(self, state: MemberState, bar: BandBar, rng: np.random.Generator) -> tuple[list[BarNote], MemberState]:
        if bar.doing in (Doing.REST, Doing.COUNT) or all(chord.root is None for _, chord in bar.chords):
            return [], (*state[:HEARD], 0, 0)
        hand = _Hand(self._foretell, state, bar, rng)
        if bar.doing in (Doing.BREAK, Doing.STOP, Doing.END):
            hand.struck()
        elif bar.style.bass in FIGURES:
            hand.figure()
        else:
            hand.walk()
        return hand.notes(), hand.state


class _Hand:
    """One bar as it is played."""

    def __init__(self, foretell: Foretell, state: MemberState, bar: BandBar, rng: np.random.Generator):
        self.foretell, self.bar, self.rng = foretell, bar, rng
        self.history, self.tied, self.before = list(state[:HEARD]), bool(state[TIED]), state[BEFORE] - 1
        self.pushed = False
        self.played: list[BarNote] = []

    @property
    def state(self) -> MemberState:
        last = self.bar.chord(self.bar.beats).root
        return (*self.history[-HEARD:], int(self.pushed), 0 if last is None else last + 1)

    def notes(self) -> list[BarNote]:
        """By onset; each ends where the next begins."""
        notes = sorted(self.played, key=lambda n: n.onset)
        ends = [n.onset for n in notes[1:]] + [math.inf]
        return [n._replace(length=min(n.length, max(end - n.onset - 0.02, 0.05))) for n, end in zip(notes, ends, strict=False)]

    # Whole bars

    def struck(self) -> None:
        """Beat one, and in stop-time each chord, on its root; held to the end of the last bar."""
        bar = self.bar
        length = max(bar.beats - 0.1, 0.1) if bar.doing is Doing.END else 0.5
        for at, chord in bar.chords if bar.doing is Doing.STOP else bar.chords[:1]:
            if chord.root is not None and not (at == 0.0 and self.tied and bar.doing is not Doing.END):
                self._play(round(at * TICKS), length, self._tone(chord, ROOT), 8)

    def walk(self) -> None:
        """A note on each beat, or on each other one, and now and then one that leads into a beat."""
        bar = self.bar
        way = self._way()
        skip = SKIP[way] * (0.4 + 1.2 * bar.dynamic) * (2.0 if bar.doing is Doing.SOLO else 1.0)
        for beat, length in self._beats(way):
            tick = round(beat * TICKS)
            if beat == 0.0 and self.tied:
                self._remember(self.history[-1], length)
                continue
            if bar.chord(beat).root is None:
                continue
            begins = beat == 0.0 and bar.chord(0.0).root is not None and (not any(self.history) or bar.of_form == 0)
            pitch = self._tone(bar.chord(0.0), ROOT) if begins else self._drawn(beat, length)
            skipped = self.rng.random() < skip and beat >= 1.0
            if skipped and bar.tempo < 240.0:
                lead = self.history[-1] if self.rng.random() < 0.6 else pitch
                self._play(tick - TICKS + TRIPLET, 0.25, lead or pitch, -10)
            self._play(tick, min(length - 0.08, length * 0.94), pitch, 3 if round(beat) % 2 == 1 else 0)
            self._remember(pitch, length)

    def _way(self) -> str:
        """In two or in four, as the style has it and the band's dynamic asks."""
        bar = self.bar
        if bar.doing is Doing.SOLO:
            return FOUR
        if bar.style.bass == TWO:
            return FOUR if bar.dynamic >= BUSY and bar.style.name != "ballad" else TWO
        return TWO if bar.dynamic <= CALM else FOUR

    def _beats(self, way: str) -> list[tuple[float, float]]:
        """The beats that are struck, and the beats that each lasts."""
        bar = self.bar
        step = 1.5 if bar.metre[1] == 8 and bar.metre[0] % 3 == 0 and bar.metre[0] > 3 else 1.0
        whole = [(i * step, min(step, bar.beats - i * step)) for i in range(math.ceil(bar.beats / step - 1e-9))]
        if way == FOUR or len(whole) < 3:
            return whole
        changing = {round(at / step) for at, _ in bar.chords}
        threes = len(whole) % 2 == 1
        first = 3 if len(whole) == 5 else 2 if not threes else len(whole)
        starts = {0, first} if first < len(whole) and threes else set(range(0, len(whole), first))
        starts |= {i for i in changing if i < len(whole)}
        if self.rng.random() < (0.5 if bar.ends_section else 0.18):
            starts.add(len(whole) - 1)
        order = sorted(starts)
        return [(whole[a][0], sum(length for _, length in whole[a:b])) for a, b in zip(order, [*order[1:], len(whole)], strict=True)]

    def figure(self) -> None:
        """A figure of the style's."""
        bar = self.bar
        ways = FIGURES[bar.style.bass]
        weights = np.array([often for often, _ in ways], float)
        chosen: Figure = fitted(ways[int(self.rng.choice(len(ways), p=weights / weights.sum()))][1], bar.beats)
        before = -1
        for stroke in chosen:
            if stroke.tick == 0 and self.tied:
                self._remember(self.history[-1], 1.0)
                continue
            self._stroke(stroke, before)
            before = stroke.tick

    def _stroke(self, stroke: Stroke, before: int) -> None:
        bar, beat = self.bar, stroke.tick / TICKS
        chord = bar.chord(beat)
        new = any(before < at * TICKS <= stroke.tick for at, _ in bar.chords) and before >= 0
        last = self.history[-1]
        pushes = stroke.tone == PUSH and bool(bar.coming) and bar.coming[0][1].root is not None
        if chord.root is None and not pushes:
            return
        if pushes:
            pitch = self._tone(bar.coming[0][1], ROOT)
            self.pushed = True
        elif stroke.tone == LEAD:
            pitch = self._lead(beat)
        elif stroke.tone == WALK:
            pitch = self._drawn(beat)
        elif stroke.tone in (SAME, GHOST) and last:
            pitch = last
        else:
            pitch = self._tone(chord, ROOT if new else stroke.tone)
        self._play(stroke.tick, stroke.length, pitch, stroke.loud)
        self._remember(pitch, 1.0)

    # Pitches

    def _drawn(self, beat: float, length: float = 1.0) -> int:
        before = self.bar.chord(beat - 1.0).root if beat >= 1.0 else self.before if self.before >= 0 else None
        chances = mended(BassPlace(self.bar, beat, tuple(self.history[-HEARD:]), before), self.foretell, length > 1.5)
        return LOW + min(int(np.searchsorted(np.cumsum(chances), self.rng.random())), HIGH - LOW)

    def _tone(self, chord: Chord, tone: str) -> int:
        """A tone of a chord's near the line, in the middle of the bass; an octave above the last root, if there is room."""
        root = chord.root if chord.bass is None else chord.bass
        assert root is not None
        last = self.history[-1] or round(MIDDLE)
        if tone == ROOT:
            return _nearest(root, last)
        base = chord.root if chord.root is not None else root
        steps = sorted((t - base) % 12 for t in chord.tones) or [0, 7]
        if tone == OCTAVE:
            return _nearest(root, last + 12 if last + 12 <= HIGH - 3 else last)
        wanted = (3, 4, 5) if tone == THIRD else (6, 7, 8)
        return _nearest((base + next((s for s in steps if s in wanted), 7)) % 12, last)

    def _lead(self, beat: float) -> int:
        """Into the next bar's root: from a semitone or a step away, or from its fifth."""
        bar = self.bar
        coming = bar.coming[0][1] if bar.coming else bar.chord(beat)
        root = coming.root if coming.bass is None else coming.bass
        if root is None or bar.chord(beat) == coming:
            chord = bar.chord(beat)
            return self._tone(chord, ROOT) if chord.root is not None else round(MIDDLE)
        goal = _nearest(root, self.history[-1] or round(MIDDLE))
        step = int(self.rng.choice(np.array([-1, 1, 2, -2, 7, -5]), p=np.array([0.32, 0.2, 0.12, 0.12, 0.12, 0.12])))
        return goal + step if LOW <= goal + step <= HIGH else goal

    # Notes

    def _play(self, tick: int, length: float, pitch: int, loud: int) -> None:
        bar, rng = self.bar, self.rng
        lag = float(rng.standard_normal()) * SPREAD * bar.tempo / 60.0
        swung = bar.style.swung and bar.metre[1] != 8
        if swung and tick % TICKS == TRIPLET:
            lag += swing_lag(bar.tempo)
        elif swung and tick % TICKS == TICKS // 2:
            lag += off_beat(bar.tempo) - 0.5
        velocity = 76 + 40 * (bar.dynamic - 0.5) + loud + 3.0 * float(rng.standard_normal())
        self.played.append(BarNote(tick, lag, max(length, 0.05), pitch, int(min(max(round(velocity), 25), 120))))

    def _remember(self, pitch: int, beats: float) -> None:
        """A held note is on each beat that it lasts."""
        if pitch:
            self.history += [pitch] * max(1, round(beats))


def _nearest(pitch_class: int, near: int) -> int:
    """The pitch of a class that is nearest to one, within the bass's range and drawn to its middle."""
    there = [p for p in range(LOW, HIGH - 2) if p % 12 == pitch_class]
    return min(there, key=lambda p: (abs(p - near) + 0.35 * abs(p - MIDDLE), p))
