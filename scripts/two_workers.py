"""One worker, then two on this machine, on the same made-up corpus with the same batches: both loss curves, side by side.

    python scripts/two_workers.py                  # without dropout: the curves agree but for rounding
    python scripts/two_workers.py --dropout 0.3 --within 0.1   # with it: within noise, since windows meet other masks
    python scripts/two_workers.py --kill 3         # worker 1 is killed in epoch 3; both are started again and go on

Exit code 1 if the curves differ by more than --within.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

HEADS = ("pitch", "ioi", "duration", "lag", "end")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--pieces", type=int, default=13, help="an odd number leaves a batch that two workers can't halve")
    parser.add_argument("--notes", type=int, default=300, help="notes a piece")
    parser.add_argument("--units", type=int, default=48)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--within", type=float, default=1e-4, help="the largest difference in nats a note that is let pass")
    parser.add_argument("--kill", type=int, metavar="EPOCH", help="kill worker 1 when it has ended that epoch, and start again")
    parser.add_argument("--one", metavar="FOLDER", help=argparse.SUPPRESS)  # this process is one worker
    parser.add_argument("--workers", help=argparse.SUPPRESS)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        return one(args)
    with tempfile.TemporaryDirectory() as folder:
        alone, seconds_alone = run(args, Path(folder, "alone"), 1)
        if args.kill:
            run(args, Path(folder, "both"), 2, kill=args.kill)
        both, seconds_both = run(args, Path(folder, "both"), 2)
    return compare(alone, both, args.within, f"{seconds_alone:.0f} s alone, {seconds_both:.0f} s with two on the same machine")


def run(args: argparse.Namespace, folder: Path, count: int, kill: int | None = None) -> tuple[list[dict], float]:
    """Train with so many workers, each a process; returns the chief's history and the seconds it took."""
    began, command = time.perf_counter(), [sys.executable, __file__]
    for name in ("epochs", "pieces", "notes", "units", "dropout"):
        command += [f"--{name}", str(getattr(args, name))]
    where = ",".join(f"127.0.0.1:{port}" for port in free_ports(count)) if count > 1 else ""
    running = []
    for rank in range(count):
        place = folder / f"worker{rank}"  # as if on machines of their own
        more = ["--workers", where, "--worker", str(rank)] if where else []
        running.append(subprocess.Popen([*command, "--one", str(place), *more], stdout=subprocess.PIPE, text=True))
    if kill:
        for line in running[1].stdout or []:
            if line.startswith(f"epoch {kill}"):
                running[1].kill()
                break
        code = running[0].wait()
        print(f"worker 1 was killed in epoch {kill + 1}; worker 0 ended with code {code}", flush=True)
        return [], time.perf_counter() - began
    said = [worker.communicate()[0] for worker in running]
    if any(worker.returncode for worker in running):
        raise SystemExit(f"workers ended with {[worker.returncode for worker in running]}")
    return json.loads(said[0].splitlines()[-1]), time.perf_counter() - began


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def one(args: argparse.Namespace) -> int:
    """A worker: trains, and prints its history as JSON."""
    from improv.core.errors import ImprovError
    from improv.train.cluster import cluster_of
    from improv.train.dataset import columns_of
    from improv.train.example import example_piece
    from improv.train.fit import FitConfig, Progress, fit
    from improv.train.network.keras_network import NetworkConfig
    from improv.train.workers import ALONE, Together

    cluster = cluster_of(args.workers, args.worker, {})
    strengths = dict.fromkeys(("input_dropout", "rhythm_dropout", "line_dropout", "recurrent_dropout"), args.dropout)
    network = NetworkConfig(32, args.units, args.units, 32, 16, **strengths)
    ends = [i % 9 == 8 for i in range(args.notes)]
    pieces = [columns_of(example_piece(args.notes, seed).with_notes(ends=ends)) for seed in range(args.pieces + 2)]

    def told(progress: Progress) -> None:
        print("epoch", progress.epoch, flush=True)

    config = FitConfig(epochs=args.epochs, batch=6, length=64, rate=5e-3, average=0.9)
    try:
        workers = Together(cluster) if cluster else ALONE
        _, history = fit(
            pieces[2:], pieces[:2], network, config, Path(args.one), lambda p: print("epoch", p.epoch, flush=True), workers=workers
        )
    except ImprovError as e:
        print(f"worker {args.worker}: {e}", file=sys.stderr)
        return 2
    print(json.dumps([asdict(p) for p in history]))
    return 0


def compare(alone: list[dict], both: list[dict], within: float, times: str) -> int:
    """Print both curves, total training loss and validation by head."""
    print(f"{'':8}{'train':^22}" + "".join(f"{'valid ' + head:^22}" for head in HEADS[:2]))
    print(f"{'epoch':8}" + f"{'one':>10}{'two':>10}  " * 3)
    for a, b in zip(alone, both, strict=True):
        columns = [(sum(a["train"].values()), sum(b["train"].values()))] + [(a["valid"][h], b["valid"][h]) for h in HEADS[:2]]
        print(f"{a['epoch']:<8}" + "".join(f"{x:>10.5f}{y:>10.5f}  " for x, y in columns))
    largest = max(abs(a[kind][h] - b[kind][h]) for a, b in zip(alone, both, strict=True) for kind in ("train", "valid") for h in HEADS)
    print(f"largest difference of any head's loss in any epoch: {largest:.2g} nats a note ({times})")
    return int(largest > within)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
