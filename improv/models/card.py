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
from improv.outside import plain_name, printable

FORMAT = 2
LARGEST_SIZE = 4096
LARGEST_WEIGHT = 1000.0  # either way; trained ones stay below 10. With these sizes, nothing that is worked out of them leaves float32
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


def promised(card: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a card's weights. Raises ModelError unless this version of improv can play it."""
    if card.get("format") != FORMAT:
        raise ModelError(f"card says format {printable(card.get('format'))}, this improv reads format {FORMAT}; export the model again")
    if card.get("vocabulary_hash") != Vocabulary().hash:
        raise ModelError("card was made for another vocabulary; train or export the model again with this improv")
    network = card.get("network")
    if not isinstance(network, Mapping):
        raise ModelError("card has no network")
    kind = kind_of(network)
    if kind not in tuple(NETWORKS):
        raise ModelError(f"card: network.kind is {printable(repr(kind))}, this improv knows {', '.join(NETWORKS)}; update improv")
    for name, least in (SIZES | dict.fromkeys(NETWORKS[kind].sizes, 1)).items():
        if type(network.get(name)) is not int or not least <= network[name] <= LARGEST_SIZE:
            said = printable(repr(network.get(name)))
            raise ModelError(f"card: network.{name} is {said}, expected a whole number from {least} to {LARGEST_SIZE}")
    if too := NETWORKS[kind].too_much(network, len(STACKS) * network["members"]):
        raise ModelError(f"card: {too}")
    recall = card.get("recall")
    if recall is not None and not isinstance(recall, Mapping):
        raise ModelError("card: recall is no table of numbers; export the model again")
    for key in ("rhythm_key", "line_key"):
        if network[key]:
            _numbers(card, key, Recall.of)
    if "colour" in (recall or {}):
        _numbers(card, "colour", PitchClassBias.of)
    return shapes(network)


def check(card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> None:
    """Raise ModelError unless this version of improv can play this card with these weights."""
    check_weights(promised(card), weights)


def check_weights(shapes: Mapping[str, tuple[int, ...]], weights: Mapping[str, np.ndarray]) -> None:
    """Raise ModelError unless all weights are there, in their shapes, and each is a number that a network can have."""
    for name, shape in shapes.items():
        if name not in weights:
            raise ModelError(f"weights: {name} is missing")
        there = weights[name]
        if there.shape != shape or there.dtype != np.float32:
            raise ModelError(f"weights: {name} is {there.dtype} {there.shape}, the card promises float32 {shape}")
        if not np.isfinite(there).all():
            raise ModelError(f"weights: {name} has values that are no numbers")
        if there.size and max(float(there.max()), -float(there.min())) > LARGEST_WEIGHT:
            raise ModelError(f"weights: {name} has values beyond {LARGEST_WEIGHT:g}, which no trained network has")


def check_name(card: Mapping[str, Any]) -> None:
    """Raise ModelError unless a card names its model, plainly: the name is printed, and stands in records."""
    if "name" not in card:
        raise ModelError("card: name is missing")
    if not plain_name(card["name"]):
        raise ModelError(f"card: name is {printable(repr(card['name']))}, expected a name of up to 64 characters without '/'")


def _numbers(card: Mapping[str, Any], key: str, of: Callable[[Mapping[str, Any]], object]) -> None:
    try:
        of(card["recall"][key])
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as e:
        raise ModelError(f"card: recall.{key} lacks its numbers or has others ({printable(e)}); export the model again") from None


def card_head(name: str, network: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a card that `check` reads."""
    return {
        "format": FORMAT,
        "name": name,
        "vocabulary": asdict(Vocabulary()),
        "vocabulary_hash": Vocabulary().hash,
        "network": dict(network),
    }
