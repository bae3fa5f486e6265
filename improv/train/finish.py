"""What is fitted on top of the trained networks, which stay as they are: how they recall, and the phrase ends.

All of it reads the states that the streaming step goes through, so it is fitted to what will be played.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from improv.models.card import card_head, shapes
from improv.models.model import Model
from improv.models.recall import PitchClassBias, Recall
from improv.train.evaluation.next_note import foretell
from improv.train.network.keras_network import NetworkConfig
from improv.train.phrase_ends import fit_ends
from improv.train.piece import Piece, some
from improv.train.recalling import (
    fit_again,
    fit_recall,
    line_parts,
    line_votes,
    principal_axes,
    rhythm_parts,
    rhythm_votes,
    unit,
)
from improv.train.states import States, states_of

MOST_NOTES = 200_000  # of the training set that are listened to, and of the validation set
LISTENING = 0.6  # of the time goes into what the networks say of the pieces
CLEAR = 10.0  # nats that another pitch-class bias must save than the one that there was
LEAST = 1e-12  # of a share: a note that was held impossible
WIDTHS = {"rhythm_key": 48, "line_key": 96}


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
    each: Callable[[float], None] = lambda share: None,
) -> Finished:
    """Fit recall and phrase ends to trained networks.

    members: their weights, as `export.members_of` names them; network: the sizes of each. begun: of a model that is
    fine-tuned; its keys are kept, the rest is fitted from where it was. What can't be fitted is left out, or stays as
    it was begun, and stands in `failed`: the networks are never lost to what comes on top of them. each: told how much
    of it is done, 0 to 1.
    """
    count = 1 + max(int(name.partition(".")[0]) for name in members)
    bare = unfinished(network, count)
    model, sizes = Model(card_head("unfinished", bare.sizes), {**members, **bare.weights}), bare.sizes
    pieces, valid = some(train, MOST_NOTES, seed), valid if sum(map(len, valid)) <= MOST_NOTES else some(valid, MOST_NOTES, seed)
    states = _listened(model, [*pieces, *valid], each)
    heard, checked = states[: len(pieces)], states[len(pieces) :]
    weights: dict[str, np.ndarray] = {}
    recall: dict[str, dict[str, float]] = {}
    failed: list[str] = []
    rhythms = count * network.rhythm_units
    for key, width in WIDTHS.items():
        each(LISTENING + 0.1 * len(recall))
        rhythm = key == "rhythm_key"
        of = rhythm_parts if rhythm else line_parts
        try:
            kernel, mean = _begun_axes(begun, key) or principal_axes([of(s, rhythms) for s in heard], width, seed)
            keyed = [unit(np.hstack(of(s, rhythms)) @ kernel - mean) for s in checked]
            votes = [partial(rhythm_votes if rhythm else line_votes, s) for s in checked]
            said = np.concatenate([s.said_ioi if rhythm else s.said_pitch for s in checked])
            before = Recall.of(begun.recall[key]) if begun and key in begun.recall else None
            found = (fit_again(keyed, votes, said, before) if before else fit_recall(keyed, votes, said))._asdict()
        except Exception as e:
            failed.append(f"recall of {'rhythm' if rhythm else 'pitch'} could not be fitted ({_what(e)}): the model plays without it")
            continue
        recall[key] = {name: round(float(x), 4) for name, x in found.items()}
        weights |= {f"{key}.kernel": kernel, f"{key}.mean": mean}
        sizes[key] = kernel.shape[1]
    each(LISTENING + 0.2)
    ends = {name: w for name, w in (begun.weights if begun else {}).items() if name.startswith("end")}
    try:
        ends = fit_ends(heard, checked, seed, begun=ends)
    except Exception as e:
        failed.append(f"phrase ends could not be fitted ({_what(e)}): {'they are as they were' if ends else 'each is as likely as not'}")
        ends = ends or bare.weights
    weights |= ends
    each(LISTENING + 0.3)
    sizes["end_hidden"] = len(ends["end.kernel"])
    try:
        recall["colour"] = fit_pitch_class_bias(
            Model(card_head("plain", sizes) | {"recall": recall}, {**members, **weights}), valid, _begun_bias(begun)
        )._asdict()
    except Exception as e:
        failed.append(f"the pitch-class bias could not be fitted ({_what(e)}): the model plays without it")
    return Finished(sizes, recall, weights, tuple(failed))


def _listened(model: Model, pieces: Sequence[Piece], each: Callable[[float], None]) -> list[States]:
    """What the networks say of each piece. each: as in `finish`."""
    of_all, done = sum(len(p) for p in pieces), 0
    states: list[States] = []
    for piece in pieces:
        each(LISTENING * done / of_all)
        states.append(states_of(model, piece))
        done += len(piece)
    return states


def _what(e: Exception) -> str:
    return f"{type(e).__name__}: {e}"


def _begun_axes(begun: Begun | None, key: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The keys of the model that training began from, kernel and mean; None where it has none."""
    if begun is None or f"{key}.kernel" not in begun.weights:
        return None
    return begun.weights[f"{key}.kernel"], begun.weights[f"{key}.mean"]


def _begun_bias(begun: Begun | None) -> PitchClassBias | None:
    return PitchClassBias.of(begun.recall["colour"]) if begun and "colour" in begun.recall else None


def fit_pitch_class_bias(model: Model, pieces: Sequence[Piece], begun: PitchClassBias | None = None) -> PitchClassBias:
    """The span and strength with which the pitch classes heard lately foretell best what the model foretells without them.

    begun: of a model that is fine-tuned; it stays unless another saves CLEAR nats in all, so that few notes don't move it.
    """
    foretold = foretell(model, pieces)["pitch"].astype(np.float64)
    starts = np.cumsum([0, *(len(p) for p in pieces)])
    pitches = np.concatenate([[v.pitch for v in p.values] for p in pieces])
    scored = np.ones(len(pitches), bool)
    scored[starts[:-1]] = False
    best = (np.inf, PitchClassBias(64.0, 0.0))
    for span in (16.0, 32.0, 64.0, 128.0):
        counts = np.concatenate([_counts(pitches[a:b], span) for a, b in itertools.pairwise(starts)])
        for strength in np.arange(0.0, 0.75, 0.1):
            weights = foretold * ((counts + 1.0) ** strength)[:, np.arange(128) % 12]
            said = weights[np.arange(len(pitches)), pitches] / weights.sum(1)
            found = PitchClassBias(span, round(float(strength), 2))
            nats = float(-np.log(np.maximum(said[scored], LEAST)).sum())
            best = min(best, (nats + (CLEAR if begun and found != begun else 0.0), found))
    return best[1]


def _counts(pitches: np.ndarray, span: float) -> np.ndarray:
    """The running counts before each note, (notes, 12)."""
    rows, colour = [np.zeros(12)], PitchClassBias(span, 0.0)
    for pitch in pitches[:-1]:
        rows.append(colour.heard(rows[-1], int(pitch), 1.0))
    return np.array(rows)
