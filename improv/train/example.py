"""A made-up solo, the same everywhere: what a model's test vector is computed on."""

from __future__ import annotations

import numpy as np

from improv.core.harmony import KINDS, Changes, Chord
from improv.core.line.sampler import probabilities
from improv.core.note_model import NoteModel
from improv.core.vocabulary import FEELS, GRID, Context, Value, Vocabulary
from improv.train.piece import Piece

NOTES = 500


def example_piece(notes: int = NOTES, seed: int = 2026) -> Piece:
    """A random walk of so many notes over random changes, with every field in use."""
    rng, vocabulary = np.random.default_rng(seed), Vocabulary()
    kinds = [k for k in KINDS if k != "none"]
    chords = [Chord(int(rng.integers(12)), kinds[int(rng.integers(len(kinds)))]) for _ in range(31)]
    changes = Changes([2.0 * i for i in range(31)], chords, 62.0)
    feel = FEELS[int(rng.integers(len(FEELS)))]
    position, pitch = 0, 60
    onsets, values, contexts = [], [], []
    for i in range(notes):
        ioi = int(rng.integers(1, 49)) if rng.random() < 0.3 else 6
        position += ioi if i else 0
        pitch = int(np.clip(pitch + rng.integers(-7, 8), 30, 100))
        onsets.append(position)
        length, lag = int(rng.integers(len(vocabulary.durations))), int(rng.integers(len(vocabulary.lags)))
        values.append(Value(ioi if i else 0, pitch, length, lag))
        harmony = changes.harmony(position / GRID)
        contexts.append(Context(harmony, position % 48, position // 48 % 8, 150.0, feel))
    return Piece.of("example", "test", onsets, values, contexts)


def said_of(model: NoteModel, piece: Piece) -> dict[str, np.ndarray]:
    """What the networks say of a piece, state carried from note to note, nothing recalled: row t is of note t + 1.

    Probabilities ioi (T - 1, 49), pitch (T - 1, 128), duration (T - 1, 21), lag (T - 1, 13), end (T - 1,).
    """
    rows: dict[str, list[np.ndarray | float]] = {name: [] for name in ("ioi", "pitch", "duration", "lag", "end")}
    state, last = model.start(), None
    for i, (value, at) in enumerate(zip(piece.values[:-1], piece.contexts, strict=False)):
        state = model.step(state, value, last, at)
        said, last = model.read(state, recall=0.0), value.pitch
        coming, there = piece.values[i + 1], piece.contexts[i + 1]
        rows["ioi"].append(probabilities(said.ioi))
        rows["pitch"].append(probabilities(model.pitch(said, last, coming.ioi, there, recall=0.0)))
        for name, logits in zip(("duration", "lag"), model.articulation(said, coming.pitch, last, coming.ioi, there), strict=True):
            rows[name].append(probabilities(logits))
        rows["end"].append(said.end)
    return {name: np.array(row) for name, row in rows.items()}


def largest_difference(model: NoteModel, vector: dict[str, np.ndarray]) -> float:
    """The largest difference of any probability between the streaming step and a stored test vector."""
    said = said_of(model, example_piece(len(vector["end"]) + 1))
    return max(float(np.abs(said[name] - vector[name]).max()) for name in said)
