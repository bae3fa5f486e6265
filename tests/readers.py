"""What is fuzzed: each takes a generator and an empty folder, makes a file there, has it read, and says how that ended.

Raises whatever is no refusal of the reader's own, and AssertionError for a refusal that is not one line that names the file.
"""

from __future__ import annotations

import functools
import json
import math
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from corpus_files import CORPORA
from made_up import random_weights, small_card
from music_files import MUSIC
from mutating import changed, configuration, model_folder, spoilt, strange_file
from refusing import refused
from safetensors.numpy import load, save

from improv.control.config.reading import ConfigError, check_models, load_config
from improv.control.config.sample import sample
from improv.control.kept import learned_bindings, saved_presets
from improv.core.events import NoteOff, NoteOn, Stop
from improv.core.note_model import NoteModel
from improv.core.observer import MODEL_FAILED
from improv.core.settings import Settings
from improv.learning.learner import Profile
from improv.learning.profile import ProfileError, read_profile, to_bytes
from improv.models.card import ModelError
from improv.models.loader import find_model, load_model, read_folder
from improv.models.model import Model
from improv.perform.clock import OfflineClock
from improv.perform.inbox import Inbox
from improv.perform.observers import KeptTake
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.session.snapshot import SnapshotError, read_snapshot, write_snapshot

SECONDS = 12.0


@functools.cache
def small() -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    return small_card(), random_weights()


@functools.cache
def tutorial() -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    return read_folder("tutorial")


def play(model: NoteModel, seed: int) -> KeptTake:
    """Some bars of a jam with it, offline."""
    clock, inbox, take = OfflineClock(), Inbox(), KeptTake()
    setup = PerformerSetup("improv", model, Settings(mode="trade", tempo=200.0), seed)
    performance = Performance(PerformanceConfig([setup], Song()), clock, observers=[take], inbox=inbox)
    for i, pitch in enumerate([62, 65, 69, 72, 71, 67, 65, 62]):
        inbox.put(NoteOn(0.15 * i, pitch, 80))
        inbox.put(NoteOff(0.15 * i + 0.1, pitch))
    inbox.put(Stop(SECONDS, "over"))
    end = performance.run()
    assert end["reason"] in ("over", MODEL_FAILED), end
    return take


def models(r: random.Random, folder: Path) -> str:
    card, weights = r.choice([small, tutorial])()
    path = folder / "strange"
    model_folder(r, path, card, dict(weights))
    try:
        model = load_model(str(path))
    except ModelError as e:
        return refused(e, str(path), "strange")
    on = [event for event in play(model, 1).played_events if isinstance(event, NoteOn)]
    assert len(on) < 60 * SECONDS, f"{len(on)} notes"
    return "played"


def configurations(r: random.Random, folder: Path) -> str:
    path = folder / "improv.toml"
    path.write_text(configuration(r, sample()), encoding="utf-8", errors="replace")
    if r.random() < 0.1:
        path.write_bytes(spoilt(r, path.read_bytes()))
    if r.random() < 0.03:
        strange_file(r, path)
    try:
        config = load_config(path)
        check_models(config, find_model)
        for performer in config.performers:
            config.settings_of(performer)
    except ConfigError as e:
        lines = str(e).splitlines()
    else:
        return "read"
    assert all(line.isprintable() for line in lines), lines
    assert sum(map(len, lines)) < 20_000
    return "refused"


@functools.cache
def good_state() -> tuple[Model, bytes, bytes]:
    """A model, a state of it as a file has it, and a profile."""
    import tempfile

    card, weights = small()
    model = Model(card | {"weights_sha256": "a" * 64}, weights)
    state = model.start()
    from improv.core.harmony import NO_CHORD, HarmonicContext
    from improv.core.vocabulary import Context, Value

    at = Context(HarmonicContext(NO_CHORD, NO_CHORD, math.inf), 0, None, 120.0, "swing")
    last = None
    for i in range(20):
        value = Value(6, 60 + i % 7, 5, 6)
        state = model.step(state, value, last, at)
        last = value.pitch
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        write_snapshot(path, {"sax": (model, state)})
        return model, path.read_bytes(), to_bytes(Profile.new(model), model)


