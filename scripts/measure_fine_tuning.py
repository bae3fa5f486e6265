"""What fine-tuning is worth: takes of one player, each left out once; or twenty pieces of a set, and the rest of it.

    python scripts/measure_fine_tuning.py my_takes/                                  # leave one out, from jazz
    python scripts/measure_fine_tuning.py pop909.jsonl.gz --learn 20 --score 100     # twenty; 100 others are scored
    python scripts/measure_fine_tuning.py solos.jsonl.gz --takes wjd087:wjd095 wjd266:wjd273 --base without/

Of n takes, n models are fine-tuned, each on n - 1 as `improv train` does it (it splits those itself), and each is scored on the take
that it never met, beside the model that it began from: nats a note of time and pitch together. --midi: each piece is written as a MIDI
file first, with its microtiming and its chords as markers, as a recording with a click would be; training reads that.

`jazz` has learned from the Weimar solos, and knows them better than it knows yours. So --base first trains a model, in that folder, on
the rest of the corpus, without any of --takes, and fine-tunes that: none of its players' takes was ever met then. --takes: names of the
first and the last piece of each player, as in wjd087:wjd095; each pair is a player with a table of his own.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from improv.core.errors import ImprovError
from improv.core.events import Event, NoteOff, NoteOn
from improv.core.note_model import NoteModel
from improv.core.vocabulary import GRID, Vocabulary
from improv.midi.files import write_take
from improv.models.loader import load_model
from improv.train.corpus import read_corpus
from improv.train.duplicates import same_tunes
from improv.train.evaluation.figures import on_bars
from improv.train.evaluation.next_note import foretell, score
from improv.train.options import TrainingOptions, origin_of, settings_of
from improv.train.piece import Piece
from improv.train.recipe import train_members, write_model
from improv.train.split import assign_splits

VELOCITY = 80  # of notes whose loudness nobody knows


@dataclass(frozen=True)
class Scored:
    """A piece that was kept back: nats a note before and after."""

    name: str
    notes: int
    before: float
    after: float


def as_midi(piece: Piece, folder: Path) -> None:
    """The piece as a MIDI file, with its microtiming and its chords as markers."""
    piece, vocabulary = on_bars(piece), Vocabulary()
    velocities = piece.velocities or [VELOCITY] * len(piece)
    events: list[Event] = []
    for onset, value, velocity in zip(piece.onsets, piece.values, velocities, strict=True):
        _, _, lasts, lag = vocabulary.decode(value)
        at = onset / GRID + lag
        events += [NoteOn(at, value.pitch, velocity or VELOCITY), NoteOff(at + lasts, value.pitch)]
    off_first = sorted(events, key=lambda e: (e.time, isinstance(e, NoteOn)))
    write_take(folder / f"{Path(piece.name).stem}.mid", off_first, [], [(0.0, piece.bpm)], piece.metres, piece.changes)


def read_back(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces as training reads them from MIDI files."""
    with tempfile.TemporaryDirectory() as made:
        for piece in pieces:
            as_midi(piece, Path(made))
        return read_corpus(made, Vocabulary(), split_seed=None, keeps=False).pieces


def nats(model: NoteModel, piece: Piece) -> float:
    return score([piece], foretell(model, [piece]))["joint_nats"]


def tuned(pieces: Sequence[Piece], origin: str, folder: Path, fit: dict[str, int | None]) -> NoteModel:
    """A model that was fine-tuned on some pieces, split as `improv train` splits them."""
    pieces = assign_splits([replace(p, split="", source="takes") for p in pieces], 0, same_tunes(pieces))
    train, valid = ([p for p in pieces if p.split == split] for split in ("train", "valid"))
    config, network, starts = settings_of(TrainingOptions(fit, origin))
    trained = train_members(train, valid, network, config, folder, len(starts), starts)
    for told in write_model(folder, trained, network, train, valid, config.seed, {}, origin=origin_of(origin)).told:
        print(f"  {told}", file=sys.stderr)
    return load_model(str(folder.resolve()))


def leave_one_out(takes: Sequence[Piece], origin: str, keep: Path, fit: dict[str, int | None]) -> list[Scored]:
    """Each take, scored by a model that was fine-tuned on the others."""
    before = load_model(origin)
    found = []
    for take in takes:
        name = Path(take.name).stem
        after = tuned([other for other in takes if other is not take], origin, keep / name, fit)
        found.append(Scored(name, len(take), nats(before, take), nats(after, take)))
        print(f"  {name:<24} {len(take):>6} {found[-1].before:>8.3f} {found[-1].after:>8.3f}", flush=True)
    return found


