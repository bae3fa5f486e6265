"""What learning from a player is worth: held-out solos heard as if live, phrase by phrase, with what was learned so far and without.

    python scripts/measure_learning.py wjd_visible.jsonl.gz [--splits splits.csv] [--split test] [--model jazz] [--json]

Every solo is another player's: the learner begins anew. Of the second half of each solo: nats a note of when (ioi) and of which
pitch, by the model as it is (with all that it recalls) and with what was learned from the phrases before. A phrase ends where
the annotators say, and has at least eight notes, as a lesson has while one plays. ms are of one processor, with all that the
learner's process does for a phrase: hearing it, and a step of each learner.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the learner's own process has it

import numpy as np

from improv.core.line.lessons import FEWEST, MOST, Lesson
from improv.core.vocabulary import Vocabulary
from improv.learning.learner import Learner, foretell
from improv.models.loader import load_model
from improv.train.corpus import read_corpus
from improv.train.piece import Piece

FIELDS = ("ioi", "pitch")


def lessons_of(piece: Piece) -> list[Lesson]:
    """A solo as lessons: its phrases, the short ones together with what follows."""
    lessons, notes, last = [], [], None
    for i, (value, at) in enumerate(zip(piece.values, piece.contexts, strict=True)):
        notes.append((value, last, at, 1.0))
        last = value.pitch
        if (piece.ends and piece.ends[i] and len(notes) >= FEWEST) or len(notes) == MOST or i == len(piece.values) - 1:
            lessons.append(tuple(notes))
            notes = []
    return lessons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", metavar="PATH", help="of solos, in any format that `improv eval` reads")
    parser.add_argument("--splits", metavar="CSV", help="with columns id (or melid) and split (default: as the corpus says)")
    parser.add_argument("--split", default="test", help="which split (default: test)")
    parser.add_argument("--model", default="jazz")
    parser.add_argument("--one-player", action="store_true", help="all solos as one player's, with one profile")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    model = load_model(args.model)
    pieces = read_corpus([args.corpus], Vocabulary()).pieces
    if args.splits:
        with open(args.splits, newline="", encoding="utf-8") as file:
            chosen = {row["id"] for row in csv.DictReader(file) if row["split"] == args.split}
        pieces = [p for p in pieces if p.name in chosen]
    else:
        pieces = [p for p in pieces if p.split == args.split]
    rows, took, profile = [], [], None
    for piece in pieces:
        learner = Learner(model, profile if args.one_player else None)
        ears = Learner(model)  # hears, and learns nothing
        without, learned = [], []
        for lesson in lessons_of(piece):
            heard = ears.hear(lesson)
            if heard is not None:
                without.append(foretell(heard, model.heads).nats)
                learned.append(foretell(heard, model.heads.plus(learner.profile.heads)).nats)
            began = time.process_time()
            learner.learn(lesson)
            took.append(1000 * (time.process_time() - began))
        profile = learner.profile.rested()
        half = sum(n.shape[1] for n in without) // 2
        second = [np.concatenate(nats, axis=1)[:, half:] for nats in (without, learned)]
        rows.append((piece.name, second[0].shape[1], *(nats.mean(axis=1) for nats in second)))
    weights = np.array([row[1] for row in rows], float)
    weights /= weights.sum()
    gain = np.array([after - before for _, _, before, after in rows])
    worst = int(gain.sum(axis=1).argmax())
    told = {
        "solos": len(rows),
        "notes": int(sum(row[1] for row in rows)),
        **{f"{field}_without": float(weights @ [row[2][i] for row in rows]) for i, field in enumerate(FIELDS)},
        **{f"{field}_with": float(weights @ [row[3][i] for row in rows]) for i, field in enumerate(FIELDS)},
        "gain": float(-weights @ gain.sum(axis=1)),
        "solos_better": int((gain.sum(axis=1) < 0).sum()),
        "best": float(gain.sum(axis=1).min()),
        "worst": float(gain.sum(axis=1).max()),
        "worst_solo": rows[worst][0],
        "ms_a_phrase": float(np.median(took)),
        "ms_a_phrase_p99": float(np.percentile(took, 99)),
        "phrases": len(took),
    }
    if args.json:
        print(json.dumps(told))
        return
    for name, figure in told.items():
        print(f"{name.replace('_', ' '):<16} {figure:.4f}" if isinstance(figure, float) else f"{name.replace('_', ' '):<16} {figure}")


if __name__ == "__main__":
    main()