def states(r: random.Random, folder: Path) -> str:
    model, blob, _ = good_state()
    path = folder / "state.safetensors"
    fate = r.randrange(6)
    length = int.from_bytes(blob[:8], "little")
    if fate == 0:
        blob = spoilt(r, blob)
    elif fate == 1:
        header = json.dumps(changed(r, json.loads(blob[8 : 8 + length]))).encode()
        blob = len(header).to_bytes(8, "little") + header + blob[8 + length :]
    elif fate == 2:
        about = changed(r, {"sax": "a" * 64})
        blob = save(load(blob), {"about": r.choice([json.dumps(about), "[" * 100_000, "{", "null"])})
    else:
        arrays = {k: v.copy() for k, v in load(blob).items()}
        name = r.choice(list(arrays))
        kind = r.randrange(4)
        if kind == 0:
            arrays[name][...] = (
                r.choice([0, 1, -1, 1000]) if arrays[name].dtype.kind in "iu" else r.choice([0.0, -1.0, 1e30, math.nan, 1e-45])
            )
        elif kind == 1:
            arrays[name] = arrays[name].astype(r.choice([np.float64, np.int64, np.int8, np.uint8, np.float16, np.bool_]))
        elif kind == 2:
            arrays[name] = np.concatenate([arrays[name]] * r.choice([2, 50]))
        else:
            arrays[name] = arrays[name][:0]
        blob = save(arrays, {"about": json.dumps({"sax": "a" * 64})})
    path.write_bytes(blob)
    if r.random() < 0.1:
        strange_file(r, path)
    try:
        found = read_snapshot(path, {"sax": model})
    except SnapshotError as e:
        return refused(e, str(path))
    for state in found.values():
        with np.errstate(all="raise", under="ignore"):
            said = model.read(state)
            assert np.isfinite(said.ioi).all()
    return "read" if found else "another's"


def kept(r: random.Random, folder: Path) -> str:
    """learned.json and presets.json, which are read with doubt."""
    name = r.choice(["learned.json", "presets.json"])
    path = folder / name
    good: Any = (
        [{"kind": "cc", "number": 20, "setting": "temperature", "channel": 1}, {"kind": "key", "number": 30, "action": "panic"}]
        if name == "learned.json"
        else {"ballad": {"tempo": 70.0, "mode": "trade", "model": "jazz"}, "wild": {"temperature": 1.3}}
    )
    for _ in range(r.choice([1, 2, 4])):
        good = changed(r, good)
    text = json.dumps(good).encode()
    path.write_bytes(spoilt(r, text) if r.random() < 0.3 else text)
    if r.random() < 0.1:
        strange_file(r, path)
    said: list[str] = []
    saved_presets(folder)
    learned_bindings(folder, said.append)
    for line in said:
        assert line.isprintable(), repr(line)
    return "read" if not said else "put aside"


def profiles(r: random.Random, folder: Path) -> str:
    model, _, blob = good_state()
    path = folder / "anna.safetensors"
    length = int.from_bytes(blob[:8], "little")
    if r.random() < 0.5:
        header = json.dumps(changed(r, json.loads(blob[8 : 8 + length]))).encode()
        blob = len(header).to_bytes(8, "little") + header + blob[8 + length :]
    else:
        blob = spoilt(r, blob)
    path.write_bytes(blob)
    if r.random() < 0.2:
        strange_file(r, path)
    try:
        return "read" if read_profile(path, model) else "none"
    except ProfileError as e:
        return refused(e, str(path))


READERS: dict[str, Callable[[random.Random, Path], str]] = {
    "models": models,
    "configurations": configurations,
    "states": states,
    "kept": kept,
    "profiles": profiles,
    **MUSIC,
    **CORPORA,
}
