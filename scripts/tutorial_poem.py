"""A poem continued from your own words: an LSTM over characters, by hand.

    python scripts/tutorial_poem.py SONNETS.txt --start "Shall I compare thee" [--lines 8] [--temperature 0.5]
    python scripts/tutorial_poem.py SONNETS.txt --start "When jazz" --model models/sonnets

SONNETS.txt: poems with an empty line between them. Every tenth is held out; the LSTM learns from the others, three lines at a
time, and prints after each epoch the nats a character that it is wrong by, on the held-out ones read whole. With --model the
trained model is kept in a folder, and what is there is not trained again.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from improv.core.errors import ImprovError
from improv.core.line.sampler import mask
from improv.titles.characters import END, Alphabet, CharacterModel, write
from improv.titles.load import load_texts
from improv.tutorials.texts import Epoch, TrainingPlan, fit, model_of
from improv.tutorials.texts_export import export_texts

HELD = 10  # one poem of so many is held out
PASSAGE = 3  # lines
UNITS, EPOCHS, BATCH, RATE, DROP = 128, 22, 12, 0.008, 0.15


def poems_of(text: str) -> list[str]:
    """Poems, each as its lines with single spaces and an end of line after each."""
    parts = re.split(r"\n\s*\n", "\n".join(" ".join(line.split()) for line in text.splitlines()))
    return [part.strip() + "\n" for part in parts if part.strip()]


def passages(poem: str) -> list[str]:
    """PASSAGE lines at a time: so that weights are changed often, and early steps are not forgotten."""
    lines = poem.rstrip("\n").split("\n")
    starts = range(0, len(lines), PASSAGE)
    return ["\n".join(lines[i : i + PASSAGE]) + ("\n" if i + PASSAGE >= len(lines) else "") for i in starts]


def trained(path: Path, plan: TrainingPlan, keep: Path | None) -> CharacterModel:
    """Train on a file of poems, tell how it goes, and keep the model in a folder if one is named."""
    poems = poems_of(path.read_text(encoding="utf-8"))
    held = poems[HELD - 1 :: HELD]
    kept = [poem for i, poem in enumerate(poems) if i % HELD != HELD - 1]
    alphabet = Alphabet.of(poems)
    began = time.perf_counter()

    def told(epoch: Epoch) -> None:
        seconds = time.perf_counter() - began
        print(
            f"epoch {epoch.number:3}  learned {epoch.learned:.3f}  held out {epoch.held:.3f} nats a character  {seconds:.0f} s", flush=True
        )

    weights, best = fit([p for poem in kept for p in passages(poem)], held, alphabet, plan, told)
    print(f"{len(kept)} poems learned, {len(held)} held out: {best:.3f} nats a character\n")
    if keep is not None:
        export_texts(keep, alphabet, weights, {"trained_on": path.name, "plan": asdict(plan), "held_out_nats_a_character": round(best, 3)})
    return model_of("poems", alphabet, weights)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("poems", type=Path)
    parser.add_argument("--start", required=True, help="the words that the poem begins with")
    parser.add_argument("--lines", type=int, default=8)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--units", type=int, default=UNITS)
    parser.add_argument("--model", type=Path, help="a folder for the trained model")
    args = parser.parse_args()
    try:
        if args.model and (args.model / "card.json").is_file():
            model = load_texts(str(args.model.absolute()))[0]
        else:
            model = trained(args.poems, TrainingPlan(args.units, args.epochs, BATCH, RATE, DROP, seed=args.seed), args.model)
        rng = np.random.default_rng(args.seed)
        no_end = mask(len(model.alphabet), 1, len(model.alphabet) - 1)

        def on_and_on(text: str) -> np.ndarray | None:
            return no_end if text.endswith(END) else None  # an empty line would end the poem

        text = write(model, rng, args.start, args.temperature, args.top_p, 60 * args.lines, "\n\n", on_and_on)
        print("\n".join(text.split("\n")[: args.lines]))
    except (OSError, UnicodeDecodeError, ImprovError) as e:
        print(f"tutorial_poem: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
