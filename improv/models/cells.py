"""What may stand between the notes and the heads: the kinds of networks, by the `kind` in a card's network.

Every kind is a class with `start`, `step`, `spans`, `units`, `rows` and `recurrents`, whose state is two arrays.
Each member of a model has two, one for the rhythm and one for the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from improv.models.lstm import Cells
from improv.models.tcn import Tcn, cached, stack_shapes

PARTS = ("rhythm", "line")
MOST_LAYERS = 12  # of a TCN: 4,096 notes
MOST_CACHED = 2**18  # numbers that a TCN may keep of what it heard; each step copies them
# The kinds, and the sizes that each has beside those that all have.
KINDS: dict[str, tuple[str, ...]] = {"lstm": (), "tcn": ("channels", "layers")}


def kind_of(network: Mapping[str, Any]) -> Any:
    """The kind that a card's network says it is; cards from before there was another say nothing."""
    return network.get("kind", "lstm")


def too_much(network: Mapping[str, Any]) -> str | None:
    """What is too large for this improv in a network whose sizes are whole numbers from 1, or None."""
    if kind_of(network) != "tcn":
        return None
    if network["layers"] > MOST_LAYERS:
        return f"network.layers is {network['layers']}, at most {MOST_LAYERS} can be"
    kept = len(PARTS) * network["members"] * cached(network["channels"], network["layers"])
    return f"its layers would keep {kept:,} numbers, at most {MOST_CACHED:,} can be" if kept > MOST_CACHED else None


def part_shapes(network: Mapping[str, Any], part: str, inputs: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of one member's rhythm or line."""
    units = network[f"{part}_units"]
    if kind_of(network) == "tcn":
        shapes = stack_shapes(inputs, network["channels"], network["layers"], units)
    else:
        shapes = {"kernel": (inputs, 4 * units), "recurrent": (units, 4 * units), "bias": (4 * units,)}
    return {f"{part}.{name}": shape for name, shape in shapes.items()}


def cells_of(network: Mapping[str, Any], weights: Mapping[str, np.ndarray], summed: int) -> Cells | Tcn:
    """All members' rhythms, then all their lines, as one; weights by the names of a model's file."""
    alike = [
        {name: weights[f"{member}.{part}.{name}"] for name in (k.partition(".")[2] for k in part_shapes(network, part, 0))}
        for part in PARTS
        for member in range(network["members"])
    ]
    if kind_of(network) == "tcn":
        return Tcn(alike, summed)
    kernels, recurrents, biases = ([w[name] for w in alike] for name in ("kernel", "recurrent", "bias"))
    return Cells(kernels, recurrents, biases, summed)
