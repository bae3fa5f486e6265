"""`improv eval`: how well a model foretells what was played, and what it plays beside it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from improv.cli.corpus_options import add_corpus
from improv.core.errors import ImprovError
from improv.core.note_model import NoteModel
from improv.models.loader import load_model
from improv.train.evaluation.next_note import foretell, score
from improv.train.evaluation.scores import improvised, listened, loudness_foretold, roll_beside, rounded, turns_taken
from improv.train.piece import Piece
from improv.train.reading.watched import read_watched
from improv.train.report import table, told_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a name or a folder")
    add_corpus(parser)
    parser.add_argument("--split", help="only pieces of this split (train, valid, test)")
    parser.add_argument("--dump", metavar="FILE", help="write all distributions as .npz")
    parser.add_argument("--improvise", type=int, metavar="N", help="play N solos over the split's changes; figures beside the real ones")
    parser.add_argument(
        "--real-or-generated", type=int, metavar="N", help="play N solos over the split's changes; can judges tell them from the real ones?"
    )
    parser.add_argument("--listening", action="store_true", help="answer the split's phrases: does each answer fit its own call?")
    parser.add_argument("--turns", action="store_true", help="listen to the split's phrases: does it enter when one is over?")
    parser.add_argument("--loudness", action="store_true", help="how well it foretells how loud the split's notes are, beside the rule")
    parser.add_argument(
        "--png",
        metavar="FILE",
        help="with --improvise: draw its figures, and one solo as FILE-roll.png; with --real-or-generated: what tells",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Score a model on a split; with --improvise, let it play over the split's changes as well."""
    for option, count in (("--improvise", args.improvise), ("--real-or-generated", args.real_or_generated)):
        if count is not None and not 1 <= count <= 10_000:
            raise ImprovError(f"{option} {count}: expected 1 to 10,000 solos")
    if args.dump and not args.dump.endswith(".npz"):
        raise ImprovError(f"--dump {args.dump}: name it .npz")
    if args.png:
        _check_png(args)
    model = load_model(args.model)
    splits = args.split is not None or args.improvise is not None
    others = (args.improvise is not None) + (args.real_or_generated is not None)
    if args.listening + args.turns + args.loudness + others > 1:
        raise ImprovError("--listening, --turns, --loudness, --improvise and --real-or-generated: one at a time")
    seed = args.split_seed if args.split_seed is not None else (model.card.get("trained_on") or {}).get("split_seed", 0)
    reading = read_watched(args.data, args.track, seed if splits else None, args.reader, listens=args.listens)
    pieces = reading.of(args.split) if args.split else reading.pieces
    if not pieces:
        there = ", ".join(sorted({p.split for p in reading.pieces}))
        raise ImprovError(f"{' '.join(args.data)}: no piece of split {args.split!r}; there are: {there}")
    print("".join(f"{line}\n" for line in told_of(reading)), end="", file=sys.stderr)
    if args.improvise is not None:
        told = improvised(model, pieces, reading.of("train"), args.improvise, Path(args.png) if args.png else None)
        if args.png:
            print(f"wrote {args.png} and {roll_beside(Path(args.png))}", file=sys.stderr)
    elif args.real_or_generated is not None:
        return _told_apart(args, model, pieces)
    elif args.listening:
        told = {args.split or "all": listened(model, pieces)}
    elif args.turns:
        told = turns_taken(model, pieces)
    elif args.loudness:
        told = loudness_foretold(model, pieces, reading.of("train"))
    else:
        foretold = foretell(model, pieces)
        if args.dump:
            try:
                np.savez_compressed(args.dump, **foretold)  # type: ignore[arg-type]
            except OSError as e:
                raise ImprovError(f"--dump {args.dump}: {e.strerror}") from None
        told = {args.split or "all": rounded(score(pieces, foretold))}
    if args.json:
        print(json.dumps(told if len(told) > 1 else told[args.split or "all"]))
    else:
        print("\n".join(table(told)))
    return 0


def _told_apart(args: argparse.Namespace, model: NoteModel, pieces: Sequence[Piece]) -> int:
    """Both judges' figures, then what tells."""
    from improv.train.evaluation.told_apart import told_apart

    png = Path(args.png) if args.png else None
    told = told_apart(model, pieces, args.real_or_generated, png, lambda line: print(line, file=sys.stderr))
    if args.png:
        print(f"wrote {args.png}", file=sys.stderr)
    if args.json:
        print(json.dumps({part: {name: rounded(row) for name, row in columns.items()} for part, columns in told.items()}))
    else:
        print("\n".join([*table(told["judged"]), "", *table(told["tells"])]))
    return 0


def _check_png(args: argparse.Namespace) -> None:
    if args.improvise is None and args.real_or_generated is None:
        raise ImprovError("--png draws what --improvise N plays, or what --real-or-generated N finds; say how many solos")
    if not args.png.endswith(".png"):
        raise ImprovError(f"--png {args.png}: name it .png")
    if not Path(args.png).absolute().parent.is_dir():
        raise ImprovError(f"--png {args.png}: there is no folder {Path(args.png).absolute().parent}")
