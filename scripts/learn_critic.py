"""Teach a critic to tell the phrases of real solos from those of a model, and write it beside the model.

    python scripts/learn_critic.py wjd_visible.jsonl.gz models/jazz

In each round the model plays over the changes of the solos that train, its phrases chosen by the critic so far, and boosted trees
learn to tell them from the real ones; what they say is added to what the critic says. Told is how well the trees tell phrases of
solos that they did not learn from.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from improv.atomic import atomic_write
from improv.models.critics import FILE, blob_of
from improv.models.loader import load_model
from improv.train.criticism import both, learn, our_line, real_line, rows_of
from improv.train.evaluation.figures import on_bars
from improv.train.evaluation.judges import auc
from improv.train.reading.watched import read_watched


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("data", help="the solos")
    parser.add_argument("model", type=Path, help="the folder of a model that learned from them")
    parser.add_argument("--solos", type=int, nargs="+", default=[309], metavar="N", help="that it plays, for each round")
    parser.add_argument("--ways", type=int, default=6, help="phrases among which the critic chooses")
    args = parser.parse_args()
    reading = read_watched([args.data], None, 0)
    train, valid = ([on_bars(p) for p in reading.of(split) if p.changes] for split in ("train", "valid"))
    real, held_out = (np.array([row for p in pieces for row in rows_of(real_line(p))]) for pieces in (train, valid))
    model = load_model(str(args.model))
    model.critic = critic = None
    for number, count in enumerate(args.solos):
        order = np.random.default_rng(number).permutation(len(train))
        lines = [our_line(model, train[order[k % len(train)]], seed=1000 * (number + 1) + k) for k in range(count)]
        ours = [rows_of(line) for line in lines if line]
        first = int(0.8 * len(ours))
        told = learn(real, np.array([row for rows in ours[:first] for row in rows]))
        others = np.array([row for rows in ours[first:] for row in rows])
        said = told.odds(np.vstack([held_out, others]))
        print(f"round {number + 1}: AUC of phrases {auc(np.arange(len(said)) < len(held_out), said):.3f}", flush=True)
        critic = both(critic, replace(learn(real, np.array([row for rows in ours for row in rows])), ways=args.ways))
        model.critic = critic
    assert critic is not None
    blob, about = blob_of(critic)
    card = json.loads((args.model / "card.json").read_text(encoding="utf-8"))
    card["critic"] = about
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    atomic_write({args.model / FILE: blob, args.model / "card.json": text.encode()})
    print(f"{args.model / FILE}: {len(critic.roots)} trees, {len(critic.trait)} nodes, {len(blob):,} bytes")


if __name__ == "__main__":
    main()
