"""How well loudness is foretold, learned beside the rule, on melodies and drummers that nothing was learned from.

    python scripts/measure_loudness.py pop909.jsonl.gz --groove groove.jsonl.gz
    python scripts/measure_loudness.py my_midis/

Of the first, any corpus that `improv train` reads, it learns accents on the tunes that train and says what a note's loudness costs on
those of test, with the mean error in steps of velocity. Of the Groove MIDI Dataset it learns the loudness of strokes from all
drummers but those of --without, and says the same of theirs. "As played" is the rule as improv plays it: twice as strong as it
foretells best, so that it is heard.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from learn_drums import TOUCH_DRAWS, UNITS, read

from improv.core.errors import ImprovError
from improv.models.drums import TOUCH_OUTPUTS, TOUCH_SIGNS
from improv.models.small_net import SmallNet
from improv.train.accenting import by_rule, figures, fit_accents, loud_rows
from improv.train.drumming import touch_loss, touch_nats, touch_rows
from improv.train.evaluation.loudness import Figures, as_drawn, of_drummers, of_melodies
from improv.train.reading.watched import read_watched
from improv.train.report import table
from improv.train.small_net import SmallFit, begun, fit_small

QUICK = 8  # notes of a mean that follows faster, with which the rule does better


def melodies(paths: list[str], seed: int) -> tuple[Figures, Figures]:
    """Of the tunes that are held out: what loudness costs, by who foretells; and what it is like as it is drawn."""
    reading = read_watched(paths, None, seed)
    train, valid, test = (loud_rows(reading.of(split)) for split in ("train", "valid", "test"))
    if empty := [name for name, rows in zip(("train", "valid", "test"), (train, valid, test), strict=True) if not len(rows.velocity)]:
        raise ImprovError(f"{', '.join(paths)}: notes whose velocities vary are needed in each split; there are none in {', '.join(empty)}")
    began, loud = time.monotonic(), sum(p.loud for p in reading.pieces)
    counts = ", ".join(f"{len(rows.velocity):,}" for rows in (train, valid, test))
    print(f"{loud:,} of {len(reading.pieces):,} pieces vary in loudness; notes that train, validate, test: {counts}")
    accents = fit_accents(train, valid, 0, look=lambda epoch, nats: print(f"epoch {epoch + 1}: {nats:.4f} nats, valid", flush=True))
    print(f"learned in {time.monotonic() - began:.0f} s")
    found = of_melodies(accents, train, test)
    quick = [loud_rows(reading.of(split), QUICK) for split in ("train", "test")]
    found[f"rule, of {QUICK}"] = figures(by_rule(*quick), quick[1])
    return found, as_drawn(accents, reading.of("test"))


def drummers(path: Path, without: list[str], epochs: int) -> Figures:
    """Of the drummers that are held out, by who foretells."""
    takes = [take for some in read(path).values() for take in some if take.kind == "beat"]
    theirs = [take for take in takes if take.name.split("/")[0] in without]
    others = [take for take in takes if take.name.split("/")[0] not in without]
    rng = np.random.default_rng(0)
    strokes = touch_rows(others, rng)
    held = touch_rows(others[::12], None)

    def look(epoch: int, net: SmallNet, loss: float) -> None:
        said = float(touch_nats(net, held)[0].mean())
        print(f"epoch {epoch + 1}: {said:.4f} nats of loudness, of takes that train", flush=True)

    how = replace(SmallFit(epochs), drop=0.175, draws=TOUCH_DRAWS)
    net = begun(TOUCH_SIGNS, UNITS[2], UNITS[3], TOUCH_OUTPUTS, rng)
    net = fit_small(net, strokes.signs, touch_loss(strokes), rng, how, look, strokes.weights)
    return of_drummers(net, others, theirs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", help="melodies with velocities: files or folders")
    parser.add_argument("--groove", type=Path, metavar="FILE", help="takes of drummers as JSON lines, gzipped")
    parser.add_argument("--without", nargs="+", default=["drummer3", "drummer5", "drummer9"], metavar="DRUMMER", help="who is held out")
    parser.add_argument("--epochs", type=int, default=8, help="of the drummers' network (default: 8)")
    parser.add_argument("--split-seed", type=int, default=0, help="of the tunes that are held out")
    args = parser.parse_args()
    if args.data:
        try:
            found = melodies(args.data, args.split_seed)
        except (OSError, ImprovError) as e:
            parser.error(str(e))
        for figures_of in found:
            print("\n".join([*table(figures_of), ""]), flush=True)
    if args.groove:
        print("\n".join(table(drummers(args.groove, args.without, args.epochs))))


if __name__ == "__main__":
    main()
