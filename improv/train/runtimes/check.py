"""What an exported model says, in its own runtime, note after note with the state carried: against the step that plays."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from improv.core.errors import ImprovError
from improv.core.line.sampler import probabilities
from improv.core.vocabulary import articulation_columns, onset_columns, step_columns
from improv.train.piece import Piece
from improv.train.runtimes.stages import NO_ROOT, Weights, stages

Run = Callable[[str, Mapping[str, np.ndarray]], Mapping[str, np.ndarray]]  # stage, its inputs -> its outputs


def said_by(run: Run, weights: Weights, piece: Piece) -> dict[str, np.ndarray]:
    """As `example.said_of`: probabilities for every note but the first, of every head."""
    parts = stages(weights)
    heads = [k for stage in parts.values() for k in stage.outputs if k not in ("a_next", "c_next")]
    rows: dict[str, list[Any]] = {head: [] for head in heads}
    a, c = (np.zeros((1, parts["step"].outputs[name]), np.float32) for name in ("a_next", "c_next"))
    last = None
    for i, (value, at) in enumerate(zip(piece.values[:-1], piece.contexts, strict=False)):
        coming, there = piece.values[i + 1], piece.contexts[i + 1]
        said = dict(run("step", {"note": _ints([step_columns(value, last, at)]), "a": a, "c": c}))
        last, a, c = value.pitch, said.pop("a_next"), said.pop("c_next")
        roots = [NO_ROOT if r is None else r for r in (there.harmony.chord.root, there.harmony.coming.root)]
        onset = {"onset": _ints([onset_columns(last, coming.ioi, there)]), "last": _ints([last])}
        said |= run("pitch", {"a": a, **onset, "root": _ints(roots[:1]), "coming": _ints(roots[1:])})
        said |= run("touch", {"a": a, "struck": _ints([articulation_columns(coming.pitch, last, coming.ioi, there)])})
        for head, row in rows.items():
            row.append(said[head][0, 0] if head == "end" else probabilities(said[head][0]))
    return {head: np.array(row) for head, row in rows.items()}


def largest_of(said: Mapping[str, np.ndarray], *others: Mapping[str, np.ndarray]) -> float:
    """The largest difference of any probability. A value that is no number counts as 1."""
    differences = [np.abs(said[head] - other[head]).max() for other in others for head in said]
    return float(np.nan_to_num(np.max(differences), nan=1.0))


def _ints(xs: Any) -> np.ndarray:
    return np.asarray(xs, np.int32)


# One runner a format: each opens what was written as a stranger would. Returns it with the runtime's name.


def run_onnx(folder: Path) -> tuple[Run, str]:
    """ONNX Runtime on the processor."""
    import onnxruntime

    sessions = {p.stem: onnxruntime.InferenceSession(p, providers=["CPUExecutionProvider"]) for p in folder.glob("*.onnx")}

    def run(stage: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        session = sessions[stage]
        return dict(zip([o.name for o in session.get_outputs()], session.run(None, dict(inputs)), strict=True))

    return run, f"onnxruntime {onnxruntime.__version__}"


def run_tflite(folder: Path) -> tuple[Run, str]:
    """LiteRT where it is installed, else the interpreter that TensorFlow still has."""
    content = (folder / "model.tflite").read_bytes()
    try:
        import ai_edge_litert
        from ai_edge_litert.interpreter import Interpreter

        interpreter, name = Interpreter(model_content=content), f"ai_edge_litert {ai_edge_litert.__version__}"
    except ImportError:
        import tensorflow as tf

        if not hasattr(tf.lite, "Interpreter"):
            raise ImprovError("this TensorFlow runs no TFLite, so the export can't be checked: pip install ai-edge-litert") from None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it moves to ai_edge_litert
            interpreter, name = tf.lite.Interpreter(model_content=content), f"tf.lite of tensorflow {tf.__version__}"
    runners = {stage: interpreter.get_signature_runner(stage) for stage in interpreter.get_signature_list()}
    return lambda stage, inputs: runners[stage](**inputs), name


def run_keras(folder: Path) -> tuple[Run, str]:
    """keras.models.load_model, in safe mode and with no class of ours."""
    from improv.train.quiet import keras

    model = keras.models.load_model(folder / "model.keras", compile=False)
    return lambda stage, inputs: model.get_layer(stage).predict_on_batch(dict(inputs)), f"keras {keras.__version__}"


def run_savedmodel(folder: Path) -> tuple[Run, str]:
    """tf.saved_model.load, by signature."""
    import tensorflow as tf

    signatures = tf.saved_model.load(str(folder)).signatures

    def run(stage: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        said = signatures[stage](**{k: tf.constant(v) for k, v in inputs.items()})
        return {k: v.numpy() for k, v in said.items()}

    return run, f"tensorflow {tf.__version__}"
