"""A model that speaks the jazz grammar, behind the protocol of `core.note_model`: terminals inside, values outside.

A terminal says how long a note is, and that is known only when the next one comes. So a state's latest note is pending:
the LSTM has not heard it yet. `read` goes through the terminals that it may become: a note after it comes as soon as it is
over, or after a rest, which is a terminal too (a rest never follows a rest). When the next note's time is settled, the
pending note is heard as the terminal that fits it best, then the rest, and the terminals foretold then vote for pitches: each for
those of its kind, over the chord of the moment, in its range. Where no chord is known, it is the chord on which the model is at
home, moved to the key that the notes heard lately fit best. What the grammar has no terminal for is heard as the one nearest to it.
Source of the network: the exercise "Improvise a jazz solo with an LSTM network"; of the grammar: see grammar.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from improv.core.harmony import NO_CHORD, Chord, HarmonyError, parse_chord
from improv.core.heads import Heads
from improv.core.line.critic import Critic
from improv.core.line.loudness import AccentModel
from improv.core.line.quotations import Quotations
from improv.core.line.sampler import probabilities
from improv.core.note_model import Said
from improv.core.vocabulary import GRID, INTERVALS, REACH, Context, Value, Vocabulary, interval_class
from improv.models.card import FORMAT, LARGEST_SIZE, ModelError, check_weights
from improv.models.grammar import (
    BREATH,
    MARGIN,
    REST,
    TONES,
    GrammarError,
    Terminal,
    chances,
    durations,
    hash_of,
    move_chances,
    moves_of,
    tones_over,
)
from improv.models.lstm import Cells
from improv.models.model import State
from improv.models.recall import Past, PitchClassBias
from improv.outside import printable, whole

KIND = "grammar"
MOST_TERMINALS = 4096
NO_INTERVAL = INTERVALS  # of a note that nothing came before
# Nats that a terminal loses for not being what was heard: another kind of tone, a semitone outside its range,
# from the middle of its range (so that the nearest wins), and doubling or halving its duration.
OTHER_TONE, OUTSIDE, OFF_CENTRE, OTHER_LENGTH = 4.0, 1.0, 0.15, 4.0
BRANCHES = 6  # durations that a pending note may take which are followed up
SHORTER = 0.5  # how much rarer a note is with each 1/12 beat that it sounds shorter than written
UNHEARD = 0.02  # share of the vocabulary's own durations, and of the chord's scale, in what is foretold
FLOOR = 1e-9
LATELY = PitchClassBias(32.0, 0.0)  # notes that tell the key


@dataclass(frozen=True, slots=True)
class Pending:
    """The latest note: the class of its sounding length, of its interval, its kind, and its place in the beat."""

    length: int
    interval: int
    kind: int
    place: int


@dataclass(slots=True)
class _Met:
    """A state whose pending note is settled by the onset that comes next: activations and cells, and what follows."""

    state: State
    ioi: int
    a: np.ndarray
    c: np.ndarray
    said: np.ndarray
    votes: tuple[int, Chord, np.ndarray] | None = None  # from which pitch, over which chord, see `_votes`


class GrammarModel:
    """The network of a card that speaks the grammar. One thread's at a time.

    Of a state, a and c are the LSTM's, `past` the notes as (length, interval, kind, place), of which the last is pending.
    """

    entry_classes = (len(Vocabulary().durations), INTERVALS + 1, len(TONES), GRID)

    def __init__(self, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]):
        self.terminals = terminals = check_grammar(card, weights)
        self.card = card
        self.quotations: Quotations | None = None
        self.critic: Critic | None = None
        self.accents: AccentModel | None = None
        self.vocabulary = Vocabulary()
        n = self._zero = len(terminals)  # the row of an input of zeros, with which a line begins
        kernel = np.vstack([weights["lstm.kernel"], np.zeros_like(weights["lstm.kernel"][:1])])
        self.cells = Cells([kernel], [weights["lstm.recurrent"]], [weights["lstm.bias"]], summed=1)
        self._out = np.ascontiguousarray(weights["values.kernel"], np.float32)
        self._out_bias = weights["values.bias"]
        self.bytes_a_note = BRANCHES * sum(w.nbytes for w in (self._out, *self.cells.recurrents))
        self._kinds = np.array([TONES.find(t.kind) for t in terminals])
        self._notes = self._kinds >= 0
        self._durations = np.array([t.duration for t in terminals])
        self._logs = np.log2(self._durations)
        spans = [t.span or (-MARGIN, MARGIN) for t in terminals]
        self._low, self._high = (np.array(s) for s in zip(*spans, strict=True))
        self._chances = chances(np.arange(-127, 128), self._low[:, None], self._high[:, None])
        self._rests = np.flatnonzero(~self._notes)
        lengths = self.vocabulary.durations
        self._lengths = np.array(lengths)
        self._classes = np.array([self.vocabulary.encode(0, 0, t.duration / GRID).duration for t in terminals])
        own = np.bincount(np.minimum(self._durations[self._notes], 48), minlength=49).astype(float)
        self._own = own / own.sum()
        self._moves = move_chances(moves_of(card))
        self._homes = homes_of(card)
        # A tone of the chord counts for it twice, a tone of its scale once.
        self._fits = np.array([[(c in h.tones) + (c in h.scale) for c in range(12)] for h in self._homes], float)
        self._no_key = np.zeros(0, np.float32)
        self._met_last: _Met | None = None
        self._said_last: tuple[np.ndarray, np.ndarray] | None = None
        a, c = self.cells.start()
        a, c = self.cells.step(a, c, np.array([n]))
        self._start = State(a, c, Past.empty(0, fields=len(self.entry_classes)), np.zeros(12, np.float32))

    # The protocol

    @property
    def heads(self) -> Heads | None:
        """None: nothing of it learns from a player."""
        return None

    def with_heads(self, heads: Heads) -> GrammarModel:
        """Itself: it has none to change."""
        return self

    def start(self) -> State:
        """The state before anything was heard: an input of zeros."""
        return self._start

    def step(self, state: State, value: Value, last: int | None, at: Context, trust: float = 1.0) -> State:
        """The state after one more note: the one before it is settled, and this one is pending."""
        met = self._settle(state, value.ioi)
        interval = NO_INTERVAL if last is None else interval_class(last, value.pitch)
        kind = int(tones_over(self._chord(state, at))[value.pitch])
        past = state.past.and_then(self._no_key, (value.duration, interval, kind, at.place % GRID))
        return State(met.a, met.c, past, LATELY.heard(state.pitch_classes, value.pitch, trust))

    def read(self, state: State, recall: float = 1.0) -> Said:
        """When the next note comes, and whether a rest of a beat or more comes before it. Nothing is recalled."""
        pending, said = pending_of(state), self._foretold(state.a)
        if pending is None:
            return Said(np.log(self._own + FLOOR).astype(np.float32), 0.0, state)
        length = int(self._lengths[pending.length])
        scores = np.log(said + FLOOR) - self._misfit(pending)
        exact = self._classes == pending.length
        longer = self._durations - length
        fits = np.where(exact, 1.0, np.where((longer > 0) & (longer < BREATH), SHORTER ** np.maximum(longer, 0), 0.0))
        likely = np.exp(scores - scores[self._notes].max()) * self._notes
        weights = likely * fits
        if not weights.any():  # no terminal is about as long as that
            weights = likely * np.exp2(-OTHER_LENGTH * abs(self._logs - math.log2(length)))
        iois, end = np.zeros(49), 0.0
        shares = np.bincount(self._durations, weights)
        for duration in np.argsort(shares, kind="stable")[::-1][:BRANCHES].tolist():
            share = float(shares[duration])
            if share <= 0:
                break
            chosen = int(np.where(self._durations == duration, weights, -1.0).argmax())
            a, _ = self.cells.step(state.a, state.c, np.array([chosen]))
            following = self._foretold(a)
            iois[min(duration, 48)] += share * float(following[self._notes].sum())
            rests = following[self._rests]
            np.add.at(iois, np.minimum(duration + self._durations[self._rests], 48), share * rests)
            end += share * float(rests[self._durations[self._rests] >= GRID].sum())
        total = float(iois.sum())
        iois = (1 - UNHEARD) * iois / total + UNHEARD * self._own
        iois *= self._moves[pending.place].take((pending.place + np.arange(49)) % GRID)  # last, or a stray note puts it off the beat
        return Said(np.log(iois + FLOOR).astype(np.float32), min(end / total, 1.0), state)

    def pitch(self, said: Said, last: int, ioi: int, at: Context, recall: float = 1.0) -> np.ndarray:
        """Logits (128,) of the next pitch, which comes `ioi` (a class) after `last`, at `at`."""
        votes, chord = self._votes(said.state, last, ioi, at).sum(0), self._chord(said.state, at)
        logits: np.ndarray = np.log(votes / max(float(votes.sum()), FLOOR) + UNHEARD * _near(last, chord) + FLOOR)
        return logits.astype(np.float32)

    def articulation(self, said: Said, pitch: int, last: int, ioi: int, at: Context) -> tuple[np.ndarray, np.ndarray]:
        """Logits of the next note's length (21,), as its terminal's duration, and lag (13,): none."""
        shares = np.bincount(self._classes, self._votes(said.state, last, ioi, at)[:, pitch], len(self._lengths))
        if not shares.any():
            shares = np.bincount(self._classes, self._notes * self._settle(said.state, ioi).said, len(self._lengths))
        lags = np.full(len(self.vocabulary.lags), math.log(FLOOR), np.float32)
        lags[self.vocabulary.nearest_lag(0.0)] = 0.0
        return np.log(shares / (float(shares.sum()) or 1.0) + FLOOR).astype(np.float32), lags

    def expected_microtiming(self, logits: np.ndarray) -> float:
        """The mean lag in beats: terminals lie on the grid."""
        return 0.0

    # Terminals

    def _chord(self, state: State, at: Context) -> Chord:
        """The chord at a place; where none is known, the home chord in the key of what was heard lately."""
        if at.harmony.chord.root is not None:
            return at.harmony.chord
        return self._homes[int((self._fits @ state.pitch_classes).argmax())]

    def foretell(self, numbers: Sequence[int]) -> np.ndarray:
        """The probabilities of the terminal before each of some terminals was heard, by number, from the start, (T, n_values)."""
        a, c, said = self._start.a, self._start.c, []
        for number in numbers:
            said.append(self._foretold(a))
            a, c = self.cells.step(a, c, np.array([number]))
        return np.array(said)

    def _foretold(self, a: np.ndarray) -> np.ndarray:
        """The probabilities of the next terminal, (n_values,)."""
        if self._said_last is None or self._said_last[0] is not a:
            self._said_last = a, probabilities(a @ self._out + self._out_bias)
        said: np.ndarray = self._said_last[1]
        return said

    def _misfit(self, pending: Pending) -> np.ndarray:
        """Nats that each terminal loses for a note's kind and interval, (n_values,)."""
        lost: np.ndarray = OTHER_TONE * (self._kinds != pending.kind)
        if pending.interval != NO_INTERVAL:
            interval = pending.interval - REACH
            lost = lost + OUTSIDE * np.maximum(0, np.maximum(self._low - interval, interval - self._high))
            lost += OFF_CENTRE * abs((self._low + self._high) / 2 - interval)
        return lost

    def heard_as(self, state: State, ioi: int) -> list[int]:
        """The terminals, by number, as which the pending note and the rest after it are heard when the next comes `ioi` later."""
        pending = pending_of(state)
        if pending is None:
            return []
        duration, rest = durations(int(self._lengths[pending.length]), ioi)
        scores = np.log(self._foretold(state.a) + FLOOR) - self._misfit(pending) - OTHER_LENGTH * abs(self._logs - math.log2(duration))
        heard = [int(np.where(self._notes, scores, -np.inf).argmax())]
        if rest and len(self._rests):
            heard.append(int(self._rests[abs(self._logs[self._rests] - math.log2(rest)).argmin()]))
        return heard

    def _settle(self, state: State, ioi: int) -> _Met:
        met = self._met_last
        if met is None or met.state is not state or met.ioi != ioi:
            a, c = state.a, state.c
            for number in self.heard_as(state, ioi):
                a, c = self.cells.step(a, c, np.array([number]))
            met = self._met_last = _Met(state, ioi, a, c, self._foretold(a))
        return met

    def _votes(self, state: State, last: int, ioi: int, at: Context) -> np.ndarray:
        """The probability of each terminal with each pitch, (n_values, 128)."""
        met, chord = self._settle(state, ioi), self._chord(state, at)
        if met.votes is None or met.votes[:2] != (last, chord):
            fits = self._chances[:, 127 - last : 255 - last] * (self._kinds[:, None] == tones_over(chord))
            fits *= (met.said / np.maximum(fits.sum(1), FLOOR))[:, None]
            met.votes = last, chord, fits
        return met.votes[2]


