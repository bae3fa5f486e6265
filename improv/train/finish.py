"""What is fitted on top of the trained networks, which stay as they are: how they recall, and the phrase ends.

All of it reads the states that the streaming step goes through, so it is fitted to what will be played.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import keras
import numpy as np

from improv.core.line.sampler import probabilities
from improv.core.vocabulary import INTERVALS, Vocabulary, degree_class, interval_class
from improv.models.card import card_head, shapes
from improv.models.model import Model
from improv.models.recall import SPAN, PitchClassBias, Recall, pitch_votes
from improv.train.evaluation.next_note import average_precision, foretell
from improv.train.network.keras_network import NetworkConfig
from improv.train.piece import Piece

MOST_NOTES = 200_000  # of the training set that are listened to
KEY_ROWS = 40_000  # rows of the training set that the axes of the keys are found on
WIDTHS = {"rhythm_key": 48, "line_key": 96}
END_HIDDEN = 48
STEPS = 200
REST = 12  # 1/12 beat: where no phrases are annotated, a rest of a beat ends one
# What large corpora led to (`jazz`, `pocket`): a fit to few notes stays near it.
USUAL_RECALL = Recall(14.0, -6.0, 6.0)
PRIOR_WIDTH = 3.0  # standard deviation of bias and slope around what is usual
PRIOR_SHARPNESS = 0.5  # the same of the logarithm of the sharpness


@dataclass(frozen=True)
class States:
    """What a model goes through on one piece of N notes; row t is between notes t and t + 1, N - 1 rows.

    a (rows, units), hidden (rows, members * pitch_hidden): activations. ioi, pitch (rows,): of note t + 1; last
    (rows,): pitch t; root (rows,): of the chord at note t + 1, or 12. said_ioi, said_pitch (rows,): the probability
    that the networks gave it. end (rows,): note t ends its phrase.
    """

    a: np.ndarray
    hidden: np.ndarray
    ioi: np.ndarray
    pitch: np.ndarray
    last: np.ndarray
    root: np.ndarray
    said_ioi: np.ndarray
    said_pitch: np.ndarray
    end: np.ndarray


def states_of(model: Model, piece: Piece) -> States:
    """The streaming step over a piece, without recall."""
    rows: list[tuple[Any, ...]] = []
    state, last = model.start(), None
    for value, at in zip(piece.values, piece.contexts, strict=True):
        if last is not None:
            said = model.read(state, recall=0.0)
            foretold = probabilities(model.pitch(said, last, value.ioi, at, recall=0.0))
            hidden = model.met(state, last, value.ioi, at).hidden
            chord = at.harmony.chord
            known = (value.ioi, value.pitch, last, 12 if chord.root is None else chord.root)
            rows.append((state.a, hidden, *known, probabilities(said.ioi)[value.ioi], foretold[value.pitch]))
        state = model.step(state, value, last, at)
        last = value.pitch
    a, hidden, ioi, pitch, before, root, said_ioi, said_pitch = (np.array(column) for column in zip(*rows, strict=True))
    return States(a.astype(np.float16), hidden.astype(np.float16), ioi, pitch, before, root, said_ioi, said_pitch, _ends(piece))


def _ends(piece: Piece) -> np.ndarray:
    """Whether each note but the last ends its phrase: as annotated, or by the rests."""
    if piece.ends is not None:
        return np.array(piece.ends[:-1], np.float32)
    durations = Vocabulary().durations
    rests = [b.ioi - durations[a.duration] for a, b in zip(piece.values, piece.values[1:], strict=False)]
    return np.array([rest >= REST for rest in rests], np.float32)


@dataclass(frozen=True)
class Finished:
    """What was fitted on top: all sizes of the model, the numbers of `Recall` for each key, weights by name.

    failed: what could not be fitted, a sentence each; the model does without it.
    """

    sizes: dict[str, Any]
    recall: dict[str, dict[str, float]]
    weights: dict[str, np.ndarray]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Begun:
    """What was fitted on top of the model that training began from: the numbers and weights of its folder."""

    recall: Mapping[str, Mapping[str, float]]
    weights: Mapping[str, np.ndarray]


def unfinished(network: NetworkConfig, members: int = 1) -> Finished:
    """Networks as they come from training: nothing is recalled, and every phrase end is as likely as not."""
    sizes = asdict(network) | {"members": members, "end_hidden": 1, "rhythm_key": 0, "line_key": 0}
    return Finished(sizes, {}, {k: np.zeros(shape, np.float32) for k, shape in shapes(sizes).items() if k.startswith("end")})


def finish(
    members: Mapping[str, np.ndarray],
    network: NetworkConfig,
    train: Sequence[Piece],
    valid: Sequence[Piece],
    seed: int,
    begun: Begun | None = None,
) -> Finished:
    """Fit recall and phrase ends to trained networks.

    members: their weights, as `export.members_of` names them; network: the sizes of each. begun: of a model that is
    fine-tuned; its keys are kept, the rest is fitted from where it was. What can't be fitted is left out, or stays as
    it was begun, and stands in `failed`: the networks are never lost to what comes on top of them.
    """
    count = 1 + max(int(name.partition(".")[0]) for name in members)
    bare = unfinished(network, count)
    model, sizes = Model(card_head("unfinished", bare.sizes), {**members, **bare.weights}), bare.sizes
    heard, checked = [states_of(model, p) for p in _some(train, seed)], [states_of(model, p) for p in valid]
    weights: dict[str, np.ndarray] = {}
    recall: dict[str, dict[str, float]] = {}
    failed: list[str] = []
    rhythms = count * network.rhythm_units
    for key, width in WIDTHS.items():
        rhythm = key == "rhythm_key"
        of = _rhythm_parts if rhythm else _line_parts
        try:
            kernel, mean = _begun_axes(begun, key) or _axes([of(s, rhythms) for s in heard], width, seed)
            keyed = [_unit(np.hstack(of(s, rhythms)) @ kernel - mean) for s in checked]
            votes = [partial(_rhythm_votes if rhythm else _line_votes, s) for s in checked]
            said = np.concatenate([s.said_ioi if rhythm else s.said_pitch for s in checked])
            found = fit_recall(keyed, votes, said, _begun_recall(begun, key))._asdict()
        except Exception as e:
            failed.append(f"recall of {'rhythm' if rhythm else 'pitch'} could not be fitted ({_what(e)}): the model plays without it")
            continue
        recall[key] = {name: round(float(x), 4) for name, x in found.items()}
        weights |= {f"{key}.kernel": kernel, f"{key}.mean": mean}
        sizes[key] = kernel.shape[1]
    ends = {name: w for name, w in (begun.weights if begun else {}).items() if name.startswith("end")}
    try:
        ends = fit_ends(heard, checked, seed, begun=ends)
    except Exception as e:
        failed.append(f"phrase ends could not be fitted ({_what(e)}): {'they are as they were' if ends else 'each is as likely as not'}")
        ends = ends or bare.weights
    weights |= ends
    sizes["end_hidden"] = len(ends["end.kernel"])
    try:
        recall["colour"] = fit_pitch_class_bias(
            Model(card_head("plain", sizes) | {"recall": recall}, {**members, **weights}), valid
        )._asdict()
    except Exception as e:
        failed.append(f"the pitch-class bias could not be fitted ({_what(e)}): the model plays without it")
    return Finished(sizes, recall, weights, tuple(failed))


def _what(e: Exception) -> str:
    return f"{type(e).__name__}: {e}"


def _begun_axes(begun: Begun | None, key: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The keys of the model that training began from, kernel and mean; None where it has none."""
    if begun is None or f"{key}.kernel" not in begun.weights:
        return None
    return begun.weights[f"{key}.kernel"], begun.weights[f"{key}.mean"]


