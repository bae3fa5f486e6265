"""Fine-tuning starts here: from a model folder back to the Keras network that it was exported from.

The way back of `export.weights_of`. The embedding before each LSTM was folded into the LSTM's kernel; the
product's singular values and vectors give one pair of matrices with that product. It is exact while the
kernel's rank is at most the embedding's size, which is so for every model that was exported with that size.
Of a TCN nothing was folded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from improv.core.errors import ImprovError
from improv.models.cells import STACKS
from improv.train.export import weights_of
from improv.train.network.keras_network import GatedStack, NetworkConfig, build, config_of
from improv.train.quiet import keras

CLOSE = 1e-5  # largest difference of any weight that the way back and forth may make


class BeginError(ImprovError):
    """A model that can't be fine-tuned; the message says why."""


def begin(card: Mapping[str, Any], stored: Mapping[str, np.ndarray], seed: int) -> tuple[list[keras.Model], NetworkConfig]:
    """The Keras networks of a model's card and weights, one for each member, and their sizes. Raises BeginError.

    seed: of what the model doesn't hold (the head that teaches the rhythm of phrase ends, padding of the embedding).
    """
    members = [{k.partition(".")[2]: w for k, w in stored.items() if k.startswith(f"{m}.")} for m in range(card["network"]["members"])]
    begun = [_begin(card, member, seed + m) for m, member in enumerate(members)]
    return [network for network, _ in begun], begun[0][1]


def _begin(card: Mapping[str, Any], stored: Mapping[str, np.ndarray], seed: int) -> tuple[keras.Model, NetworkConfig]:
    sizes = dict(card["network"])
    if "embedding" not in sizes:
        sizes["embedding"] = max(_rank(stored[f"{part}.kernel"]) for part in STACKS)
    config = config_of(sizes)
    keras.utils.set_random_seed(seed)
    network = build(config)
    _assign(network, stored, np.random.default_rng(seed))
    back = weights_of(network)
    for key, weights in stored.items():
        if key not in back:
            raise BeginError(f"weights {key} are none that this improv trains")
        if (off := float(np.abs(back[key] - weights).max(initial=0.0))) > CLOSE:
            raise BeginError(f"{key} does not come back from Keras (off by {off:.1e}); its card's network is not its own")
    return network, config


def unfold(kernel: np.ndarray, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(inputs, gates) as a product of (inputs, size) and (size, gates), as near as that size allows.

    Columns beyond the kernel's rank are small random numbers against zeros, so that training can use them.
    """
    left, values, right = np.linalg.svd(kernel.astype(np.float64), full_matrices=False)
    kept = min(size, len(values), max(_rank_of(values), 1))
    root = np.sqrt(values[:kept])
    embedding = rng.normal(0.0, 0.05, (len(kernel), size))
    embedding[:, :kept] = left[:, :kept] * root
    gates = np.zeros((size, kernel.shape[1]))
    gates[:kept] = root[:, None] * right[:kept]
    return embedding.astype(np.float32), gates.astype(np.float32)


def _rank(kernel: np.ndarray) -> int:
    return max(_rank_of(np.linalg.svd(kernel.astype(np.float64), compute_uv=False)), 1)


def _rank_of(values: np.ndarray) -> int:
    """How many singular values are more than float32's rounding."""
    return int((values > values[0] * 1e-6).sum())


def _assign(network: keras.Model, w: Mapping[str, np.ndarray], rng: np.random.Generator) -> None:
    def put(layer: str, *weights: np.ndarray) -> None:
        variables = network.get_layer(layer).weights
        for variable, value in zip(variables, weights, strict=False):  # what follows is the seed of a dropout
            variable.assign(value)

    for part in STACKS:
        if isinstance(stack := network.get_layer(part), GatedStack):
            put(f"{part}_embedding", w[f"{part}.kernel"], w[f"{part}.bias"])
            _assign_stack(stack, {k.partition(".")[2]: a for k, a in w.items() if k.startswith(f"{part}.")})
            continue
        embedding = network.get_layer(f"{part}_embedding").weights[0]
        folded, kernel = unfold(w[f"{part}.kernel"], embedding.shape[1], rng)
        put(f"{part}_embedding", folded)
        put(part, kernel, w[f"{part}.recurrent"], w[f"{part}.bias"])
    put("ioi", w["ioi.kernel"], w["ioi.bias"])
    for hidden, tables in (("pitch_hidden", "onset"), ("touch_hidden", "touch")):
        put(hidden, np.vstack([w[f"{hidden}.line"], w[f"{hidden}.{tables}"]]), w[f"{hidden}.bias"])
    for parts, layers in (("pitch_parts", ("interval", "above", "above_coming")), ("touch_parts", ("duration", "lag"))):
        at = 0
        for layer in layers:
            size = network.get_layer(layer).weights[1].shape[0]
            put(layer, w[f"{parts}.kernel"][:, at : at + size], w[f"{parts}.bias"][at : at + size])
            at += size
    put("pitch", w["register"])


def _assign_stack(stack: GatedStack, w: Mapping[str, np.ndarray]) -> None:
    gates = np.concatenate([w["past"], w["now"]], axis=1)
    for variables, values in (
        (stack.gates, gates),
        (stack.gates_bias, w["gates_bias"]),
        (stack.residual, w["residual"]),
        (stack.skip, w["skip"]),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    stack.skip_bias.assign(w["skip_bias"])
