"""`improv eval`: the next-note protocol, and what a model improvises beside what was played."""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from improv.atomic import atomic_write
from improv.core.errors import ImprovError
from improv.core.vocabulary import Vocabulary
from improv.models.loader import load_model
from improv.models.model import Model
from improv.render.show import draw_roll
from improv.train.corpus import Piece, Reading, read_corpus
from improv.train.evaluation.figures import Line, Samples, known_n_grams, on_bars, pooled, samples, summary
from improv.train.evaluation.listening import listening, pairs_of
from improv.train.evaluation.next_note import foretell, score
from improv.train.evaluation.playing import answer, entries, improvise
from improv.train.evaluation.turns import struck_of, timer, turns


def evaluate(args: argparse.Namespace) -> int:
    """Score a model on a split; with --improvise, let it play over the split's changes as well."""
    if args.improvise is not None and not 1 <= args.improvise <= 10_000:
        raise ImprovError(f"--improvise {args.improvise}: expected 1 to 10,000 solos")
    if args.dump and not args.dump.endswith(".npz"):
        raise ImprovError(f"--dump {args.dump}: name it .npz")
    if args.png:
        _check_png(args)
    model = load_model(args.model)
    splits = args.split is not None or args.improvise is not None
    if args.listening + args.turns + (args.improvise is not None) > 1:
        raise ImprovError("--listening, --turns and --improvise: one at a time")
    seed = args.split_seed if args.split_seed is not None else (model.card.get("trained_on") or {}).get("split_seed", 0)
    reading = read(args.data, args.track, seed if splits else None, args.reader)
    pieces = reading.of(args.split) if args.split else reading.pieces
    if not pieces:
        there = ", ".join(sorted({p.split for p in reading.pieces}))
        raise ImprovError(f"{' '.join(args.data)}: no piece of split {args.split!r}; there are: {there}")
    tell(reading)
    if args.improvise is not None:
        told = _improvised(model, pieces, reading.of("train"), args.improvise, args.png)
    elif args.listening:
        told = {args.split or "all": _listening(model, pieces)}
    elif args.turns:
        told = _turns(model, pieces)
    else:
        foretold = foretell(model, pieces)
        if args.dump:
            try:
                np.savez_compressed(args.dump, **foretold)  # type: ignore[arg-type]
            except OSError as e:
                raise ImprovError(f"--dump {args.dump}: {e.strerror}") from None
        told = {args.split or "all": _rounded(score(pieces, foretold))}
    if args.json:
        print(json.dumps(told if len(told) > 1 else told[args.split or "all"]))
    else:
        print("\n".join(table(told)))
    return 0


def read(paths: Sequence[str], track: str | None, split_seed: int | None, reader: str = "local") -> Reading:
    """The corpus of some paths, with a bar on the terminal while many files are read."""
    from improv.train.reading.engines import engine_of
    from improv.train.reading.files import FEWEST, in_pool

    engine = engine_of(reader, in_pool, lost=lambda path: Reading(skipped=[f"{path.name}: its parser crashed"]))

    def watched(function: Callable[[Path], Reading], files: Sequence[Path]) -> Iterable[Reading]:
        read = engine(function, files)
        if len(files) < FEWEST or importlib.util.find_spec("tqdm") is None:
            return read
        from tqdm import tqdm

        bar: Iterable[Reading] = tqdm(read, desc="reading", total=len(files), unit="file", disable=None, file=sys.stderr, leave=False)
        return bar

    return read_corpus(paths, Vocabulary(), track=track, split_seed=split_seed, map=watched)


def next_note_figures(model: Model, pieces: Sequence[Piece]) -> dict[str, float]:
    """The protocol's figures, rounded."""
    return _rounded(score(pieces, foretell(model, pieces)))


