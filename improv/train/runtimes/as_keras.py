"""The stages as Keras models of standard layers and operations alone, and what TensorFlow makes of them.

No class of ours is in them, so that `keras.models.load_model` opens the file anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from improv.train.quiet import keras, layers, ops
from improv.train.runtimes.stages import ExportStage, Weights, stages


class _Layers:
    """Operations that are Keras's; a layer gets its weights as it is made."""

    def _layer(self, layer: Any, x: Any, *weights: np.ndarray) -> Any:
        y = layer(x)
        layer.set_weights(weights)
        return y

    def rows(self, name: str, table: np.ndarray, columns: Any, first: np.ndarray) -> Any:
        numbers = ops.subtract(columns, -first.astype(np.int32))  # ops.add would be a BiasAdd, which TFLite lacks for integers
        return ops.sum(self._layer(layers.Embedding(*table.shape, name=name), numbers, table), axis=1)

    def dense(self, name: str, x: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
        return self._layer(layers.Dense(kernel.shape[1], name=name), x, kernel, bias)

    def pick(self, name: str, x: Any, places: np.ndarray, which: Any) -> Any:
        row = self._layer(layers.Embedding(*places.shape, trainable=False, name=name), which, places)
        return ops.take_along_axis(x, ops.cast(row, "int32"), axis=-1)

    def split(self, x: Any, sizes: Sequence[int]) -> Any:
        return ops.split(x, np.cumsum(sizes)[:-1].tolist(), axis=-1)

    def join(self, xs: Sequence[Any]) -> Any:
        return ops.concatenate(xs, axis=-1)

    add = staticmethod(ops.add)
    multiply = staticmethod(ops.multiply)
    sigmoid = staticmethod(ops.sigmoid)
    tanh = staticmethod(ops.tanh)
    relu = staticmethod(ops.relu)


def stage_model(name: str, stage: ExportStage, weights: Weights) -> keras.Model:
    """One stage as a functional model: dict in, dict out."""
    inputs = {k: keras.Input(x.width, dtype=x.kind, name=k) for k, x in stage.inputs.items()}
    return keras.Model(inputs, stage.build(_Layers(), weights, inputs), name=name)


def whole_model(weights: Weights) -> keras.Model:
    """All stages in one model, each of them a layer under its name.

    Called as a whole it takes a note and all that is known of the next, and says all heads of the next:
    what reading recorded music needs. `get_layer("step")`, `("pitch")` and `("touch")` play.
    """
    parts = stages(weights)
    inputs = {k: keras.Input(x.width, dtype=x.kind, name=k) for stage in parts.values() for k, x in stage.inputs.items()}
    said: dict[str, Any] = {}
    for name, stage in parts.items():
        state = {"a": said["a_next"]} if said else {}
        said |= stage_model(name, stage, weights)({k: (inputs | state)[k] for k in stage.inputs})
    return keras.Model(inputs, said, name="improv")


def write_keras(folder: Path, weights: Weights) -> None:
    """Write model.keras: `whole_model`."""
    whole_model(weights).save(folder / "model.keras")


def write_savedmodel(folder: Path, weights: Weights) -> None:
    """Write a SavedModel with one signature a stage."""
    import tensorflow as tf
    from keras.export import ExportArchive

    archive = ExportArchive()
    for name, stage in stages(weights).items():
        model = stage_model(name, stage, weights)
        archive.track(model)
        signature = {k: tf.TensorSpec((None, *x.width), x.kind, name=k) for k, x in stage.inputs.items()}
        archive.add_endpoint(name, _endpoint(model), [signature])
    archive.write_out(str(folder), verbose=False)


def _endpoint(model: keras.Model) -> Any:
    def endpoint(inputs: dict[str, Any]) -> Any:
        return model(inputs, training=False)

    return endpoint


def write_tflite(folder: Path, weights: Weights) -> None:
    """Write model.tflite with one signature a stage, float32, of built-in operations alone."""
    import tempfile

    import tensorflow as tf

    with tempfile.TemporaryDirectory() as saved:
        write_savedmodel(Path(saved), weights)
        converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=list(stages(weights)))
        (folder / "model.tflite").write_bytes(converter.convert())
