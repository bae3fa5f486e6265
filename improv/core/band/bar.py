"""What a member of the rhythm section is told of a bar, a bar ahead, and the notes that it gives for it.

A member is a pure function with a memory: bar, state and generator in, notes and the next state out. A state is a value, a row of
whole numbers: a plan that came to nothing is undone by keeping the old one, and a snapshot is the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol

import numpy as np

from improv.core.band.styles import SWING, Style
from improv.core.harmony import NO_CHORD, Chord

TICKS = 48  # a beat: sixteenths, triplets and sextuplets lie on them
ChordsOfBar = tuple[tuple[float, Chord], ...]  # (beats from the bar line, chord), ascending; the first at 0
MemberState = tuple[int, ...]


class Doing(Enum):
    """What the band does in a bar."""

    PLAY = "play"
    COUNT = "count"  # it is counted in: the drummer's sticks
    BREAK = "break"  # the band strikes beat one and is silent until the bar ends
    STOP = "stop"  # stop-time: beat one, and what the chart strikes, short
    SOLO = "solo"  # this member has the bar to itself; a drummer who trades fours, say
    REST = "rest"  # this member is silent
    END = "end"  # the last bar: one strike, held


class BarNote(NamedTuple):
    """A note within a bar. tick: from the bar line, TICKS a beat; lag: beats later than that, earlier where negative; length: in
    beats; pitch: a MIDI key; velocity: 1-127."""

    tick: int
    lag: float
    length: float
    pitch: int
    velocity: int

    @property
    def onset(self) -> float:
        """Beats from the bar line; a drummer's one may come a little before it."""
        return self.tick / TICKS + self.lag


class Around(NamedTuple):
    """What the soloist did lately, see `around.around`: over the last two bars, but for accents.

    density: notes a beat; register: mean pitch, 0 where nobody played; loudness: mean velocity, likewise; silence: beats since the
    last note ended, at the next bar line; accents: ticks of the last bar, ascending, on which notes stood out.
    """

    density: float = 0.0
    register: float = 0.0
    loudness: float = 0.0
    silence: float = 16.0
    accents: tuple[int, ...] = ()


NOTHING = Around()


@dataclass(frozen=True, slots=True)
class BandBar:
    """A bar to be played.

    chords, coming: of this bar and the next; no bar comes after the last. beats: its length in quarter notes. metre: as written.
    tempo: quarter notes a minute. of_section, section: which bar of its section it is, from 0, and how many that has; of_form,
    form: the same of the chorus. chorus: from 0. left: bars of the count-in that come, this one included. dynamic: of the band,
    from 0 to 1; 0.5 is as usual. around: what the soloist did.
    """

    chords: ChordsOfBar = ((0.0, NO_CHORD),)
    coming: ChordsOfBar = ()
    beats: float = 4.0
    metre: tuple[int, int] = (4, 4)
    tempo: float = 120.0
    style: Style = SWING
    doing: Doing = Doing.PLAY
    of_section: int = 0
    section: int = 8
    of_form: int = 0
    form: int = 32
    chorus: int = 0
    left: int = 1
    dynamic: float = 0.5
    around: Around = NOTHING

    @property
    def ticks(self) -> int:
        """Its length."""
        return round(self.beats * TICKS)

    def chord(self, beat: float) -> Chord:
        """What sounds at a beat of it."""
        found = self.chords[0][1]
        for at, chord in self.chords:
            if at > beat + 1e-6:
                break
            found = chord
        return found

    def next_change(self, beat: float) -> tuple[Chord, float]:
        """The chord that comes after that of a beat, in this bar or the next, and the beats until it; NO_CHORD at the bar's end
        where none is known."""
        for at, chord in self.chords:
            if at > beat + 1e-6:
                return chord, at - beat
        now = self.chord(beat)
        for at, chord in self.coming:
            if chord != now:
                return chord, self.beats + at - beat
        return (now, 2 * self.beats - beat) if self.coming else (NO_CHORD, self.beats - beat)

    @property
    def ends_section(self) -> bool:
        return self.of_section == self.section - 1

    @property
    def ends_form(self) -> bool:
        return self.of_form == self.form - 1


class Member(Protocol):
    """Who plays the bass or the drums."""

    @property
    def about(self) -> Mapping[str, Any]:
        """Who it is, for a session's header: `kind` (bass, drums), `name`, `version` (of its rules), and `weights_sha256` where it
        has learned. Two that say the same play the same."""

    def start(self) -> MemberState:
        """The state before its first bar."""

    def fits(self, state: Sequence[int]) -> bool:
        """Whether a row, from a snapshot say, is a state of its."""

    def bar(self, state: MemberState, bar: BandBar, rng: np.random.Generator) -> tuple[list[BarNote], MemberState]:
        """The bar's notes by onset, and the state after it. Draws from `rng` alone."""
