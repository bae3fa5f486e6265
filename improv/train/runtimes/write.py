"""A folder with the exported model and model.json: written beside its place, checked there, then moved into it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from improv.core.errors import ImprovError
from improv.core.note_model import NoteModel
from improv.extras import install
from improv.train.example import example_piece, said_of
from improv.train.runtimes import check
from improv.train.runtimes.leaflet import leaflet
from improv.train.runtimes.stages import Weights

LARGEST_DIFFERENCE = 1e-4  # of any probability
LEAFLET = "model.json"


class ExportError(ImprovError):
    """A model can't be exported; nothing was left behind."""


@dataclass(frozen=True, slots=True)
class Format:
    """packages: what it needs. form: how it is opened, for the leaflet. write, run: into a folder, and from it."""

    packages: tuple[str, ...]
    form: str
    write: Callable[[Path, Weights, Mapping[str, str]], None]
    run: Callable[[Path], tuple[check.Run, str]]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. size: bytes. difference: the largest of any probability, over so many notes."""

    folder: Path
    size: int
    runtime: str
    notes: int
    difference: float


def _write_onnx(folder: Path, weights: Weights, about: Mapping[str, str]) -> None:
    from improv.train.runtimes import as_onnx

    as_onnx.write(folder, weights, about)


def _written_by_keras(name: str) -> Callable[[Path, Weights, Mapping[str, str]], None]:
    def write(folder: Path, weights: Weights, about: Mapping[str, str]) -> None:
        from improv.train.runtimes import as_keras

        getattr(as_keras, name)(folder, weights)

    return write


_TENSORFLOW = ("tensorflow", "keras")
FORMATS = {
    "onnx": Format(
        ("onnx", "onnxruntime"),
        "one file a stage, STAGE.onnx",
        _write_onnx,
        check.run_onnx,
    ),
    "tflite": Format(
        _TENSORFLOW,
        "model.tflite, one signature a stage: Interpreter.get_signature_runner(STAGE)",
        _written_by_keras("write_tflite"),
        check.run_tflite,
    ),
    "keras": Format(
        _TENSORFLOW,
        "model.keras: keras.models.load_model(...).get_layer(STAGE) is a model; called as a whole, it reads recorded notes",
        _written_by_keras("write_keras"),
        check.run_keras,
    ),
    "savedmodel": Format(
        _TENSORFLOW,
        "a SavedModel, one signature a stage: tf.saved_model.load(FOLDER).signatures[STAGE]",
        _written_by_keras("write_savedmodel"),
        check.run_savedmodel,
    ),
}


def export(
    model: NoteModel, weights: Weights, vector: Mapping[str, np.ndarray], kind: str, target: Path, overwrite: bool = False
) -> Exported:
    """Write `model` as one of FORMATS into the folder `target`, which appears whole and checked or not at all.

    weights: as the model was made of. vector: its stored test vector. overwrite: an earlier export may be replaced.
    Raises ExportError.
    """
    form = FORMATS[kind]
    for package in form.packages:
        if importlib.util.find_spec(package) is None:
            raise ExportError(f"export to {kind} needs {package}, which is not installed: {install('export')}")
    _refuse(target, overwrite)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        exported = _written(model, weights, vector, kind, part)
        _move(part, target)
    except OSError as e:
        raise ExportError(f"--out {target}: {e.strerror or e}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    size = sum(p.stat().st_size for p in target.rglob("*") if p.is_file())
    return Exported(target, size, *exported)


def _refuse(target: Path, overwrite: bool) -> None:
    """Leave alone what is not ours to replace."""
    if not target.name:
        raise ExportError(f"--out {target}: name a folder")
    if not target.exists() and not target.is_symlink():
        return
    if not overwrite:
        raise ExportError(f"--out {target}: exists already; name another folder, or replace it with --overwrite")
    if target.is_symlink() or not (target / LEAFLET).is_file():
        raise ExportError(f"--out {target}: not an earlier export (no {LEAFLET} in it), so it is not overwritten; name another folder")


def _written(model: NoteModel, weights: Weights, vector: Mapping[str, np.ndarray], kind: str, folder: Path) -> tuple[str, int, float]:
    """Write, run and compare; returns the runtime's name, the notes and the largest difference."""
    form, card = FORMATS[kind], model.card
    about = {k: str(card[k]) for k in ("name", "license", "attribution", "weights_sha256") if k in card}
    form.write(folder, weights, about)
    piece = example_piece(len(vector["end"]) + 1)
    run, runtime = form.run(folder)
    difference = check.largest_of(check.said_by(run, weights, piece), said_of(model, piece), vector)
    if difference > LARGEST_DIFFERENCE:
        raise ExportError(
            f"the {kind} export differs from the step that plays by {difference:.2g} in a probability (at most {LARGEST_DIFFERENCE:g} "
            f"is allowed, {runtime}); it was deleted. Try other versions of {' and '.join(form.packages)}"
        )
    notes = len(vector["end"])
    told = {"by": runtime, "against": "improv's step and the model's test vector", "notes": notes, "largest_difference": difference}
    text = json.dumps(leaflet(card, weights, form.form, told), indent=2, ensure_ascii=False)
    (folder / LEAFLET).write_text(text + "\n", encoding="utf-8")
    return runtime, notes, difference


def _move(part: Path, target: Path) -> None:
    """Put `part` where `target` is or will be."""
    if not target.exists():
        part.rename(target)
        return
    old = part.with_name(part.name + ".old")
    target.rename(old)
    try:
        part.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