def _begun_recall(begun: Begun | None, key: str) -> Recall:
    return Recall.of(begun.recall[key]) if begun and key in begun.recall else USUAL_RECALL


def _some(pieces: Sequence[Piece], seed: int) -> list[Piece]:
    """Pieces of MOST_NOTES at the most, drawn."""
    kept: list[Piece] = []
    notes = 0
    for k in np.random.default_rng(seed).permutation(len(pieces)):
        if not kept or notes + len(pieces[k].values) <= MOST_NOTES:
            kept.append(pieces[k])
            notes += len(pieces[k].values)
    return kept


# Keys


def _rhythm_parts(states: States, rhythms: int) -> list[np.ndarray]:
    return [_unit(states.a[:, :rhythms])]


def _line_parts(states: States, rhythms: int) -> list[np.ndarray]:
    return [_unit(states.a[:, rhythms:]), _unit(states.hidden)]


def _unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float32)
    unit: np.ndarray = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)
    return unit


def _axes(parts: Sequence[list[np.ndarray]], width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Principal axes of the keys' parts: kernel (inputs, width), mean (width,).

    Each axis is divided by the square root of its spread, half-way to whitening, so that the few axes with
    most of the spread do not decide alone. The pitch head's layer, the last part, counts twice.
    """
    scale = np.concatenate([np.full(p.shape[1], 2**0.5 if i else 1.0) for i, p in enumerate(parts[0])]).astype(np.float32)
    total = sum(len(p[0]) for p in parts)
    rng = np.random.default_rng(seed)
    sample = np.vstack([np.hstack(p)[rng.random(len(p[0])) < KEY_ROWS / total] for p in parts]) * scale
    if len(sample) < 2:
        raise ValueError("the training set has too few notes")
    spread, axes = np.linalg.eigh(np.cov(sample.T))
    width = min(width, len(spread))
    kernel = (scale[:, None] * axes[:, ::-1][:, :width] / np.maximum(spread[::-1][:width], 1e-9) ** 0.25).astype(np.float32)
    return kernel, (sample / scale).mean(0) @ kernel


def fit_recall(
    keys: Sequence[np.ndarray],
    votes: Sequence[Callable[[np.ndarray], np.ndarray]],
    said: np.ndarray,
    usual: Recall = USUAL_RECALL,
) -> Recall:
    """The sharpness, bias and slope with which what is recalled foretells best.

    keys: of each piece (rows, width), of length one. votes: for each piece, from each row's weights of the others
    (rows, rows) to the share of the votes that its own entry gets (rows,). said: what the networks gave each entry.
    usual: where the fit stays without evidence, by a normal prior (maximum a posteriori). Without a prior, notes that
    the vote tells apart without fail would send bias and slope to infinity.
    """
    best = (np.inf, usual)
    for sharpness in (8.0, 11.0, 14.0, 18.0, 24.0, 32.0):
        weighed = [_weights(k, sharpness) for k in keys]
        own = np.concatenate([of(w) for of, (w, _) in zip(votes, weighed, strict=True)])
        nearest = np.concatenate([n for _, n in weighed])
        sharp = np.log(sharpness / usual.sharpness) / PRIOR_SHARPNESS

        def cost(point: np.ndarray, own: np.ndarray = own, nearest: np.ndarray = nearest, sharp: float = sharp) -> float:
            share = np.where(nearest < -1, 0.0, 1 / (1 + np.exp(-(point[0] + point[1] * nearest))))
            nats = float(-np.log((1 - share) * said + share * own + 1e-9).sum())
            off = (point - usual[1:]) / PRIOR_WIDTH
            return (nats + 0.5 * float(off @ off + sharp**2)) / max(len(said), 1)

        point = _descend(cost, np.array(usual[1:]))
        best = min(best, (cost(point), Recall(sharpness, *point.tolist())))
    return best[1]


def _weights(keys: np.ndarray, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """For each row, the weights (rows, rows) of the SPAN rows before it, and the nearest cosine; -2 where none is."""
    rows = np.arange(len(keys))
    before = (rows[:, None] > rows) & (rows[:, None] - rows <= SPAN)
    cosines = np.where(before, keys @ keys.T, -2.0)
    nearest = cosines.max(1)
    weights = np.exp(sharpness * (cosines - nearest[:, None])) * before
    return weights / np.maximum(weights.sum(1, keepdims=True), 1e-9), nearest


def _rhythm_votes(states: States, weights: np.ndarray) -> np.ndarray:
    votes: np.ndarray = (weights * (states.ioi[:, None] == states.ioi)).sum(1)
    return votes


def _line_votes(states: States, weights: np.ndarray) -> np.ndarray:
    steps = list(zip(states.pitch.tolist(), states.last.tolist(), states.root.tolist(), strict=True))
    intervals = np.eye(INTERVALS)[[interval_class(last, pitch) for pitch, last, _ in steps]]
    degrees = np.eye(13)[[degree_class(pitch, None if root == 12 else root) for pitch, _, root in steps]]
    voted = zip(steps, weights @ intervals, weights @ degrees, strict=True)
    return np.array([pitch_votes(i, d, last, None if root == 12 else root)[pitch] for (pitch, last, root), i, d in voted])


def _descend(loss: Callable[[np.ndarray], float], point: np.ndarray) -> np.ndarray:
    """A local minimum by steps along the axes that halve when none gets lower (pattern search, Hooke and Jeeves 1961)."""
    lowest, size = loss(point), 2.0
    while size > 0.02:
        trials = [point + size * np.array(step) for step in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1))]
        losses = [loss(t) for t in trials]
        k = int(np.argmin(losses))
        if losses[k] < lowest:
            point, lowest = trials[k], losses[k]
        else:
            size /= 2
    return point


def fit_pitch_class_bias(model: Model, pieces: Sequence[Piece]) -> PitchClassBias:
    """The span and strength with which the pitch classes heard lately foretell best what the model foretells without them."""
    foretold = foretell(model, pieces)["pitch"].astype(np.float64)
    starts = np.cumsum([0, *(len(p.values) for p in pieces)])
    pitches = np.concatenate([[v.pitch for v in p.values] for p in pieces])
    scored = np.ones(len(pitches), bool)
    scored[starts[:-1]] = False
    best = (np.inf, PitchClassBias(64.0, 0.0))
    for span in (16.0, 32.0, 64.0, 128.0):
        counts = np.concatenate([_counts(pitches[a:b], span) for a, b in itertools.pairwise(starts)])
        for strength in np.arange(0.0, 0.75, 0.1):
            weights = foretold * ((counts + 1.0) ** strength)[:, np.arange(128) % 12]
            said = weights[np.arange(len(pitches)), pitches] / weights.sum(1)
            best = min(best, (float(-np.log(said[scored]).mean()), PitchClassBias(span, round(float(strength), 2))))
    return best[1]


def _counts(pitches: np.ndarray, span: float) -> np.ndarray:
    """The running counts before each note, (notes, 12)."""
    rows, colour = [np.zeros(12)], PitchClassBias(span, 0.0)
    for pitch in pitches[:-1]:
        rows.append(colour.heard(rows[-1], int(pitch), 1.0))
    return np.array(rows)


# Phrase ends


def fit_ends(
    heard: Sequence[States], checked: Sequence[States], seed: int, rounds: int = 16, begun: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """A small network from all activations to whether the phrase is over; of its rounds the best on `checked`.

    A round is an epoch; of a small corpus, so many that it has STEPS steps. begun: the weights to go on from, by name
    (those of a model that is fine-tuned); they stay if no round is better.
    """
    keras.utils.set_random_seed(seed)
    x, y = (np.concatenate([getattr(s, name) for s in heard]) for name in ("a", "end"))
    x_check, y_check = (np.concatenate([getattr(s, name) for s in checked]) for name in ("a", "end"))
    inputs = keras.Input((x.shape[1],))
    width = len(begun["end.kernel"]) if begun else END_HIDDEN
    hidden = keras.layers.Dense(width, activation="relu", name="end_hidden")(keras.layers.Dropout(0.2)(inputs))
    network = keras.Model(inputs, keras.layers.Dense(1, name="end")(keras.layers.Dropout(0.5)(hidden)))
    network.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.02), keras.losses.BinaryCrossentropy(from_logits=True))
    names = ("end_hidden.kernel", "end_hidden.bias", "end.kernel", "end.bias")

    def precision() -> float:
        return average_precision(y_check > 0, network.predict(x_check, batch_size=4096, verbose=0)[:, 0])

    best: tuple[float, list[np.ndarray]] = (-1.0, network.get_weights())
    if begun:
        network.set_weights([begun[name] for name in names])
        best = (precision(), network.get_weights())
    batch = min(512, max(32, len(y) // 64))
    repeats = min(6, max(1, STEPS * batch // len(y)))
    for _ in range(rounds):
        network.fit(x, y, batch_size=batch, epochs=repeats, verbose=0)
        if (score := precision()) > best[0]:
            best = (score, network.get_weights())
    return dict(zip(names, best[1], strict=True))
