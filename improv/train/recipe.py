"""The whole recipe: networks trained one after the other, what is fitted on top of them, the model's folder.

Members differ by their seeds alone. Each has a folder of its own with its checkpoint, so that a recipe that was
interrupted goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from improv.core.note_model import NoteModel
from improv.models import accented, critics, quoted
from improv.models.accented import LearnedAccents
from improv.models.card import ModelError, card_head
from improv.models.loader import load_accents
from improv.train.accenting import learned_loudness
from improv.train.dataset import columns_of_all
from improv.train.export import export, members_of
from improv.train.finish import Begun, finish
from improv.train.fit import FitConfig, Progress, Start, Step, Stopped, fit
from improv.train.folder import write_folder
from improv.train.network.keras_network import NetworkConfig, build
from improv.train.never_worse import Outcome, choose
from improv.train.piece import Piece
from improv.train.quiet import keras
from improv.train.quoting import joined, quotations_in
from improv.train.workers import ALONE, Alone, Together


@dataclass(frozen=True)
class Trained:
    """Trained networks, how each of them went, and whether Ctrl-C ended it."""

    networks: list[keras.Model]
    histories: list[list[Progress]]
    stopped: bool = False


@dataclass(frozen=True)
class Watch:
    """Who is told: of every batch and of every epoch, with the member's number from 0."""

    batch: Callable[[int, Step], None] = lambda member, step: None
    epoch: Callable[[int, Progress], None] = lambda member, progress: None


def train_members(
    train: Sequence[Piece],
    valid: Sequence[Piece],
    network: NetworkConfig,
    config: FitConfig,
    folder: Path,
    count: int,
    starts: Sequence[Start] = (),
    watch: Watch | None = None,
    workers: Alone | Together = ALONE,
) -> Trained:
    """Train so many members, or go on with them. starts: the weights that each is fine-tuned from, if any.

    On Ctrl-C, the members that are there: finished ones, and the best so far of the one under way.
    Raises FitError; KeyboardInterrupt when there is nothing yet.
    """
    watch = watch or Watch()
    columns, checks, weights = columns_of_all(train, folder), columns_of_all(valid, folder), [p.weight for p in train]
    networks: list[keras.Model] = []
    histories: list[list[Progress]] = []
    for k in range(count):

        def each(step: Step, k: int = k) -> None:
            watch.batch(k, step)

        def report(progress: Progress, k: int = k) -> None:
            watch.epoch(k, progress)

        seeded, start = replace(config, seed=config.seed + k), starts[k] if starts else None
        place = folder / f"member-{k + 1}"
        try:
            best, history = fit(columns, checks, network, seeded, place, report, weights=weights, start=start, each=each, workers=workers)
        except Stopped as e:
            if e.network is not None:
                networks.append(e.network)
                histories.append(e.history)
            if not networks:
                raise
            # Of a model with several networks, those that were not reached stay as they were.
            networks += [_begun(network, start) for start in starts[len(networks) :]]
            return Trained(networks, histories, stopped=True)
        networks.append(best)
        histories.append(history)
    return Trained(networks, histories)


def _begun(network: NetworkConfig, start: Start) -> keras.Model:
    """A network with the weights that it starts from."""
    model = build(network)
    for variable, value in zip(model.trainable_variables, start.weights, strict=True):
        variable.assign(value)
    return model


@dataclass(frozen=True)
class Origin:
    """The model that training began from, as it is to be kept where nothing better came of it.

    weights: all of its folder, with the test vector.
    """

    model: NoteModel
    begun: Begun
    weights: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Written:
    """told: what could not be fitted or was left as it was, a sentence each. changed: whether the model is another than its origin."""

    told: tuple[str, ...]
    changed: bool = True


def write_model(
    folder: Path,
    trained: Trained,
    network: NetworkConfig,
    train: Sequence[Piece],
    valid: Sequence[Piece],
    seed: int,
    about: Mapping[str, Any],
    figures: Callable[[], Mapping[str, Any]] = dict,
    origin: Origin | None = None,
    fitted: Callable[[float], None] = lambda share: None,
) -> Written:
    """Fit what comes on top, and write the model's folder. figures: measured on the model that was written, for its card.

    origin: of a model that is fine-tuned; it is written again where the new one is worse as a whole. fitted: told how much
    of what comes on top is fitted, 0 to 1.
    """
    members = members_of(trained.networks)
    finished = finish(members, network, train, valid, seed, origin.begun if origin else None, fitted)
    choice = choose(members, finished, network, origin.begun, origin.model, valid) if origin else Outcome(finished)

    beside, more, failed = _beside(train, origin, choice.finished is not None)
    loud = learned_loudness(train, valid, seed, origin.model.accents if origin else None, _usual_accents())
    if loud.accents is not None:
        beside[accented.FILE], said = accented.blob_of(loud.accents)
        stayed = origin is not None and loud.accents is origin.model.accents
        more["accents"] = (origin.model.card["accents"] if origin and stayed else {}) | said | loud.about

    def write(measured: Mapping[str, Any]) -> None:
        said = dict(about) | {"figures": dict(measured)} | more
        if choice.finished is not None:
            export(folder, trained.networks, choice.finished, said, beside)
        elif origin:
            card = origin.model.card
            head = card_head(folder.name, card["network"]) | {"recall": card.get("recall") or {}}
            write_folder(folder, head, origin.weights, said, beside)

    write({})
    if measured := figures():
        write(measured)
    told = (*(finished.failed if choice.finished is finished else ()), *((choice.told,) if choice.told else ()), *failed, *loud.told)
    return Written(told, choice.finished is not None)


def _usual_accents() -> LearnedAccents | None:
    """What loudness is learned from where the model had learned none; None where it isn't there: then from nothing."""
    try:
        return load_accents()
    except ModelError:
        return None


def _beside(train: Sequence[Piece], origin: Origin | None, changed: bool) -> tuple[dict[str, bytes], dict[str, Any], tuple[str, ...]]:
    """What lies beside the weights: the figures of what was learned from, and the critic of the model that training began from.

    Returns the files by their names, what the card says of them, and why one is not there where that is so.
    """
    files: dict[str, bytes] = {}
    said: dict[str, Any] = {}
    if origin and origin.model.critic is not None:
        files[critics.FILE], said["critic"] = critics.blob_of(origin.model.critic)
    before = origin.model.quotations if origin else None
    known = joined(before, quotations_in(train)) if changed else before
    if known is None:
        return files, said, ()
    try:
        files[quoted.FILE], said["quotations"] = quoted.blob_of(known)
    except ModelError as e:
        return files, said, (f"what it quotes of its solos can't be told ({e})",)
    return files, said, ()
