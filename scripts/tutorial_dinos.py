"""Names that were never there: an RNN by hand learns to spell, a character at a time.

    python scripts/tutorial_dinos.py NAMES.txt [--steps 35000] [--seed 0] [--fresh]

NAMES.txt: one name a line; what is not a to z is left out, upper case is lower case. One name a step, gradients clipped to
[-5, 5], plain gradient descent at 0.01. Every 2,000 steps it prints the smoothed loss (nats a name) and seven names, drawn
until the end of a line or for 50 symbols. The mathematics is in improv/learn, the draw is that of the notes.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import numpy as np

from improv.core.errors import ImprovError
from improv.titles.characters import Alphabet, write
from improv.tutorials.names import NameWriter, learn

LETTERS = Alphabet("\nabcdefghijklmnopqrstuvwxyz")
UNITS, RATE, EVERY, SHOWN = 50, 0.01, 2000, 7


def names_of(text: str) -> list[str]:
    return [name for line in text.splitlines() if (name := re.sub("[^a-z]", "", line.lower()))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", type=Path)
    parser.add_argument("--steps", type=int, default=35_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="begin each name with nothing, not where the name before ended")
    args = parser.parse_args()
    try:
        names = names_of(args.names.read_text(encoding="utf-8"))
        drawing = np.random.default_rng([args.seed, 1])
        for now in learn(names, LETTERS, UNITS, RATE, args.steps, np.random.default_rng(args.seed), not args.fresh):
            if now.steps % EVERY == 0 or now.steps == args.steps:
                writer = NameWriter(LETTERS, now.weights)
                print(
                    f"step {now.steps:6}  loss {now.loss:.2f}  {' '.join(write(writer, drawing).capitalize() for _ in range(SHOWN))}",
                    flush=True,
                )
    except (OSError, UnicodeDecodeError, ImprovError) as e:
        print(f"tutorial_dinos: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
