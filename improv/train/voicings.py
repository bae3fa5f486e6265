"""Voicings to learn from: the shapes that pianists' hands make, told as voicings of all chords that they are voicings of.

The songs are pop: most of their chords are triads with the root in them, and a jazz pianist leaves the root to the bass. But
the shapes are the same ones: what is Em7 in a song is Cmaj9 over a bass. So a shape counts as a voicing of every chord whose
guide tones it has and with none of whose tones it clashes, whatever the song's label is; what is learned from the pianists is
spacing, register, number of notes, and how a hand goes from one shape to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from improv.core.harmony import KIND_INDEX, KINDS, Chord
from improv.models.rbm import Rbm
from improv.models.voicings import CLAMPED, avoided, bits_of, clamped_of, guides, playable
from improv.train.rbm import BATCH, contrastive_divergence, stepped

LOW, HIGH = 48, 79  # pitches of a shape; what is below is the bass
TOGETHER = 0.035  # seconds within which notes are struck together
SCARCE = 200  # rows
ALONE = 0.1  # share of the rows whose voicing before is left out: how to begin
CHORDS = [Chord(root, kind) for kind in KINDS if kind != "none" for root in range(12)]


class VoicingRows(NamedTuple):
    """What a machine learns from. bits (rows, VISIBLE); kind (rows,): index of the chord's kind; colours (rows,): how many
    tones the voicing has that are not the chord's, 2 for more."""

    bits: np.ndarray
    kind: np.ndarray
    colours: np.ndarray


def shapes_of(song: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """The fullest playable shape of the piano within each chord of a song (`piano`, `chords`), in order; alike ones count once."""
    notes = sorted(song["piano"])
    on = np.array([n[0] for n in notes], float)
    off = on + np.array([n[1] for n in notes], float)
    pitch = np.array([n[2] for n in notes], int)
    inside = (pitch >= LOW) & (pitch <= HIGH)
    on, off, pitch = on[inside], off[inside], pitch[inside]
    shapes: list[tuple[int, ...]] = []
    for start, end, _ in song["chords"]:
        best: tuple[int, ...] = ()
        for at in np.unique(on[(on >= start - TOGETHER) & (on < end - TOGETHER)]):
            sounding = (on <= at + TOGETHER) & (off > at + TOGETHER)
            shape = tuple(int(p) for p in np.unique(pitch[sounding]))
            if len(shape) > len(best) and playable(shape):
                best = shape
        if best and (not shapes or best != shapes[-1]):
            shapes.append(best)
    return shapes


@lru_cache(maxsize=4096)
def chords_of(classes: frozenset[int]) -> list[Chord]:
    """All chords that pitch classes are a voicing of."""
    return [c for c in CHORDS if guides(c) <= classes and not classes & avoided(c)]


def rows_of(songs: Sequence[Sequence[tuple[int, ...]]], rng: np.random.Generator) -> VoicingRows:
    """Each shape with the one before it, for each chord that it voices."""
    bits, kinds, colours = [], [], []
    for shapes in songs:
        for i, shape in enumerate(shapes):
            before = shapes[i - 1] if i and rng.random() >= ALONE else ()
            classes = frozenset(p % 12 for p in shape)
            for chord in chords_of(classes):
                assert chord.root is not None
                bits.append(np.concatenate([clamped_of(chord, before), bits_of(shape, chord.root)]))
                kinds.append(KIND_INDEX[chord.kind])
                colours.append(min(len(classes - chord.tones), 2))
    return VoicingRows(np.array(bits, np.float32), np.array(kinds), np.array(colours))


def balanced(rows: VoicingRows, size: int, rng: np.random.Generator) -> np.ndarray:
    """So many indices, drawn so that all kinds of chords come as often, and of each kind those with no, one and more colours;
    those of which there are fewer than SCARCE less often, as they are few."""
    group = 3 * rows.kind + rows.colours
    chance = 1.0 / np.maximum(np.bincount(group), SCARCE)[group]
    chance /= np.bincount(rows.kind, chance)[rows.kind]
    return rng.choice(len(group), size, p=chance / chance.sum())


def fit_voicings(
    rbm: Rbm, rows: VoicingRows, rng: np.random.Generator, updates: Sequence[int], rate: float = 0.3, steps: int = 5, decay: float = 1e-4
) -> Rbm:
    """Train on a batch for each of the updates (a range, perhaps with a progress bar), by contrastive divergence with the chord
    and the voicing before clamped; the rate falls to 0."""
    count = len(updates)
    drawn = balanced(rows, count * BATCH, rng).reshape(count, BATCH)
    for i in updates:
        by = contrastive_divergence(rbm, rows.bits[drawn[i]], rng, steps, CLAMPED)
        now = rate * (1 - i / count)
        rbm = stepped(Rbm(rbm.weights * (1 - now * decay), rbm.visible, rbm.hidden), by, now)
    return rbm


def found_among(rbm: Rbm, rows: np.ndarray, kinds: np.ndarray, rng: np.random.Generator, others: int = 9) -> float:
    """Share of rows whose voicing it takes to be likelier, given the chord and the voicing before, than so many others that were
    played for the same kind of chord."""
    best = rbm.free_energy(rows)
    won = np.ones(len(rows), bool)
    for _ in range(others):
        other = rows.copy()
        for kind in np.unique(kinds):
            alike = np.flatnonzero(kinds == kind)
            other[alike, CLAMPED:] = rows[rng.choice(alike, len(alike)), CLAMPED:]
        won &= best <= rbm.free_energy(other)
    return float(won.mean())


def pseudo_likelihood(rbm: Rbm, rows: np.ndarray) -> float:
    """Mean nats with which it foretells each bit of a voicing, all else given; summed over the bits (J. Besag 1975). 0 is the best."""
    said = 0.0
    free = rbm.free_energy(rows)
    for i in range(CLAMPED, rows.shape[1]):
        flipped = rows.copy()
        flipped[:, i] = 1 - flipped[:, i]
        said -= float(np.logaddexp(0.0, free - rbm.free_energy(flipped)).mean())
    return said
