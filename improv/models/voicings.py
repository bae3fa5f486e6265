"""Voicings that a restricted Boltzmann machine fills in: the chord and the voicing before are clamped, the rest is drawn.

Its visible bits: the kind of the chord, the pitches of the voicing before, the pitches of this one, the last two seen from
the chord's root. What can't be played, or not here, is left out of the machine or of what it has drawn.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from improv.core.harmony import KIND_INDEX, KINDS, Chord
from improv.core.harmony.voicing import HIGHEST, LOWEST, hands_of, voicing
from improv.models.card import ModelError
from improv.models.rbm import Rbm, drawn

KIND, FORMAT = "voicings", 1
FLOOR, CEILING = 42, 85  # pitches seen from the root, as if it was the C at 60 or up to six semitones off
WIDTH = CEILING - FLOOR + 1
CLAMPED = len(KINDS) + WIDTH
VISIBLE = CLAMPED + WIDTH
MOST_HIDDEN = 512
CHAINS, STEPS = 12, 6  # voicings drawn at once, of which one is taken; Gibbs steps
FEWEST, MOST = 3, 5  # notes
SPAN = 14  # semitones of a hand: a ninth
ROOM = 15  # semitones that must be left below the player, or it is not kept below
FULL, THIN = 4, 0.4  # different tones; what each missing one counts as, in semitones of movement
THIRDS, SEVENTHS = {3, 4}, {10, 11}  # above the root
MUDDY, OPEN = 55, 3  # below this pitch, no two notes nearer than so many semitones


def above_root(pitch: int, root: int) -> int:
    """A pitch as if the root was C: moved by six semitones at the most."""
    return pitch - ((root + 5) % 12 - 5)


@lru_cache(maxsize=256)
def guides(chord: Chord) -> frozenset[int]:
    """Pitch classes that tell the chord: the third (or fourth), and the seventh (or sixth) where it has one."""
    if chord.root is None:
        return frozenset()
    steps = hands_of(chord)[0] if chord.sound else KINDS[chord.kind][0][1::2]
    return frozenset((chord.root + step) % 12 for step in steps)


@lru_cache(maxsize=256)
def avoided(chord: Chord) -> frozenset[int]:
    """Pitch classes that clash with a chord: outside chord and scale; or, unless it is altered, of the scale and a semitone above
    a tone of the chord (M. Levine, The Jazz Theory Book, 1995, chapter 3); and the sixth of a minor seventh chord, which makes
    the tritone of the dominant that it leads to. Of a symbol without a third, thirds; of one without its kind's seventh, that."""
    inside = chord.tones | chord.scale
    above = {(tone + 1) % 12 for tone in chord.tones} - chord.tones if chord.kind != "7alt" else set()
    if chord.kind == "m7" and chord.root is not None:
        above.add((chord.root + 9) % 12)
    if chord.sound and chord.root is not None:
        unwritten = SEVENTHS & (set(KINDS[chord.kind][0]) - chord.sound.tones) | (set() if THIRDS & chord.sound.tones else THIRDS)
        above |= {(chord.root + step) % 12 for step in unwritten}
    return frozenset(range(12)) - (inside - above)


def left_to_the_bass(chord: Chord) -> frozenset[int]:
    """The root, where the rules leave it out as well."""
    return frozenset() if chord.root is None or any(0 in hand for hand in hands_of(chord)) else frozenset({chord.root})


@lru_cache(maxsize=512)
def room(chord: Chord, low: int, high: int, clean: bool) -> tuple[tuple[int, ...], np.ndarray]:
    """The pitches of a range that may be drawn for a chord with a root, and the bits that they are. clean: see `Voicings`."""
    out = avoided(chord) | left_to_the_bass(chord) if clean else frozenset()
    seen = [(p, above_root(p, chord.root or 0) - FLOOR) for p in range(low, high + 1) if p % 12 not in out]
    inside = [(p, at) for p, at in seen if 0 <= at < WIDTH]
    return tuple(p for p, _ in inside), np.array([at for _, at in inside], np.intp)


def bits_of(pitches: Iterable[int], root: int) -> np.ndarray:
    """Pitches seen from a root, (WIDTH,); what is outside is left out."""
    bits = np.zeros(WIDTH, np.float32)
    for pitch in pitches:
        if FLOOR <= (at := above_root(pitch, root)) <= CEILING:
            bits[at - FLOOR] = 1
    return bits


def clamped_of(chord: Chord, before: Sequence[int]) -> np.ndarray:
    """What is given, (CLAMPED,): the kind of a chord with a root, the voicing before or none."""
    assert chord.root is not None
    kind = np.zeros(len(KINDS), np.float32)
    kind[KIND_INDEX[chord.kind]] = 1
    return np.concatenate([kind, bits_of(before, chord.root)])


