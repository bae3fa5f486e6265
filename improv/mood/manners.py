"""Soloists' manners: named settings that were learned from groups of soloists who play alike, blended by their weights. Pure.

    spare                         one manner
    spare:0.7, restless:0.3       two, blended
    spare:0.5                     half of one: half way from the usual settings
    none                          the usual settings again

`manners.toml` has them, by `scripts/learn_soloists.py`. A manner is held until another is named: it is no more than its settings.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from improv.core.errors import ImprovError
from improv.core.settings import Settings, row_of

TABLE = Path(__file__).with_name("manners.toml")
NONE = "none"


class MannerError(ImprovError):
    """No such manner, or a weight that is none."""


@dataclass(frozen=True, slots=True)
class Manner:
    """plays: in words. settings: by name. traits: where its soloists lie, in standard deviations of all."""

    plays: str
    settings: Mapping[str, float]
    traits: Mapping[str, float]


@cache
def read_manners() -> dict[str, Manner]:
    """The manners that improv ships, by name."""
    return {name: Manner(**row) for name, row in tomllib.loads(TABLE.read_text(encoding="utf-8")).items()}


def settings_of(text: str) -> dict[str, float]:
    """The settings of a manner, or of a blend. Weights that add up to more than 1 count by their shares. Raises MannerError."""
    manners, usual = read_manners(), Settings()
    weights = _weights(text, manners)
    whole = max(sum(weights.values()), 1.0)
    names = dict.fromkeys(key for manner in manners.values() for key in manner.settings)
    blended: dict[str, float] = {}
    for key in names:
        default = float(getattr(usual, key))
        moved = sum(weight / whole * (manners[name].settings.get(key, default) - default) for name, weight in weights.items())
        blended[key] = round(default + moved, 2)
        row_of(key).check(blended[key])
    return blended


def _weights(text: str, manners: Mapping[str, Manner]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in text.replace(";", ",").split(","):
        name, colon, weight = (piece.strip() for piece in part.lower().partition(":"))
        name = "-".join(name.split())
        if name == NONE and colon:
            raise MannerError(f"manner {part.strip()!r}: {NONE} takes no weight")
        if name == NONE:
            continue
        if not name:
            raise MannerError(f"say which manner, for example spare:0.7; there are {', '.join(manners)}, and {NONE}")
        if name not in manners:
            near = get_close_matches(name, manners, n=1, cutoff=0.6)
            meant = f" (did you mean {near[0]!r}?)" if near else ""
            raise MannerError(f"no manner {name!r}{meant}; there are {', '.join(manners)}, and {NONE}")
        try:
            share = float(weight) if colon else 1.0
        except ValueError:
            share = -1.0
        if not 0.0 <= share <= 100.0:
            raise MannerError(f"manner {part.strip()!r}: expected a weight from 0 to 1 after the colon, as in {name}:0.7")
        weights[name] = weights.get(name, 0.0) + share
    return weights
