"""What a model's card promises: which networks of what sizes, and so which weights. `check` holds weights to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from improv.core.errors import ImprovError
from improv.core.heads import PARTS
from improv.core.vocabulary import ARTICULATION_TABLES, ONSET_TABLES, STEP_TABLES, Vocabulary
from improv.models.cells import NETWORKS, STACKS, kind_of, part_shapes
from improv.models.recall import PitchClassBias, Recall

FORMAT = 2
LARGEST_SIZE = 4096
# The sizes in a card and the least that each may be.
SIZES = {
    "members": 1, "rhythm_units": 1, "line_units": 1, "pitch_hidden": 1, "touch_hidden": 1, "end_hidden": 1,
    "rhythm_key": 0, "line_key": 0,
}  # fmt: skip


class ModelError(ImprovError):
    """A model that can't be used; the message says what was wrong and what to do."""


def table_offsets(tables: Mapping[str, int]) -> np.ndarray:
    """The first row of each table where they are stacked, (tables,)."""
    return np.concatenate([[0], np.cumsum(list(tables.values()))[:-1]]).astype(np.intp)


def member_shapes(network: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of one of the networks that vote."""
    rhythm, line = network["rhythm_units"], network["line_units"]
    pitch, touch = network["pitch_hidden"], network["touch_hidden"]
    step, onset, touched = (sum(t.values()) for t in (STEP_TABLES, ONSET_TABLES, ARTICULATION_TABLES))
    return part_shapes(network, "rhythm", step) | part_shapes(network, "line", step) | {
        "ioi.kernel": (rhythm, 49), "ioi.bias": (49,),
        "pitch_hidden.line": (line, pitch), "pitch_hidden.onset": (onset, pitch), "pitch_hidden.bias": (pitch,),
        "pitch_parts.kernel": (pitch, PARTS), "pitch_parts.bias": (PARTS,), "register": (128,),
        "touch_hidden.line": (line, touch), "touch_hidden.touch": (touched, touch), "touch_hidden.bias": (touch,),
        "touch_parts.kernel": (touch, 34), "touch_parts.bias": (34,),
    }  # fmt: skip


def shapes(network: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights of a model of these sizes: each member's, then what they share."""
    members, end = network["members"], network["end_hidden"]
    rhythms, lines = members * network["rhythm_units"], members * network["line_units"]
    shared: dict[str, tuple[int, ...]] = {
        "end_hidden.kernel": (rhythms + lines, end), "end_hidden.bias": (end,), "end.kernel": (end, 1), "end.bias": (1,),
    }  # fmt: skip
    for key, inputs in (("rhythm_key", rhythms), ("line_key", lines + members * network["pitch_hidden"])):
        if network[key]:
            shared |= {f"{key}.kernel": (inputs, network[key]), f"{key}.mean": (network[key],)}
    return {f"{k}.{name}": shape for k in range(members) for name, shape in member_shapes(network).items()} | shared


def check(card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> None:
    """Raise ModelError unless this version of improv can play this card with these weights."""
    if card.get("format") != FORMAT:
        raise ModelError(f"card says format {card.get('format')!r}, this improv reads format {FORMAT}; export the model again")
    if card.get("vocabulary_hash") != Vocabulary().hash:
        raise ModelError("card was made for another vocabulary; train or export the model again with this improv")
    network = card.get("network")
    if not isinstance(network, Mapping):
        raise ModelError("card has no network")
    kind = kind_of(network)
    if kind not in tuple(NETWORKS):
        raise ModelError(f"card: network.kind is {kind!r}, this improv knows {', '.join(NETWORKS)}; update improv")
    for name, least in (SIZES | dict.fromkeys(NETWORKS[kind].sizes, 1)).items():
        if type(network.get(name)) is not int or not least <= network[name] <= LARGEST_SIZE:
            raise ModelError(f"card: network.{name} is {network.get(name)!r}, expected a whole number from {least} to {LARGEST_SIZE}")
    if too := NETWORKS[kind].too_much(network, len(STACKS) * network["members"]):
        raise ModelError(f"card: {too}")
    for key in ("rhythm_key", "line_key"):
        if network[key]:
            _numbers(card, key, Recall.of)
    if "colour" in (card.get("recall") or {}):
        _numbers(card, "colour", PitchClassBias.of)
    for name, shape in shapes(network).items():
        if name not in weights:
            raise ModelError(f"weights: {name} is missing")
        if weights[name].shape != shape or weights[name].dtype != np.float32:
            got = f"{weights[name].dtype} {weights[name].shape}"
            raise ModelError(f"weights: {name} is {got}, the card promises float32 {shape}")
        if not np.isfinite(weights[name]).all():
            raise ModelError(f"weights: {name} has values that are no numbers")


def _numbers(card: Mapping[str, Any], key: str, of: Callable[[Mapping[str, Any]], object]) -> None:
    try:
        of(card["recall"][key])
    except (KeyError, TypeError, ValueError, IndexError) as e:
        raise ModelError(f"card: recall.{key} lacks its numbers or has others ({e}); export the model again") from None


def card_head(name: str, network: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a card that `check` reads."""
    return {
        "format": FORMAT,
        "name": name,
        "vocabulary": asdict(Vocabulary()),
        "vocabulary_hash": Vocabulary().hash,
        "network": dict(network),
    }