def pending_of(state: State) -> Pending | None:
    """A state's latest note, or None before the first."""
    _, entries, _ = state.past.latest()
    return Pending(*entries[-1].tolist()) if len(entries) else None


def homes_of(card: Mapping[str, Any]) -> list[Chord]:
    """The chord on which a model is at home, and the same on every other root. Raises HarmonyError, GrammarError."""
    symbol = card["vocabulary"].get("home")
    home = parse_chord(symbol) if isinstance(symbol, str) else NO_CHORD
    if home.root is None:
        raise GrammarError(f"vocabulary.home is {str(symbol)[:40]!r}, expected a chord symbol")
    return [Chord((home.root + step) % 12, home.kind) for step in range(12)]


def _near(last: int, chord: Chord) -> np.ndarray:
    """What every tone of the chord's scale within an octave gets, and less any other, (128,)."""
    scale = np.where(tones_over(chord) < 2, 1.0, 0.1) * (abs(np.arange(128) - last) <= 12)
    return scale / max(float(scale.sum()), 1.0)


def speaks_grammar(card: Mapping[str, Any]) -> bool:
    """Whether a card is of a model that speaks the grammar."""
    network = card.get("network")
    return isinstance(network, Mapping) and network.get("kind") == KIND


def refuse_grammar(card: Mapping[str, Any], what: str) -> None:
    """Raise ModelError where something is for models of whole notes alone; what: what was asked for."""
    if speaks_grammar(card):
        raise ModelError(f"model {card.get('name')}: {what} is for models of notes, and this one speaks the jazz grammar; name another")


