"""The ear: it is fed the notes that sound, and says at any beat which chord and which key it hears, and how sure it is.

A network reads one frame a beat (see `frames`). When a beat is over its frame is final and the network's state goes on; before
that, what is heard is read from the frame as it stands, and the state stays. So asking changes nothing. It reads no clock and
opens nothing; the same notes give the same answer. A copy of an ear goes its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from improv.core.harmony.frames import EARLY, Frame, SoundingNote, frame, frame_of
from improv.core.harmony.scales import NO_CHORD, Chord
from improv.core.harmony.spelling import Key
from improv.core.harmony.symbols import parse_chord

# What is told apart, as a symbol writes it after the root.
QUALITIES = ("", "6", "maj7", "7", "7alt", "7sus", "sus4", "sus2", "+", "m", "m7", "m6", "mmaj7", "m7b5", "dim")
# Which triad each quality has: major, minor, augmented, diminished, fourth and second for the third.
TRIADS = (0, 0, 0, 0, 0, 4, 4, 5, 2, 1, 1, 1, 1, 3, 3)
# What soloists play alike over: each quality's family, by the one of it that a model of lines knows best.
FAMILIES = ("6", "maj7", "7", "7alt", "m7", "m6", "m7b5", "dim")
_FAMILY = (0, 0, 1, 2, 3, 2, 2, 0, 3, 4, 4, 5, 5, 6, 7)
MOST = 4  # chords that it may be: more are no better to foretell soloists by
SURE, LEAST = 0.85, 0.2  # from that chance of root and triad on it is no question; below that chance of them all nothing is heard
SILENT_FRAMES = 16  # after so many with nothing in them, what is heard stays as it is
State = Any


class Hearing(NamedTuple):
    """What a network says of a frame: probabilities. chords and coming: (12, qualities), with none and none_coming they sum to 1."""

    chords: np.ndarray
    none: float
    keys: np.ndarray  # (12, 2): major, minor
    coming: np.ndarray  # a beat later
    none_coming: float


class Hears(Protocol):
    """A network that hears. A state is a value: keep the old one, and you can go back to it."""

    def begin(self) -> State:
        """The state before anything is heard."""

    def step(self, state: State, frame: Frame) -> tuple[State, Hearing]:
        """The state after a frame, and what is heard in it."""


@dataclass(frozen=True, slots=True, eq=False)
class EarHeard:
    """What is heard at a beat. chords: (12, len(QUALITIES)) probabilities; with `none` they sum to 1. keys: (12, 2), major and
    minor. coming: as chords, for one beat later."""

    beat: float
    chords: np.ndarray
    none: float
    keys: np.ndarray
    coming: np.ndarray

    @property
    def key(self) -> Key:
        """The likeliest."""
        tonic, mode = divmod(int(self.keys.argmax()), 2)
        return Key(tonic, bool(mode))

    @property
    def key_confidence(self) -> float:
        """The key's probability."""
        return float(self.keys.max())

    @property
    def chord(self) -> Chord:
        """The likeliest chord of the likeliest triad, spelled in the key; NO_CHORD where there is likelier none."""
        root, triad, sure = self._triad()
        if self.none > sure:
            return NO_CHORD
        quality = max((q for q, t in enumerate(TRIADS) if t == triad), key=lambda q: float(self.chords[root, q]))
        return heard_chord(root, QUALITIES[quality], self.key)

    @property
    def confidence(self) -> float:
        """Probability of the chord's root and triad, or of no chord."""
        return max(self._triad()[2], self.none)

    @property
    def root_confidence(self) -> float:
        """Probability of the chord's root, or of no chord."""
        return max(float(self.chords[self._triad()[0]].sum()), self.none)

    def perhaps(self) -> tuple[tuple[Chord, float], ...]:
        """The chords that it may be, as a model of lines is told them: the likeliest first, with their chances, which sum to 1. Empty
        where one is nearly sure, or where nothing is."""
        by_family = (self.chords @ _OF_FAMILY).ravel()  # (12 * families)
        best = np.argsort(-by_family, kind="stable")[:MOST]
        heard = float(by_family[best].sum())
        if self.confidence >= SURE or heard < LEAST:
            return ()
        key = self.key
        return tuple(
            (heard_chord(int(i) // len(FAMILIES), FAMILIES[int(i) % len(FAMILIES)], key), float(by_family[i]) / heard) for i in best
        )

    def _triad(self) -> tuple[int, int, float]:
        """Root, triad and probability of the likeliest triad."""
        by_triad = self.chords @ _OF_TRIAD  # (12, 6)
        root, triad = divmod(int(by_triad.argmax()), by_triad.shape[1])
        return root, triad, float(by_triad[root, triad])


_OF_TRIAD = np.eye(1 + max(TRIADS), dtype=np.float32)[list(TRIADS)]  # (qualities, triads)
_OF_FAMILY = np.eye(len(FAMILIES), dtype=np.float32)[list(_FAMILY)]  # (qualities, families)


def heard_chord(root: int, quality: str, key: Key | None = None, bass: int | None = None) -> Chord:
    """A chord of one of the QUALITIES on a root, spelled in a key."""
    name = (key or Key(0)).name
    symbol = name(root, quality in ("dim", "m7b5")) + quality
    return parse_chord(symbol + (f"/{name(bass)}" if bass is not None and bass != root else ""))


class Ear:
    """Hears what it is fed, beat by beat. network: what hears. within_bar: beats since the bar line at a beat, where it is known."""

    def __init__(self, network: Hears, within_bar: Callable[[float], float] | None = None):
        self.network, self.within_bar = network, within_bar
        self.restart(0.0)

    def restart(self, beat: float) -> None:
        """Forget everything: what comes begins at this beat."""
        self._number = frame_of(beat)  # the frame that is open
        self._begun = False  # whether anything was ever heard
        self._state = self.network.begin()
        self._silent = 0  # frames in a row
        self._notes: list[SoundingNote] = []
        self._last: Hearing | None = None

    def note_on(self, beat: float, pitch: int, velocity: int = 64, line: bool = False) -> None:
        """A note begins to sound at a beat. line: it is the melody, not what accompanies."""
        if not self._begun:
            self._begun, self._number = True, frame_of(beat)
        beat = self._on_to(beat)
        self.note_off(beat, pitch)
        self._notes.append(SoundingNote(beat, float("inf"), pitch, velocity, line))

    def note_off(self, beat: float, pitch: int) -> None:
        """It doesn't sound any more. One that doesn't sound is ignored."""
        beat = self._on_to(beat)
        for note in self._notes:
            if note.pitch == pitch and note.off == float("inf"):
                note.off = max(beat, note.on)

    def as_line(self, pitch: int, line: bool) -> None:
        """A note that sounds is the line after all, or isn't."""
        for note in self._notes:
            if note.pitch == pitch and note.off == float("inf"):
                note.line = line

    def heard(self, beat: float) -> EarHeard:
        """What is heard at a beat, from all that was fed up to it."""
        beat = self._on_to(beat)
        now = frame(self._number, beat, self._notes, self.within_bar)
        hearing = self._last
        if hearing is None or not now.silent:
            hearing = self.network.step(self._state, now)[1]
        return EarHeard(beat, hearing.chords, hearing.none, hearing.keys, hearing.coming)

    def _on_to(self, beat: float) -> float:
        """Close the frames that are over by then. Returns the beat, or the start of the open frame if that is later."""
        number = frame_of(beat)
        while self._number < number:
            if not self._notes and (self._silent >= SILENT_FRAMES or not self._begun):
                self._number = number
                break
            over = frame(self._number, self._number + 1.0 - EARLY, self._notes, self.within_bar)
            self._silent = self._silent + 1 if over.silent else 0
            self._state, hearing = self.network.step(self._state, over)
            if not over.silent or self._last is None:
                self._last = hearing
            self._number += 1
            self._notes = [note for note in self._notes if note.off > self._number - EARLY]
        return max(beat, self._number - EARLY)
