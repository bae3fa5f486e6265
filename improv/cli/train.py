"""`improv train`: read, train or go on, write the model, score it."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from improv.atomic import atomic_write
from improv.cli.corpus_options import add_corpus
from improv.core.errors import ImprovError
from improv.models.loader import find_model, load_model
from improv.train.about import about_origin, about_training
from improv.train.cluster import Cluster, cluster_of
from improv.train.corpus import table_of
from improv.train.piece import Piece, Reading
from improv.train.progress import ProgressBar
from improv.train.reading.watched import read_watched
from improv.train.report import gain, table, told_of, whole_report
from improv.train.workers import ALONE, Alone, Together

if TYPE_CHECKING:
    from improv.train.fit import FitConfig, Start
    from improv.train.network.keras_network import NetworkConfig
    from improv.train.recipe import Trained


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_corpus(parser)
    parser.add_argument("--out", required=True, metavar="FOLDER", help="the model's folder, models/NAME; a training there goes on")
    parser.add_argument(
        "--from", dest="origin", metavar="MODEL", help="fine-tune this model, by name or folder; none that is worse is kept"
    )
    parser.add_argument("--epochs", type=int, help="at the most")
    parser.add_argument("--patience", type=int, help="stop after so many epochs without a gain")
    parser.add_argument("--rate", type=float, help="peak learning rate")
    parser.add_argument("--batch", type=int, help="windows a step")
    parser.add_argument("--size", choices=("laptop", "pocket"), help="laptop (the default), or pocket for a Raspberry Pi")
    parser.add_argument("--network", choices=("lstm", "tcn"), help="lstm (the default), or tcn: dilated causal convolutions, as in WaveNet")
    parser.add_argument("--members", type=int, default=1, metavar="K", help="networks to train, which vote (default 1; each takes as long)")
    parser.add_argument("--seed", type=int, help="of everything random")
    parser.add_argument("--logdir", metavar="FOLDER", help="write the losses for TensorBoard")
    parser.add_argument("--workers", metavar="HOST:PORT,...", help="train on several machines: the same command on each (or TF_CONFIG)")
    parser.add_argument("--worker", type=int, metavar="N", help="which of --workers this one is, from 0, which writes the model")
    parser.add_argument("--license", default="unstated", help="what the card says of the model's licence")
    parser.add_argument("--attribution", default="", help="what the card says of the data's makers")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")


def run(args: argparse.Namespace) -> int:
    for package in ("keras", "tqdm"):
        if importlib.util.find_spec(package) is None:
            raise ImprovError(f"training needs {package}, which is not installed: pip install 'improv-jazz[train]'")
    folder = Path(args.out)
    if args.origin and folder.resolve() == find_model(args.origin).resolve():
        raise ImprovError(f"--out {folder}: is the model that --from starts from; give the new one a folder of its own")
    cluster = cluster_of(args.workers, args.worker, os.environ)
    reading = read_watched(args.data, args.track, args.split_seed, args.reader)
    _say(told_of(reading))
    _say(table_of(reading))
    _check(reading, args.data)
    _make(folder, cluster)

    from improv.train.options import LIMITS, TrainingOptions, settings_of

    options = TrainingOptions({name: getattr(args, name) for name, _, _ in LIMITS}, args.origin, args.size, args.network, args.members)
    config, network, starts = settings_of(options)
    if cluster:
        _say([f"worker {cluster.rank} of {', '.join(cluster.addresses)}: waiting until all are there"])
    workers: Alone | Together = Together(cluster) if cluster else ALONE
    if workers.chief:
        atomic_write({folder / "corpus.txt": "\n".join(whole_report(reading)).encode()})
    began = time.time()
    trained = _train(args, reading, folder, config, network, starts, workers)
    if not workers.chief:
        _say([f"trained {trained.histories[-1][-1].epoch} epochs; worker 0 writes the model"])
        return 0
    _write(args, reading, folder, config, network, trained)
    if trained.stopped:
        _say([f"{folder} holds the best so far. To go on: improv {shlex.join(sys.argv[1:])}"])
        raise KeyboardInterrupt
    said = load_model(str(folder.resolve())).card["figures"]
    epochs = " + ".join(str(history[-1].epoch) for history in trained.histories)
    _say([f"{folder}: trained {epochs} epochs in {(time.time() - began) / 60:.0f} minutes"])
    if starts:
        _say(gain(args.origin, history) for history in trained.histories)
    print(json.dumps(said) if args.json else "\n".join(table(said)))
    return 0


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def _check(reading: Reading, paths: list[str]) -> None:
    """Whether there is something to train on and to validate on. Raises ImprovError."""
    pieces, valid = reading.of("train"), reading.of("valid")
    if not pieces or not valid:
        names = " ".join(paths)
        raise ImprovError(f"{names}: {len(pieces)} pieces of split train and {len(valid)} of split valid; both are needed")

    def tunes(pieces: list[Piece]) -> set[tuple[str, str]]:
        return {(p.source, p.name) for p in pieces}

    if tunes(pieces) & tunes(valid):
        _say(["there is one tune alone: its first four fifths train, the rest validates; more tunes would tell more"])


def _make(folder: Path, cluster: Cluster | None) -> None:
    try:
        if cluster is None or cluster.rank == 0:  # the chief alone writes
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ImprovError(f"--out {folder}: {e.strerror}") from None


def _train(
    args: argparse.Namespace,
    reading: Reading,
    folder: Path,
    config: FitConfig,
    network: NetworkConfig,
    starts: list[Start],
    workers: Alone | Together,
) -> Trained:
    """Train all members under a bar; on Ctrl-C, what was trained so far, if there is something."""
    from improv.train.curves import board
    from improv.train.recipe import Watch, train_members

    members = len(starts) or args.members
    bar = ProgressBar(config.epochs, members, board(args.logdir) if args.logdir and workers.chief else None, quiet=not workers.chief)
    watch = Watch(bar.batch, bar.epoch)
    try:
        return train_members(reading.of("train"), reading.of("valid"), network, config, folder, members, starts, watch, workers)
    except KeyboardInterrupt:
        _say(["\nstopped before the first epoch was over: nothing is kept"])
        raise
    finally:
        bar.close()


def _write(args: argparse.Namespace, reading: Reading, folder: Path, config: FitConfig, network: NetworkConfig, trained: Trained) -> None:
    """Fit what comes on top, and write the model's folder, with its figures unless the training was stopped."""
    from improv.train.curves import curve
    from improv.train.evaluation.scores import next_note_figures
    from improv.train.options import begun_of
    from improv.train.recipe import write_model

    if trained.stopped:
        _say(["\nstopped; making a model of what was learned (Ctrl-C again to leave it)"])

    def figures() -> dict[str, dict[str, float]]:
        if trained.stopped:
            return {}
        model = load_model(str(folder.resolve()))
        return {split: next_note_figures(model, reading.of(split)) for split in ("valid", "test") if reading.of(split)}

    about = about_training(args.data, sys.argv[1:], reading, args.split_seed, config, trained.histories)
    about |= {"license": args.license, "attribution": args.attribution}
    if args.origin:
        about["from"] = about_origin(load_model(args.origin).card)
    begun = begun_of(args.origin) if args.origin else None
    finished = write_model(folder, trained, network, reading.of("train"), reading.of("valid"), config.seed, about, figures, begun)
    _say(f"{folder}: {what}" for what in finished.failed)
    atomic_write({folder / "curve.png": curve(trained.histories)})
