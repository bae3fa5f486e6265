"""The small network that says whether a phrase is over, fitted to the activations of trained networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from improv.train.evaluation.next_note import average_precision
from improv.train.quiet import keras
from improv.train.states import States

END_HIDDEN = 48
STEPS = 200


def fit_ends(
    heard: Sequence[States], checked: Sequence[States], seed: int, rounds: int = 16, begun: Mapping[str, np.ndarray] | None = None
) -> dict[str, np.ndarray]:
    """A small network from all activations to whether the phrase is over; of its rounds the best on `checked`.

    A round is an epoch; of a small corpus, so many that it has STEPS steps. begun: the weights to go on from, by name
    (those of a model that is fine-tuned); they stay if no round is better.
    """
    keras.utils.set_random_seed(seed)
    x, y = (np.concatenate([getattr(s, name) for s in heard]) for name in ("a", "end"))
    x_check, y_check = (np.concatenate([getattr(s, name) for s in checked]) for name in ("a", "end"))
    inputs = keras.Input((x.shape[1],))
    width = len(begun["end.kernel"]) if begun else END_HIDDEN
    hidden = keras.layers.Dense(width, activation="relu", name="end_hidden")(keras.layers.Dropout(0.2)(inputs))
    network = keras.Model(inputs, keras.layers.Dense(1, name="end")(keras.layers.Dropout(0.5)(hidden)))
    network.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.02), keras.losses.BinaryCrossentropy(from_logits=True))
    names = ("end_hidden.kernel", "end_hidden.bias", "end.kernel", "end.bias")

    def precision() -> float:
        return average_precision(y_check > 0, network.predict(x_check, batch_size=4096, verbose=0)[:, 0])

    best: tuple[float, list[np.ndarray]] = (-1.0, network.get_weights())
    if begun:
        network.set_weights([begun[name] for name in names])
        best = (precision(), network.get_weights())
    batch = min(512, max(32, len(y) // 64))
    repeats = min(6, max(1, STEPS * batch // len(y)))
    for _ in range(rounds):
        network.fit(x, y, batch_size=batch, epochs=repeats, verbose=0)
        if (score := precision()) > best[0]:
            best = (score, network.get_weights())
    return dict(zip(names, best[1], strict=True))
