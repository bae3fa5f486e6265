"""Learn to hear chords and keys; write models/ear.

    python scripts/learn_ear.py pop909.jsonl.gz wjd.jsonl.gz irb.jsonl.gz models/ear

Reads JSON lines, one piece a line: pianists' songs (`piano`, `melody`, `bridge`, `chords`, `beats`, `key`: POP909), solos over
changes (`notes`, `beats` with the bassist's pitch, `chords`, `key`, `split`: the Weimar Jazz Database), and changes of standards
(`chords`, `key`, `time`, `beats`, `title`), which a made-up band plays. Every ninth song, the solos of the split `test` and a tenth of
the standards are kept apart, and scored in the end. What comes next is counted over all standards; its figures are of the tenth,
told by the others.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from improv.core.harmony.coming import NextChord, counted, packed
from improv.core.harmony.ear import QUALITIES
from improv.models.ear import FORMAT, KIND, EarNetwork
from improv.models.loader import read_folder
from improv.train.ear.examples import example_of
from improv.train.ear.score import scores
from improv.train.ear.songs import EarTake, Sheet, pop_take, progression, rows_in, sheet_of, solo_take
from improv.train.ear.textures import played
from improv.train.folder import write_folder

NTH, VALID = 9, 4  # every ninth song is for the test, some others to look at while training
POP_PARTS = (
    [("piano", False)],
    [("piano", False), ("melody", True)],
    [("piano", False), ("melody", False), ("bridge", False)],
    [("piano", False), ("melody", True), ("bridge", True)],
)
ATTRIBUTION = (
    "the piano of POP909 (Wang et al. 2020, MIT), github.com/music-x-lab/POP909-Dataset; the Weimar Jazz Database (Pfleiderer et al. 2017, "
    "Inside the Jazzomat; the Jazzomat Research Project), as published in klausfrieler/jazzodata, MIT; changes of standards from "
    "klausfrieler/parkR, MIT; no note of them is in here"
)
SHARES = (0.35, 0.4, 0.25)  # of the stretches: songs, solos, the made-up band


def kept_apart(title: str) -> bool:
    """Whether a standard is: a tenth, by its title, so that no tune is on both sides."""
    return zlib.crc32(title.encode()) % 10 == 0


def pop_takes(path: Path) -> list[EarTake]:
    """Songs to train on, each twice: once of the piano alone and once with others."""
    rng = np.random.default_rng(1)
    found = []
    for i, song in enumerate(rows_in(path)):
        if i % NTH and i % (10 * NTH) != VALID:
            found += [pop_take(song, POP_PARTS[0]), pop_take(song, POP_PARTS[int(rng.integers(1, len(POP_PARTS)))])]
    return found


def pop_kept_apart(path: Path, test: bool) -> list[EarTake]:
    """Songs that are not learned from: for the test, or some to look at while training."""
    return [pop_take(song, POP_PARTS[0]) for i, song in enumerate(rows_in(path)) if (i % NTH == 0 if test else i % (10 * NTH) == VALID)]


def solo_takes(path: Path) -> list[EarTake]:
    """Solos to learn from: with the bass, without, with the soloist unmarked, and the bass alone."""
    solos = [solo for solo in rows_in(path) if solo["split"] == "train"]
    ways = [(True, True, True), (False, True, True), (True, True, False), (True, False, True)]
    return [take for solo in solos for bass, line, marked in ways if (take := solo_take(solo, bass, line, marked)) is not None]


def band_takes(sheets: list[Sheet], many: int, rng: np.random.Generator) -> list[EarTake]:
    """Standards as the made-up band plays them, so many."""
    return [played(sheets[int(i)], rng) for i in rng.integers(len(sheets), size=many)]


def next_figures(sheets: list[Sheet]) -> dict[str, float]:
    """Of the standards kept apart, told by the others: nats a chord, and how often the likeliest comes."""
    songs = {apart: [(progression(s), s.key) for s in sheets if kept_apart(s.title) == apart] for apart in (True, False)}
    known = [(chords, (key // 2 + 12 * (key % 2)) if key >= 0 else None) for chords, key in songs[False]]
    model = NextChord(counted(known))
    nats, first, three = list[float](), list[bool](), list[bool]()
    for chords, key in songs[True]:
        for i in range(1, len(chords)):
            p = model.probabilities(chords[:i], (key // 2 + 12 * (key % 2)) if key >= 0 else None).ravel()
            came = (chords[i][0] - chords[i - 1][0]) % 12 * len(QUALITIES) + chords[i][1]
            nats.append(-float(np.log(p[came])))
            rank = int((p > p[came]).sum())
            first.append(rank == 0)
            three.append(rank < 3)
    return {"chords": len(nats), "nats": float(np.mean(nats)), "first": float(np.mean(first)), "among three": float(np.mean(three))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, metavar="POP909")
    parser.add_argument("solos", type=Path, metavar="WJD")
    parser.add_argument("standards", type=Path, metavar="IRB")
    parser.add_argument("out", type=Path, help="the model's folder, models/NAME")
    parser.add_argument("--first", type=int, default=64, help="units of the first layer (default: 64)")
    parser.add_argument("--units", type=int, default=64, help="recurrent units, each way (default: 64)")
    parser.add_argument("--updates", type=int, default=6000, help="batches (default: 6,000)")
    parser.add_argument("--batch", type=int, default=24, help="stretches a batch (default: 24)")
    parser.add_argument("--band", type=int, default=1500, help="choruses of the made-up band (default: 1,500)")
    parser.add_argument("--shares", type=float, nargs=3, default=SHARES, help="of songs, solos, band (default: 0.35 0.4 0.25)")
    parser.add_argument("--dropout", type=float, default=0.2, help="of the first layer's units (default: 0.2)")
    parser.add_argument("--minutes", type=float, help="end by then, whatever was trained (default: all updates)")
    parser.add_argument("--begin", type=Path, metavar="EAR", help="begin with the weights of this folder rather than from nothing")
    parser.add_argument("--threads", type=int, default=1, help="of TensorFlow (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    parser.add_argument("--cache", type=Path, help="keep the frames in this file, to train again sooner")
    args = parser.parse_args()
    try:
        learn(args)
    except (OSError, ValueError, KeyError, TypeError) as e:
        parser.error(f"not the pieces that are wanted ({type(e).__name__}: {e})")


def learn(args: argparse.Namespace) -> None:
    import tensorflow as tf

    from improv.train.ear.fit import EarRecipe, TrainedEar, fit_ear, initial

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    rng = np.random.default_rng(args.seed)
    sheets = [sheet_of(song) for song in rows_in(args.standards)]
    valid = pop_kept_apart(args.songs, test=False)[:6]
    own = [s for s in sheets if not kept_apart(s.title)]
    if args.cache and args.cache.exists():
        sources = np.load(args.cache, allow_pickle=True)["sources"].tolist()
    else:
        takes = (pop_takes(args.songs), solo_takes(args.solos), band_takes(own, args.band, rng))
        sources = [[example_of(take, rng) for take in several] for several in takes]
        if args.cache:
            np.savez(args.cache, sources=np.array(sources, dtype=object))
    print("beats to train on:", *(f"{sum(len(e.chords) for e in source):,}" for source in sources), flush=True)
    counts = [len(sources[0]) // 2, len(sources[1]) // 4, len(own)]
    recipe = EarRecipe(args.first, args.units, args.batch, args.updates, dropout=args.dropout, seed=args.seed, minutes=args.minutes)
    head = {"name": args.out.name, "kind": KIND, "format": FORMAT, "first": args.first, "units": args.units, "qualities": list(QUALITIES)}
    began = time.monotonic()

    all_songs = [(progression(s), (s.key // 2 + 12 * (s.key % 2)) if s.key >= 0 else None) for s in sheets]
    rows = packed(counted(all_songs))

    def written(weights: dict[str, np.ndarray], figures: dict[str, Any], updates: int) -> None:
        about = {
            "what": "a recurrent network that hears chords and keys beat by beat; and which chord comes next, as counted in standards",
            "figures": figures,
            "recipe": asdict(recipe) | {"updates": updates},
            "trained_on": {path.name: many for path, many in zip((args.songs, args.solos, args.standards), counts, strict=True)},
            "command": f"python scripts/learn_ear.py {args.songs.name} {args.solos.name} {args.standards.name} models/{args.out.name} "
            f"--first {args.first} --units {args.units} --updates {updates} --batch {args.batch} --band {args.band} "
            f"--shares {' '.join(map(str, args.shares))} --dropout {args.dropout} --seed {args.seed}"
            + (f" --begin {args.begin.name}" if args.begin else ""),
            "license": "MIT",
            "attribution": ATTRIBUTION,
        }
        write_folder(args.out, head, {**weights, "next.rows": rows}, about)

    def told(update: int, nats: dict[str, float], model: TrainedEar) -> None:
        line = f"{update:6} {time.monotonic() - began:5.0f} s  " + "  ".join(f"{name} {n:.3f}" for name, n in nats.items())
        if update % 500 == 0 and update < args.updates:
            written(model.arrays(), {}, update)
            for way, found in scores(EarNetwork(head, model.arrays()), valid).items():
                line += f"\n       {way:16} root {found['root']:.3f} triad {found['triad']:.3f} key {found['key']:.3f}"
        print(line, flush=True)

    begin = initial(recipe, head, rng)
    if args.begin:
        stored = read_folder(str(args.begin))[1]
        begin = {name: stored[name] for name in begin}
    weights, updates = fit_ear(begin, sources, args.shares, recipe, told)
    written(weights, {}, updates)
    network = EarNetwork(head, weights)
    heard = [solo for solo in rows_in(args.solos) if solo["split"] == "test"]
    tests = {
        "songs, piano": pop_kept_apart(args.songs, test=True),
        "solos, bass and line": [take for solo in heard if (take := solo_take(solo, True))],
        "solos, line alone": [take for solo in heard if (take := solo_take(solo, False))],
    }
    figures: dict[str, Any] = {name: scores(network, takes) for name, takes in tests.items()}
    figures["next chord"] = next_figures(sheets)
    print(json.dumps(figures, indent=2))
    written(weights, figures, updates)
    print(f"{args.out}: {(sum(a.nbytes for a in weights.values()) + rows.nbytes) / 1e3:,.0f} kB")


if __name__ == "__main__":
    main()