def playable(pitches: Sequence[int]) -> bool:
    """Whether two hands can play ascending pitches, without mud: each hand SPAN wide at most, no two steps of a tone or less in a row."""
    if not FEWEST <= len(pitches) <= MOST:
        return False
    step_before = 12
    for low, high in itertools.pairwise(pitches):
        step = high - low
        if (low < MUDDY and step < OPEN) or (step <= 2 and step_before <= 2):
            return False
        step_before = step
    right = [p for p in pitches if p - pitches[0] > SPAN]  # the left hand takes all that it can
    return not right or right[-1] - right[0] <= SPAN


@dataclass(frozen=True, slots=True)
class Voicings:
    """A machine that voices chords. card: what it is, as its folder says. clean: neither pitches that clash nor roots that are
    the bass's are ever drawn."""

    card: Mapping[str, Any]
    rbm: Rbm
    clean: bool = True

    @classmethod
    def of(cls, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> Voicings:
        """From a card and its weights. Raises ModelError where they are not what they should be."""
        if card.get("kind") != KIND or card.get("format") != FORMAT:
            raise ModelError(f"its card is of kind {card.get('kind')!r}, format {card.get('format')!r}; expected {KIND!r}, {FORMAT}")
        hidden = card.get("hidden")
        if isinstance(hidden, bool) or not isinstance(hidden, int) or not 1 <= hidden <= MOST_HIDDEN:
            raise ModelError(f"its card says {hidden!r} hidden bits; expected 1 to {MOST_HIDDEN}")
        if card.get("kinds") != list(KINDS):
            raise ModelError("it knows other kinds of chords than this version of improv; train it again")
        wanted = {"weights": (VISIBLE, hidden), "visible": (VISIBLE,), "hidden": (hidden,)}
        if set(weights) != set(wanted):
            raise ModelError(f"its weights are {', '.join(sorted(weights)) or 'none'}; expected {', '.join(sorted(wanted))}")
        for name, shape in wanted.items():
            w = weights[name]
            if w.shape != shape or w.dtype != np.float32 or not np.isfinite(w).all():
                raise ModelError(f"its weights {name!r} are {w.dtype} {w.shape}; expected finite float32 {shape}")
        return cls(card, Rbm(*(weights[name] for name in wanted)))

    def raw(self) -> Voicings:
        """The same, which may draw what clashes, and roots."""
        return replace(self, clean=False)

    def draw(self, chord: Chord, before: Sequence[int], low: int, high: int, under: int | None = None, seed: int = 0) -> tuple[int, ...]:
        """Ascending pitches for a chord, or those of the rules where nothing that it draws can be played; none for no chord.

        before, low, high, under: as for `voicing`. seed: of what is drawn.
        """
        return self.drawn(chord, before, low, high, under, seed) or voicing(chord, before, low, high, under)

    def drawn(self, chord: Chord, before: Sequence[int], low: int, high: int, under: int | None = None, seed: int = 0) -> tuple[int, ...]:
        """As `draw`, but none where nothing that it draws can be played."""
        if chord.root is None:
            return ()
        low, high = max(low, LOWEST), min(high, HIGHEST)
        if under is not None and under - 1 - low >= ROOM:
            high = min(high, under - 1)
        pitches, columns = room(chord, low, high, self.clean)
        if len(pitches) < FEWEST:
            return ()
        machine = self.rbm.given(clamped_of(chord, before))
        machine = Rbm(machine.weights[columns], machine.visible[columns], machine.hidden)
        rng = np.random.default_rng(seed)
        v = drawn(np.full((CHAINS, len(pitches)), 4 / len(pitches), np.float32), rng)
        v = machine.gibbs(v, rng, STEPS)
        return chosen((tuple(itertools.compress(pitches, row)) for row in v.tolist()), chord, before)


def chosen(drawn: Iterable[tuple[int, ...]], chord: Chord, before: Sequence[int]) -> tuple[int, ...]:
    """Of voicings that can be played and tell the chord, the one that moves least and is full; the first full one to begin with.
    Where none tells it, one that can be played; or none."""
    can = [hands for hands in dict.fromkeys(drawn) if playable(hands)]
    wanted = guides(chord)
    telling = [hands for hands in can if wanted <= {p % 12 for p in hands}] or can[:1]

    def cost(hands: tuple[int, ...]) -> float:
        return THIN * max(0, FULL - len({p % 12 for p in hands})) + (moved(before, hands) if before else 0.0)

    return min(telling, key=cost, default=())


def moved(before: Sequence[int], now: Sequence[int]) -> float:
    """Semitones from each note of two voicings to the nearest on the other side, the mean over both sides."""
    there = sum(min(abs(a - b) for b in now) for a in before)
    back = sum(min(abs(a - b) for a in before) for b in now)
    return (there + back) / (len(before) + len(now))
