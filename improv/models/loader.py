"""Model folders: found by name, read, checked against their card. Nothing in them is executed."""

from __future__ import annotations

import hashlib
import math
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from improv.core.band.bar import Member
from improv.core.band.bass import Bassist
from improv.core.band.drums import Drummer
from improv.core.harmony.coming import NextChord
from improv.core.harmony.ear import Hears
from improv.core.note_model import NoteModel
from improv.core.settings import Settings
from improv.models.accented import LearnedAccents, accents_from, accents_of
from improv.models.bass import LearnedWalking
from improv.models.card import ModelError, check_name
from improv.models.critics import critic_of
from improv.models.drum_groove import LearnedGroove
from improv.models.quoted import quotations_of
from improv.models.registry import kind_in
from improv.models.sidemen import SIDEMEN, Sideman
from improv.models.voicings import Voicings
from improv.outside import WIDTHS, OutsideError, Tensor, printable, read_json, read_tensors

DEFAULT = "jazz"
T = TypeVar("T")
VOICINGS, BASS, DRUMS, EAR, ACCENTS = "voicings", "bass", "drums", "ear", "accents"
LARGEST = 256 * 2**20  # bytes of weights
LARGEST_SMALL = 4 * 2**20  # of those that play in the band, voice chords or hear them
LARGEST_CARD = 2**20
BESIDE = 16 * 2**20  # bytes of arrays that are no weights: the test vector


def shelves() -> list[Path]:
    """Folders in which models are looked up by name: ./models, then those that came with improv."""
    installed = Path(__file__).parent
    beside = Path(__file__).parents[2] / "models"  # a checkout
    return [p for p in (Path("models"), installed, beside) if p.is_dir()]


def find_model(name: str) -> Path:
    """The folder of a model that plays, given by name or by path. Raises ModelError."""
    folder = _found(name)
    if does := _use_of_its_own(folder):
        raise ModelError(f"model {name}: {does}, and plays no lines; models that play: {', '.join(models_that_play())}")
    return folder


def load_model(name: str = DEFAULT) -> NoteModel:
    """Read, check and build a model that plays, or one of `sidemen.SIDEMEN`. Raises ModelError, which says what is wrong with it."""
    if name in SIDEMEN:
        return Sideman(name, _member(name))
    folder = find_model(name)
    card, weights = _read(folder, LARGEST)
    build = kind_in(card).build
    assert build  # `find_model` refuses all others
    try:
        model = build(card, weights)
    except ModelError as e:
        raise ModelError(f"{folder}: {e}") from None
    model.quotations, model.critic, model.accents = quotations_of(card, folder), critic_of(card, folder), accents_of(card, folder)
    return model


def read_folder(name: str, largest: int = LARGEST) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The card and the weights of a model of any kind, given by name or by path. largest: bytes of weights. Raises ModelError."""
    return _read(_found(name), largest)


def _found(name: str) -> Path:
    if os.sep in name or "/" in name or name in (".", ".."):
        if _is_folder(Path(name)):
            return Path(name)
        raise ModelError(f"model {printable(name, 200)}: no such folder")
    for shelf in shelves():
        if _is_folder(shelf / name) and (shelf / name / "card.json").exists():
            return shelf / name
    if _is_folder(Path(name)):
        return Path(name)
    raise ModelError(f"no model {printable(repr(name))}; there are: {', '.join(models_that_play()) or 'none'}, or give a folder's path")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that is too long, or none
        return False


def models_that_play() -> list[str]:
    """The names of all models on the shelves that play."""
    return sorted({printable(p.parent.name) for shelf in shelves() for p in shelf.glob("*/card.json") if not _use_of_its_own(p.parent)})


def _use_of_its_own(folder: Path) -> str:
    """What a model does that plays no lines, or nothing; what is wrong with a card is for `load_model` to say."""
    try:
        return kind_in(_card(folder)).does
    except ModelError:
        return ""


def _card(folder: Path) -> dict[str, Any]:
    path = folder / "card.json"
    try:
        card = read_json(path, LARGEST_CARD, folder)
        if not isinstance(card, dict):
            raise ModelError(f"{path}: not a readable card (not a JSON object)")
    except OutsideError as e:
        raise ModelError(str(e)) from None
    return card


def _read(folder: Path, largest: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A folder's card, and its weights, which are those the card was written for. Raises ModelError."""
    card, path = _card(folder), folder / "weights.safetensors"
    try:
        check_name(card)
        shapes = kind_in(card).shapes
        promised = None if shapes is None else shapes(card)
    except ModelError as e:
        raise ModelError(f"{folder}: {e}") from None
    try:
        blob = read_tensors(path, largest, folder, lambda arrays: None if promised is None else _keeps(path, promised, arrays)).blob
        if hashlib.sha256(blob).hexdigest() != card.get("weights_sha256"):
            raise ModelError(f"{path}: not the weights that card.json was written for (SHA-256 differs); copy both files again")
        weights = load(blob)
    except OutsideError as e:
        raise ModelError(str(e)) from None
    except (SafetensorError, ValueError, KeyError) as e:
        raise ModelError(f"{path}: not a readable safetensors file ({printable(e)})") from None
    for name, array in weights.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelError(f"{path}: {printable(name)} has values that are no numbers")
    return card, weights


