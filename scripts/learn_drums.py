"""Learn to drum from the Groove MIDI Dataset; write models/drums.

    python scripts/learn_drums.py groove.jsonl.gz models/drums
    python scripts/learn_drums.py groove.jsonl.gz models/drums --measure

Reads JSON lines, one take a line: `hits` [[beat, velocity, key], ...], `bpm`, `metre`, `style`, `kind` (beat, fill) and `split`
(train, validation, test). It trains on train, keeps the epoch that is best on validation, and says nats a step and a stroke of
test, beside tables by place and n-grams. With --measure it trains nothing: it plays with the model that is there, and prints
loudness and lateness by place beside the drummers', and how often judges tell its playing from theirs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from improv.core.band.groove import drums_by_rule
from improv.models.drums import FAMILIES, FORMAT, KIND, OUTPUTS, SIGNS, TABLES, TOUCH_OUTPUTS, TOUCH_SIGNS, TOUCH_TABLES, DrumNets
from improv.models.loader import load_drums, read_folder
from improv.models.small_net import SmallNet
from improv.train.drumming import DrumTake, drum_rows, drum_take, step_loss, step_nats, touch_loss, touch_nats, touch_rows
from improv.train.evaluation.drummers import measured, ngram_nats, place_nats
from improv.train.folder import write_folder
from improv.train.small_net import SmallFit, begun, fit_small

UNITS = (192, 128, 96, 64)
DRAWS, TOUCH_DRAWS = 200_000, 200_000  # rows of an epoch


def read(path: Path) -> dict[str, list[DrumTake]]:
    """The takes by split."""
    found: dict[str, list[DrumTake]] = {"train": [], "validation": [], "test": []}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for said in map(json.loads, lines):
            if (take := drum_take(said)) is not None:
                found[said["split"]].append(take)
    return found


def best_of(score: Callable[[SmallNet], float], what: str) -> tuple[list[tuple[float, SmallNet]], Callable[[int, SmallNet, float], None]]:
    """Where the best network of a training is kept, and what looks for it."""
    best: list[tuple[float, SmallNet]] = []
    began = time.monotonic()

    def look(epoch: int, net: SmallNet, loss: float) -> None:
        said = score(net)
        print(f"{what}, epoch {epoch + 1}: {loss:.4f}, validation {said:.4f}  ({time.monotonic() - began:.0f} s)", flush=True)
        if not best or said < best[0][0]:
            best[:] = [(said, net)]

    return best, look


def train(takes: dict[str, list[DrumTake]], epochs: int, units: list[int], drop: float, seed: int) -> DrumNets:
    """Both networks, of the epochs that are best on validation, weighted as the families are."""
    rng = np.random.default_rng(seed)
    rows, there = drum_rows(takes["train"], rng), drum_rows([t for t in takes["validation"] if t.kind == "beat"], None)
    print(f"{len(rows.weights):,} steps of {len(takes['train'])} takes; validation: {len(there.weights):,}")
    best, look = best_of(lambda net: float(np.average(step_nats(net, there), weights=there.weights)), "steps")
    how = SmallFit(epochs, drop=drop, draws=DRAWS)
    fit_small(begun(SIGNS, units[0], units[1], OUTPUTS, rng), rows.signs, step_loss(rows), rng, how, look, rows.weights)
    strokes, held = touch_rows(takes["train"], rng), touch_rows(takes["validation"], None)
    print(f"{len(strokes.weights):,} strokes; validation: {len(held.weights):,}")
    touched, look = best_of(lambda net: float(np.average(sum(touch_nats(net, held)), weights=held.weights)), "touch")
    how = SmallFit(max(epochs // 2, 1), drop=drop / 2, draws=TOUCH_DRAWS)
    fit_small(
        begun(TOUCH_SIGNS, units[2], units[3], TOUCH_OUTPUTS, rng), strokes.signs, touch_loss(strokes), rng, how, look, strokes.weights
    )
    return DrumNets(best[0][1], touched[0][1])


def scored(nets: DrumNets, takes: dict[str, list[DrumTake]]) -> dict[str, Any]:
    """Nats a step and a stroke on test, of all takes that are beats and of each family, beside tables and n-grams."""
    found: dict[str, Any] = {}
    beats = [take for take in takes["test"] if take.kind == "beat"]
    for name in ("all", *FAMILIES):
        some = [take for take in beats if name in ("all", FAMILIES[take.family])]
        if not some:
            continue
        rows, strokes = drum_rows(some, None), touch_rows(some, None)
        loud, late = touch_nats(nets.touch, strokes)
        row = {"steps": len(rows.weights), "learned": step_nats(nets.steps, rows).mean()}
        row |= {"n-gram": ngram_nats(takes["train"], some).mean(), "by place": place_nats(takes["train"], some).mean()}
        row |= {"loudness": loud.mean(), "lateness": late.mean()}
        found[name] = {k: v if k == "steps" else round(float(v), 3) for k, v in row.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("takes", type=Path, metavar="GROOVE", help="takes as JSON lines, gzipped")
    parser.add_argument("out", type=Path, help="the model's folder, models/NAME")
    parser.add_argument("--measure", action="store_true", help="train nothing; print what the drums do beside the drummers")
    parser.add_argument("--without", nargs="*", default=(), metavar="DRUMMER", help="learn nothing from these, and score their takes alone")
    parser.add_argument("--epochs", type=int, default=16, help="of so many steps each (default: 16)")
    parser.add_argument("--units", type=int, nargs=4, default=UNITS, metavar="N", help=f"of the hidden layers (default: {UNITS})")
    parser.add_argument("--drop", type=float, default=0.35, help="dropout (default: 0.35)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    args = parser.parse_args()
    try:
        takes = read(args.takes)
    except (OSError, ValueError, KeyError, TypeError) as e:
        parser.error(f"{args.takes}: not takes of drummers ({type(e).__name__}: {e})")
    if args.measure:
        name = str(args.out)
        print(measured(takes, load_drums(name), DrumNets.read(*read_folder(name)), drums_by_rule()))
        return
    if args.without:
        every = [take for some in takes.values() for take in some]
        theirs = [take for take in every if take.name.split("/")[0] in args.without]
        takes = {split: [take for take in some if take.name.split("/")[0] not in args.without] for split, some in takes.items()} | {
            "test": theirs
        }
    nets = train(takes, args.epochs, list(args.units), args.drop, args.seed)
    figures = scored(nets, takes)
    print(json.dumps(figures, indent=1))
    about = {
        "what": "two small networks: which pieces of the kit are struck on a step, and how loud and how exactly each is",
        "figures": {"nats, test": figures},
        "trained_on": {"file": args.takes.name, "takes": len(takes["train"]), "steps": sum(len(t.masks) for t in takes["train"])},
        "command": f"python scripts/learn_drums.py {args.takes.name} models/{args.out.name} --epochs {args.epochs} "
        f"--units {' '.join(map(str, args.units))} --drop {args.drop:g} --seed {args.seed}",
        "license": "MIT",
        "attribution": "trained on the Groove MIDI Dataset v1.0.0 (CC BY 4.0; J. Gillick, A. Roberts, J. Engel, D. Eck and D. Bamman, "
        "Learning to Groove with Inverse Sequence Transformations, 2019); no take of it is in here",
    }
    tables = TABLES | {f"touch {name}": size for name, size in TOUCH_TABLES.items()}
    head = {"name": args.out.name, "kind": KIND, "format": FORMAT, "units": list(args.units), "tables": tables}
    DrumNets.read(head, nets.weights())
    write_folder(args.out, head, nets.weights(), about)


if __name__ == "__main__":
    main()
