"""A band that plays changes, to learn jazz harmony from: left hands, basses and lines as they are usual, drawn at random.

Voicings are those of the books: rootless in the forms A and B, shells, drop 2, fourths, upper structures, triads and sevenths in
all inversions (M. Levine, The Jazz Piano Book, 1989). Rhythms are held, stabbed, on each beat, broken; basses root and fifth, or
walking; lines are of the chord's scale, with chromatic approaches.
"""

from __future__ import annotations

import numpy as np

from improv.core.harmony.ear import QUALITIES, heard_chord
from improv.core.harmony.frames import SoundingNote
from improv.core.harmony.scales import Chord
from improv.train.ear.songs import NONE, UNKNOWN, EarTake, Sheet

Steps = tuple[int, ...]
# Of each quality: its chord's tones, and the rootless forms A (from the third) and B (from the seventh), as semitones above the root.
_TONES: dict[str, Steps] = {
    "": (0, 4, 7), "6": (0, 4, 7, 9), "maj7": (0, 4, 7, 11), "7": (0, 4, 7, 10), "7alt": (0, 4, 8, 10), "7sus": (0, 5, 7, 10),
    "sus4": (0, 5, 7), "sus2": (0, 2, 7), "+": (0, 4, 8, 10), "m": (0, 3, 7), "m7": (0, 3, 7, 10), "m6": (0, 3, 7, 9),
    "mmaj7": (0, 3, 7, 11), "m7b5": (0, 3, 6, 10), "dim": (0, 3, 6, 9),
}  # fmt: skip
_ROOTLESS: dict[str, tuple[Steps, Steps]] = {
    "": ((4, 7, 9, 14), (9, 14, 16, 19)), "6": ((4, 7, 9, 14), (9, 14, 16, 19)), "maj7": ((4, 7, 11, 14), (11, 14, 16, 19)),
    "7": ((4, 9, 10, 14), (10, 14, 16, 21)), "7alt": ((4, 8, 10, 15), (10, 15, 16, 20)), "7sus": ((5, 9, 10, 14), (10, 14, 17, 21)),
    "sus4": ((5, 7, 10, 14), (10, 14, 17, 19)), "sus2": ((2, 7, 9, 14), (7, 14, 16, 21)), "+": ((4, 8, 10, 14), (10, 14, 16, 20)),
    "m": ((3, 7, 9, 14), (9, 14, 15, 19)), "m7": ((3, 7, 10, 14), (10, 14, 15, 19)), "m6": ((3, 7, 9, 14), (9, 14, 15, 19)),
    "mmaj7": ((3, 7, 11, 14), (11, 14, 15, 19)), "m7b5": ((3, 6, 10, 12), (10, 12, 15, 18)), "dim": ((3, 6, 9, 12), (9, 12, 15, 18)),
}  # fmt: skip
_FOURTHS: dict[str, tuple[Steps, ...]] = {  # stacked; the last of a minor seventh is "So What"
    "m7": ((0, 5, 10, 15), (5, 10, 15, 19), (2, 7, 12, 17, 21)), "7sus": ((0, 5, 10, 14), (7, 12, 17, 22)), "sus4": ((0, 5, 10),),
    "maj7": ((4, 9, 14, 19), (11, 16, 21, 26)), "6": ((4, 9, 14, 19),), "7": ((4, 10, 14, 21), (10, 16, 21, 26)), "m": ((0, 5, 10, 15),),
}  # fmt: skip
_UPPER: dict[str, tuple[Steps, ...]] = {  # third and seventh, and a triad above: II, bVI, VI, bV over dominants
    "7": ((4, 10, 14, 18, 21),), "7alt": ((4, 10, 15, 20, 24), (4, 10, 13, 18, 22), (4, 10, 13, 16, 21)), "maj7": ((4, 11, 14, 18, 21),),
    "m7": ((3, 10, 14, 17, 21),), "7sus": ((5, 10, 14, 17, 21),),
}  # fmt: skip
HANDS = ("close", "open", "rootless", "shell", "fourths", "upper")
RHYTHMS = ("held", "stabs", "beats", "broken", "broken, pedal", "bossa")
BASSES = ("none", "root", "root and fifth", "walking", "pedal")
_STABS = ((0.0, 1.5), (1.5, 3.5), (0.5, 2.5), (0.0, 2.5), (1.0, 3.0), (2.0,), (3.5,), (0.0,))


