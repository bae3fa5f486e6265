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
from typing import TYPE_CHECKING, Any

from improv.atomic import atomic_write
from improv.cli.corpus_options import add_corpus
from improv.cli.pick_sessions import pick
from improv.cli.sessions import default_folder
from improv.core.errors import ImprovError
from improv.extras import install
from improv.models.loader import find_model, load_model
from improv.train.about import about_origin, about_training
from improv.train.cluster import Cluster, cluster_of
from improv.train.corpus import table_of
from improv.train.piece import Piece, Reading
from improv.train.progress import ProgressBar
from improv.train.reading.watched import read_watched
from improv.train.report import gains, table, told_of, whole_report
from improv.train.time_left import in_words
from improv.train.workers import ALONE, Alone, Together

if TYPE_CHECKING:
    from improv.train.fit import FitConfig, Start
    from improv.train.network.keras_network import NetworkConfig
    from improv.train.recipe import Origin, Trained


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_corpus(parser, needed=False)
    parser.add_argument(
        "--sessions",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="learn from what you played in recorded sessions (default: those in your data folder); lists them, and asks which",
    )
    parser.add_argument("--since", metavar="DATE", help="of --sessions, those from this day on, as in 2026-11-01")
    parser.add_argument("--profile", metavar="NAME", help="of --sessions, those that were played by this profile")
    parser.add_argument("--yes", action="store_true", help="take all that --sessions lists, and don't ask")
    parser.add_argument("--out", metavar="FOLDER", help="the model's folder, models/NAME; a training there goes on")
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
            raise ImprovError(f"training needs {package}, which is not installed: {install('train')}")
    folder = _folder(args)
    if args.origin and folder.resolve() == find_model(args.origin).resolve():
        raise ImprovError(f"--out {folder}: is the model that --from starts from; give the new one a folder of its own")
    cluster = cluster_of(args.workers, args.worker, os.environ)
    bar = ProgressBar(quiet=cluster is not None and cluster.rank != 0)
    try:
        return _run(args, folder, cluster, bar)
    finally:
        bar.close()


def _folder(args: argparse.Namespace) -> Path:
    """Where the model goes. Raises ImprovError for what does not go together."""
    if args.sessions is None and (args.since or args.profile or args.yes):
        raise ImprovError("--since, --profile, --yes: say which recorded sessions --sessions is to take")
    if args.sessions is None and not args.data:
        raise ImprovError("nothing to learn from: give files or a folder, or --sessions")
    if args.out is None and args.sessions is None:
        raise ImprovError("--out FOLDER: say where the model goes, as in --out models/mine")
    return Path(args.out or "models/mine")


def _run(args: argparse.Namespace, folder: Path, cluster: Cluster | None, bar: ProgressBar) -> int:
    if args.sessions is not None:
        place = Path(args.sessions) if args.sessions else default_folder()
        args.data = args.data + pick(place, args.since, args.profile, args.yes, bar.say)
    began = time.time()
    reading = read_watched(args.data, args.track, args.split_seed, args.reader, bar.read, listens=args.listens)
    bar.say(told_of(reading))
    bar.say(table_of(reading))
    bar.say(_check(reading, args.data))
    _make(folder, cluster)

    from improv.train.options import LIMITS, TrainingOptions, origin_of, settings_of

    options = TrainingOptions({name: getattr(args, name) for name, _, _ in LIMITS}, args.origin, args.size, args.network, args.members)
    config, network, starts = settings_of(options)
    if cluster:
        bar.say([f"worker {cluster.rank} of {', '.join(cluster.addresses)}: waiting until all are there"])
    workers: Alone | Together = Together(cluster) if cluster else ALONE
    if workers.chief:
        atomic_write({folder / "corpus.txt": "\n".join(whole_report(reading)).encode()})
    trained = _train(args, reading, folder, config, network, starts, workers, bar)
    if not workers.chief:
        bar.say([f"trained {trained.histories[-1][-1].epoch} epochs; worker 0 writes the model"])
        return 0
    origin = origin_of(args.origin) if args.origin else None
    _write(args, reading, folder, config, network, trained, origin, bar)
    if trained.stopped:
        bar.say([f"{folder} holds the best so far. To go on: improv {shlex.join(sys.argv[1:])}"])
        raise KeyboardInterrupt
    said: dict[str, Any] = load_model(str(folder.resolve())).card["figures"]
    epochs = " + ".join(str(history[-1].epoch) for history in trained.histories)
    if origin:
        bar.say(gains(args.origin, trained.histories))
        said = said | _tell_changes(args.origin, origin, folder, reading, config.seed, bar)
    bar.close()
    bar.say([f"{folder}: trained {epochs} epochs; all took {in_words(time.time() - began)}"])
    print(json.dumps(said) if args.json else "\n".join(table({name: said[name] for name in ("valid", "test") if name in said})))
    return 0


