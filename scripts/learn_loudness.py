"""Learn how loud notes are from melodies with played velocities; write models/accents.

    python scripts/learn_loudness.py pop909.jsonl.gz models/accents

Each melody is learned from twice: as it was played, and told as swing. Nobody in the set swings, so of the place in the beat swing has
what `core.line.dynamics` says of it, set by hand; all else is as learned. `improv train` goes on from it with a user's own files.
Told is what a note's loudness costs on tunes that are held out, beside the rule.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from improv.core.errors import ImprovError
from improv.core.line.loudness import VERSION
from improv.models.accented import FORMAT, KIND, NAME
from improv.train.accenting import UNITS, by_rule, fit_accents, foretold, loud_rows, nats, rule_strength, together
from improv.train.folder import write_folder
from improv.train.reading.watched import read_watched


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="melodies with velocities, a file or a folder")
    parser.add_argument("out", type=Path, help="the model's folder, models/NAME")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    args = parser.parse_args()
    try:
        reading = read_watched([args.data], None, 0)
    except (OSError, ImprovError) as e:
        parser.error(str(e))
    straight = {split: loud_rows(reading.of(split)) for split in ("train", "valid", "test")}
    if empty := [split for split, rows in straight.items() if not len(rows.velocity)]:
        parser.error(f"{args.data}: notes whose velocities vary are needed in each split; there are none in {', '.join(empty)}")
    strength = rule_strength(straight["train"])
    swung = {split: loud_rows(reading.of(split), swung=strength) for split in straight}
    both = {split: together(straight[split], swung[split]) for split in ("train", "valid")}
    accents = fit_accents(
        both["train"], both["valid"], args.seed, look=lambda epoch, cost: print(f"epoch {epoch + 1}: {cost:.4f}", flush=True)
    )
    figures = {}
    for name, rows in (("straight", straight), ("swing", swung)):
        test = rows["test"]
        costs = (nats(told, test).mean() for told in (foretold(accents, test), by_rule(rows["train"], test)))
        figures[name] = dict(zip(("learned", "rule"), (round(float(cost), 3) for cost in costs), strict=True))
        print(f"{name}, nats a note of test: {figures[name]}")
    head = {"name": args.out.name, "kind": KIND, "format": FORMAT, "signs": VERSION, "units": list(UNITS)}
    about = {
        "what": "a small network: how loud a note is beside those around it; `improv train` goes on from it",
        "figures": {"nats, test": figures},
        "trained_on": {
            "file": Path(args.data).name,
            "pieces": sum(p.loud for p in reading.of("train")),
            "notes": len(straight["train"].velocity),
        },
        "command": f"python scripts/learn_loudness.py {Path(args.data).name} models/{args.out.name} --seed {args.seed}",
        "license": "MIT",
        "attribution": "trained on the velocities of POP909 (MIT; Z. Wang et al., POP909, 2020); no note of it is in here",
    }
    write_folder(args.out, head, accents.net.weights(NAME), about)
    print(f"{args.out}: the rule's strength was {strength:.2f}")


if __name__ == "__main__":
    main()
