"""Texts, a character at a time: the values are symbols, the rest is as with notes. Pure; one step a symbol.

    state = model.start()                           the state before the first symbol
    state = model.step(state, value)                what has been written, `(a, c)`
    logits = model.read(state)                      which symbol comes next
    text = write(model, rng, "Shall I ", temperature=0.8)

The LSTM cell is the one that plays, `improv.models.lstm`; the draw is `improv.core.line.sampler`.
Source: Graves 2013, Generating sequences with recurrent neural networks; Sutskever, Martens, Hinton 2011.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from improv.core.errors import ImprovError
from improv.core.line.sampler import probabilities, sample
from improv.models.lstm import Cells

FORMAT = 2
KIND = "characters"
MOST_SYMBOLS = 1024
MOST_UNITS = 4096
END = "\n"  # what ends a text, and so what was there before its first symbol

S = TypeVar("S")


class CharacterError(ImprovError):
    """A text or a model of texts that can't be used; the message says what was wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The vocabulary: symbols <-> numbers. Stored, with its hash, in a model's card.

    symbols: each once, END the first. Raises CharacterError.
    """

    symbols: str

    def __post_init__(self) -> None:
        if not self.symbols.startswith(END) or len(set(self.symbols)) != len(self.symbols) or len(self.symbols) > MOST_SYMBOLS:
            raise CharacterError(f"an alphabet begins with the end of a line, and has each of at most {MOST_SYMBOLS} symbols once")

    @classmethod
    def of(cls, texts: Iterable[str]) -> Alphabet:
        """All that occurs in texts, in the order of Unicode, after END."""
        return cls(END + "".join(sorted(set().union(*map(set, texts)) - {END})))

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.symbols.encode()).hexdigest()

    def numbers(self, text: str) -> np.ndarray:
        """The numbers of a text's symbols, (len(text),). Raises CharacterError, which names the symbols that are strange."""
        strange = sorted(set(text) - set(self.symbols))
        if strange:
            said = " ".join(map(repr, strange[:10]))
            raise CharacterError(f"{text[:40]!r}: has {said}, which the model never saw; it knows {self.symbols[1:]!r} and new lines")
        return np.array([self.symbols.index(symbol) for symbol in text], np.intp)


class TextState(NamedTuple):
    """What was written so far: activations a and cells c, (units,) each."""

    a: np.ndarray
    c: np.ndarray


class Writer(Protocol[S]):
    """What `write` needs of a model of texts."""

    @property
    def alphabet(self) -> Alphabet: ...

    def start(self) -> S:
        """The state before the first symbol."""

    def step(self, state: S, value: int) -> S:
        """The state after one more symbol, given by its number."""

    def read(self, state: S) -> np.ndarray:
        """Logits of the next symbol, (len(alphabet),)."""


def write(
    model: Writer[S],
    rng: np.random.Generator,
    start: str = "",
    temperature: float = 1.0,
    top_p: float = 1.0,
    most: int = 50,
    until: str = END,
    bias: Callable[[str], np.ndarray | None] = lambda text: None,
) -> str:
    """A text that begins with `start`, drawn until `until` was written or for `most` symbols more. `until` is left out.

    temperature, top_p: as in `sampler.sample`, as is what `bias` says of the text so far: (len(alphabet),) or None.
    Raises CharacterError where `start` has symbols that the model never saw.
    """
    state = model.start()
    for value in model.alphabet.numbers(start).tolist():
        state = model.step(state, value)
    text = start
    for _ in range(most):
        value = sample(model.read(state), rng, temperature, top_p, bias(text))
        text += model.alphabet.symbols[value]
        if text.endswith(until):
            return text[: -len(until)]
        state = model.step(state, value)
    return text


def nats(model: Writer[S], texts: Iterable[str]) -> float:
    """How ill texts are foretold, each from the start to its END: mean of -log p, in nats a character."""
    told: list[float] = []
    for text in texts:
        state = model.start()
        for value in model.alphabet.numbers(text + END).tolist():
            told.append(-float(np.log(probabilities(model.read(state))[value])))
            state = model.step(state, value)
    return float(np.mean(told))


class CharacterModel:
    """An LSTM over symbols, with its card and weights, which are checked. One thread's at a time."""

    def __init__(self, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]):
        check(card, weights)
        self.card = card
        self.alphabet = Alphabet(card["vocabulary"]["symbols"])
        self.cells = Cells([weights["kernel"]], [weights["recurrent"]], [weights["bias"]], summed=1)
        self._out, self._out_bias = np.ascontiguousarray(weights["out.kernel"]), weights["out.bias"]
        self._rows = np.arange(len(self.alphabet))[:, None]
        self._start = TextState(*self.cells.step(*self.cells.start(), self._rows[0]))

    def start(self) -> TextState:
        """The state after the END before the text."""
        return self._start

    def step(self, state: TextState, value: int) -> TextState:
        return TextState(*self.cells.step(state.a, state.c, self._rows[value]))

    def read(self, state: TextState) -> np.ndarray:
        logits: np.ndarray = state.a @ self._out
        logits += self._out_bias
        return logits


def shapes(symbols: int, units: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights; the gates in the order of Keras, as `improv.models.lstm` has them."""
    return {
        "kernel": (symbols, 4 * units), "recurrent": (units, 4 * units), "bias": (4 * units,),
        "out.kernel": (units, symbols), "out.bias": (symbols,),
    }  # fmt: skip


def card_head(name: str, alphabet: Alphabet, units: int) -> dict[str, Any]:
    """The part of a card that `check` reads."""
    return {
        "format": FORMAT,
        "kind": KIND,
        "name": name,
        "vocabulary": {"symbols": alphabet.symbols},
        "vocabulary_hash": alphabet.hash,
        "network": {"units": units},
    }


def writes(card: Mapping[str, Any]) -> bool:
    """Whether a card is of a model of texts, not of music."""
    return card.get("kind") == KIND


def check(card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> None:
    """Raise CharacterError unless this version of improv can write with this card and these weights."""
    if not writes(card) or card.get("format") != FORMAT:
        raise CharacterError(f"card is not of a model of texts in format {FORMAT}; train and export it again")
    vocabulary, network = card.get("vocabulary"), card.get("network")
    symbols = vocabulary.get("symbols") if isinstance(vocabulary, Mapping) else None
    units = network.get("units") if isinstance(network, Mapping) else None
    if not isinstance(symbols, str):
        raise CharacterError("card has no symbols")
    if Alphabet(symbols).hash != card.get("vocabulary_hash"):
        raise CharacterError("card: the symbols are not those that its hash is of; copy the model again")
    if type(units) is not int or not 1 <= units <= MOST_UNITS:
        raise CharacterError(f"card: network.units is {units!r}, expected a whole number from 1 to {MOST_UNITS}")
    for name, shape in shapes(len(symbols), units).items():
        there = weights.get(name)
        if there is None or there.shape != shape or there.dtype != np.float32:
            got = "missing" if there is None else f"{there.dtype} {there.shape}"
            raise CharacterError(f"weights: {name} is {got}, the card promises float32 {shape}")
        if not np.isfinite(there).all():
            raise CharacterError(f"weights: {name} has values that are no numbers")