def _check(reading: Reading, paths: list[str]) -> Iterable[str]:
    """Whether there is something to train on and to validate on, and what to say of it. Raises ImprovError."""
    pieces, valid = reading.of("train"), reading.of("valid")
    if not pieces or not valid:
        names = " ".join(paths)
        raise ImprovError(f"{names}: {len(pieces)} pieces of split train and {len(valid)} of split valid; both are needed")

    def tunes(pieces: list[Piece]) -> set[tuple[str, str]]:
        return {(p.source, p.name) for p in pieces}

    if tunes(pieces) & tunes(valid):
        return ["there is one tune alone: its first four fifths train, the rest validates; more tunes would tell more"]
    return []


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
    bar: ProgressBar,
) -> Trained:
    """Train all members under the bar; on Ctrl-C, what was trained so far, if there is something."""
    from improv.train.curves import board
    from improv.train.recipe import Watch, train_members

    members = len(starts) or args.members
    notes = round(sum(p.weight * len(p.values) for p in reading.of("train")))
    held = sum(len(p.values) for split in ("valid", "test") for p in reading.of(split))
    bar.plan(config.epochs, members, notes, held, board(args.logdir) if args.logdir and workers.chief else None)
    watch = Watch(bar.batch, bar.epoch)
    try:
        return train_members(reading.of("train"), reading.of("valid"), network, config, folder, members, starts, watch, workers)
    except KeyboardInterrupt:
        bar.say(["\nstopped before the first epoch was over: nothing is kept"])
        raise


def _write(
    args: argparse.Namespace,
    reading: Reading,
    folder: Path,
    config: FitConfig,
    network: NetworkConfig,
    trained: Trained,
    origin: Origin | None,
    bar: ProgressBar,
) -> None:
    """Fit what comes on top, and write the model's folder, with its figures unless the training was stopped."""
    from improv.train.curves import curve
    from improv.train.evaluation.scores import next_note_figures
    from improv.train.recipe import write_model

    if trained.stopped:
        bar.say(["\nstopped; making a model of what was learned (Ctrl-C again to leave it)"])

    def figures() -> dict[str, dict[str, float]]:
        if trained.stopped:
            return {}
        bar.scored("scoring the held-out takes")
        model = load_model(str(folder.resolve()))
        return {split: next_note_figures(model, reading.of(split)) for split in ("valid", "test") if reading.of(split)}

    about = about_training(args.data, sys.argv[1:], reading, args.split_seed, config, trained.histories)
    about |= {"license": args.license, "attribution": args.attribution}
    if origin:
        about["from"] = about_origin(origin.model.card)
    train, valid = reading.of("train"), reading.of("valid")
    written = write_model(folder, trained, network, train, valid, config.seed, about, figures, origin, bar.fitted)
    bar.say(f"{folder}: {what}" for what in written.told)
    atomic_write({folder / "curve.png": curve(trained.histories)})


def _tell_changes(name: str, origin: Origin, folder: Path, reading: Reading, seed: int, bar: ProgressBar) -> dict[str, Any]:
    """Say what the new model took from the corpus, and write a take before and after it. Returns it for `--json`."""
    from improv.cli.before_after import write_before_after
    from improv.train.changed import changed, told_changed

    bar.scored(f"playing beside {name}")
    what = changed(name, origin.model, load_model(str(folder.resolve())), reading, seed)
    written, failed = write_before_after(folder, dict(zip(("before", "after"), what.takes, strict=True)))
    bar.say(told_changed(what))
    if written:
        bar.say([f"a take before and after, over the same changes with the same seed, is in {folder}: {', '.join(written)}"])
    bar.say(failed)
    return {"changed": what.record() | {"files": written}}
