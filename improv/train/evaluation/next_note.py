"""How well a model foretells real solos: the next-note protocol, from the step that plays.

For every note: P(inter-onset interval | all earlier notes, chords), then P(pitch | these and the note's
onset), then P(this note ends its phrase | notes up to it). Nats a note; the first note of a piece is not scored.
Needs numpy alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from improv.core.line.perhaps import foretold_pitch, over_the_likeliest
from improv.core.line.sampler import probabilities
from improv.core.note_model import NoteModel
from improv.train.piece import Piece


def foretell(model: NoteModel, pieces: Sequence[Piece]) -> dict[str, np.ndarray]:
    """Distributions for all notes of all pieces, in order: pitch (N, 128), ioi (N, 49), phrase (N,), float32."""
    count = sum(len(p) for p in pieces)
    pitch = np.full((count, 128), 1 / 128, np.float32)
    ioi = np.full((count, 49), 1 / 49, np.float32)
    phrase = np.zeros(count, np.float32)
    row = 0
    for piece in pieces:
        state, said, last = model.start(), model.read(model.start()), None
        for value, at in zip(piece.values, piece.contexts, strict=True):
            if last is not None:
                ioi[row] = probabilities(said.ioi)
                pitch[row] = probabilities(foretold_pitch(model, said, last, value.ioi, at))
            state = model.step(state, value, last, over_the_likeliest(at))
            said = model.read(state)
            phrase[row] = said.end
            last = value.pitch
            row += 1
    return {"pitch": pitch, "ioi": ioi, "phrase": phrase}


def score(pieces: Sequence[Piece], foretold: dict[str, np.ndarray]) -> dict[str, float]:
    """Figures of foretold distributions: nats a note, perplexities, accuracy, phrase-end average precision."""
    pitch_nats, ioi_nats, hits, ends, said = [], [], [], [], []
    row = 0
    for piece in pieces:
        rows = np.arange(row + 1, row + len(piece))
        row += len(piece)
        pitches = np.array([v.pitch for v in piece.values[1:]])
        iois = np.array([v.ioi for v in piece.values[1:]])
        pitch_nats.append(-np.log(np.maximum(foretold["pitch"][rows, pitches].astype(float), 1e-12)))
        ioi_nats.append(-np.log(np.maximum(foretold["ioi"][rows, iois].astype(float), 1e-12)))
        hits.append(foretold["pitch"][rows].argmax(1) == pitches)
        if piece.ends is not None:
            ends.append(np.array(piece.ends[:-1]))
            said.append(foretold["phrase"][rows - 1])
    pitch, ioi = float(np.concatenate(pitch_nats).mean()), float(np.concatenate(ioi_nats).mean())
    figures = {
        "notes": float(sum(map(len, hits))),
        "pitch_nats": pitch,
        "pitch_perplexity": math.exp(pitch),
        "pitch_accuracy": float(np.concatenate(hits).mean()),
        "ioi_nats": ioi,
        "ioi_perplexity": math.exp(ioi),
        "joint_nats": pitch + ioi,
    }
    if ends:
        truth = np.concatenate(ends)
        figures["phrase_end_rate"] = float(truth.mean())
        figures["phrase_end_average_precision"] = average_precision(truth, np.concatenate(said))
    return figures


def average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean precision at each true case, in order of falling score."""
    found = truth[np.argsort(-scores, kind="stable")]
    if not found.any():
        return 0.0
    return float((np.cumsum(found) / np.arange(1, len(found) + 1))[found].mean())
