"""`improv train`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

from improv.cli.evaluate import next_note_figures, table, tell
from improv.core.errors import ImprovError
from improv.core.values import Vocabulary
from improv.loader import load_model
from improv.train.cluster import cluster_of
from improv.train.corpus import read_corpus
from improv.train.workers import ALONE, Alone, Together


def train(args: argparse.Namespace) -> int:
    """Read, train or go on, export, score."""
    for package in ("tensorflow", "tqdm"):
        if importlib.util.find_spec(package) is None:
            raise ImprovError(f"training needs {package}, which is not installed: pip install '.[train]'")
    cluster = cluster_of(args.workers, args.worker, os.environ)
    reading = read_corpus(args.data, Vocabulary())
    tell(reading)
    pieces, valid = reading.of("train"), reading.of("valid")
    if not pieces or not valid:
        raise ImprovError(f"{args.data}: {len(pieces)} pieces of split train and {len(valid)} of split valid; both are needed")
    folder = Path(args.out)
    try:
        if cluster is None or cluster.rank == 0:  # the chief alone writes
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise ImprovError(f"--out {folder}: {e.strerror}") from None

    from tqdm import tqdm

    from improv.train.dataset import columns_of
    from improv.train.export import export
    from improv.train.fit import CHECKPOINT, FitConfig, Progress, fit
    from improv.train.network import NetworkConfig

    wanted = {k: getattr(args, k) for k in ("epochs", "patience", "rate", "batch", "seed")}
    config = replace(FitConfig(), **{k: v for k, v in wanted.items() if v is not None})
    network = NetworkConfig()
    if args.units:
        if not 8 <= args.units <= 2048:
            raise ImprovError(f"--units {args.units}: expected 8 to 2048")
        network = replace(network, line_units=args.units, rhythm_units=args.units * 4 // 7)
    for name, low, high in (("epochs", 1, 10_000), ("patience", 1, 10_000), ("rate", 1e-7, 1.0), ("batch", 1, 4096), ("seed", 0, 2**31)):
        if not low <= getattr(config, name) <= high:
            raise ImprovError(f"--{name} {getattr(config, name):g}: expected {low:g} to {high:g}")
    began = time.time()
    workers: Alone | Together = ALONE
    if cluster:
        print(f"worker {cluster.rank} of {', '.join(cluster.addresses)}: waiting until all are there", file=sys.stderr)
        workers = Together(cluster)
    bar = tqdm(total=config.epochs, unit="epoch", disable=None if workers.chief else True, file=sys.stderr)

    def report(progress: Progress) -> None:
        bar.update(progress.epoch - bar.n)
        bar.set_postfix_str(" ".join(f"{head} {progress.valid[head]:.3f}" for head in ("pitch", "ioi", "end")))
        if not sys.stderr.isatty():
            print(f"epoch {progress.epoch}/{progress.epochs}: valid {bar.postfix}, {progress.seconds:.0f} s", file=sys.stderr)

    try:
        best, history = fit(
            [columns_of(p) for p in pieces], [columns_of(p) for p in valid], network, config, folder, report, workers=workers
        )
    except KeyboardInterrupt:
        if (folder / CHECKPOINT).exists():
            again = f"improv train {shlex.quote(args.data)} --out {shlex.quote(args.out)}"
            print(f"\nstopped; {folder / CHECKPOINT} keeps what was learned. To go on: {again} (with the same options)", file=sys.stderr)
        raise
    finally:
        bar.close()
    if not workers.chief:
        print(f"trained {len(history)} epochs; worker 0 writes the model", file=sys.stderr)
        return 0
    about = {
        "trained_on": {
            "file": Path(args.data).name,
            "pieces": len(pieces),
            "notes": sum(len(p.values) for p in pieces),
            "skipped": len(reading.skipped),
        },
        "command": "improv " + shlex.join(sys.argv[1:]).replace(args.data, Path(args.data).name),
        "fit": asdict(config),
        "epochs": len(history),
        "minutes": round(sum(p.seconds for p in history) / 60, 1),
        "license": args.license,
        "attribution": args.attribution,
        "figures": {},
    }
    export(folder, best, network, about)
    figures = {
        split: next_note_figures(load_model(str(folder.resolve())), reading.of(split)) for split in ("valid", "test") if reading.of(split)
    }
    export(folder, best, network, about | {"figures": figures})
    print(f"{folder}: trained {len(history)} epochs in {(time.time() - began) / 60:.0f} minutes", file=sys.stderr)
    print(json.dumps(figures) if args.json else "\n".join(table(figures)))
    return 0