def _keeps(path: Path, promised: Mapping[str, tuple[int, ...]], arrays: Mapping[str, Tensor]) -> None:
    """Raise ModelError unless a header keeps what the card promises, and has little beside it. Nothing more was read yet."""
    for name, shape in promised.items():
        if (there := arrays.get(name)) is None:
            raise ModelError(f"{path}: weights: {name} is missing")
        if there != ("F32", shape):
            raise ModelError(f"{path}: weights: {name} is {there.kind} {there.shape}, the card promises F32 {shape}")
    beside = sum(WIDTHS[t.kind] * math.prod(t.shape) for name, t in arrays.items() if name not in promised)
    if beside > BESIDE:
        raise ModelError(f"{path}: {beside:,} bytes beside the weights; there may be {BESIDE:,}")


def _built(name: str, build: Callable[[dict[str, Any], dict[str, np.ndarray]], T]) -> T:
    """What is made of the small file of a name: of its card and its weights. Raises ModelError, which names the folder."""
    folder = _found(name)
    card, weights = _read(folder, LARGEST_SMALL)
    try:
        return build(card, weights)
    except ModelError as e:
        raise ModelError(f"{folder}: {e}") from None


def load_voicings(name: str = VOICINGS) -> Voicings:
    """Read, check and build what voices chords. Raises ModelError, which says what is wrong with it."""
    return _built(name, Voicings.of)


def _member(name: str) -> Member | None:
    """Who plays for a sideman: the learned one, or the rules where no folder of the name is there. Raises ModelError."""
    learned: dict[str, Callable[[], Member]] = {BASS: load_bass, DRUMS: load_drums}
    there = name in learned and any(_is_folder(shelf / name) for shelf in shelves())
    return learned[name]() if there else SIDEMEN[name]()


def load_bass(name: str = BASS) -> Bassist:
    """Read, check and build a bassist who has learned to walk. Raises ModelError, which says what is wrong with it."""
    return _built(name, lambda card, weights: LearnedWalking(card, weights).member())


def load_drums(name: str = DRUMS) -> Drummer:
    """Read, check and build a drummer who has learned from drummers. Raises ModelError, which says what is wrong with it."""
    return _built(name, lambda card, weights: LearnedGroove(card, weights).member())


def voicings_for(*settings: Settings) -> Voicings | None:
    """What performers with these settings voice chords with, or may come to. None where there is nothing and none of them asks
    for it. Raises ModelError."""
    try:
        return load_voicings()
    except ModelError:
        if any(s.voicing == "learned" for s in settings):
            raise
        return None


def load_ear(name: str = EAR) -> tuple[Hears, NextChord]:
    """Read, check and build what hears chords, and what tells which comes next. Raises ModelError."""
    from improv.models.ear import EarNetwork, next_chord_of  # it is wanted by those who listen for chords alone

    return _built(name, lambda card, weights: (EarNetwork(card, weights), next_chord_of(weights)))


def load_accents(name: str = ACCENTS) -> LearnedAccents:
    """Read, check and build what foretells how loud notes are. Raises ModelError."""
    return _built(name, accents_from)


def stored_vector(name: str = DEFAULT) -> dict[str, np.ndarray]:
    """The arrays that Keras computed when the model was exported (names without `test.`)."""
    return {k.removeprefix("test."): v for k, v in _arrays(name).items() if k.startswith("test.")}


def stored_weights(name: str = DEFAULT) -> dict[str, np.ndarray]:
    """A model's weights as its file holds them. `load_model` checks them."""
    return {k: v for k, v in _arrays(name).items() if not k.startswith("test.")}


def _arrays(name: str) -> dict[str, np.ndarray]:
    if sys.byteorder != "little":
        raise ModelError("stored arrays are little-endian")
    return _read(find_model(name), LARGEST)[1]
