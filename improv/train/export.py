"""From Keras to a model folder: card.json and weights.safetensors, with a test vector from Keras.

A model has one or more networks, its members, whose logits are averaged.
The embedding before each LSTM is linear, so it is folded into the LSTM's input weights; a TCN has it as its first layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from improv.core.vocabulary import ARTICULATION_TABLES, ONSET_TABLES, STEP_TABLES
from improv.models.card import card_head, check
from improv.models.cells import STACKS
from improv.train.dataset import columns_of, multi_hot
from improv.train.example import example_piece
from improv.train.finish import Finished
from improv.train.folder import write_folder
from improv.train.network.keras_network import GatedStack
from improv.train.quiet import keras


def weights_of(network: keras.Model) -> dict[str, np.ndarray]:
    """A Keras network's weights under the names and in the shapes that the runtime reads of one member."""
    w: dict[str, np.ndarray] = {}

    def dense(layer: str) -> tuple[np.ndarray, np.ndarray]:
        kernel, bias = network.get_layer(layer).get_weights()
        return kernel, bias

    for name in STACKS:
        of = _stack if isinstance(network.get_layer(name), GatedStack) else _lstm
        w |= {f"{name}.{k}": a for k, a in of(network, name).items()}
    w["ioi.kernel"], w["ioi.bias"] = dense("ioi")
    units = network.get_layer("line").output.shape[-1]
    for hidden, tables in (("pitch_hidden", "onset"), ("touch_hidden", "touch")):
        kernel, w[f"{hidden}.bias"] = dense(hidden)
        w[f"{hidden}.line"], w[f"{hidden}.{tables}"] = kernel[:units], kernel[units:]
    for parts, layers in (("pitch_parts", ("interval", "above", "above_coming")), ("touch_parts", ("duration", "lag"))):
        both = [dense(layer) for layer in layers]
        w[f"{parts}.kernel"] = np.hstack([k for k, _ in both])
        w[f"{parts}.bias"] = np.concatenate([b for _, b in both])
    w["register"] = network.get_layer("pitch").get_weights()[0]
    return {name: np.ascontiguousarray(a, np.float32) for name, a in w.items()}


def _lstm(network: keras.Model, name: str) -> dict[str, np.ndarray]:
    (embedding,) = network.get_layer(f"{name}_embedding").get_weights()
    kernel, recurrent, bias = network.get_layer(name).get_weights()[:3]
    return {"kernel": (embedding.astype(np.float64) @ kernel).astype(np.float32), "recurrent": recurrent, "bias": bias}


def _stack(network: keras.Model, name: str) -> dict[str, np.ndarray]:
    kernel, bias = network.get_layer(f"{name}_embedding").get_weights()
    stack = network.get_layer(name)
    gates, gates_bias, residual, skip = (
        np.stack([v.numpy() for v in variables]) if variables else np.zeros((0, stack.channels, stack.channels))
        for variables in (stack.gates, stack.gates_bias, stack.residual, stack.skip)
    )
    past, now = np.split(gates, 2, axis=1)
    return {
        "kernel": kernel, "bias": bias, "past": past, "now": now, "gates_bias": gates_bias,
        "residual": residual, "skip": skip, "skip_bias": stack.skip_bias.numpy(),
    }  # fmt: skip


def keras_vector(networks: Sequence[keras.Model], ends: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What Keras says of the example piece, nothing recalled: probabilities of every head, row t of note t + 1.

    ends: the weights `end_hidden.kernel` and so on, which read all members' activations.
    """
    columns = columns_of(example_piece())
    n = len(columns.last) - 1
    inputs = {
        "step": multi_hot(columns.step[None, :n], STEP_TABLES),
        "onset": multi_hot(columns.onset[None, :n], ONSET_TABLES),
        "touch": multi_hot(columns.touch[None, :n], ARTICULATION_TABLES),
        **{k: getattr(columns, k)[None, :n] for k in ("last", "root", "coming")},
    }
    to_numpy = keras.ops.convert_to_numpy
    said = [network(inputs, training=False) for network in networks]
    vector = {f"test.{h}": to_numpy(keras.ops.softmax(sum(s[h] for s in said) / len(said))[0]) for h in ("ioi", "pitch", "duration", "lag")}
    states = [
        keras.Model(network.inputs, network.get_layer(part).output)(inputs, training=False) for part in STACKS for network in networks
    ]
    heard = np.concatenate([to_numpy(state) for state in states], axis=-1)
    hidden = np.maximum(heard @ ends["end_hidden.kernel"] + ends["end_hidden.bias"], 0)
    vector["test.end"] = 1 / (1 + np.exp(-(hidden @ ends["end.kernel"] + ends["end.bias"])))[0, :, 0]
    return vector


def members_of(networks: Sequence[keras.Model]) -> dict[str, np.ndarray]:
    """The weights of all members, those of the first with names `0.` and so on."""
    return {f"{k}.{name}": w for k, network in enumerate(networks) for name, w in weights_of(network).items()}


def export(
    folder: Path,
    networks: Sequence[keras.Model],
    finished: Finished,
    about: Mapping[str, Any],
    beside: Mapping[str, bytes] | None = None,
) -> dict[str, Any]:
    """Write a model folder, all files or none. Returns the card.

    finished: what was fitted on top of the networks. about: what else the card says. beside: see `write_folder`. Raises
    WriteError when there is no room for it; what was there stays.
    """
    card = card_head(folder.name, finished.sizes) | {"recall": finished.recall}
    weights = members_of(networks) | finished.weights
    check(card, weights)
    return write_folder(folder, card, weights | keras_vector(networks, finished.weights), about, beside)
