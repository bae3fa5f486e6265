"""The second judge: a small network that reads the notes of a window, and no list of numbers.

Dilated convolutions hear figures, and attention compares each place with all others, so that it may notice what comes back; what
all places say is summed up as mean and maximum. A GRU on top told no more and took longer. What a note is to it are classes:
interval, time since the last onset, place in the bar, length, degree over the chord, register, lag. There are no absolute
pitches among them, so that it learns no key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from improv.core.vocabulary import GRID, Vocabulary
from improv.train.evaluation.tells import Window
from improv.train.quiet import keras, layers, ops

# Classes of each column; 0 is where no note is.
CLASSES = {"interval": 26, "time": 50, "place": 97, "length": 22, "degree": 14, "register": 12, "lag": 14}
NOTES_A_BAR = 12  # that are read, on average over the window; of more, the first
WIDTH, EPOCHS, BATCH = 24, 12, 32
_LENGTHS = np.array(Vocabulary().durations)


def columns(window: Window, microtiming: bool) -> np.ndarray:
    """(notes, columns) classes from 1."""
    steps, times = np.clip(window.steps, -12, 12) + 13, np.minimum(window.times, 48) + 1
    degrees = [12 if c.root is None else (p - c.root) % 12 for p, c in zip(window.pitches.tolist(), window.chords, strict=True)]
    lengths = np.abs(window.lengths[:, None] - _LENGTHS).argmin(1)
    lags = window.lags if microtiming else np.zeros_like(window.lags)
    place = window.onsets % window.bar % (8 * GRID)
    found = [
        np.append(13, steps),
        np.append(1, times),
        place + 1,
        lengths + 1,
        np.array(degrees) + 1,
        window.pitches // 6 % 11 + 1,
        lags + 1,
    ]
    return np.stack(found, axis=1)


def note_judge(
    learned: Sequence[Window], real: np.ndarray, weights: np.ndarray, asked: Sequence[Window], microtiming: bool = True, seed: int = 0
) -> np.ndarray:
    """Learn from windows; then say of others how real they are, (asked,)."""
    keras.utils.set_random_seed(seed)
    longest = NOTES_A_BAR * learned[0].size
    network = _network(longest)
    network.compile(keras.optimizers.Adam(2e-3, clipnorm=1.0), "binary_crossentropy")
    rows = _padded(learned, longest, microtiming)
    network.fit(rows, real.astype(np.float32), BATCH, EPOCHS, verbose=0, sample_weight=weights.astype(np.float32))
    said: np.ndarray = network.predict(_padded(asked, longest, microtiming), BATCH, verbose=0)[:, 0]
    keras.backend.clear_session()
    return said


def _padded(windows: Sequence[Window], longest: int, microtiming: bool) -> np.ndarray:
    rows = np.zeros((len(windows), longest, len(CLASSES)), np.int32)
    for row, window in zip(rows, windows, strict=True):
        told = columns(window, microtiming)[:longest]
        row[: len(told)] = told
    return rows


def _network(longest: int) -> Any:
    """(windows, longest, columns) classes to P(real), (windows, 1)."""
    notes = keras.Input((longest, len(CLASSES)), dtype="int32")
    there = ops.cast(notes[:, :, :1] > 0, "float32")  # (windows, longest, 1)
    seen = sum(layers.Embedding(size, WIDTH)(notes[:, :, k]) for k, size in enumerate(CLASSES.values()))
    seen = layers.Dropout(0.2)(seen) * there
    for apart in (1, 2, 4, 8):
        seen = layers.Conv1D(WIDTH, 3, padding="same", dilation_rate=apart, activation="relu")(seen) * there + seen
    both = ops.matmul(there, ops.transpose(there, (0, 2, 1))) > 0  # (windows, longest, longest)
    seen = seen + layers.MultiHeadAttention(2, 12, dropout=0.1)(seen, seen, attention_mask=both) * there
    seen = layers.Dense(2 * WIDTH, activation="relu")(seen) * there
    mean = ops.sum(seen, axis=1) / ops.sum(there, axis=1)
    most = ops.max(seen, axis=1)
    said = layers.Dropout(0.4)(ops.concatenate([mean, most], axis=-1))
    return keras.Model(notes, layers.Dense(1, "sigmoid")(said))
