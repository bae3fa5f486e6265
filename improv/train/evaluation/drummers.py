"""How well drumming is foretold beside tables and n-grams, and what ours does beside drummers'."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from improv.models.drums import COUNT
from improv.train.drumming import DrumTake

Contexts = tuple[Hashable, ...]


def place_nats(train: Sequence[DrumTake], takes: Sequence[DrumTake]) -> np.ndarray:
    """Nats a step where each piece is struck as often as on this place of a bar of the family, whatever came before."""
    hits: dict[Hashable, np.ndarray] = defaultdict(lambda: np.zeros(COUNT))
    counts: Counter[Hashable] = Counter()
    for take in train:
        for at in range(len(take.masks)):
            key = _place(take, at)
            hits[key] += take.velocity[at] > 0
            counts[key] += 1
    found = []
    for take in takes:
        for at in range(len(take.masks)):
            key = _place(take, at)
            p = (hits[key] + 0.05) / (counts[key] + 1.0)
            struck = take.velocity[at] > 0
            found.append(-np.log(np.where(struck, p, 1 - p)).sum())
    return np.array(found)


def ngram_nats(train: Sequence[DrumTake], takes: Sequence[DrumTake]) -> np.ndarray:
    """Nats a step of an n-gram over what is struck at once: from the place, the same place a bar ago, and the step before, each backed
    by less (I. Witten and T. Bell 1991); what never came is split into its pieces."""
    counts: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for take in train:
        for at, mask in enumerate(take.masks.tolist()):
            for context in enumerate(_contexts(take, at)):
                counts[context][mask] += 1
    found = []
    by_place = iter(place_nats(train, takes))
    for take in takes:
        for at, mask in enumerate(take.masks.tolist()):
            chance = float(np.exp(-next(by_place)))
            for context in enumerate(_contexts(take, at)):
                known = counts.get(context)
                if known is None:
                    break
                total, kinds = sum(known.values()), len(known)
                chance = (known[mask] + kinds * chance) / (total + kinds)
            found.append(-np.log(chance))
    return np.array(found)


def _place(take: DrumTake, at: int) -> Hashable:
    return take.family, take.grid, take.beats, at % take.length


def _contexts(take: DrumTake, at: int) -> Iterator[Hashable]:
    masks, length = take.masks, take.length
    step = at % length, take.grid, take.beats
    ago = int(masks[at - length]) if at >= length else -1
    before = int(masks[at - 1]) if at else -1
    earlier = int(masks[at - 2]) if at > 1 else -1
    yield (*step, take.family)
    yield (*step, take.family, ago)
    yield (*step, ago, before)
    yield (*step, ago, before, earlier)


def measured(takes: dict[str, list[DrumTake]], model: str) -> str:
    """The tables of `--measure`."""
    raise NotImplementedError
