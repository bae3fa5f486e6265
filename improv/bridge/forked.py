"""A second band that would go on just as the first: what is planned is seen by it ahead of time, and the first is not touched.

All that changes is copied. Models, values and settings never change, so both share them.
"""

from __future__ import annotations

import copy
from collections import deque
from typing import Any

import numpy as np

from improv.core.beats.timekeeper import Timekeeper
from improv.perform.band import Band, Slot

COPIED = ("improv.core.", "improv.perform.metronome", "improv.perform.band")  # whose objects change, unless they are frozen
PLAIN = (str, int, float, bool, type(None), frozenset, np.ndarray, bytes)


def forked(band: Band) -> Band:
    """A band that is told nothing by others and tells nobody."""
    seen: dict[int, Any] = {}
    keeper: Timekeeper = _copy(band.timekeeper, seen)
    slots: list[Slot] = [_copy(slot, seen) for slot in band.slots]
    return Band(slots, keeper)


def _copy(value: Any, seen: dict[int, Any]) -> Any:
    if isinstance(value, PLAIN):
        return value
    if id(value) in seen:
        return seen[id(value)]
    kind = type(value)
    made: Any
    if kind is dict:
        made = seen[id(value)] = {}
        made.update((key, _copy(item, seen)) for key, item in value.items())
    elif kind in (list, set):
        made = seen[id(value)] = kind()
        (made.extend if kind is list else made.update)([_copy(item, seen) for item in value])
    elif kind is deque:
        made = seen[id(value)] = deque((_copy(item, seen) for item in value), value.maxlen)
    elif kind is np.random.Generator:
        made = seen[id(value)] = _generator(value)
    elif _changes(value):
        made = seen[id(value)] = copy.copy(value)
        for name in _names(value):
            item = getattr(value, name)
            if not isinstance(item, PLAIN):
                object.__setattr__(made, name, _copy(item, seen))
    else:
        made = value
    return made


def _changes(value: Any) -> bool:
    """Whether it is an object of ours that is no value."""
    kind = type(value)
    frozen = getattr(kind, "__dataclass_params__", None)
    return kind.__module__.startswith(COPIED) and not isinstance(value, tuple | type) and not (frozen and frozen.frozen)


def _names(value: Any) -> list[str]:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*getattr(value, "__dict__", ()), *(name for name in slots if hasattr(value, name))]


def _generator(rng: np.random.Generator) -> np.random.Generator:
    bits = type(rng.bit_generator)()
    bits.state = rng.bit_generator.state
    return np.random.Generator(bits)
