"""A training that is over in seconds: a small network, few steps, and a model folder with random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from improv.train.export import export
from improv.train.finish import unfinished
from improv.train.fit import FitConfig
from improv.train.network.keras_network import NetworkConfig, build

SMALL = NetworkConfig(embedding=16, rhythm_units=16, line_units=24, pitch_hidden=16, touch_hidden=8)
QUICK = FitConfig(epochs=4, batch=4, length=32, rate=1e-2, average=0.9)
SHORT = replace(QUICK, length=10_000)  # one step an epoch, of one shape


def shaken(seed: int, config: NetworkConfig = SMALL) -> keras.Model:
    """A network with random weights, large enough to matter."""
    network, rng = build(config), np.random.default_rng(seed)
    for variable in network.trainable_variables:
        variable.assign(0.3 * rng.standard_normal(variable.shape))
    return network


def random_folder(path: Path) -> Path:
    """The folder of such a network."""
    export(path, [shaken(1)], unfinished(SMALL), {})
    return path