def _improvised(
    model: Model, pieces: Sequence[Piece], train: Sequence[Piece], count: int, png: str | None = None
) -> dict[str, dict[str, float]]:
    """Figures of `count` solos over the pieces' changes, at their tempi and as long, beside the real ones; png: draw them."""
    with_changes = [on_bars(p) for p in pieces if p.changes]
    if not with_changes:
        raise ImprovError("no piece of the split has changes to improvise over")
    known = known_n_grams([v.pitch for v in p.values] for p in train)
    generated = [improvise(model, with_changes[i % len(with_changes)], seed=i) for i in range(count)]
    lines = [line for line in generated if len(line.notes) > 1]
    if not lines:
        raise ImprovError(f"the model played next to nothing in {count} solos: there are no figures of that")
    ours = [samples(line, known) for line in lines]
    real = [samples(Line.of(p), known) for p in with_changes]
    if png:
        _draw(Path(png), lines[0], ours, real)
    return {"improvised": _rounded(summary(pooled(ours))), "real": _rounded(summary(pooled(real)))}


def _listening(model: Model, pieces: Sequence[Piece]) -> dict[str, float]:
    pairs = pairs_of(pieces)
    if len(pairs) < 2:
        raise ImprovError("--listening needs two annotated phrases of six notes and more, each with an answer; there are fewer")
    return _rounded(listening(pairs, [answer(model, pair, seed=k) for k, pair in enumerate(pairs)]))


def _turns(model: Model, pieces: Sequence[Piece]) -> dict[str, dict[str, float]]:
    """Figures of when it enters, and of when a plain timer would."""
    told = [on_bars(p) for p in pieces if p.ends and any(p.ends[:-1])]
    if not told:
        raise ImprovError("--turns needs solos with annotated phrases; there are none")
    struck = [struck_of(p) for p in told]
    ours = [entry for p in told for entry in entries(model, p)]
    waited = [entry for p, notes in zip(told, struck, strict=True) for entry in timer(notes, p.bpm)]
    heard = [note for notes in struck for note in notes]
    return {"improv": _rounded(turns(heard, ours)), "1 s timer": _rounded(turns(heard, waited))}


def _check_png(args: argparse.Namespace) -> None:
    if args.improvise is None:
        raise ImprovError("--png draws what --improvise N plays; say how many solos")
    if not args.png.endswith(".png"):
        raise ImprovError(f"--png {args.png}: name it .png")
    if not Path(args.png).absolute().parent.is_dir():
        raise ImprovError(f"--png {args.png}: there is no folder {Path(args.png).absolute().parent}")


def _draw(path: Path, line: Line, ours: Sequence[Samples], real: Sequence[Samples]) -> None:
    """The figures into `path`, a solo's piano roll beside it."""
    from improv.train.evaluation.pictures import histograms, roll_of, told

    roll = io.BytesIO()
    draw_roll(roll, [], roll_of(line), line.bar, line.changes)
    pictures = {path: histograms(told(ours), told(real)), path.with_stem(path.stem + "-roll"): roll.getvalue()}
    atomic_write(pictures)
    print(f"wrote {' and '.join(map(str, pictures))}", file=sys.stderr)


def _rounded(row: dict[str, float]) -> dict[str, float]:
    return {k: round(v, 4) for k, v in row.items()}


def table(columns: dict[str, dict[str, float]]) -> list[str]:
    """Figures as lines: a name, then one figure a column."""
    names = list(next(iter(columns.values())))
    lines = [" " * 36 + "".join(f"{column:>12}" for column in columns)]
    lines += [f"{name.replace('_', ' '):<36}" + "".join(f"{row[name]:>12.4g}" for row in columns.values()) for name in names]
    return lines


def tell(reading: Reading) -> None:
    """What was left out, and which tracks were taken, on standard error."""
    for reason in reading.skipped[:10]:
        print(f"skipped {reason}", file=sys.stderr)
    if len(reading.skipped) > 10:
        print(f"... and {len(reading.skipped) - 10} more", file=sys.stderr)
    tracks = Counter(p.track.partition(" ")[2] for p in reading.pieces if p.track)
    for title, counts in (
        ("tracks taken", tracks),
        ("chord symbols taken as no chord", reading.unknown_chords),
        ("left out", reading.left_out),
    ):
        if counts:
            more = f", and {len(counts) - 10} more" if len(counts) > 10 else ""
            print(f"{title}: " + ", ".join(f"{name} ({n:,})" for name, n in counts.most_common(10)) + more, file=sys.stderr)