def grammar_card(
    name: str, terminals: Sequence[Terminal], units: int, moves: Sequence[tuple[int, int, int]], home: Chord
) -> dict[str, Any]:
    """The part of a card that `check_grammar` reads. moves: see `grammar.moves`. home: a chord."""
    return {
        "format": FORMAT,
        "name": name,
        "vocabulary": {"terminals": [str(t) for t in terminals], "moves": [list(move) for move in moves], "home": str(home)},
        "vocabulary_hash": hash_of(terminals),
        "network": {"kind": KIND, "units": units},
    }


def check_grammar(card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> list[Terminal]:
    """The terminals of a card. Raises ModelError unless this version of improv can play it with these weights."""
    check_weights(grammar_shapes(card), weights)
    return _terminals(card)


def grammar_shapes(card: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a card's weights. Raises ModelError unless this version of improv can play it."""
    if card.get("format") != FORMAT:
        raise ModelError(f"card says format {printable(card.get('format'))}, this improv reads format {FORMAT}; export the model again")
    network = card.get("network")
    units = network.get("units") if isinstance(network, Mapping) else None
    if not whole(units, 1, LARGEST_SIZE):
        raise ModelError(f"card: network.units is {printable(repr(units))}, expected a whole number from 1 to {LARGEST_SIZE}")
    assert isinstance(units, int)
    n = len(_terminals(card))
    return {
        "lstm.kernel": (n, 4 * units), "lstm.recurrent": (units, 4 * units), "lstm.bias": (4 * units,),
        "values.kernel": (units, n), "values.bias": (n,),
    }  # fmt: skip


def _terminals(card: Mapping[str, Any]) -> list[Terminal]:
    vocabulary = card.get("vocabulary")
    texts = vocabulary.get("terminals") if isinstance(vocabulary, Mapping) else None
    if not isinstance(texts, list) or not 1 <= len(texts) <= MOST_TERMINALS:
        raise ModelError(f"card: vocabulary.terminals is no list of 1 to {MOST_TERMINALS} terminals")
    try:
        terminals = [Terminal.parse(text) for text in texts]
        moves_of(card)
        homes_of(card)
    except (GrammarError, HarmonyError) as e:
        raise ModelError(f"card: {printable(e, 200)}") from None
    if len(set(terminals)) < len(terminals) or all(t.kind == REST for t in terminals):
        raise ModelError("card: vocabulary.terminals holds one twice, or no note")
    if card.get("vocabulary_hash") != hash_of(terminals):
        raise ModelError("card: vocabulary_hash is not that of its terminals; export the model again")
    return terminals
