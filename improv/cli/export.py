"""`improv export`: a model for other runtimes."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from improv.models.card import ModelError
from improv.models.grammar_model import refuse_grammar
from improv.models.loader import load_model, stored_vector, stored_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a name or a folder")
    parser.add_argument("--to", required=True, choices=("onnx", "tflite", "keras", "savedmodel"), help="the format")
    parser.add_argument("--out", metavar="FOLDER", help="where it goes (default: MODEL-FORMAT here)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export there")
    parser.add_argument("--json", action="store_true", help="what was written, as JSON")


def run(args: argparse.Namespace) -> int:
    """Write, check in its own runtime, say how near it is."""
    from improv.train.runtimes.write import export as write

    model, vector = load_model(args.model), stored_vector(args.model)
    refuse_grammar(model.card, "improv export")
    if "end" not in vector:
        raise ModelError(f"model {args.model} has no test vector to check an export by; export it again from its training")
    name = Path(args.model).name or str(model.card.get("name"))
    target = Path(args.out or f"{name}-{args.to}")
    made = write(model, stored_weights(args.model), vector, args.to, target, args.overwrite)
    if args.json:
        print(json.dumps(asdict(made) | {"folder": str(made.folder)}))
    else:
        print(f"{made.folder}: {made.size / 1e6:.1f} MB, read back by {made.runtime}")
        print(f"largest difference of any probability over {made.notes} notes: {made.difference:.2g}")
    return 0
