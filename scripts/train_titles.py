"""Train the model that gives sessions their titles, and export it.

    python scripts/train_titles.py TITLES.txt --first POEMS.txt --leave-out WORD,WORD --out models/titles

TITLES.txt: one title a line. Every tenth, in an order drawn with the seed, is held out. The LSTM first learns spelling from
the lines of POEMS.txt and the titles together, and then the titles alone. The folder gets no title: only the numbers of titles
and of what their words begin with, and of their shapes. Titles with a word to leave out are left out. Needs numpy and safetensors alone.
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
from improv.titles.load import load_texts
from improv.titles.titles import LETTERS, LONGEST, SHORTEST, Titles, number_of, numbers_of, plain, shape_of, spellings_of
from improv.tutorials.texts import Epoch, TrainingPlan, fit, from_runtime, model_of
from improv.tutorials.texts_export import export_texts

HELD = 10  # one title of so many is held out
COMMON = 3  # titles that must have a shape for a draw to have it
SHOWN = 50
TRIED = 2000  # draws that the card's figures are of
DRAW = {"temperature": 0.6, "top_p": 1.0}


def titles_of(text: str, left_out: set[str]) -> list[str]:
    """Titles as the model sees them, each once; not those with too few or too many letters, nor with a word to leave out."""
    found = {plain(line) for line in text.splitlines() if ".." not in line}
    return sorted(t for t in found if SHORTEST <= len(t) <= LONGEST and not left_out & set(t.split()))


def figures_of(titles: Titles, seed: int) -> dict[str, Any]:
    """Of TRIED draws: shares by what is wrong with them and of those that are titles it learned from; how many good ones are distinct."""
    rng = np.random.default_rng(seed)
    draws = [titles.raw(rng) for _ in range(TRIED)]
    good = [text for text in draws if not titles.wrong(text)]
    wrong = Counter(titles.wrong(text) or "none" for text in draws)
    shares = {why: round(wrong[why] / TRIED, 3) for why in ("copy", "length", "shape", "twice")}
    return {
        "of": TRIED,
        "left out": shares,
        "titles it learned from": round(sum(number_of(text) in titles.known for text in draws) / TRIED, 3),
        "good": round(len(good) / TRIED, 3),
        "distinct of the good": round(len(set(good)) / max(1, len(good)), 3),
    }


def learned(kept: list[str], held: list[str], lines: list[str], args: argparse.Namespace) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The weights, and what the card says of how they came to be."""
    began = time.perf_counter()

    def told(epoch: Epoch) -> None:
        said = f"epoch {epoch.number:3}  learned {epoch.learned:.3f}  held out {epoch.held:.3f} nats a character"
        print(f"{said}  {time.perf_counter() - began:.0f} s", flush=True)

    spelling = TrainingPlan(args.units, args.epochs[0], 32, 0.006, 0.3, 0.2, seed=args.seed)
    weights, _ = fit(lines + kept, held, LETTERS, spelling, told)
    plan = TrainingPlan(args.units, args.epochs[1], 32, 0.003, 0.5, 0.4, seed=args.seed)
    weights, best = fit(kept, held, LETTERS, plan, told, from_runtime(weights))
    return weights, {
        "trained_on": {
            "titles": f"{len(kept)} titles of public-domain tunes; {len(held)} held out",
            "first": f"{len(lines)} lines of poems: Shakespeare's sonnets",
        },
        "plan": [asdict(spelling), asdict(plan)],
        "command": f"python scripts/train_titles.py TITLES.txt --first POEMS.txt --leave-out WORDS --seed {args.seed} --out models/titles",
        "held_out_nats_a_character": round(best, 3),
    }


def judged(weights: dict[str, np.ndarray], titles: list[str]) -> dict[str, np.ndarray]:
    """The weights with what judges draws beside them. "kiss the *" is a shape even where one title alone has it."""
    shapes = Counter(map(shape_of, titles))
    common = [shape for shape, count in shapes.items() if count >= COMMON or shape.split()[1:2] == ["the"]]
    return weights | {"known": numbers_of(titles), "spellings": numbers_of(spellings_of(titles)), "shapes": numbers_of(common)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("titles", type=Path)
    parser.add_argument("--first", type=Path, required=True, help="poems, to learn spelling from")
    parser.add_argument("--leave-out", default="", help="words, with commas between")
    parser.add_argument("--out", type=Path, required=True, help="the model's folder")
    parser.add_argument("--again", action="store_true", help="do not train: the folder's weights, judged and drawn from anew")
    parser.add_argument("--units", type=int, default=160)
    parser.add_argument("--epochs", type=int, nargs=2, default=(12, 25), help="with the poems, and with the titles alone")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        titles = titles_of(args.titles.read_text(encoding="utf-8"), set(args.leave_out.split(",")))
        order = [titles[i] for i in np.random.default_rng(args.seed).permutation(len(titles))]
        held, kept = order[: len(order) // HELD], order[len(order) // HELD :]
        lines = [line for raw in args.first.read_text(encoding="utf-8").splitlines() if (line := plain(raw))]
        if args.again:
            model, weights = load_texts(str(args.out.absolute()))
            about = {key: model.card[key] for key in ("trained_on", "plan", "command", "held_out_nats_a_character")}
        else:
            weights, about = learned(kept, held, lines, args)
        weights = judged(weights, titles)
        model = model_of(args.out.name, LETTERS, weights)
        model.card["draw"] = DRAW
        drawn = Titles(model, weights)
        about |= {"draw": DRAW, "draws": figures_of(drawn, args.seed)}
        export_texts(args.out, LETTERS, weights, about)
        print(f"{about['held_out_nats_a_character']} nats a character held out; {about['draws']}")
        print("\n".join(filter(None, (drawn.draw(np.random.default_rng([args.seed, n])) for n in range(SHOWN)))))
    except (OSError, UnicodeDecodeError, ImprovError) as e:
        print(f"train_titles: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
