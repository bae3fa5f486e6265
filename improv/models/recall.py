"""What was heard so far in this performance, and what came after it: a cache beside the network.

When the state resembles an earlier one, what followed then is likely to follow again. Every note leaves a
key (what the networks' activations were before it) and an entry (which class came). The keys nearest to
the present one vote, and their vote is mixed with what the network says. A soloist develops what was
played minutes ago, and the answer takes up the call, which an LSTM alone does not remember.
Source: Grave, Joulin and Usunier 2017, Improving neural language models with a continuous cache; here with
projected keys, and a share that grows with the likeness of the nearest key.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from improv.core.vocabulary import INTERVALS, REACH

SPAN = 512  # notes that are remembered
LARGEST_SHARE = 0.95
DOUBT = 0.02  # of a chord degree that was never recalled
_ABOVE = np.arange(140) % 12  # pitch classes up the keyboard, from any root


class _Store:
    """Rows that only grow. Several pasts may share one; the longest of them owns its end."""

    def __init__(self, width: int, fields: int):
        self.keys = np.empty((2 * SPAN, width), np.float32)
        self.entries = np.empty((2 * SPAN, fields), np.intp)
        self.trusts = np.empty(2 * SPAN, np.float32)
        self.filled = 0


class Past(NamedTuple):
    """Keys (notes, width), entries (notes, fields) and trusts (notes,), the latest last. A value: `and_then`
    never changes it."""

    store: _Store
    notes: int

    @staticmethod
    def empty(width: int, fields: int = 1) -> Past:
        """A past in which nothing was heard."""
        return Past(_Store(width, fields), 0)

    def and_then(self, key: np.ndarray, entry: Sequence[int], trust: float = 1.0) -> Past:
        """This past with one more row: key (width,), entry a class number for each field, trust above 0, to 1."""
        store, notes = self
        if notes == 2 * SPAN or notes != store.filled:  # no room, or another past goes on from here
            kept = min(notes, SPAN)
            fresh = _Store(store.keys.shape[1], store.entries.shape[1])
            for name in ("keys", "entries", "trusts"):
                getattr(fresh, name)[:kept] = getattr(store, name)[notes - kept : notes]
            store, notes = fresh, kept
        store.keys[notes] = key
        store.entries[notes] = entry
        store.trusts[notes] = trust
        store.filled = notes + 1
        return Past(store, notes + 1)

    def latest(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The last SPAN rows: keys (rows, width), entries (rows, fields), trusts (rows,)."""
        store, notes = self
        rows = slice(notes - SPAN if notes > SPAN else 0, notes)
        return store.keys[rows], store.entries[rows], store.trusts[rows]


class PitchClassBias(NamedTuple):
    """How far the pitch classes that were heard lately colour what comes: the tonal centre, the tones that a
    soloist leans on, and those that are left out.

    span: notes after which a note counts a third (1/e). strength: exponent of the running share of each pitch class
    as a factor on its probability.
    """

    span: float
    strength: float

    @staticmethod
    def of(card: Mapping[str, Any]) -> PitchClassBias:
        """From the numbers in a card. Raises KeyError, TypeError or ValueError."""
        bias = PitchClassBias(float(card["span"]), float(card["strength"]))
        if not 1 <= bias.span <= 10_000 or not 0 <= bias.strength <= 2:
            raise ValueError(f"colour {bias}")
        return bias

    def heard(self, counts: np.ndarray, pitch: int, trust: float) -> np.ndarray:
        """The running counts (12,) after one more note."""
        after: np.ndarray = counts * math.exp(-1.0 / self.span)
        after[pitch % 12] += trust
        return after

    def bias(self, counts: np.ndarray) -> np.ndarray:
        """What is added to the logits of the pitch classes (12,)."""
        bias: np.ndarray = np.log(counts + 1.0)
        bias *= self.strength
        return bias


