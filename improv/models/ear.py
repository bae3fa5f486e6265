"""The learned ear: a small recurrent network that hears the chord, the key and what comes, once for every possible root.

The same weights read a frame twelve times, each time seen from another pitch class, as if that was C; so what they know of one
key they know of all. What they say is normalised over all roots together:

    e = relu(frame W + b)        h' = GRU(h, e)        logits = [e, h'] V + c          for each root
    GRU as Keras has it (reset_after): K. Cho et al., Learning phrase representations using RNN encoder-decoder, 2014

Arrays are (12 roots, ...). With all of a piece, a second GRU reads it backwards, and the logits are of both (M. Schuster,
K. Paliwal, Bidirectional recurrent neural networks, 1997).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from improv.core.harmony.coming import NextChord, unpacked
from improv.core.harmony.ear import QUALITIES, Hearing
from improv.core.harmony.frames import CHANNELS, WHOLE, Frame
from improv.models.card import ModelError, check_weights

KIND, FORMAT = "ear", 1
INPUTS = 12 * CHANNELS + WHOLE
MOST_UNITS = 512
_ROUND = (np.arange(12)[:, None] + np.arange(12)) % 12  # pitch classes, seen from each root


def ear_shapes(card: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights that a card promises. Raises ModelError."""
    if card.get("format") != FORMAT:
        raise ModelError(f"its card is of format {card.get('format')!r}; expected {FORMAT}")
    sizes = [card.get(name) for name in ("first", "units")]
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MOST_UNITS:
            raise ModelError(f"its card says {size!r} units; expected 1 to {MOST_UNITS}")
    if card.get("qualities") != list(QUALITIES):
        raise ModelError("it tells other chords apart than this version of improv; train it again")
    first, units = (size for size in sizes if isinstance(size, int))
    shapes: dict[str, tuple[int, ...]] = {"first.kernel": (INPUTS, first), "first.bias": (first,)}
    for way in ("onwards", "backwards"):
        shapes |= {f"{way}.kernel": (first, 3 * units), f"{way}.recurrent": (units, 3 * units), f"{way}.bias": (2, 3 * units)}
    outputs = len(QUALITIES)
    for head, inputs in (("chord", first + units), ("coming", first + units), ("whole", first + 2 * units)):
        shapes |= {f"{head}.kernel": (inputs, outputs), f"{head}.bias": (outputs,), f"{head}.none": (inputs,), f"{head}.none_bias": (1,)}
    for head, inputs in (("key", units), ("whole_key", 2 * units)):
        shapes |= {f"{head}.kernel": (inputs, 2), f"{head}.bias": (2,)}
    return shapes


class Gru:
    """A gated recurrent unit. kernel (inputs, 3 units), recurrent (units, 3 units), bias (2, 3 units): update, reset, new."""

    def __init__(self, weights: Mapping[str, np.ndarray], name: str):
        self.kernel, self.recurrent = weights[f"{name}.kernel"], weights[f"{name}.recurrent"]
        self.bias, self.recurrent_bias = weights[f"{name}.bias"]
        self.units = self.recurrent.shape[0]

    def step(self, h: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The state after rows of inputs: h (rows, units), x (rows, inputs)."""
        n = self.units
        a, b = x @ self.kernel + self.bias, h @ self.recurrent + self.recurrent_bias
        gates = 0.5 + 0.5 * np.tanh(0.5 * (a[:, : 2 * n] + b[:, : 2 * n]))  # the logistic function
        z, r = gates[:, :n], gates[:, n:]
        after: np.ndarray = z * h + (1 - z) * np.tanh(a[:, 2 * n :] + r * b[:, 2 * n :])
        return after


class EarNetwork:
    """Hears as `core.harmony.ear.Hears` says. Its state is (12, units)."""

    def __init__(self, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]):
        """Raises ModelError where the weights are not what the card promises."""
        if card.get("kind") != KIND:
            raise ModelError(f"its card is of kind {card.get('kind')!r}; expected {KIND!r}")
        check_weights(ear_shapes(card), weights)
        self.card, self.weights = card, dict(weights)
        self.onwards, self.backwards = Gru(weights, "onwards"), Gru(weights, "backwards")

    def begin(self) -> np.ndarray:
        return np.zeros((12, self.onwards.units), np.float32)

    def step(self, state: np.ndarray, frame: Frame) -> tuple[np.ndarray, Hearing]:
        e = self._first(frame)
        h = self.onwards.step(state, e)
        both = np.concatenate([e, h], 1)
        chords, none = self._said("chord", both)
        coming, none_coming = self._said("coming", both)
        return h, Hearing(chords, none, self._key("key", h), coming, none_coming)

    def whole(self, frames: Sequence[Frame]) -> list[Hearing]:
        """What is heard in each frame of a piece, with all of it."""
        firsts = [self._first(frame) for frame in frames]
        ways: list[list[np.ndarray]] = []
        for gru, order in ((self.onwards, firsts), (self.backwards, firsts[::-1])):
            h, states = np.zeros((12, gru.units), np.float32), []
            for e in order:
                h = gru.step(h, e)
                states.append(h)
            ways.append(states)
        heard = []
        for e, before, after in zip(firsts, ways[0], reversed(ways[1]), strict=True):
            chords, none = self._said("whole", np.concatenate([e, before, after], 1))
            coming, none_coming = self._said("coming", np.concatenate([e, before], 1))
            heard.append(Hearing(chords, none, self._key("whole_key", np.concatenate([before, after], 1)), coming, none_coming))
        return heard

    def _first(self, frame: Frame) -> np.ndarray:
        """(12, first): the first layer, for each root."""
        x = np.empty((12, INPUTS), np.float32)
        x[:, : 12 * CHANNELS] = frame.tones[_ROUND].reshape(12, -1)
        x[:, 12 * CHANNELS :] = frame.whole
        e: np.ndarray = np.maximum(x @ self.weights["first.kernel"] + self.weights["first.bias"], 0.0)
        return e

    def _said(self, head: str, both: np.ndarray) -> tuple[np.ndarray, float]:
        """Probabilities of all chords, (12, qualities), and of none."""
        w = self.weights
        logits = both @ w[f"{head}.kernel"] + w[f"{head}.bias"]
        none = float(both.mean(0) @ w[f"{head}.none"] + w[f"{head}.none_bias"][0])
        top = max(float(logits.max()), none)
        p, p_none = np.exp(logits - top), float(np.exp(none - top))
        total = float(p.sum()) + p_none
        return p / total, p_none / total

    def _key(self, head: str, h: np.ndarray) -> np.ndarray:
        logits = h @ self.weights[f"{head}.kernel"] + self.weights[f"{head}.bias"]
        p = np.exp(logits - logits.max())
        keys: np.ndarray = p / p.sum()
        return keys


def next_chord_of(weights: Mapping[str, np.ndarray]) -> NextChord:
    """What comes next, as the file counts it. Raises ModelError."""
    try:
        return NextChord(unpacked(weights["next.rows"]))
    except KeyError:
        raise ModelError("weights: next.rows is missing") from None
    except ValueError as e:
        raise ModelError(f"weights: next.rows: {e}") from None
