"""Learn to walk from the bass players of the Weimar Jazz Database; write models/bass.

    python scripts/learn_bass.py wjd_visible.jsonl.gz models/bass
    python scripts/learn_bass.py wjd_visible.jsonl.gz models/bass --measure

Reads JSON lines, one solo a line, with `beats` [[on_s, bar, beat, bass pitch or null], ...], `chords` [[beat, symbol], ...] and
`split`. It trains on `train`, keeps the epoch that is best on `valid`, and says nats a note of `test`, beside rules and n-grams.
With --measure it trains nothing: it plays over the changes of the split `test` with the model that is there, and prints a table
of what the bass does beside the real ones.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from improv.core.band.bass import Bassist
from improv.core.band.walking import by_rule
from improv.models.bass import CLEAREST, FORMAT, KIND, OUTPUTS, SIGNS, TABLES, bass_shapes
from improv.models.card import check_weights
from improv.models.loader import load_bass
from improv.models.small_net import SmallNet
from improv.train.evaluation.basses import Ngram, by_harmony, by_intervals, figures_of, nats_of, played_over
from improv.train.folder import write_folder
from improv.train.small_net import SmallFit, begun, fit_small
from improv.train.walking import TOLD, WEIGHTS, BassTake, bass_rows, bass_take, loss_of, nats

UNITS = (192, 160)


def read(path: Path) -> dict[str, list[BassTake]]:
    """The basses by split."""
    found: dict[str, list[BassTake]] = {"train": [], "valid": [], "test": []}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for solo in map(json.loads, lines):
            if (take := bass_take(solo)) is not None:
                found[solo["split"]].append(take)
    return found


def train(takes: dict[str, list[BassTake]], how: SmallFit, units: tuple[int, int], seed: int) -> SmallNet:
    """The network of the epoch that is best on valid."""
    rng = np.random.default_rng(seed)
    rows = {"train": bass_rows(takes["train"], rng, TOLD), "valid": bass_rows(takes["valid"], rng, 1.0)}
    print(f"{len(rows['train'].pitch):,} notes of {len(takes['train'])} solos; valid: {len(rows['valid'].pitch):,}")
    held = np.array(WEIGHTS)[[take.clear for take in takes["valid"]]][rows["valid"].takes]
    best: list[tuple[float, SmallNet]] = []
    began = time.monotonic()

    def look(epoch: int, net: SmallNet, loss: float) -> None:
        said = float(np.average(nats(net, rows["valid"]), weights=held))
        print(f"epoch {epoch + 1}: {loss:.4f}, valid {said:.4f}  ({time.monotonic() - began:.0f} s)", flush=True)
        if not best or said < best[0][0]:
            best[:] = [(said, net)]

    weights = np.array(WEIGHTS)[[take.clear for take in takes["train"]]][rows["train"].takes]
    fit_small(begun(SIGNS, *units, OUTPUTS, rng), rows["train"].signs, loss_of(rows["train"]), rng, how, look, weights)
    return best[0][1]


def scored(net: SmallNet, takes: dict[str, list[BassTake]]) -> dict[str, Any]:
    """Nats a note on valid and test, beside rules and n-grams."""
    said = {}
    for split in ("valid", "test"):
        rows = bass_rows(takes[split])
        clear = np.array([take.clear for take in takes[split]])[rows.takes] == CLEAREST
        learned, told = nats(net, rows), nats(net, bass_rows(takes[split], np.random.default_rng(0), 1.0))
        said[split] = {
            "notes": len(learned),
            "notes of clear basses": int(clear.sum()),
            "learned": learned,
            "learned, told how clear": told,
            "learned, clear basses": learned[clear],
            "learned, told, clear basses": told[clear],
            "n-gram that reads the chords": nats_of(Ngram(by_harmony, takes["train"]), takes[split]),
            "n-gram of intervals": nats_of(Ngram(by_intervals, takes["train"]), takes[split]),
            "rules": nats_of(by_rule, takes[split]),
        }
    return {split: {k: v if isinstance(v, int) else round(float(v.mean()), 3) for k, v in row.items()} for split, row in said.items()}


def write(folder: Path, net: SmallNet, about: dict[str, Any]) -> None:
    """The model's folder, both files or neither."""
    units = [len(net.first), len(net.second_bias)]
    head = {"name": folder.name, "kind": KIND, "format": FORMAT, "units": units, "tables": TABLES}
    weights = net.weights(KIND)
    check_weights(bass_shapes(head), weights)
    write_folder(folder, head, weights, about)


def measured(takes: list[BassTake], model: str, seeds: int) -> None:
    """Print what basses do over the same changes at the same tempi: the real ones, the learned one, the rules."""
    columns = {"real": figures_of(takes), "real, heard clearly": figures_of([take for take in takes if take.clear == CLEAREST])}
    for name, member in (("learned", load_bass(model)), ("rules", Bassist())):
        columns[name] = figures_of([played_over(take, member, seed) for seed in range(seeds) for take in takes])
    print("| | " + " | ".join(columns) + " |\n" + "| --- " * (len(columns) + 1) + "|")
    for row in columns["real"]:
        print(f"| {row} | " + " | ".join(f"{column[row]:.1f}" for column in columns.values()) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("solos", type=Path, metavar="WJD", help="solos as JSON lines, gzipped")
    parser.add_argument("out", type=Path, help="the model's folder, models/NAME")
    parser.add_argument("--measure", action="store_true", help="train nothing; print what the bass does beside the real ones")
    parser.add_argument("--split", default="test", help="of --measure (default: test)")
    parser.add_argument("--epochs", type=int, default=12, help="default: 12")
    parser.add_argument("--units", type=int, nargs=2, default=UNITS, metavar="N", help=f"of the hidden layers (default: {UNITS})")
    parser.add_argument("--drop", type=float, default=0.45, help="dropout (default: 0.45)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    args = parser.parse_args()
    try:
        takes = read(args.solos)
    except (OSError, ValueError, KeyError, TypeError) as e:
        parser.error(f"{args.solos}: not solos with beats and chords ({type(e).__name__}: {e})")
    if args.measure:
        return measured(takes[args.split], str(args.out), 3)
    net = train(takes, SmallFit(args.epochs, drop=args.drop), tuple(args.units), args.seed)
    figures = scored(net, takes)
    print(json.dumps(figures, indent=1))
    notes = sum(len(bar) for take in takes["train"] for bar in take.pitches)
    about = {
        "what": "a small network over the last eight beats and the chords: how likely each pitch of a walking bass is on a beat",
        "figures": {"nats a note": figures},
        "trained_on": {
            "file": args.solos.name,
            "solos": len(takes["train"]),
            "notes": notes,
        },
        "command": f"python scripts/learn_bass.py {args.solos.name} models/{args.out.name} --epochs {args.epochs} --units {args.units[0]} "
        f"{args.units[1]} --drop {args.drop:g} --seed {args.seed}",
        "license": "MIT",
        "attribution": "bass lines of the Weimar Jazz Database (Pfleiderer et al. 2017, Inside the Jazzomat; the Jazzomat Research "
        "Project, MIT); no line of them is in here",
    }
    write(args.out, net, about)


if __name__ == "__main__":
    main()
