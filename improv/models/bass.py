"""The learned bass: a small network that says how likely each pitch is on a beat of a walking line.

It sees chords by their roots, so it plays in all keys alike: the line of the last eight beats as intervals, where the last note lies
above the root of this chord and of the next one, both kinds, the beats until the next chord, the place in the bar, metre, tempo
and feel. Out come votes for the interval, for the tone above either root and for the register, which add up.
The basses that it learned from were transcribed by machine, which hears them badly in old recordings. So it is told how clear each
solo's bass is while it learns, and asked for the clearest when it plays.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from improv.core.band.bass import RULES, Bassist
from improv.core.band.walking import HEARD, HIGH, LOW, RANGE, BassPlace
from improv.core.harmony import KIND_INDEX, KINDS
from improv.models.card import ModelError, check_weights
from improv.models.small_net import MOST, SmallNet, net_shapes

KIND, FORMAT = "bass", 1
FEELS = {"swing": 0, "shuffle": 0, "two": 1, "ballad": 2, "bossa": 3, "samba": 3, "latin": 3, "even": 3, "funk": 4, "rock": 4}
WIDEST = 12  # semitones that are told apart
TEMPI = (80, 110, 140, 170, 200, 230, 270)  # bpm
TABLES = {
    "last": 13, **{f"step {k}": 2 * WIDEST + 2 for k in range(1, HEARD)}, "bar ago": 13, "two bars ago": 13, "register": HIGH - LOW + 2,
    "kind": len(KINDS), "over": 13, "next": 13, "next kind": len(KINDS), "until": 9, "since": 5, "before": 13, "beat": 8, "beats": 4,
    "tempo": len(TEMPI) + 1, "feel": 5, "place": 3, "clear": 4,
}  # fmt: skip
STARTS = dict(zip(TABLES, np.concatenate([[0], np.cumsum(list(TABLES.values()))[:-1]]).tolist(), strict=True))
SIGNS = sum(TABLES.values())
STEPS = 2 * (HIGH - LOW) + 1
OUTPUTS = STEPS + 12 + 12 + len(RANGE)  # votes: interval, tone of this chord, tone of the next, pitch
CLEAREST = 3
TEMPERATURE, TOP_P = 0.95, 0.93


def signs_of(place: BassPlace, clear: int | None) -> list[int]:
    """The signs that are there, one of each table. clear: how clearly the bass of a solo was heard by who transcribed it, a class; None
    where nobody says."""
    bar, chord, history = place.bar, place.chord, place.history
    root = chord.root or 0
    coming, until = bar.next_change(place.beat)
    last = history[-1]

    def above(pitch: int) -> int:
        return (pitch - root) % 12 if pitch else 12

    said = [above(last)]
    for k in range(1, HEARD):
        now, then = history[-k], history[-k - 1]
        said.append(min(max(now - then, -WIDEST), WIDEST) + WIDEST if now and then else 2 * WIDEST + 1)
    said += [above(history[-4]), above(history[-8]), last - LOW if last else HIGH - LOW + 1]
    said += [KIND_INDEX[chord.kind], 12 if chord.bass is None else (chord.bass - root) % 12]
    said += [12 if coming.root is None else (coming.root - root) % 12, KIND_INDEX[coming.kind], min(int(until + 0.5), 8)]
    said += [min(int(place.since), 4), 12 if place.before is None else (place.before - root) % 12]
    said += [min(int(place.beat), 7), {3: 0, 4: 1, 5: 2}.get(round(bar.beats), 3)]
    said += [sum(bar.tempo >= t for t in TEMPI), FEELS[bar.style.name], 2 if bar.ends_section else 0 if bar.of_section == 0 else 1]
    if clear is not None:
        said.append(clear)
    return [start + value for start, value in zip(STARTS.values(), said, strict=clear is not None)]


@lru_cache(maxsize=2048)
def votes_of(last: int, root: int, coming: int) -> np.ndarray:
    """Which outputs vote for each pitch, (4, pitches). last: 0 for none, who votes as the middle."""
    step = RANGE - (last or (LOW + HIGH) // 2) + HIGH - LOW
    return np.stack([step, STEPS + (RANGE - root) % 12, STEPS + 12 + (RANGE - coming) % 12, STEPS + 24 + RANGE - LOW]).astype(np.intp)


def votes_at(place: BassPlace) -> np.ndarray:
    """The same at a place."""
    coming = place.bar.next_change(place.beat)[0].root
    root = place.chord.root or 0
    return votes_of(place.history[-1], root, root if coming is None else coming)


def bass_shapes(card: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the weights that a card promises. Raises ModelError."""
    if card.get("kind") != KIND or card.get("format") != FORMAT:
        raise ModelError(f"its card is of kind {card.get('kind')!r}, format {card.get('format')!r}; expected {KIND!r}, {FORMAT}")
    sizes = card.get("units")
    if not isinstance(sizes, list) or len(sizes) != 2 or not all(type(n) is int and 1 <= n <= MOST for n in sizes):
        raise ModelError(f"its card says {str(sizes)[:40]!r} units; expected two whole numbers up to {MOST}")
    if card.get("tables") != TABLES:
        raise ModelError("it knows other signs than this version of improv; train it again")
    return net_shapes("bass", SIGNS, sizes[0], sizes[1], OUTPUTS)


class LearnedWalking:
    """See `core.band.walking.Foretell`."""

    def __init__(self, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]):
        """Raises ModelError where they are not what they should be."""
        shapes = bass_shapes(card)
        check_weights(shapes, weights)
        self.card, self._net = card, SmallNet.of(weights, KIND)

    def logits(self, place: BassPlace) -> np.ndarray:
        """(pitches,), float64."""
        out = self._net.said(signs_of(place, CLEAREST))
        found: np.ndarray = out[votes_at(place)].sum(0, dtype=np.float64)
        return found

    def __call__(self, place: BassPlace) -> np.ndarray:
        logits = self.logits(place) / TEMPERATURE
        chances = np.exp(logits - logits.max())
        chances /= chances.sum()
        order = np.argsort(-chances, kind="stable")
        chances[order[int(np.searchsorted(np.cumsum(chances[order]), TOP_P)) + 1 :]] = 0.0
        found: np.ndarray = chances / chances.sum()
        return found

    def member(self) -> Bassist:
        """A bassist who walks so."""
        about = {"kind": KIND, "name": self.card["name"], "version": RULES, "weights_sha256": self.card["weights_sha256"]}
        return Bassist(self, about)
