"""Write which figures a model's solos have beside the model, for `--quote`: hashes alone, no notes.

    python scripts/learn_quotations.py wjd_visible.jsonl.gz models/jazz models/pocket

The solos are those that the models learned from; of a corpus with splits, those that train. `improv train` does it for new
models. Told is how much soloists quote of one another, and of the solos that are held out how much they quote of those that train.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from improv.atomic import atomic_write
from improv.models.quoted import FILE, blob_of
from improv.train.quoting import figures_of, quotations_in, quoted_in
from improv.train.reading.watched import read_watched


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("data", help="the solos")
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help="folders of models that learned from them")
    args = parser.parse_args()
    reading = read_watched([args.data], None, 0)
    known = quotations_in(reading.of("train"))
    blob, said = blob_of(known)
    for folder in args.models:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        card["quotations"] = said
        text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
        atomic_write({folder / FILE: blob, folder / "card.json": text.encode()})
    print(f"{len(known.line):,} figures, {len(known.rhythm):,} with their rhythm, {len(blob):,} bytes")
    print(f"train, of one another: {100 * known.share:.1f} % of the notes are quoted, nine solos of ten quote {known.usual} notes at most")
    for split in ("valid", "test"):
        found = [quoted_in(np.isin(figures_of(piece)[0], known.line)) for piece in reading.of(split)]
        if found:
            share = sum(many for many, *_ in found) / sum(count for *_, count in found)
            longest = np.quantile([longest for _, longest, _ in found], [0.5, 0.9, 1.0], method="lower").tolist()
            print(f"{split}, of train: {100 * share:.1f} %; longest of a solo, median, nine of ten, all: {longest}")


if __name__ == "__main__":
    main()
