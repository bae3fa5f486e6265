"""`critic.safetensors` beside a model: the trees that choose among its phrases, checked like its weights.

The card says what is promised of it: `{"critic": {"sha256", "traits", "ways", "nodes", "trees"}}`. `traits` is the version of the
numbers that are asked for, `ways` among how many phrases it chooses. A model without it plays the first of two phrases; one whose critic
asks for the numbers of an older version plays so too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from improv.core.line.critic import Critic
from improv.core.line.traits import NAMES, VERSION
from improv.models.card import LARGEST_WEIGHT, ModelError
from improv.models.promised_file import promised_arrays
from improv.outside import Tensor, whole

FILE = "critic.safetensors"
LARGEST = 2**20  # bytes
MOST_NODES, MOST_TREES, MOST_WAYS = 40_000, 2000, 32
NODES = {"trait": "I32", "threshold": "F32", "left": "I32", "right": "I32", "value": "F32"}
DEEPEST = 64


def blob_of(critic: Critic) -> tuple[bytes, dict[str, Any]]:
    """The file's bytes, and what the card is to say of it."""
    arrays = {name: getattr(critic, name).astype(np.int32 if kind == "I32" else np.float32) for name, kind in NODES.items()}
    blob = save(arrays | {"roots": critic.roots.astype(np.int32)})
    said = {"sha256": hashlib.sha256(blob).hexdigest(), "traits": VERSION, "ways": critic.ways}
    return blob, said | {"nodes": len(critic.trait), "trees": len(critic.roots)}


def critic_of(card: Mapping[str, Any], folder: Path) -> Critic | None:
    """What a card promises, read from its folder; None where it promises nothing, or a critic of an older version. Raises ModelError."""
    said = card.get("critic")
    if said is None or (isinstance(said, Mapping) and whole(said.get("traits"), 1, VERSION - 1)):
        return None
    path = folder / FILE
    limits = {"nodes": MOST_NODES, "trees": MOST_TREES, "ways": MOST_WAYS}
    if not isinstance(said, Mapping) or not all(whole(said.get(name), 1, most) for name, most in limits.items()):
        raise ModelError(f"{folder}: card: critic lacks its numbers or has others; write {FILE} again")
    if said.get("traits") != VERSION:
        raise ModelError(f"{folder}: card: the critic asks for other traits than this improv knows; write {FILE} again")
    wanted = {name: Tensor(kind, (said["nodes"],)) for name, kind in NODES.items()} | {"roots": Tensor("I32", (said["trees"],))}
    arrays = promised_arrays(path, wanted, said.get("sha256"), LARGEST, "trees")
    if wrong := _wrong(arrays):
        raise ModelError(f"{path}: {wrong}; write it again")
    return Critic(**{name: arrays[name] for name in NODES}, roots=arrays["roots"], deepest=_deepest(arrays), ways=said["ways"])


def _wrong(arrays: Mapping[str, np.ndarray]) -> str:
    """What no trees have; nothing where all is right."""
    trait, left, right, roots = (arrays[name] for name in ("trait", "left", "right", "roots"))
    inner, at = trait >= 0, np.arange(len(trait))
    for name in ("threshold", "value"):
        if not np.isfinite(arrays[name]).all():
            return f"{name} has values that are no numbers"
    if np.abs(arrays["value"]).max() > LARGEST_WEIGHT:
        return f"value has numbers beyond {LARGEST_WEIGHT:g}"
    if (trait < -1).any() or (trait >= len(NAMES)).any():
        return "it asks for traits that there are not"
    ahead = (left[inner] > at[inner]) & (right[inner] > at[inner]) & (left[inner] < len(trait)) & (right[inner] < len(trait))
    if not ahead.all() or (roots < 0).any() or (roots >= len(trait)).any():
        return "its trees lead nowhere, or in a circle"
    return "" if _deepest(arrays) <= DEEPEST else f"a tree is deeper than {DEEPEST}"


def _deepest(arrays: Mapping[str, np.ndarray]) -> int:
    """Steps from a root to its furthest leaf, of trees whose nodes lead forward."""
    depth = [0] * len(arrays["trait"])
    for at, (trait, left, right) in enumerate(zip(*(arrays[name].tolist() for name in ("trait", "left", "right")), strict=True)):
        if trait >= 0:
            depth[left], depth[right] = max(depth[left], depth[at] + 1), max(depth[right], depth[at] + 1)
    return max(depth)
