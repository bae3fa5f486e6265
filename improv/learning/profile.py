"""A player's profile on disk: what was learned from him, beside the model, which stays as it is.

One safetensors file, written whole or not at all; nothing in it is executed. It says whose model it belongs to.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from improv.atomic import atomic_write
from improv.core.errors import ImprovError
from improv.core.heads import Heads
from improv.core.note_model import NoteModel
from improv.learning.learner import FURTHEST, SPEEDS, Profile
from improv.models.model import Model

ABOUT = "about"
FORMAT = 1
LARGEST = 64 * 2**20  # bytes


class ProfileError(ImprovError):
    """A profile that can't be read, written or used; the message says why and what to do."""


def profile_path(folder: Path, name: str) -> Path:
    """Where the profile of a name is. Raises ProfileError for what is no name."""
    if not re.fullmatch(r"\w[\w.+ -]{0,63}", name):
        raise ProfileError(f"profile {name[:80]!r}: expected a name of letters, digits, spaces, '.', '+' and '-'")
    return folder / f"{name}.safetensors"


def profile_beside(session: Path) -> Path:
    """Where the profile is that a session began with: beside its file, so that it can be played again."""
    return session.with_suffix(".profile")


def that_learns(model: NoteModel) -> Model:
    """The model, whose heads learn. Raises ProfileError for one of a kind that has none."""
    if not isinstance(model, Model):
        raise ProfileError(f"model {model.card['name']}: its kind does not learn from a player; leave out --learn and --profile")
    return model


def to_bytes(profile: Profile, model: Model) -> bytes:
    """A profile as its file has it."""
    arrays = {f"{k}/{name}": np.ascontiguousarray(a) for k, heads in enumerate(profile.moved, 1) for name, a in heads._asdict().items()}
    about = {
        "format": FORMAT,
        "model": str(model.card["name"]),
        "weights_sha256": str(model.card["weights_sha256"]),
        "speeds": list(SPEEDS),
        "lessons": profile.lessons,
        "notes": profile.notes,
    }
    blob: bytes = save(arrays | {"costs": np.ascontiguousarray(profile.costs)}, {ABOUT: json.dumps(about)})
    return blob


def from_bytes(blob: bytes, model: Model, path: str) -> Profile:
    """A profile out of its file, checked. path: what messages call it. Raises ProfileError."""
    heads = model.heads
    try:
        arrays = load(blob)
        about = json.loads(json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])["__metadata__"][ABOUT])
        made_for, sha256 = str(about["model"]), about["weights_sha256"]
        known = about["format"] == FORMAT and about["speeds"] == list(SPEEDS)
        lessons, notes = about["lessons"], about["notes"]
    except (SafetensorError, ValueError, KeyError, TypeError) as e:
        raise ProfileError(f"{path}: not a profile ({e}); forget it with --forget, or give another name") from None
    if sha256 != model.card["weights_sha256"]:
        theirs = f"model {made_for[:40]!r} ({str(sha256)[:12]})"
        raise ProfileError(
            f"{path}: was learned on another model, {theirs}, not on {model.card['name']} ({model.card['weights_sha256'][:12]}); "
            "play with that model, give another --profile, or --forget it"
        )
    if not known:
        raise ProfileError(f"{path}: was written by another version of improv; --forget it")
    wanted = {f"{k}/{name}": a.shape for k in range(1, len(SPEEDS)) for name, a in heads._asdict().items()}
    fits = (
        set(arrays) == {*wanted, "costs"}
        and all(arrays[name].shape == shape and arrays[name].dtype == np.float32 for name, shape in wanted.items())
        and arrays["costs"].shape == (2, len(SPEEDS))
        and arrays["costs"].dtype == np.float64
        and all(np.isfinite(a).all() for a in arrays.values())
        and bool(((arrays["costs"] >= 0) & (arrays["costs"] <= FURTHEST)).all())
        and all(type(n) is int and n >= 0 for n in (lessons, notes))
    )
    if not fits:
        raise ProfileError(f"{path}: its numbers are not those of a profile; --forget it")
    moved = tuple(Heads(*(arrays[f"{k}/{name}"] for name in Heads._fields)) for k in range(1, len(SPEEDS)))
    return Profile(moved, arrays["costs"], lessons, notes)


def read_profile(path: Path, model: Model) -> Profile | None:
    """The profile in a file, as a session begins with it; None where there is no file. Raises ProfileError."""
    try:
        if path.stat().st_size > LARGEST:
            raise ProfileError(f"{path}: larger than a profile can be; --forget it")
        blob = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as e:
        raise ProfileError(f"{path}: {e.strerror}") from None
    return from_bytes(blob, model, str(path)).rested()


def write_profile(path: Path, profile: Profile, model: Model) -> None:
    """Write a profile whole, or leave what is there. Raises WriteError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ProfileError(f"{path}: {e.strerror}; what was learned is not kept") from None
    atomic_write({path: to_bytes(profile, model)})
