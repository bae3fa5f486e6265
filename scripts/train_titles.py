"""Train the model that gives sessions their titles, and export it.

    python scripts/train_titles.py TITLES.txt --first POEMS.txt --leave-out WORD,WORD --out models/titles

TITLES.txt: one title a line. Every tenth, in an order drawn with the seed, is held out. The LSTM first learns spelling from
the lines of POEMS.txt and the titles together, and then the titles alone. The folder gets no title: only the numbers of titles
and of what their words begin with. Titles with a word to leave out are left out. Needs numpy and safetensors alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from improv.core.errors import ImprovError
from improv.core.titles import LETTERS, LONGEST, SHORTEST, Titles, numbers_of, plain, spellings_of
from improv.learn.texts import Epoch, Plan, fit, from_runtime, model_of
from improv.train.texts import export_texts

HELD = 10  # one title of so many is held out
TRIED = 2000  # draws that the card's figures are of
DRAW = {"temperature": 0.7, "top_p": 1.0}


def titles_of(text: str, left_out: set[str]) -> list[str]:
    """Titles as the model sees them, each once; not those with too few or too many letters, nor with a word to leave out."""
    found = {plain(line) for line in text.splitlines() if ".." not in line}
    return sorted(t for t in found if SHORTEST <= len(t) <= LONGEST and not left_out & set(t.split()))


def figures_of(titles: Titles, seed: int) -> dict[str, Any]:
    """Of TRIED draws: shares by what is wrong with them, and how many of the good ones are distinct."""
    rng = np.random.default_rng(seed)
    draws = [titles.raw(rng) for _ in range(TRIED)]
    good = [text for text in draws if not titles.wrong(text)]
    wrong = Counter(titles.wrong(text) or "none" for text in draws)
    shares = {why: round(wrong[why] / TRIED, 3) for why in ("copy", "length", "pair", "twice")}
    return {
        "of": TRIED,
        "left out": shares,
        "good": round(len(good) / TRIED, 3),
        "distinct of the good": round(len(set(good)) / len(good), 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("titles", type=Path)
    parser.add_argument("--first", type=Path, required=True, help="poems, to learn spelling from")
    parser.add_argument("--leave-out", default="", help="words, with commas between")
    parser.add_argument("--out", type=Path, required=True, help="the model's folder")
    parser.add_argument("--units", type=int, default=160)
    parser.add_argument("--epochs", type=int, nargs=2, default=(12, 25), help="with the poems, and with the titles alone")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began = time.perf_counter()

    def told(epoch: Epoch) -> None:
        said = f"epoch {epoch.number:3}  learned {epoch.learned:.3f}  held out {epoch.held:.3f} nats a character"
        print(f"{said}  {time.perf_counter() - began:.0f} s", flush=True)

    try:
        titles = titles_of(args.titles.read_text(encoding="utf-8"), set(args.leave_out.split(",")))
        order = [titles[i] for i in np.random.default_rng(args.seed).permutation(len(titles))]
        held, kept = order[: len(order) // HELD], order[len(order) // HELD :]
        lines = [line for raw in args.first.read_text(encoding="utf-8").splitlines() if (line := plain(raw))]
        spelling = Plan(args.units, args.epochs[0], 32, 0.006, 0.3, 0.2, seed=args.seed)
        weights, _ = fit(lines + kept, held, LETTERS, spelling, told)
        plan = Plan(args.units, args.epochs[1], 32, 0.003, 0.5, 0.4, seed=args.seed)
        weights, best = fit(kept, held, LETTERS, plan, told, from_runtime(weights))
        weights |= {"known": numbers_of(titles), "spellings": numbers_of(spellings_of(titles))}
        model = model_of(args.out.name, LETTERS, weights)
        model.card["draw"] = DRAW
        drawn = Titles(model, weights)
        about = {
            "draw": DRAW,
            "trained_on": {"titles": len(kept), "held out": len(held), "first": f"{len(lines)} lines of {args.first.name}"},
            "plan": [asdict(spelling), asdict(plan)],
            "command": f"python scripts/train_titles.py {args.titles.name} --first {args.first.name} --leave-out ... --seed {args.seed}",
            "figures": {"held-out nats a character": round(best, 3), "draws": figures_of(drawn, args.seed)},
        }
        export_texts(args.out, LETTERS, weights, about)
        print(f"{best:.3f} nats a character held out; {about['figures']['draws']}")
        rng = np.random.default_rng(args.seed)
        print("\n".join(filter(None, (drawn.draw(rng) for _ in range(50)))))
    except (OSError, UnicodeDecodeError, ImprovError) as e:
        print(f"train_titles: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
