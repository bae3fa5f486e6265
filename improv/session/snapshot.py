"""The state on disk, now and then, so that a performer that was cut off goes on with what it had heard.

One safetensors file, written whole or not at all; nothing in it is executed. It holds what the networks and the recall know,
for each performer, under its name, with the hash of the model that it belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from improv.atomic import atomic_write
from improv.core.errors import ImprovError
from improv.core.note_model import NoteModel
from improv.models.model import State
from improv.models.recall import SPAN, Past

LARGEST = 64 * 2**20  # bytes
ABOUT = "about"


class SnapshotError(ImprovError):
    """A snapshot that can't be read."""


def state_beside(session: Path) -> Path:
    """Where the state is that a session began with: beside its file, so that it can be played again."""
    return session.with_suffix(".state")


def write_snapshot(path: Path, states: Mapping[str, tuple[NoteModel, State]]) -> None:
    """Write the states of performers, by name. Raises WriteError."""
    arrays: dict[str, np.ndarray] = {}
    for name, (_, state) in states.items():
        keys, entries, trusts = state.past.latest()
        found = {"a": state.a, "c": state.c, "colour": state.pitch_classes, "keys": keys, "entries": entries, "trusts": trusts}
        arrays |= {f"{name}/{field}": np.ascontiguousarray(array) for field, array in found.items()}
    about = {name: str(model.card["weights_sha256"]) for name, (model, _) in states.items()}
    atomic_write({path: save(arrays, {ABOUT: json.dumps(about)})})


def read_snapshot(path: Path, models: Mapping[str, NoteModel]) -> dict[str, State]:
    """The states of performers that are in a snapshot and still have the same model; models: of each performer, by name.

    Empty where there is no snapshot. Raises SnapshotError for one that can't be read, or is not a state of the model.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise SnapshotError(f"{path}: larger than a snapshot can be; delete it")
        blob = path.read_bytes()
        arrays = load(blob)
        about = json.loads(json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])["__metadata__"][ABOUT])
    except FileNotFoundError:
        return {}
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as e:
        raise SnapshotError(f"{path}: not a snapshot ({e}); delete it") from None
    states = {}
    for name, model in models.items():
        if about.get(name) == model.card["weights_sha256"]:
            states[name] = _state(path, name, arrays, model)
    return states


def _state(path: Path, name: str, arrays: Mapping[str, np.ndarray], model: NoteModel) -> State:
    start = model.start()
    try:
        a, c, colour, keys, entries, trusts = (arrays[f"{name}/{f}"] for f in ("a", "c", "colour", "keys", "entries", "trusts"))
    except KeyError as e:
        raise SnapshotError(f"{path}: {e} is missing; delete it") from None
    width, fields = start.past.store.keys.shape[1], start.past.store.entries.shape[1]
    rows = len(keys)
    fits = (
        (a.shape, c.shape, colour.shape) == (start.a.shape, start.c.shape, start.pitch_classes.shape)
        and rows <= SPAN
        and (keys.shape, entries.shape, trusts.shape) == ((rows, width), (rows, fields), (rows,))
        and all(np.isfinite(x).all() for x in (a, c, colour, keys, trusts))
        and bool(((entries >= 0) & (entries < model.entry_classes)).all())
    )
    if not fits:
        raise SnapshotError(f"{path}: not a state of this model; delete it")
    past = Past.empty(width, fields)
    for key, entry, trust in zip(keys, entries, trusts, strict=True):
        past = past.and_then(key, [int(e) for e in entry], float(trust))
    return State(a.astype(np.float32), c.astype(np.float32), past, colour.astype(np.float32))
