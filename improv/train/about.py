"""What a model's card says of how it was trained."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from improv.train.corpus import MOST_ROWS, sources_of
from improv.train.piece import Reading

if TYPE_CHECKING:
    from improv.train.fit import FitConfig, Progress


def about_training(
    paths: Sequence[str],
    words: Sequence[str],
    reading: Reading,
    split_seed: int,
    config: FitConfig,
    histories: Sequence[Sequence[Progress]],
) -> dict[str, Any]:
    """What the card says of a training. paths: of the corpus; words: of the command. Paths are cut to their names: a card goes round."""
    pieces = reading.of("train")
    sources = {
        name: {
            "pieces": sum(p.source == name for p in pieces),
            "notes": sum(len(p) for p in pieces if p.source == name),
            "weight": next(p.weight for p in pieces if p.source == name),
        }
        for name in dict.fromkeys(p.source for p in pieces)
    }
    return {
        "trained_on": {
            "file": ", ".join(s.name for s in sources_of(paths)) if len(paths) <= MOST_ROWS else f"{len(paths)} files",
            "pieces": len(pieces),
            "notes": sum(len(p) for p in pieces),
            "skipped": len(reading.skipped),
            "sources": sources,
            "split_seed": split_seed,
        },
        "command": "improv " + shlex.join(_short(word) for word in words),
        "fit": asdict(config),
        "epochs": [history[-1].epoch for history in histories],
        "minutes": round(sum(p.seconds for history in histories for p in history) / 60, 1),
    }


def about_origin(card: Mapping[str, Any]) -> dict[str, Any]:
    """What it says of the model that was fine-tuned."""
    return {key: card.get(key) for key in ("name", "weights_sha256", "trained_on", "license", "attribution")}


def _short(word: str) -> str:
    return Path(word).name if "/" in word and not word.startswith("-") else word
