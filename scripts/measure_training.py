"""How many notes a second a network is trained on here, and how many hours a corpus of some size takes by that.

    python scripts/measure_training.py                              # laptop size, as `improv train` trains it
    python scripts/measure_training.py --size pocket --network tcn
    python scripts/measure_training.py --batch 256                  # what a GPU needs to be busy: larger batches
    KERAS_BACKEND=jax python scripts/measure_training.py            # or torch

The pieces are made up. The first epoch, in which graphs are traced, isn't counted; no epoch is validated on more than one piece. The
hours are those of one network with all its epochs (--corpus notes, --epochs); a model of two networks takes twice as long. Told too: on
which device, and the peak of memory.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

LAKH = 79_000_000  # notes: 176,000 files with a melody of 448
PIECE, NOTES = 500, 60_000  # of one piece, of all
STEPS = 20  # to measure by, at the least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="laptop", choices=("laptop", "pocket"))
    parser.add_argument("--network", default="lstm", choices=("lstm", "tcn"))
    parser.add_argument("--batch", type=int, default=16, help="windows a step (default: 16, as improv train has it)")
    parser.add_argument("--notes", type=int, help=f"to measure with (default: {NOTES:,}, or as many as {STEPS} steps take)")
    parser.add_argument("--corpus", type=int, default=LAKH, help=f"notes of the corpus that hours are told of (default: {LAKH:,}, Lakh's)")
    parser.add_argument("--epochs", type=int, default=32, help="of them (default: 32)")
    args = parser.parse_args()

    from improv.train.dataset import columns_of
    from improv.train.example import example_piece
    from improv.train.fit import FitConfig, Progress, Step, fit
    from improv.train.network.keras_network import NETWORKS
    from improv.train.quiet import keras

    config = replace(FitConfig(), epochs=2, batch=args.batch)
    enough = STEPS * config.batch * config.length  # a window has about so many notes as its length
    notes = max(NOTES, enough) if args.notes is None else args.notes
    if args.batch < 1:
        parser.error(f"--batch {args.batch}: one window at the least")
    if notes < enough:
        parser.error(f"--notes {notes}: {STEPS} steps of --batch {args.batch} take {enough}")
    pieces = [columns_of(example_piece(PIECE, seed)) for seed in range(notes // PIECE)]
    at: list[float] = []

    def each(step: Step) -> None:
        if step.epoch == 2:
            at.append(time.perf_counter())

    def told(progress: Progress) -> None:
        if progress.epoch == 1:
            print(f"the first epoch, with its tracing: {progress.seconds:.0f} s", file=sys.stderr)

    with tempfile.TemporaryDirectory() as made:
        fit(pieces, pieces[:1], NETWORKS[args.network][args.size], config, Path(made), told, each=each)
    measured = PIECE * len(pieces) * (len(at) - 1) / len(at)
    pace = measured / (at[-1] - at[0])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    backend = keras.backend.backend()
    print(f"{args.network}, {args.size}, {backend} on {device(backend)}: {pace:,.0f} notes a second, {peak:,.0f} MB at the most")
    hours = args.corpus * args.epochs / pace / 3600
    print(f"{args.corpus:,} notes, {args.epochs} epochs: {hours:,.1f} h a network; an epoch {hours / args.epochs:.2f} h")


def device(backend: str) -> str:
    """What it runs on, as the backend says."""
    if backend == "tensorflow":
        import tensorflow as tf

        return ", ".join(d.name for d in tf.config.list_logical_devices("GPU")) or "the CPU"
    if backend == "jax":
        import jax

        return ", ".join(str(d) for d in jax.devices())
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "the CPU"


if __name__ == "__main__":
    main()
