"""Comp: chords under the player, in the rhythms that jazz pianists comp in, with room where the player is busy.

A bar is settled at its bar line, from how much the player played in the bar before. It goes on while somebody plays.
In a band it hears the soloist and the bass as well, plays as the band does in that bar, and goes on as long as the band.

Where the player plays the chords, it keeps out of their register. And where it isn't clear which chord comes, it strikes none
before the player has: a chord on the beat waits for an off-beat, and none anticipates the next bar.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Sequence

from improv.core.band.bar import Doing
from improv.core.events import Event, NoteOn
from improv.core.harmony import Chord
from improv.core.harmony.voicing import voicing, voicing_beside
from improv.core.intent import BOTH, IntendedNote, Intent
from improv.core.line.dynamics import velocity
from improv.core.modes.comp_rhythms import OPEN, SLOW, SPARSE, STRAIGHT, USUAL, Hit
from improv.core.modes.mode import Mode
from improv.core.playing import PHRASES
from improv.core.voice import Voice

LOUD = 50.0, 36.0  # velocity of a band's chord: at no dynamic, and what the whole of it adds
ABOVE, LEAST_ROOM = 4, 58  # semitones that a band's chords keep above the bass, and the pitch from which on there is room anyway
AHEAD = 0.45  # beats before its bar line at which a band's bar is settled
CALM = 0.33  # of a band's dynamic, below which it plays little
BUSY, QUIET = 1.75, 0.5  # notes of the player's a beat, from which and up to which
RUBS, LEAST = (-1, 0, 1, 13), 2  # semitones from a note of a chord up to the line that rub; notes of a chord that are left
PATIENCE = 4  # bars without the player, after which it lays out
SOFTER = 12.0  # steps of velocity below the player
OFF_BEAT_ACCENT = 0.15
CHORD = 3  # keys that are down, from which on they are a chord
CHORD_KEYS = 24  # of the player's, that say where his chords lie
REGISTER, HIGHER = 17, 22  # semitones that its own chords need, and how far above his they go at the most
MUDDY = 48  # MIDI pitch below which chords are muddy
SURE = 0.7  # how likely a chord must be that nobody has played yet, for one to strike it
LATER = 1.5  # beats that one may last that was put off
WAITS = 2.0  # beats of a bar after which it goes by what was heard before


class Comp(Mode):
    """Voicings on the changes, or on the chords that are held, voice-led from one to the next."""

    def __init__(self, voice: Voice):
        super().__init__(voice)
        self._struck: deque[float] = deque(maxlen=64)  # beats of the player's onsets
        self._hits: deque[Hit] = deque()
        self._bar_line: float | None = None  # beat on which the next bar is settled
        self._tied = False  # the last hit of the bar before anticipated this one
        self._hands: tuple[int, ...] = ()  # the voicing before
        self._learned: Chord | None = None  # the chord of this bar that it voices, where it was learned
        self._from = 0.0  # beat on which it began to play along
        self._lately = -math.inf  # beat of the latest key of the player's left hand
        self._chord_keys: deque[int] = deque(maxlen=CHORD_KEYS)  # the latest of its pitches
        self._above = True  # whether it comps above the player's chords, or below
        self._foreseen: tuple[tuple[object, ...], tuple[int, ...]] = ((), ())  # a voicing that was told, and of what
        self._banded = bool(voice.together.plays)
        self._over = False
        self._swings = True  # the style of a band's bar
        self._dynamic = 0.5  # of the band
        self._asks = math.inf  # the beat on which a band's bar is settled, a little before it
        self._hands_of: deque[tuple[int, ...]] = deque()  # the voicing of each hit of a band's bars

    def start(self, time: float) -> None:
        meter = self.voice.meter
        if meter.running:
            self._over = False
            self._from = meter.beat(time)
            self._bar_line = meter.next_bar(meter.opening(meter.just_before(self._from)))
            self._asks = max(self._bar_line - AHEAD, self._from)

    def struck(self, event: NoteOn, time: float) -> list[Event]:
        if self._banded:
            return []
        meter = self.voice.meter
        beat = meter.beat(time)
        self._struck.append(beat)
        if len(self.voice.tracker.keys) >= CHORD:  # chords alone, of which none knows a hand
            self._of_chord(event.pitch)
        if self._bar_line is None:
            self._bar_line = meter.next_bar(beat - 1e-6)
        return []

    @property
    def waits(self) -> bool:
        return self._banded and self._bar_line is None and not self._over and self.voice.meter.running

    @property
    def thinks_next(self) -> bool:
        return self._banded and self._bar_line is not None and (not self._hits or self._asks < self._hits[0].onset)

    def accompanied(self, event: NoteOn, time: float) -> list[Event]:
        if self._banded:
            return super().accompanied(event, time)
        self._lately = self.voice.meter.beat(time)
        self._of_chord(event.pitch)
        if self._bar_line is None:
            self._bar_line = self.voice.meter.next_bar(self._lately - 1e-6)
        return super().accompanied(event, time)

    def next(self) -> float:
        if self._bar_line is None and not (self._banded and self._hits):
            return math.inf
        settles = math.inf if self._bar_line is None else self._asks if self._banded else self._bar_line
        hit = self._hits[0].onset if self._hits else math.inf
        return self.voice.meter.time(min(hit, settles) if self._banded else hit if self._hits else settles)

    def play(self, time: float) -> list[Event]:
        if not self._hits or self.thinks_next:
            self._settle()
            return []
        hit = self._hits.popleft()
        return [] if self._is_in_doubt(hit) else self._strike(hit, time)

    def _is_in_doubt(self, hit: Hit) -> bool:
        """Whether it isn't clear which chord a hit is to sound. Then it is put off until the next off-beat or beat, if no other comes
        before that, or left out."""
        voice, at = self.voice, self._belongs_to(hit)
        if not self._by_ear or not self._chord_keys:  # nobody plays chords that could be waited for
            return False
        chances = voice.generator.chances(at)
        within = voice.meter.within_bar(hit.onset + 1e-6)
        if not chances or chances[0][1] >= SURE or (at <= hit.onset and within >= WAITS):
            return False
        if at - hit.onset > 1e-6 and voice.meter.within_bar(at + 1e-6) < 0.01:  # it anticipates the next bar
            self._tied = False
            return True
        line = hit.onset + 1e-6 - within
        onset = round(line + self._swung(math.floor(2 * within + 1.01) / 2), 6)
        if not self._hits or self._hits[0].onset > onset + 0.3:
            self._hits.appendleft(Hit(onset, min(hit.length, LATER)))
        return True

    def drop(self) -> None:
        self._hits.clear()
        self._hands_of.clear()
        self._bar_line = None

    def jumped(self) -> None:
        meter = self.voice.meter
        self._hits.clear()
        self._hands_of.clear()
        if self._bar_line is not None:
            self._bar_line = meter.next_bar(meter.beat(self.voice.time))
            self._asks = meter.beat(self.voice.time)

    def reharmonised(self) -> None:
        """A chord is chosen as it is struck; what still sounds of the one before does not sound on against the player's."""
        voice = self.voice
        beat = voice.meter.beat(voice.time)
        if self._by_ear:
            scale = voice.generator.chord(beat).scale
            if any(pitch % 12 not in scale for _, _, pitch in voice.sounding):
                voice.sounding.shorten(beat)

    def _settle(self) -> None:
        """Choose the rhythm of the bar that begins, or lay out."""
        voice, line = self.voice, self._bar_line
        if line is None:
            return
        if self._banded:
            self._settle_with_band(line)
            return
        bar = voice.meter.bar_at(line)
        if line - max(self._struck[-1] if self._struck else self._from, self._lately) > PATIENCE * bar:
            self._bar_line = None
            return
        density = sum(line - bar <= beat < line for beat in self._struck) / bar
        rhythms = SPARSE if density >= BUSY else OPEN if density <= QUIET and self._struck and line > self._struck[0] else USUAL
        self._begin_bar(line, bar, rhythms, density < BUSY)

    def _settle_with_band(self, line: float) -> None:
        """The same, as the band plays the bar."""
        bar = self.voice.together.bar("comp", line, self.voice.here)
        if bar is None:
            self._bar_line, self._over = None, True
            return
        before = len(self._hits)
        self._dynamic, self._swings = bar.dynamic, bar.style.swung
        if bar.doing is Doing.PLAY:
            density = bar.around.density
            busy, sparse = density >= BUSY, bar.dynamic < CALM
            open_to = density <= QUIET and bool(self.voice.together.notes) and not sparse
            usual = SLOW if bar.style.name == "ballad" else USUAL if self._swings else STRAIGHT
            self._begin_bar(line, bar.beats, SPARSE if busy or sparse else OPEN if open_to and self._swings else usual, not busy)
            self._voice_ahead(before)
            return
        struck = {Doing.BREAK: 0.4, Doing.STOP: 0.4, Doing.END: bar.beats}.get(bar.doing)
        self._learned, self._tied = None, False
        self._hits.extend([Hit(line, struck)] if struck else [])
        self._bar_line = line + bar.beats
        self._voice_ahead(before)

    def _voice_ahead(self, first: int) -> None:
        """Voice the hits of the bar that was settled, and say when the next is."""
        for hit in list(self._hits)[first:]:
            self._hands = self._voiced(self._chord(hit)) or self._hands
            self._hands_of.append(self._hands)
        if self._bar_line is not None:
            self._asks = max(self._bar_line - AHEAD, self.voice.meter.beat(self.voice.time))

    def _begin_bar(self, line: float, bar: float, rhythms: Sequence[Sequence[Hit]], changes: bool) -> None:
        """Draw one of some rhythms for a bar. changes: whether each chord is to be heard."""
        self._learned = None
        hits = [hit for hit in rhythms[int(self.voice.generator.rng.integers(len(rhythms)))] if hit.onset < bar]
        if changes:
            hits = sorted([*hits, *self._changing(line, bar, hits)])
        if self._tied:  # the chord of this bar has come already, and rings
            hits = [hit for hit in hits if hit.onset >= 0.5]
        self._tied = bool(hits) and hits[-1].onset == bar - 0.5
        self._hits.extend(Hit(line + self._swung(hit.onset), hit.length) for hit in hits)
        self._bar_line = line + bar

    def _changing(self, line: float, bar: float, hits: list[Hit]) -> list[Hit]:
        """Chords of the bar that no hit would sound, each on its beat."""
        chord = self.voice.generator.chord

        def missing(beat: int) -> bool:
            return chord(line + beat) != chord(line + beat - 1) and not any(-0.6 <= hit.onset - beat < 1.0 for hit in hits)

        return [Hit(float(beat), 0.7) for beat in range(1, math.ceil(bar)) if missing(beat)]

    def _swung(self, onset: float) -> float:
        """An off-beat where swing puts it: at two thirds of the beat, earlier the faster."""
        settings = self.voice.settings
        if not (self._swings if self._banded else settings.feel == "swing") or onset % 1.0 == 0.0:
            return onset
        return onset + max(0.0, 1.0 - max(0.0, settings.tempo - 120.0) / 200.0) / 6.0

    def _strike(self, hit: Hit, time: float) -> list[Event]:
        voice = self.voice
        hands = self._hands_of.popleft() if self._banded else self._voiced(self._chord(hit))
        if not hands:
            return []
        self._hands = self._hands if self._banded else hands
        played = voice.sounding.close_all(time)
        beside = {*voice.tracker.line_keys, *voice.tracker.accompanying} if self._by_ear else ()
        rubbing = [] if voice.rules <= PHRASES else [*voice.tracker.line_keys, *voice.together.sounding]
        for pitch in clear_of(hands, rubbing):
            if pitch in beside:  # one key for two would cut one of them
                continue
            played += voice.strike(pitch, self._loudness(hit), time, voice.meter.beat(time) + hit.length)
        return played

    def _chord(self, hit: Hit) -> Chord:
        """The chord of a hit."""
        return self.voice.generator.chord(self._belongs_to(hit))

    def _belongs_to(self, hit: Hit) -> float:
        """The beat that a hit belongs to: an off-beat to the beat after it."""
        return float(math.ceil(hit.onset)) if _off_beat(hit) else hit.onset

    def _loudness(self, hit: Hit) -> int:
        tracker, settings = self.voice.tracker, self.voice.settings
        base = LOUD[0] + LOUD[1] * self._dynamic if self._banded else tracker.loudness - SOFTER
        accent = OFF_BEAT_ACCENT if _off_beat(hit) else 0.0
        return velocity(base + settings.loudness, tracker.spread, accent, settings.accents)

    def intent(self) -> Intent:
        """The next chord, where it is voiced by rule: what was learned is drawn as it is struck."""
        voice, settings = self.voice, self.voice.settings
        if self._banded:
            both = list(zip(self._hits, self._hands_of, strict=False))
            return Intent(BOTH, tuple(IntendedNote(h.onset, h.length, p, self._loudness(h)) for h, hands in both for p in hands))
        if not self._hits or not (settings.voicing == "rules" or voice.voicings is None):
            return Intent(BOTH)
        hit = self._hits[0]
        of = (self._chord(hit), self._hands, *self._room())
        if self._foreseen[0] != of:
            self._foreseen = of, self._by_rule(*of)
        loud = self._loudness(hit)
        return Intent(BOTH, tuple(IntendedNote(hit.onset, hit.length, pitch, loud) for pitch in self._foreseen[1]))

    def _voiced(self, chord: Chord) -> tuple[int, ...]:
        """A voicing by rule, or as learned: then drawn once for each chord of a bar."""
        voice, settings = self.voice, self.voice.settings
        low, high, under = self._room()
        if settings.voicing == "rules" or voice.voicings is None:
            self._learned = None
            return self._by_rule(chord, self._hands, low, high, under)
        if chord == self._learned and self._hands and low <= self._hands[0] and self._hands[-1] <= high:
            return self._hands
        self._learned = chord
        return voice.voicings.draw(chord, self._hands, low, high, under, int(voice.generator.rng.integers(2**32)))

    def _by_rule(self, chord: Chord, before: tuple[int, ...], low: int, high: int, under: int | None) -> tuple[int, ...]:
        if self._chord_keys and self._by_ear:
            return voicing_beside(chord, before, low, high, under)
        return voicing(chord, before, low, high, under)

    @property
    def _by_ear(self) -> bool:
        """Whether it plays with somebody whose chords it has to hear."""
        generator = self.voice.generator
        return not self._banded and generator.to_come is not None and generator.changes is None

    def _room(self) -> tuple[int, int, int | None]:
        """The range for its chords, and the pitch of who leads, which they keep below where they can."""
        voice, settings = self.voice, self.voice.settings
        if not self._banded:
            return (*self._own_register(), voice.generator.memory.last)
        together = voice.together
        low = max(settings.low, min(together.bass + ABOVE, LEAST_ROOM)) if together.bass is not None else settings.low
        return min(low, settings.high - 12), settings.high, together.notes[-1].pitch if together.notes else None

    def _of_chord(self, pitch: int) -> None:
        """A key of the player's chords. It plays above them, or below, where there is room, and there as long as there is."""
        self._chord_keys.append(pitch)
        bottom, top = self._their_register()
        above, below = self.voice.settings.high - top, bottom - max(self.voice.settings.low, MUDDY)
        if (above if self._above else below) < REGISTER:
            self._above = above >= below

    def _their_register(self) -> tuple[int, int]:
        """The pitches between which the player's chords lie, but for a few."""
        keys = sorted(self._chord_keys)
        return keys[len(keys) // 8], keys[-1 - len(keys) // 8]

    def _own_register(self) -> tuple[int, int]:
        """The range for its chords, clear of that of the player's, as far as there is room."""
        low, high = self.voice.settings.low, self.voice.settings.high
        if not self._chord_keys or not self._by_ear:
            return low, high
        bottom, top = self._their_register()
        if self._above:
            return max(min(top + 1, high - REGISTER), low), min(top + HIGHER, high)
        return low, min(max(bottom - 1, low + REGISTER), high)


def clear_of(hands: Sequence[int], line: Collection[int]) -> list[int]:
    """A voicing without what rubs against the notes of a line that sound: their own keys, a semitone off, a minor ninth below.

    Whole, where less than LEAST notes would be left.
    """
    left = [pitch for pitch in hands if not any(note - pitch in RUBS for note in line)]
    return left if len(left) >= LEAST else list(hands)


def _off_beat(hit: Hit) -> bool:
    return hit.onset % 1.0 > 1e-6