class Projection:
    """Activations to keys of length one: each part is scaled to length one, then all are projected.

    weight (inputs, width), mean (width,): a principal component analysis with its axes evened out.
    """

    def __init__(self, weight: np.ndarray, mean: np.ndarray):
        self.weight = np.ascontiguousarray(weight, np.float32)
        self.mean = np.ascontiguousarray(mean, np.float32)

    def __call__(self, *parts: np.ndarray) -> np.ndarray:
        """The key (width,) of these activations, in the order in which the projection was learned."""
        row = np.concatenate([part * (1.0 / (math.sqrt(part.dot(part)) + 1e-6)) for part in parts])
        key = row @ self.weight
        key -= self.mean
        key *= 1.0 / (math.sqrt(key.dot(key)) + 1e-6)
        return key


class Recall(NamedTuple):
    """How what is remembered votes.

    sharpness: of the softmax over cosines. bias, slope: the vote's share is sigmoid(bias + slope * cosine of
    the nearest key).
    """

    sharpness: float
    bias: float
    slope: float

    @staticmethod
    def of(card: Mapping[str, Any]) -> Recall:
        """From the numbers in a card. Raises KeyError, TypeError or ValueError."""
        recall = Recall(*(float(card[name]) for name in Recall._fields))
        if not all(math.isfinite(x) for x in recall) or recall.sharpness <= 0:
            raise ValueError(f"recall {recall}")
        return recall

    def vote(self, past: Past, key: np.ndarray, strength: float = 1.0, part: slice = slice(None)) -> Vote:
        """How the rows of the past vote; there must be one. strength scales their share. part: the keys' columns."""
        keys, entries, trusts = past.latest()
        weights = keys[:, part] @ key
        nearest = float(weights.max())
        weights -= nearest
        weights *= self.sharpness
        np.exp(weights, out=weights)
        everyone = float(weights.sum())
        weights *= trusts
        trusted = float(weights.sum())
        weights *= 1.0 / trusted
        share = strength * trusted / everyone / one_plus_exp(-(self.bias + self.slope * nearest))
        return Vote(min(share, LARGEST_SHARE), weights, entries)


class Vote(NamedTuple):
    """share: of the mixture, 0 to LARGEST_SHARE. weights (rows,), which add up to one; entries (rows, fields)."""

    share: float
    weights: np.ndarray
    entries: np.ndarray

    def of(self, field: int, classes: int) -> np.ndarray:
        """The votes for each class of a field, (classes,); they add up to one."""
        return np.bincount(self.entries[:, field], self.weights, classes)


class Votes(NamedTuple):
    """share: of the mixture. votes: for each class, (classes,); they add up to one."""

    share: float
    votes: np.ndarray


def one_plus_exp(x: float) -> float:
    """1 + e^x, the denominator of a sigmoid. Finite for every finite x: beyond 700 it stays what it is at 700."""
    return 1.0 + math.exp(min(x, 700.0))


def mixed(logits: np.ndarray, share: float, votes: np.ndarray) -> np.ndarray:
    """Log of (1 - share) softmax(logits) + share votes, float32."""
    weights = np.exp(logits - float(logits.max()))
    weights *= (1.0 - share) / float(weights.sum())
    votes = votes * share
    votes += weights
    votes += 1e-9
    foretold: np.ndarray = np.log(votes, dtype=np.float32, casting="same_kind")
    return foretold


def pitch_votes(intervals: np.ndarray, degrees: np.ndarray, last: int, root: int | None) -> np.ndarray:
    """Votes for intervals (INTERVALS,) and chord degrees (13,) as votes for pitches (128,), which add up to one.

    An interval that led to a chord tone before leads elsewhere over another chord: so the degrees weigh the intervals.
    """
    around = np.zeros(128 + 2 * REACH)
    around[last : last + INTERVALS] = intervals
    votes = around[REACH : REACH + 128]
    if root is not None:
        votes *= np.sqrt(degrees[:12] + DOUBT).take(_ABOVE[12 - root : 140 - root])
    return votes / max(float(votes.sum()), 1e-9)
