"""The kinds of networks between the notes and the heads, by the `kind` in a card's network.

A new kind is one file with its `NETWORK_KIND`, and one row here. Each member of a model has two networks, one for the rhythm
and one for the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from improv.models import lstm, tcn
from improv.models.network_kind import NetworkKind, RunningCells

STACKS = ("rhythm", "line")
NETWORKS: dict[str, NetworkKind] = {"lstm": lstm.NETWORK_KIND, "tcn": tcn.NETWORK_KIND}


def kind_of(network: Mapping[str, Any]) -> Any:
    """The kind that a card's network says it is; cards from before there was another say nothing."""
    return network.get("kind", "lstm")


def part_shapes(network: Mapping[str, Any], part: str, inputs: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of one member's rhythm or line."""
    shapes = NETWORKS[kind_of(network)].shapes(network, inputs, network[f"{part}_units"])
    return {f"{part}.{name}": shape for name, shape in shapes.items()}


def cells_of(network: Mapping[str, Any], weights: Mapping[str, np.ndarray], summed: int) -> RunningCells:
    """All members' rhythms, then all their lines, as one; weights by the names of a model's file."""
    alike = [
        {name: weights[f"{member}.{part}.{name}"] for name in (k.partition(".")[2] for k in part_shapes(network, part, 0))}
        for part in STACKS
        for member in range(network["members"])
    ]
    return NETWORKS[kind_of(network)].cells(alike, summed)