def voiced(chord: Chord, quality: str, hand: str, centre: float, rng: np.random.Generator) -> list[int]:
    """Pitches of a chord, ascending, in the octave around a pitch."""
    root = chord.root or 0
    if hand == "rootless":
        steps: Steps = _ROOTLESS[quality][int(rng.integers(2))]
    elif hand == "shell":
        tones = _TONES[quality]
        third, top = tones[1], tones[3] if len(tones) > 3 else tones[2]
        steps = ((0, top), (0, third), (0, third, top), (0, top, third + 12))[int(rng.integers(4))]
    elif hand == "fourths" and quality in _FOURTHS:
        steps = _FOURTHS[quality][int(rng.integers(len(_FOURTHS[quality])))]
    elif hand == "upper" and quality in _UPPER:
        steps = _UPPER[quality][int(rng.integers(len(_UPPER[quality])))]
    else:
        tones = _TONES[quality]
        turn = int(rng.integers(len(tones)))
        steps = (*tones[turn:], *(t + 12 for t in tones[:turn]))
        if hand == "open" and len(steps) > 3:  # drop 2
            steps = tuple(sorted((*steps[:-2], steps[-2] - 12, steps[-1])))
        elif hand == "open":
            steps = (steps[0], steps[2], steps[1] + 12)
    pitches = [root + s for s in steps]
    by = 12 * round((centre - sum(pitches) / len(pitches)) / 12)
    return [p + by for p in pitches]


class _Player:
    """Notes of one band, in beats; each struck as people strike: a little early or late, and not all at once."""

    def __init__(self, rng: np.random.Generator):
        self.rng, self.notes = rng, list[SoundingNote]()
        self.spread, self.late = rng.uniform(0.0, 0.03), rng.normal(0.0, 0.02)

    def play(self, on: float, length: float, pitch: int, line: bool = False, loud: int = 70) -> None:
        at = on + self.late + self.rng.normal(0.0, self.spread)
        velocity = int(np.clip(self.rng.normal(loud, 12), 20, 120))
        self.notes.append(SoundingNote(at, at + max(length * self.rng.uniform(0.85, 1.02), 0.08), int(pitch), velocity, line))


def played(sheet: Sheet, rng: np.random.Generator) -> EarTake:
    """A chorus or two of a sheet, in one texture, as a take."""
    count = int(min(sheet.beats * rng.integers(1, 3), 128))
    chords = np.full(count, UNKNOWN)
    spans: list[tuple[float, float, int]] = []  # from, to, chord
    starts = [(beat + chorus * sheet.beats, number) for chorus in range(2) for beat, number in sheet.chords]
    for (start, number), (end, _) in zip(starts, [*starts[1:], (2 * sheet.beats, NONE)], strict=True):
        if start < count:
            chords[int(np.ceil(start - 0.5)) : int(np.ceil(end - 0.5))] = number
            if 0 <= number < NONE:
                spans.append((start, min(end, count), number))
    band = _Player(rng)
    hand, rhythm = str(rng.choice(HANDS, p=(0.2, 0.12, 0.35, 0.13, 0.1, 0.1))), str(rng.choice(RHYTHMS))
    bass = str(rng.choice(BASSES, p=(0.35, 0.15, 0.2, 0.25, 0.05)))
    comps, lines = rng.random() < 0.88, rng.random() < 0.4
    centre, marked = rng.uniform(50, 62), rng.random() < 0.8
    for i, (start, end, number) in enumerate(spans):
        root, q = divmod(number, len(QUALITIES))
        chord = heard_chord(root, QUALITIES[q])
        following = spans[i + 1][2] // len(QUALITIES) if i + 1 < len(spans) else root
        if comps and rng.random() > 0.04:
            kind = hand if rng.random() < 0.8 else str(rng.choice(HANDS))
            _comp(band, voiced(chord, QUALITIES[q], kind, centre, rng), rhythm, start, end)
        _bass(band, chord, _TONES[QUALITIES[q]], following, bass, start, end, sheet.bar)
        if lines:
            _line(band, chord, start, end, marked)
    band.notes.sort(key=lambda n: (n.on, n.pitch))
    bar = np.arange(count) % sheet.bar if rng.random() < 0.8 else None
    return EarTake(sheet.title, band.notes, chords, np.full(count, sheet.key), bar)


