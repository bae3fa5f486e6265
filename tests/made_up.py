"""What tests are made of: a small network with random weights, a piece in the corpus's format."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from improv.core.line.generator import OWN_TRUST
from improv.core.line.lessons import Lesson, Note
from improv.models.card import card_head, shapes
from improv.train.example import example_piece

MEMBER = {"rhythm_units": 12, "line_units": 16, "pitch_hidden": 12, "touch_hidden": 8}
NETWORK = MEMBER | {"members": 2, "end_hidden": 5, "rhythm_key": 4, "line_key": 6}
TCN = NETWORK | {"kind": "tcn", "channels": 6, "layers": 3}
RECALL = {
    "rhythm_key": {"sharpness": 14.0, "bias": -6.0, "slope": 5.0},
    "line_key": {"sharpness": 11.0, "bias": -4.0, "slope": 5.0},
    "colour": {"span": 32.0, "strength": 0.3},
}


def random_weights(seed: int = 0, size: float = 0.4, network: dict[str, Any] = NETWORK) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: (size * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes(network).items()}


def small_card(network: dict[str, Any] = NETWORK) -> dict[str, Any]:
    """The card of the network with random weights."""
    return card_head("small", network) | {"recall": RECALL, "weights_sha256": "none"}


def record(**changed: Any) -> dict[str, Any]:
    """A piece of eight bars in the corpus's format: swung eighths up and down over two chords."""
    beats = [[0.5 * i, i // 4, i % 4 + 1, None] for i in range(33)]
    pitches = [60 + abs(i % 16 - 8) for i in range(64)]
    notes = [
        [i / 2, 0.4, p, 0.25 * i + (0.04 if i % 2 else 0), 0.2, i // 8, i // 2 % 4 + 1, i % 2 + 1, 2, i // 16]
        for i, p in enumerate(pitches)
    ]
    chords = [[0, "D-7"], [16, "G79b"]]
    whole = {"id": "made-up", "split": "train", "notes": notes, "beats": beats, "chords": chords, "bpm": 120.0, "feel": "SWING"}
    return whole | changed


def written(path: Path, *records: Any) -> Path:
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt") as out:
        for r in records:
            out.write((r if isinstance(r, str) else json.dumps(r)) + "\n")
    return path


def notes_of(count: int, seed: int = 1, ours: int = 9) -> list[Note]:
    """A made-up performance: every so many notes one of ours."""
    piece = example_piece(count, seed)
    lasts = [None, *(v.pitch for v in piece.values)]
    return [
        (value, last, at, OWN_TRUST if i % ours == ours - 1 else 1.0)
        for i, (value, last, at) in enumerate(zip(piece.values, lasts, piece.contexts, strict=False))
    ]


def in_lessons(notes: list[Note], length: int = 12) -> list[Lesson]:
    """Notes in lessons of one length."""
    return [tuple(notes[i : i + length]) for i in range(0, len(notes), length)]
