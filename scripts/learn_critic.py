"""Teach a critic how much likelier a phrase is in a real solo than among the ways in which a model would go on, and write it beside
the model.

    python scripts/learn_critic.py wjd_visible.jsonl.gz models/jazz

The model hears the solos that train, and after each phrase it draws a way to go on, as it does when it plays (some minutes for each
time). Boosted trees learn to tell these from what the soloist really played. Then further trees learn what still tells the ways that
such a critic would take, of another time (--again). At last the model plays over the changes of some solos, its phrases chosen by the
critic so far, and trees that ask one thing each learn what still tells these (--solos; ten minutes for 90). Told is how well the trees
tell phrases of the valid split.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from improv.atomic import atomic_write
from improv.core.note_model import NoteModel
from improv.models.critics import FILE, blob_of
from improv.models.loader import load_model
from improv.train.criticism import both, learn, our_line, proposals, real_line, rows_of, taken
from improv.train.evaluation.figures import on_bars
from improv.train.evaluation.judges import auc
from improv.train.piece import Piece
from improv.train.reading.watched import read_watched


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0] if __doc__ else "")
    parser.add_argument("data", help="the solos")
    parser.add_argument("model", type=Path, help="the folder of a model that learned from them")
    parser.add_argument("--times", type=int, default=2, help="how often it hears each solo, and draws")
    parser.add_argument("--trees", type=int, default=600, help="that learn from what it draws")
    parser.add_argument("--again", type=int, default=3, metavar="ROUNDS", help="of 100 further trees, against the ways that it would take")
    parser.add_argument("--solos", type=int, default=90, metavar="N", help="that it plays at last")
    parser.add_argument("--further", type=int, default=150, metavar="TREES", help="against these")
    parser.add_argument("--ways", type=int, default=8, help="phrases among which the critic chooses")
    args = parser.parse_args()
    reading = read_watched([args.data], None, 0)
    train, valid = ([on_bars(p) for p in reading.of(split) if p.changes] for split in ("train", "valid"))
    real, held_out = (np.array([row for p in pieces for row in rows_of(real_line(p))[1:]]) for pieces in (train, valid))
    model = load_model(str(args.model))
    model.critic = None
    drawn = np.vstack([_drawn(model, train, seed) for seed in range(args.times)])
    critic = replace(learn(real, drawn, args.trees), ways=args.ways)
    said = critic.odds(np.vstack([held_out, others := _drawn(model, valid, args.times)]))
    print(f"drawn {len(drawn)} and {len(others)} phrases: AUC {auc(np.arange(len(said)) < len(held_out), said):.3f}", flush=True)
    fresh = _drawn(model, train, args.times + 1) if args.again else drawn
    for _ in range(args.again):
        critic = both(critic, learn(real, fresh, 100, taken=taken(critic, fresh)))
    if args.solos:
        model.critic = critic
        order = np.random.default_rng(1).permutation(len(train))
        lines = [our_line(model, train[order[k % len(train)]], seed=1000 + k) for k in range(args.solos)]
        ours = np.array([row for line in lines for row in rows_of(line)[1:]])
        critic = both(critic, learn(real, ours, args.further, alone=True))
        print(f"learned from {len(ours)} phrases of {args.solos} solos", flush=True)
    blob, about = blob_of(critic)
    card = json.loads((args.model / "card.json").read_text(encoding="utf-8"))
    card["critic"] = about
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    atomic_write({args.model / FILE: blob, args.model / "card.json": text.encode()})
    print(f"{args.model / FILE}: {len(critic.roots)} trees, {len(critic.trait)} nodes, {len(blob):,} bytes")


def _drawn(model: NoteModel, pieces: Sequence[Piece], seed: int) -> np.ndarray:
    """The traits (phrases, traits) of the ways in which a model would go on in some solos."""
    rng = np.random.default_rng(seed)
    return np.array([row for piece in pieces for row in proposals(model, piece, rng)])


if __name__ == "__main__":
    main()
