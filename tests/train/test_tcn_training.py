"""A TCN in Keras: it says what the streaming step says, and nothing of what is still to come."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training is an extra: pip install '.[train]'")

import keras

from improv.core.values import Vocabulary
from improv.loader import load_model, stored_vector
from improv.train.example import largest_difference
from improv.train.export import export
from improv.train.finish import unfinished
from improv.train.network import TCN_SIZES, TcnConfig, build, config_of

SMALL = TcnConfig(rhythm_units=12, line_units=20, pitch_hidden=16, touch_hidden=8, channels=10, layers=4)


def shaken(seed: int, config: TcnConfig = SMALL) -> keras.Model:
    """With random weights, large enough to matter."""
    network, rng = build(config), np.random.default_rng(seed)
    for variable in network.trainable_variables:
        variable.assign(0.3 * rng.standard_normal(variable.shape))
    return network


@pytest.mark.parametrize(("members", "layers"), [(1, 1), (1, 4), (2, 3)])
def test_the_streaming_step_is_keras_over_500_values(members: int, layers: int, tmp_path: Path) -> None:
    config = TcnConfig(rhythm_units=12, line_units=20, pitch_hidden=16, touch_hidden=8, channels=10, layers=layers)
    card = export(tmp_path / "random", [shaken(seed, config) for seed in range(members)], unfinished(config, members), {})
    assert card["network"]["kind"] == "tcn"
    assert config_of(card["network"]) == config
    vector = stored_vector(str(tmp_path / "random"))
    assert len(vector["end"]) == 499
    assert largest_difference(load_model(str(tmp_path / "random")), vector) < 1e-5
