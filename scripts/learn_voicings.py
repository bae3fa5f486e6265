"""Learn how pianists voice chords; write models/voicings for `--voicing learned`.

    python scripts/learn_voicings.py pop909.jsonl.gz models/voicings

Reads JSON lines, one song a line: `piano` [[on_s, dur_s, midi, velocity], ...] and `chords` [[from_s, to_s, symbol], ...] (the
POP909 data set has both). What is learned from them, and why the symbols don't matter, says improv/train/voicings.py. A
tenth of the songs, drawn with the seed, is kept apart: of their voicings it is told how many bits are told wrong, given the
chord, the voicing before and the hidden bits.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from tqdm import tqdm

from improv.core.harmony import KINDS
from improv.models.rbm import Rbm
from improv.models.voicings import CLAMPED, FORMAT, KIND, VISIBLE, Voicings
from improv.train.folder import write_folder
from improv.train.rbm import begin
from improv.train.voicings import VoicingRows, balanced, fit_voicings, found_among, pseudo_likelihood, rows_of, shapes_of

HELD_OUT = 0.1
SCORED = 3000  # voicings of songs kept apart
HIDDEN, UPDATES = 128, 20_000


def read_shapes(path: Path) -> list[list[tuple[int, ...]]]:
    """The shapes of each song."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [shapes_of(json.loads(line)) for line in tqdm(lines, "reading", unit="song", leave=False)]


def scores(rbm: Rbm, rows: VoicingRows, seed: int) -> dict[str, float]:
    """Of songs kept apart, all kinds of chords as often: nats a voicing, and how often it finds the one that came among ten."""
    rng = np.random.default_rng(seed)
    chosen = balanced(rows, SCORED, rng)
    bits, kinds = rows.bits[chosen], rows.kind[chosen]
    return {"pseudo_nats": -pseudo_likelihood(rbm, bits), "found_among_ten": found_among(rbm, bits, kinds, rng)}


def write(folder: Path, rbm: Rbm, about: dict[str, Any]) -> None:
    """The model's folder, both files or neither."""
    weights = {"weights": rbm.weights, "visible": rbm.visible, "hidden": rbm.hidden}
    head = {"name": folder.name, "kind": KIND, "format": FORMAT, "hidden": len(rbm.hidden), "kinds": list(KINDS)}
    Voicings.of(head, weights)
    write_folder(folder, head, weights, about)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, metavar="POP909", help="songs as JSON lines, gzipped")
    parser.add_argument("out", type=Path, help="the model's folder, models/NAME")
    parser.add_argument("--hidden", type=int, default=HIDDEN, help=f"hidden bits (default: {HIDDEN})")
    parser.add_argument("--updates", type=int, default=UPDATES, help=f"batches of 100 voicings (default: {UPDATES:,})")
    parser.add_argument("--rate", type=float, default=0.3, help="in the beginning (default: 0.3); it falls to 0")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    args = parser.parse_args()
    try:
        songs = read_shapes(args.songs)
    except (OSError, ValueError, KeyError, TypeError) as e:
        parser.error(f"{args.songs}: not songs with piano and chords ({type(e).__name__}: {e})")
    rng = np.random.default_rng(args.seed)
    order = rng.permutation(len(songs))
    held, train = np.split(order, [max(1, round(HELD_OUT * len(songs)))])
    rows, kept = (rows_of([songs[i] for i in part], rng) for part in (train, held))
    if not len(rows.kind) or not len(kept.kind):
        parser.error(f"{args.songs}: {len(songs)} songs, too few with chords of three to five notes in the piano")
    print(f"{len(songs)} songs; {sum(map(len, songs)):,} voicings, as {len(rows.kind):,} and {len(kept.kind):,} kept apart with chords")
    rbm = fit_voicings(begin(VISIBLE, args.hidden, rng), rows, rng, tqdm(range(args.updates), "training", leave=False), args.rate)
    found = {name: round(x, 3) for name, x in scores(rbm, kept, args.seed).items()}
    print(json.dumps(found))
    command = f"scripts/learn_voicings.py {args.songs.name} models/{args.out.name} --hidden {args.hidden} --updates {args.updates}"
    about = {
        "what": "a restricted Boltzmann machine: kind of chord and voicing before in, voicing out",
        "clamped": CLAMPED,
        "visible": VISIBLE,
        "figures": found,
        "trained_on": {"file": args.songs.name, "songs": len(songs), "voicings": sum(map(len, songs))},
        "command": f"python {command} --rate {args.rate:g} --seed {args.seed}",
        "license": "MIT",
        "attribution": "the piano of POP909 (Wang et al. 2020, MIT), github.com/music-x-lab/POP909-Dataset; no note of it is in here",
    }
    write(args.out, rbm, about)


if __name__ == "__main__":
    main()
