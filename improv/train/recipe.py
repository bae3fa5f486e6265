"""The whole recipe: networks trained one after the other, what is fitted on top of them, the model's folder.

Members differ by their seeds alone. Each has a folder of its own with its checkpoint, so that a recipe that was
interrupted goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from improv.train.dataset import columns_of
from improv.train.export import export, members_of
from improv.train.finish import Begun, Finished, finish
from improv.train.fit import FitConfig, Progress, Start, Step, Stopped, fit
from improv.train.network.keras_network import NetworkConfig
from improv.train.piece import Piece
from improv.train.quiet import keras
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
    columns, checks, weights = [columns_of(p) for p in train], [columns_of(p) for p in valid], [p.weight for p in train]
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
            return Trained(networks, histories, stopped=True)
        networks.append(best)
        histories.append(history)
    return Trained(networks, histories)


def write_model(
    folder: Path,
    trained: Trained,
    network: NetworkConfig,
    train: Sequence[Piece],
    valid: Sequence[Piece],
    seed: int,
    about: Mapping[str, Any],
    figures: Callable[[], Mapping[str, Any]] = dict,
    begun: Begun | None = None,
) -> Finished:
    """Fit what comes on top, and write the model's folder. figures: measured on the model that was written, for its card.

    begun: as in `finish`.
    """
    finished = finish(members_of(trained.networks), network, train, valid, seed, begun)
    export(folder, trained.networks, finished, dict(about) | {"figures": {}})
    if measured := figures():
        export(folder, trained.networks, finished, dict(about) | {"figures": dict(measured)})
    return finished
