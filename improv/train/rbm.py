"""Contrastive divergence, and piano rolls to use it on.

A piano roll here is what a restricted Boltzmann machine sees: for each of STEPS time steps, a bit for every pitch that is
held and one for every pitch that is struck, laid end to end. In NumPy, as the machine that plays is: an epoch is a few small
matrix products and random bits, which take less time than TensorFlow takes to be imported, and there is nothing to
differentiate. G. Hinton, A practical guide to training restricted Boltzmann machines, 2010; for clamped bits, V. Mnih,
H. Larochelle, G. Hinton, Conditional restricted Boltzmann machines for structured output prediction, 2011.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from improv.core.events import Event, NoteOff, NoteOn
from improv.models.rbm import Rbm

STEPS = 15  # time steps of a roll
A_BEAT = 4  # time steps: a step is a sixteenth note
LOWEST, HIGHEST = 24, 101  # MIDI pitches of a roll
PITCHES = HIGHEST - LOWEST + 1
VISIBLE = STEPS * 2 * PITCHES
HIDDEN = 50
RATE = 0.005
BATCH = 100
EPOCHS = 200
SPREAD = 0.01  # standard deviation of the weights in the beginning
LONGEST = 100_000  # time steps of a song


@dataclass(frozen=True, slots=True)
class Gradient:
    """By which weights and biases are to grow; the shapes are those of `Rbm`."""

    weights: np.ndarray
    visible: np.ndarray
    hidden: np.ndarray


def begin(visible: int, hidden: int, rng: np.random.Generator, kind: type = np.float32) -> Rbm:
    """A machine to train: weights near 0, biases 0."""
    weights: np.ndarray = (SPREAD * rng.standard_normal((visible, hidden))).astype(kind)
    return Rbm(weights, np.zeros(visible, kind), np.zeros(hidden, kind))


def contrastive_divergence(rbm: Rbm, v: np.ndarray, rng: np.random.Generator, steps: int = 1, clamped: int = 0) -> Gradient:
    """The mean over rows v of what raises their likelihood: their own statistics, less those after some Gibbs steps from them.

    With many steps it is the gradient of the mean log-likelihood; with one, cheap and near enough. clamped: as many visible
    bits, the first ones, are given; it is then the likelihood of the others given them.
    """
    h = rbm.hidden_given(v)
    after = rbm.gibbs(v, rng, steps, clamped)
    h_after = rbm.hidden_given(after)
    rows = len(v)
    return Gradient((v.T @ h - after.T @ h_after) / rows, (v - after).mean(0), (h - h_after).mean(0))


def stepped(rbm: Rbm, by: Gradient, rate: float) -> Rbm:
    """The machine a step further up."""
    return Rbm(rbm.weights + rate * by.weights, rbm.visible + rate * by.visible, rbm.hidden + rate * by.hidden)


def fit_songs(rbm: Rbm, songs: Sequence[np.ndarray], rng: np.random.Generator, epochs: Iterable[int] = range(EPOCHS)) -> Rbm:
    """Train on songs, each (windows, visible): one Gibbs step, batches of 100 windows of a song, RATE over the batch's sum.

    epochs: what is gone through; wrap it in a progress bar to see one.
    """
    for _ in epochs:
        for song in songs:
            for first in range(0, len(song), BATCH):
                rbm = stepped(rbm, contrastive_divergence(rbm, song[first : first + BATCH], rng), RATE)
    return rbm


def error_of(rbm: Rbm, v: np.ndarray) -> float:
    """Mean squared error of rows v when they are told again by the probabilities of their hidden bits."""
    return float(np.mean((rbm.visible_given(rbm.hidden_given(v)) - v) ** 2))


# Piano rolls


def windows_of(events: Iterable[Event], tempo: float) -> np.ndarray:
    """A song's notes as rolls of STEPS steps, end to end, (windows, VISIBLE); what is left over at the end is dropped.

    events: notes in seconds; tempo: quarter notes a minute. A struck note sounds for a step at least.
    Raises ValueError where a song has no end within LONGEST steps.
    """
    struck, held = [], []
    sounding: dict[tuple[int, int], int] = {}

    def close(key: tuple[int, int], at: int) -> None:
        held.append((sounding.pop(key), at, key[1]))

    last = 0
    for event in sorted((e for e in events if isinstance(e, NoteOn | NoteOff)), key=lambda e: e.time):
        at = round(event.time * tempo / 60 * A_BEAT)
        if at > LONGEST:
            raise ValueError(f"it is longer than {LONGEST // A_BEAT:,} beats")
        key = event.channel, event.pitch
        if key in sounding:
            close(key, max(at, sounding[key] + 1) if isinstance(event, NoteOff) else at)
        if isinstance(event, NoteOn) and LOWEST <= event.pitch <= HIGHEST:
            sounding[key] = at
            struck.append((at, event.pitch))
        last = max(last, at)
    for key in list(sounding):
        close(key, sounding[key] + 1)
    count = max([last, *(at + 1 for at, _ in struck)])
    roll = np.zeros((count, 2, PITCHES), np.float32)  # held, struck
    for start, end, pitch in held:
        roll[start:end, 0, pitch - LOWEST] = 1
    for at, pitch in struck:
        roll[at, :, pitch - LOWEST] = 1
    return roll[: count // STEPS * STEPS].reshape(-1, VISIBLE)


def notes_of_roll(v: np.ndarray) -> list[tuple[int, int, int]]:
    """The notes of a roll (VISIBLE,): (step, steps, pitch). A note begins where a pitch is struck, or held that was not before."""
    roll = v.reshape(STEPS, 2, PITCHES) > 0
    notes = []
    for i in range(PITCHES):
        start: int | None = None
        for step in range(STEPS + 1):
            held, struck = roll[step, :, i] if step < STEPS else (False, False)
            sounds = held or struck
            if start is not None and (struck or not sounds):
                notes.append((start, step - start, LOWEST + i))
                start = None
            if sounds and start is None:
                start = step
    return sorted(notes)


def generate(rbm: Rbm, rng: np.random.Generator, count: int = 10) -> np.ndarray:
    """Rolls (count, visible) by one Gibbs step from nothing."""
    return rbm.gibbs(np.zeros((count, len(rbm.visible)), rbm.weights.dtype), rng)
