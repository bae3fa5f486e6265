"""How well an ear hears: songs, solos, named voicings; and what it is worth to the model that plays.

    python scripts/measure_ear.py pop909.jsonl.gz wjd.jsonl.gz
    python scripts/measure_ear.py pop909.jsonl.gz wjd.jsonl.gz --ear templates

Reads what `learn_ear.py` reads, of which it takes what that keeps apart: every ninth song, and the solos of the split `test`. The rows:

- root, triad, symbol: shares of beats; symbol as POP909 tells them (sixths are triads). key: share of beats. calibration: how far its
  confidence is off on average. online: when the beat is over; within the beat: at a moment in it; offline: with all of the piece
- voicings: forty shapes on five roots, see improv/train/ear/named.py
- nats a note of soloists over the changes given, over none, over those that are heard; and the share of the difference that comes back
- us: microseconds of the processor for an answer (`heard`), p50 and p99
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from improv.core.errors import ImprovError
from improv.core.harmony.ear import Ear, Hears
from improv.core.harmony.templates import Templates
from improv.core.vocabulary import Vocabulary
from improv.models.loader import load_ear, load_model
from improv.train.corpus import read_corpus
from improv.train.ear.named import named_figures
from improv.train.ear.score import scores
from improv.train.ear.songs import pop_take, rows_in, solo_take
from improv.train.ear.under_solos import brought_back, nats_under

NTH = 9


def costs(network: Hears, path: Path) -> dict[str, float]:
    """Microseconds of an answer in mid-beat, over a song."""
    take = pop_take(next(rows_in(path)), [("piano", False)])
    ear, took = Ear(network, lambda beat: beat % 4), []
    for note in take.notes[:600]:
        ear.note_on(note.on, note.pitch, note.velocity)
        began = time.thread_time()
        ear.heard(note.on + 0.1)
        took.append(1e6 * (time.thread_time() - began))
        ear.note_off(note.on + 0.4, note.pitch)
    return {f"p{q}": float(np.percentile(took, q)) for q in (50, 99)}


def measured(args: argparse.Namespace) -> dict[str, Any]:
    network: Hears = Templates() if args.ear == "templates" else load_ear(args.ear)[0]
    songs = [pop_take(song, [("piano", False)]) for i, song in enumerate(rows_in(args.songs)) if i % NTH == 0]
    solos = {solo["id"]: solo for solo in rows_in(args.solos) if solo["split"] == "test"}
    found: dict[str, Any] = {"songs, piano": scores(network, songs)}
    for name, bass in (("solos, bass and line", True), ("solos, line alone", False)):
        found[name] = scores(network, [take for solo in solos.values() if (take := solo_take(solo, bass))])
    found["voicings"] = {way: {name: f._asdict() for name, f in of.items()} for way, of in named_figures(network).items()}
    if args.model:
        pieces = [p for p in read_corpus(args.solos, Vocabulary()).pieces if p.name in solos]
        nats = nats_under(load_model(args.model), pieces, solos, network)
        found["nats a note"] = nats
        found["brought back"] = {way: brought_back(nats, way) for way in nats if way.startswith("heard")}
    found["us"] = costs(network, args.songs)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path, metavar="POP909")
    parser.add_argument("solos", type=Path, metavar="WJD")
    parser.add_argument("--ear", default="ear", help="a model's name or folder, or `templates` (default: ear)")
    parser.add_argument("--model", default="jazz", help='what foretells the solos; "" for nothing (default: jazz)')
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args()
    try:
        found = measured(args)
    except (OSError, ValueError, KeyError, ImprovError) as e:
        parser.error(str(e))
    if args.json:
        print(json.dumps(found, indent=2))
        return
    for name, of in found.items():
        print(name)
        for row, figure in of.items():
            told = figure if isinstance(figure, dict) else {"": figure}
            print(f"  {row:24}" + "  ".join(f"{k} {_short(v)}".strip() for k, v in told.items()))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['root']:.2f}/{value['triad']:.2f}"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    main()
