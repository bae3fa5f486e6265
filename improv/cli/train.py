"""`improv train`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from improv.cli.evaluate import next_note_figures, read, table, tell
from improv.core.errors import ImprovError
from improv.models.grammar_model import refuse_grammar
from improv.models.loader import find_model, load_model, stored_weights
from improv.train.cluster import cluster_of
from improv.train.corpus import MOST_ROWS, Reading, sources_of, table_of
from improv.train.workers import ALONE, Alone, Together

if TYPE_CHECKING:
    from improv.train.finish import Begun
    from improv.train.fit import FitConfig, Progress, Start, Step
    from improv.train.network.keras_network import NetworkConfig

FINE_TUNING_RATE = 3e-4
LIMITS = (("epochs", 1, 10_000), ("patience", 1, 10_000), ("rate", 1e-7, 1.0), ("batch", 1, 4096), ("seed", 0, 2**31))


def train(args: argparse.Namespace) -> int:
    """Read, train or go on, export, score."""
    for package in ("tensorflow", "tqdm"):
        if importlib.util.find_spec(package) is None:
            raise ImprovError(f"training needs {package}, which is not installed: pip install 'improv-jazz[train]'")
    folder = Path(args.out)
    if args.origin and folder.resolve() == find_model(args.origin).resolve():
        raise ImprovError(f"--out {folder}: is the model that --from starts from; give the new one a folder of its own")
    cluster = cluster_of(args.workers, args.worker, os.environ)
    reading = read(args.data, args.track, args.split_seed, args.reader)
    tell(reading)
    print("\n".join(table_of(reading)), file=sys.stderr)
    pieces, valid = reading.of("train"), reading.of("valid")
    if not pieces or not valid:
        names = " ".join(args.data)
        raise ImprovError(f"{names}: {len(pieces)} pieces of split train and {len(valid)} of split valid; both are needed")
    if {(p.source, p.name) for p in pieces} & {(p.source, p.name) for p in valid}:
        print("there is one tune alone: its first four fifths train, the rest validates; more tunes would tell more", file=sys.stderr)
    try:
        if cluster is None or cluster.rank == 0:  # the chief alone writes
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ImprovError(f"--out {folder}: {e.strerror}") from None

    from improv.atomic import atomic_write
    from improv.train.curves import board, curve
    from improv.train.recipe import Watch, train_members, write_model

    config, network, starts = _settings(args)
    members = len(starts) or args.members
    workers: Alone | Together = ALONE
    if cluster:
        print(f"worker {cluster.rank} of {', '.join(cluster.addresses)}: waiting until all are there", file=sys.stderr)
        workers = Together(cluster)
    if workers.chief:
        atomic_write({folder / "corpus.txt": "\n".join(_report(reading)).encode()})
    began = time.time()
    bar = _Bar(config.epochs, members, board(args.logdir) if args.logdir and workers.chief else None, quiet=not workers.chief)
    try:
        trained = train_members(pieces, valid, network, config, folder, members, starts, Watch(bar.batch, bar.epoch), workers)
    except KeyboardInterrupt:
        print("\nstopped before the first epoch was over: nothing is kept", file=sys.stderr)
        raise
    finally:
        bar.close()
    histories = trained.histories
    if not workers.chief:
        print(f"trained {histories[-1][-1].epoch} epochs; worker 0 writes the model", file=sys.stderr)
        return 0
    if trained.stopped:
        print("\nstopped; making a model of what was learned (Ctrl-C again to leave it)", file=sys.stderr)

    def figures() -> dict[str, dict[str, float]]:
        if trained.stopped:
            return {}
        model = load_model(str(folder.resolve()))
        return {split: next_note_figures(model, reading.of(split)) for split in ("valid", "test") if reading.of(split)}

    about, begun = _about(args, reading, config, histories), _begun(args.origin) if args.origin else None
    finished = write_model(folder, trained, network, pieces, valid, config.seed, about, figures, begun)
    for what in finished.failed:
        print(f"{folder}: {what}", file=sys.stderr)
    atomic_write({folder / "curve.png": curve(histories)})
    if trained.stopped:
        print(f"{folder} holds the best so far. To go on: {_again()}", file=sys.stderr)
        raise KeyboardInterrupt
    said = load_model(str(folder.resolve())).card["figures"]
    epochs = " + ".join(str(history[-1].epoch) for history in histories)
    print(f"{folder}: trained {epochs} epochs in {(time.time() - began) / 60:.0f} minutes", file=sys.stderr)
    if starts:
        print("\n".join(_gain(args.origin, history) for history in histories), file=sys.stderr)
    print(json.dumps(said) if args.json else "\n".join(table(said)))
    return 0


def _settings(args: argparse.Namespace) -> tuple[FitConfig, NetworkConfig, list[Start]]:
    """How to train, which network, and where its members start, from the options. Raises ImprovError for impossible ones."""
    from improv.train.fine_tune import begin
    from improv.train.fit import FitConfig, Start
    from improv.train.network.keras_network import NETWORKS

    base = replace(FitConfig(), rate=FINE_TUNING_RATE) if args.origin else FitConfig()
    wanted = {k: getattr(args, k) for k, _, _ in LIMITS}
    config = replace(base, **{k: v for k, v in wanted.items() if v is not None})
    for name, low, high in LIMITS:
        if not low <= getattr(config, name) <= high:
            raise ImprovError(f"--{name} {getattr(config, name):g}: expected {low:g} to {high:g}")
    if args.origin:
        if args.size or args.network or args.members != 1:
            raise ImprovError("--size, --network, --members: a model that is fine-tuned (--from) keeps its own")
        card = load_model(args.origin).card
        refuse_grammar(card, "improv train --from")
        models, network = begin(card, stored_weights(args.origin), config.seed)
        return config, network, [Start([v.numpy() for v in m.trainable_variables], card["weights_sha256"]) for m in models]
    if not 1 <= args.members <= 8:
        raise ImprovError(f"--members {args.members}: expected 1 to 8")
    sizes = NETWORKS[args.network or "lstm"]
    return config, sizes[args.size or "laptop"], []


def _begun(origin: str) -> Begun:
    """What was fitted on top of the model that is fine-tuned."""
    from improv.train.finish import Begun

    return Begun(load_model(origin).card.get("recall") or {}, stored_weights(origin))


class _Bar:
    """The progress of a training on standard error: a bar on a terminal, else a line an epoch."""

    def __init__(self, epochs: int, members: int, board: Callable[[Progress, int], None] | None, quiet: bool) -> None:
        from tqdm import tqdm

        self.bar = tqdm(unit="batch", disable=True if quiet else None, file=sys.stderr, dynamic_ncols=True)
        self.epochs, self.members, self.board, self.quiet, self.valid = epochs, members, board, quiet, ""

    def batch(self, member: int, step: Step) -> None:
        """After every batch: the bar runs over all epochs of all members, so that its time left is that of the whole training."""
        done = (member * self.epochs + step.epoch - 1) * step.of + step.done
        if self.bar.total is None:  # the first batch, of a training that may have gone on
            self.bar.initial = self.bar.n = done - 1
        self.bar.total = max(step.of * self.epochs * self.members, done)
        self.bar.set_description_str(f"{self._which(member)}epoch {step.epoch}/{self.epochs}", refresh=False)
        self.bar.set_postfix_str(f"loss {step.loss:.3f}{self.valid}", refresh=False)
        self.bar.update(done - self.bar.n)

    def epoch(self, member: int, progress: Progress) -> None:
        """After every epoch."""
        losses = " ".join(f"{head} {progress.valid[head]:.3f}" for head in ("pitch", "ioi", "end") if progress.valid[head])
        self.valid = f", valid {losses}"
        if self.bar.disable and not self.quiet:
            which = self._which(member)
            print(f"{which}epoch {progress.epoch}/{progress.epochs}: valid {losses}, {progress.seconds:.0f} s", file=sys.stderr)
        if self.board:
            self.board(progress, member)

    def _which(self, member: int) -> str:
        return f"member {member + 1}/{self.members}, " if self.members > 1 else ""

    def close(self) -> None:
        self.bar.close()


def _about(args: argparse.Namespace, reading: Reading, config: FitConfig, histories: Sequence[Sequence[Progress]]) -> dict[str, Any]:
    """What the card says of a training. Paths are cut to their names: a card goes round."""
    pieces = reading.of("train")
    sources = {
        name: {
            "pieces": sum(p.source == name for p in pieces),
            "notes": sum(len(p.values) for p in pieces if p.source == name),
            "weight": next(p.weight for p in pieces if p.source == name),
        }
        for name in dict.fromkeys(p.source for p in pieces)
    }
    about = {
        "trained_on": {
            "file": ", ".join(s.name for s in sources_of(args.data)) if len(args.data) <= MOST_ROWS else f"{len(args.data)} files",
            "pieces": len(pieces),
            "notes": sum(len(p.values) for p in pieces),
            "skipped": len(reading.skipped),
            "sources": sources,
            "split_seed": args.split_seed,
        },
        "command": "improv " + shlex.join(_short(word) for word in sys.argv[1:]),
        "fit": asdict(config),
        "epochs": [history[-1].epoch for history in histories],
        "minutes": round(sum(p.seconds for history in histories for p in history) / 60, 1),
        "license": args.license,
        "attribution": args.attribution,
    }
    if args.origin:
        card = load_model(args.origin).card
        about["from"] = {key: card.get(key) for key in ("name", "weights_sha256", "trained_on", "license", "attribution")}
    return about


def _short(word: str) -> str:
    return Path(word).name if "/" in word and not word.startswith("-") else word


def _again() -> str:
    return f"improv {shlex.join(sys.argv[1:])}"


def _gain(origin: str, history: Sequence[Progress]) -> str:
    """What fine-tuning brought, in words."""
    parts = sorted({part for p in history for part in p.better})
    before = ", ".join(f"{head} {loss:.3f}" for head, loss in history[0].valid.items() if loss)
    if not parts:
        return f"no epoch was better than {origin} (valid {before}): the model is {origin} as it was"
    return f"better than {origin} (valid {before}): {' and '.join(parts)}" + ("" if len(parts) == 2 else "; the other part is as it was")


def _report(reading: Reading) -> list[str]:
    """All that was read and left out, a line each: the file corpus.txt in the model's folder."""
    lines = [*table_of(reading), ""]
    for p in reading.pieces:
        track = f", track {p.track}" if p.track else ""
        chords = "" if p.changes else ", no chords"
        lines.append(f"{p.split:<5}  {p.source}: {p.name}, {len(p.values)} notes{track}{chords}")
    parts: Sequence[tuple[str, Mapping[str, int]]] = (("taken as no chord", reading.unknown_chords), ("left out", reading.left_out))
    lines += ["", *(f"skipped {reason}" for reason in reading.skipped)]
    lines += [f"{title}: {name} ({count})" for title, counts in parts for name, count in sorted(counts.items())]
    return [*lines, ""]
