"""What a network learns from: a take's frames, each once when its beat is over and once when it isn't yet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from improv.core.harmony.frames import EARLY, Frame, frame
from improv.train.ear.songs import EarTake

SOONEST = 0.1  # beats after its start at which a frame may be looked at


class Example(NamedTuple):
    """tones (beats, 12, CHANNELS), whole (beats, WHOLE): when a beat is over; `_yet`: at a moment within it. chords, keys: the take's."""

    name: str
    tones: np.ndarray
    whole: np.ndarray
    tones_yet: np.ndarray
    whole_yet: np.ndarray
    chords: np.ndarray
    keys: np.ndarray


def frames_of(take: EarTake, rng: np.random.Generator | None = None) -> list[Frame]:
    """The frames of a take. rng: draws a moment in each at which it is looked at; None for the end."""
    bar = take.bar

    def within(beat: float) -> float:
        return float(bar[min(int(beat), len(bar) - 1)]) if bar is not None else 0.0

    place = within if bar is not None else None
    found, sounding, at = [], [], 0
    for number in range(len(take.chords)):
        end = number + 1.0 - EARLY
        until = end if rng is None else number - EARLY + rng.uniform(SOONEST, 0.9)
        while at < len(take.notes) and take.notes[at].on < end:
            sounding.append(take.notes[at])
            at += 1
        found.append(frame(number, until, sounding, place))
        sounding = [note for note in sounding if note.off > end]
    return found


def example_of(take: EarTake, rng: np.random.Generator) -> Example:
    """A take's frames as arrays."""
    over, yet = frames_of(take), frames_of(take, rng)
    tones, whole, tones_yet, whole_yet = (np.array([f[i] for f in fs], np.float16) for fs in (over, yet) for i in (0, 1))
    return Example(take.name, tones, whole, tones_yet, whole_yet, take.chords.astype(np.int16), take.keys.astype(np.int16))
