"""What a network hears of a beat: which pitch classes sound, where, how strongly, and what lies lowest.

A frame is one quarter-note beat, from a little before it to a little before the next, so that a chord that is struck early
counts as on the beat. A frame that isn't over is read as it stands: shares of time are of the time that has passed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

EARLY = 0.1  # beats by which a frame begins before its beat
ON_THE_BEAT = 0.25  # a note that is struck no later than this after a frame's start is on the beat
LOW, HIGH = 48, 60  # MIDI pitches: low up to the first, not low at all from the second on
LOUDEST = 1.5  # of what sounds in one pitch class
SHORT = 0.03  # beats: what sounds no longer in a frame is the end of what was
# Of each pitch class: accompaniment held low and higher in either half of the beat; struck on the beat and later; the share of
# either half in which it is the lowest; the line held, struck on the beat and later; what sounds now.
CHANNELS = 12
# Of the frame: how much of it has passed; nothing sounds; accompaniment; line; the place in the bar is known; beat 1, 2, 3, 4 or later.
WHOLE = 9


class Frame(NamedTuple):
    """tones: (12, CHANNELS) float32, by pitch class from C. whole: (WHOLE,) float32. silent: whether nothing sounds in it."""

    tones: np.ndarray
    whole: np.ndarray
    silent: bool


class SoundingNote:
    """A note: from `on` to `off` in beats, infinity while it sounds."""

    __slots__ = ("line", "off", "on", "pitch", "velocity")

    def __init__(self, on: float, off: float, pitch: int, velocity: int, line: bool):
        self.on, self.off, self.pitch, self.velocity, self.line = on, off, pitch, velocity, line


WithinBar = Callable[[float], float]


def frame_of(beat: float) -> int:
    """The number of the frame in which a beat lies."""
    return math.floor(beat + EARLY)


def frame(number: int, until: float, notes: list[SoundingNote], within_bar: WithinBar | None) -> Frame:
    """The frame of a beat, as it stands at `until` in beats. notes: all that sound in it, and no matter which others."""
    first = number - EARLY
    now = min(max(until - first, 0.02), 1.0)
    tones = np.zeros((12, CHANNELS), np.float32)
    accompaniment = line = False
    below: list[tuple[int, float, float]] = []  # of the accompaniment: pitch, from, to, in this frame
    for note in notes:
        start, end = max(note.on - first, 0.0), min(note.off - first, now)
        held = end - start
        if held < 1e-9 or (held < SHORT and (note.off < first + now or note.on < first)):
            continue
        tone, weight = note.pitch % 12, 0.5 + note.velocity / 127
        halves = _share(start, end, 0.0, min(now, 0.5)), _share(start, end, 0.5, now)
        struck = note.on >= first
        on_the_beat = note.on - first <= ON_THE_BEAT
        if note.line:
            line = True
            tones[tone, 8] += weight * held / now
            if struck:
                tones[tone, 9 if on_the_beat else 10] += weight
        else:
            accompaniment = True
            low = min(max((HIGH - note.pitch) / (HIGH - LOW), 0.0), 1.0)
            for half, share in enumerate(halves):
                tones[tone, 2 * half] += weight * share * low
                tones[tone, 2 * half + 1] += weight * share * (1 - low)
            if struck:
                tones[tone, 4 if on_the_beat else 5] += weight
            below.append((note.pitch, start, end))
        if note.off > first + now - 1e-9:
            tones[tone, 11] = 1.0
    np.minimum(tones, LOUDEST, out=tones)
    _lowest(tones, below, now)
    whole = np.zeros(WHOLE, np.float32)
    whole[0], whole[1], whole[2], whole[3] = now, not (accompaniment or line), accompaniment, line
    if within_bar is not None:
        whole[4] = 1.0
        whole[5 + min(max(int(within_bar(number + 1e-6)), 0), 3)] = 1.0
    return Frame(tones, whole, not (accompaniment or line))


def _share(start: float, end: float, first: float, last: float) -> float:
    """The share of first to last in which a note sounds."""
    return max(0.0, min(end, last) - max(start, first)) / (last - first) if last > first else 0.0


def _lowest(tones: np.ndarray, below: list[tuple[int, float, float]], now: float) -> None:
    """Channels 6 and 7: how much of either half of the beat each pitch class is the lowest of what accompanies."""
    if not below:
        return
    edges = sorted({0.0, now, *(min(0.5, now),), *(e for _, a, b in below for e in (a, b) if 0 < e < now)})
    for a, b in itertools.pairwise(edges):
        middle = 0.5 * (a + b)
        sounding = [pitch for pitch, start, end in below if start <= middle < end]
        if sounding:
            half = 0 if middle < 0.5 else 1
            tones[min(sounding) % 12, 6 + half] += (b - a) / (min(now, 0.5) if half == 0 else now - 0.5)