def train_base(pieces: Sequence[Piece], folder: Path, size: str, epochs: int | None) -> None:
    """A model of one network from nothing, on all pieces that say they train; where none says anything, as `improv train` splits them.
    Raises ImprovError where none are left to train or to validate on."""
    if not any(p.split for p in pieces):
        pieces = assign_splits(pieces, 0, same_tunes(pieces))
    train, valid = ([p for p in pieces if p.split == split] for split in ("train", "valid"))
    if not train or not valid:
        raise ImprovError(f"--base: of the other pieces {len(train)} train and {len(valid)} validate; some of both are needed")
    print(f"training {folder} on {len(train)} pieces first", file=sys.stderr)
    config, network, _ = settings_of(TrainingOptions({"epochs": epochs}, size=size))
    trained = train_members(train, valid, network, config, folder, 1)
    write_model(folder, trained, network, train, valid, config.seed, {})


def tell(found: Sequence[Scored], seconds: float, runs: int) -> dict[str, float]:
    """The sum of it, printed and returned."""
    notes = sum(s.notes for s in found)
    before, after = (sum(getattr(s, name) * s.notes for s in found) / notes for name in ("before", "after"))
    better = sum(s.after < s.before for s in found)
    worst = max(s.after - s.before for s in found)
    print(f"better on {better} of {len(found)}; a note costs {after:.3f} nats, {before:.3f} before; the worst changed by {worst:+.3f}")
    print(f"{seconds / runs:.0f} s a fine-tuning")
    return {"before": before, "after": after, "better": better, "of": len(found), "worst": worst, "seconds": seconds / runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="+", metavar="PATH", help="of takes, in any format that `improv train` reads")
    parser.add_argument("--from", dest="origin", default="jazz", metavar="MODEL", help="the model that is fine-tuned (default: jazz)")
    parser.add_argument("--takes", nargs="+", metavar="FIRST:LAST", help="by their names, a player's each (default: all, as one player's)")
    parser.add_argument(
        "--base", type=Path, metavar="FOLDER", help="fine-tune this one, trained first on all but --takes if it isn't there"
    )
    parser.add_argument("--size", default="laptop", choices=("laptop", "pocket"), help="of --base (default: laptop)")
    parser.add_argument("--base-epochs", type=int, metavar="N", help="of --base, at the most")
    parser.add_argument("--midi", action="store_true", help="of MIDI files that are made of the pieces")
    parser.add_argument("--learn", type=int, metavar="N", help="learn from so many, drawn at random, and score others")
    parser.add_argument("--score", type=int, default=100, metavar="N", help="of --learn, how many others are scored (default: 100)")
    parser.add_argument("--seed", type=int, default=1, help="of what --learn draws (default: 1)")
    parser.add_argument("--epochs", type=int, help="at the most, of each fine-tuning")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the models there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write each figure there")
    args = parser.parse_args()
    pieces = read_corpus(args.corpus, Vocabulary(), split_seed=None).pieces
    players = [pieces]
    if args.takes:
        ends = [pair.partition(":")[::2] for pair in args.takes]
        players = [[p for p in pieces if first <= p.name <= (last or first)] for first, last in ends]
    if args.base:
        if not (args.base / "card.json").exists():
            named = {p.name for takes in players for p in takes}
            try:
                train_base([p for p in pieces if p.name not in named], args.base, args.size, args.base_epochs)
            except ImprovError as e:
                parser.error(str(e))
        args.origin = str(args.base.resolve())
    fit = {"epochs": args.epochs}
    told, read = [], read_back if args.midi else list[Piece]
    with tempfile.TemporaryDirectory() as made:
        for number, takes in enumerate(players):
            keep = (args.keep or Path(made)) / str(number)
            began = time.perf_counter()
            if args.learn:
                random.Random(args.seed).shuffle(takes)
                learned, others = read(takes[: args.learn]), read(takes[args.learn : args.learn + args.score])
                before, after = load_model(args.origin), tuned(learned, args.origin, keep, fit)
                seconds = time.perf_counter() - began
                found = [Scored(p.name, len(p), nats(before, p), nats(after, p)) for p in others]
            else:
                takes = read(takes)
                print(
                    f"{len(takes)} takes, {sum(map(len, takes)):,} notes\n  {'left out':<24} {'notes':>6}   before      now",
                    flush=True,
                )
                found = leave_one_out(takes, args.origin, keep, fit)
                seconds = time.perf_counter() - began
            told.append(tell(found, seconds, 1 if args.learn else len(found)) | {"pieces": [asdict(s) for s in found]})
    if args.json:
        args.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