def _comp(band: _Player, pitches: list[int], rhythm: str, start: float, end: float) -> None:
    rng, length = band.rng, end - start
    if rhythm == "held":
        strokes = [(start, length)]
    elif rhythm == "beats":
        strokes = [(start + b, 0.8) for b in np.arange(0, length, 1.0)]
    elif rhythm == "bossa":
        strokes = [(start + b, 0.5) for b in (0.0, 1.5, 3.0) if b < length]
    elif rhythm == "stabs":
        strokes = []
        for bar in np.arange(0.0, length, 4.0):
            strokes += [(start + bar + b, rng.uniform(0.2, 1.2)) for b in _STABS[int(rng.integers(len(_STABS)))] if bar + b < length]
        if rng.random() < 0.25:
            strokes.append((start - 0.5, rng.uniform(0.3, 1.5)))  # before the beat that it belongs to
    else:
        step = 0.5 if rng.random() < 0.8 else 1.0
        order = pitches if rng.random() < 0.5 else [pitches[0], *pitches[:0:-1]]
        for i, at in enumerate(np.arange(start, end - 1e-6, step)):
            band.play(at, end - at if "pedal" in rhythm else step, order[i % len(order)])
        return
    for at, held in strokes:
        for pitch in pitches:
            band.play(at, held, pitch)


def _bass(band: _Player, chord: Chord, tones: Steps, following: int, how: str, start: float, end: float, bar: float) -> None:
    if how == "none":
        return
    rng, root = band.rng, 36 + ((chord.root or 0) - 4) % 12 + 4
    root = root - 12 if root > 46 else root
    if how == "pedal":
        band.play(start, end - start, 43 if band.rng.random() < 0.0 else root)
        return
    if how == "root":
        band.play(start, end - start, root)
        return
    fifth = tones[2]
    step = 1.0 if how == "walking" else min(2.0, bar)
    beats = np.arange(start, end - 1e-6, step)
    for i, at in enumerate(beats):
        if i == 0:
            pitch = root if rng.random() < 0.93 else root + tones[1]
        elif how == "walking" and i == len(beats) - 1:
            target = root + ((following - root) % 12 if (following - root) % 12 <= 6 else (following - root) % 12 - 12)
            pitch = target + int(rng.choice((-1, 1, -2, 2, -5)))
        elif how == "walking":
            pitch = root + int(rng.choice((*tones, 12, 2, 5 if 4 not in tones else 2, tones[1])))
        else:
            pitch = root + (fifth if i % 2 else 0)
        band.play(at, min(step, end - at), pitch, loud=75)


def _line(band: _Player, chord: Chord, start: float, end: float, marked: bool) -> None:
    """Eighth notes of the scale, chord tones on the beat where it can, approached from a semitone below now and then; with rests."""
    rng = band.rng
    scale = sorted(p for p in range(58, 86) if p % 12 in chord.scale)
    tones = sorted(p for p in range(58, 86) if p % 12 in chord.tones)
    if not scale or not tones:
        return
    at, now = start, int(rng.choice(tones))
    while at < end - 1e-6:
        if rng.random() < 0.12:
            at += float(rng.choice((0.5, 1.0, 2.0)))
            continue
        near = tones if at % 1.0 < 1e-6 and rng.random() < 0.6 else scale
        choices = [p for p in near if abs(p - now) <= 5 and p != now] or [now]
        now = int(rng.choice(choices))
        length = float(rng.choice((0.5, 0.5, 0.5, 1.0, 1.5)))
        band.play(at, length, now - 1 if at % 1.0 > 0 and rng.random() < 0.12 else now, marked)
        at += length
