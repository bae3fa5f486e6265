"""Model folders: found by name, read, checked against their card. Nothing in them is executed."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from improv.core.note_model import NoteModel
from improv.core.settings import Settings
from improv.models.card import ModelError
from improv.models.registry import kind_in
from improv.models.voicings import Voicings

DEFAULT = "jazz"
VOICINGS = "voicings"
LARGEST = 256 * 2**20  # bytes of weights
LARGEST_CARD = 2**20


def shelves() -> list[Path]:
    """Folders in which models are looked up by name: ./models, then those that came with improv."""
    installed = Path(__file__).parent
    beside = Path(__file__).parents[2] / "models"  # a checkout
    return [p for p in (Path("models"), installed, beside) if p.is_dir()]


def find_model(name: str) -> Path:
    """The folder of a model that plays, given by name or by path. Raises ModelError."""
    folder = _found(name)
    if does := _use_of_its_own(folder):
        raise ModelError(f"model {name}: {does}, and plays no lines; models that play: {', '.join(_playing())}")
    return folder


def load_model(name: str = DEFAULT) -> NoteModel:
    """Read, check and build a model that plays. Raises ModelError, which says what is wrong with it."""
    folder = find_model(name)
    card, weights = _read(folder, LARGEST)
    build = kind_in(card).build
    assert build  # `find_model` refuses all others
    try:
        return build(card, weights)
    except ModelError as e:
        raise ModelError(f"{folder}: {e}") from None


def read_folder(name: str, largest: int = LARGEST) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The card and the weights of a model of any kind, given by name or by path. largest: bytes of weights. Raises ModelError."""
    return _read(_found(name), largest)


def _found(name: str) -> Path:
    if os.sep in name or "/" in name or name in (".", ".."):
        folder = Path(name)
        if folder.is_dir():
            return folder
        raise ModelError(f"model {name}: no such folder")
    for shelf in shelves():
        if (shelf / name / "card.json").is_file():
            return shelf / name
    if Path(name).is_dir():
        return Path(name)
    raise ModelError(f"no model {name!r}; there are: {', '.join(_playing()) or 'none'}, or give a folder's path")


def _playing() -> list[str]:
    """The names of all models on the shelves that play."""
    return sorted({p.parent.name for shelf in shelves() for p in shelf.glob("*/card.json") if not _use_of_its_own(p.parent)})


def _use_of_its_own(folder: Path) -> str:
    """What a model does that plays no lines, or nothing; what is wrong with a card is for `load_model` to say."""
    try:
        return kind_in(_card(folder)).does
    except ModelError:
        return ""


def _card(folder: Path) -> dict[str, Any]:
    path = folder / "card.json"
    try:
        if path.stat().st_size > LARGEST_CARD:
            raise ModelError(f"{path}: larger than a card can be")
        card = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(card, dict):
            raise ValueError("not a JSON object")
    except OSError as e:
        raise ModelError(f"{e.filename}: {e.strerror}") from None
    except ValueError as e:
        raise ModelError(f"{path}: not a readable card ({e})") from None
    return card


def _read(folder: Path, largest: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A folder's card, and its weights, which are those the card was written for. Raises ModelError."""
    card, path = _card(folder), folder / "weights.safetensors"
    try:
        size = path.stat().st_size
    except OSError as e:
        raise ModelError(f"{e.filename}: {e.strerror}") from None
    if size > largest:
        raise ModelError(f"{path}: {size:,} bytes; a model has at most {largest:,}")
    blob = path.read_bytes()
    if blob[:1] == b"\x80" or blob[:2] == b"PK":
        raise ModelError(f"{path}: looks like a pickle or an archive, which improv never opens; export to safetensors")
    _check_length(path, blob)
    if hashlib.sha256(blob).hexdigest() != card.get("weights_sha256"):
        raise ModelError(f"{path}: not the weights that card.json was written for (SHA-256 differs); copy both files again")
    try:
        return card, load(blob)
    except (SafetensorError, ValueError, KeyError) as e:
        raise ModelError(f"{path}: not a readable safetensors file ({e})") from None


def load_voicings(name: str = VOICINGS) -> Voicings:
    """Read, check and build what voices chords. Raises ModelError, which says what is wrong with it."""
    folder = _found(name)
    card, weights = _read(folder, LARGEST)
    try:
        return Voicings.of(card, weights)
    except ModelError as e:
        raise ModelError(f"{folder}: {e}") from None


def voicings_for(*settings: Settings) -> Voicings | None:
    """What performers with these settings voice chords with, or may come to. None where there is nothing and none of them asks
    for it. Raises ModelError."""
    try:
        return load_voicings()
    except ModelError:
        if any(s.voicing == "learned" for s in settings):
            raise
        return None


def _check_length(path: Path, blob: bytes) -> None:
    """Say 'truncated' where that is what it is."""
    if len(blob) < 8:
        raise ModelError(f"{path}: truncated ({len(blob)} bytes)")
    (head,) = struct.unpack("<Q", blob[:8])
    if head > len(blob) - 8:
        raise ModelError(f"{path}: truncated, or not a safetensors file")
    try:
        tensors = json.loads(blob[8 : 8 + head])
        end = max((t["data_offsets"][1] for k, t in tensors.items() if k != "__metadata__"), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as e:
        raise ModelError(f"{path}: not a readable safetensors file ({e})") from None
    if len(blob) < 8 + head + end:
        raise ModelError(f"{path}: truncated ({len(blob):,} of {8 + head + end:,} bytes)")


def stored_vector(name: str = DEFAULT) -> dict[str, np.ndarray]:
    """The arrays that Keras computed when the model was exported (names without `test.`)."""
    return {k.removeprefix("test."): v for k, v in _arrays(name).items() if k.startswith("test.")}


def stored_weights(name: str = DEFAULT) -> dict[str, np.ndarray]:
    """A model's weights as its file holds them. `load_model` checks them."""
    return {k: v for k, v in _arrays(name).items() if not k.startswith("test.")}


def _arrays(name: str) -> dict[str, np.ndarray]:
    blob = (find_model(name) / "weights.safetensors").read_bytes()
    if sys.byteorder != "little":
        raise ModelError("stored arrays are little-endian")
    return dict(load(blob))
