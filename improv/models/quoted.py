"""`quotations.safetensors` beside a model: hashes of the figures of the solos that it learned from, checked like its weights.

The card says what is promised of it: `{"quotations": {"sha256", "line", "rhythm", "usual", "share"}}`, of which `line` and `rhythm`
are how many hashes there are. A model without it knows no corpus, and plays without counting what it quotes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from improv.core.line.quotations import FIGURE, IN_RHYTHM, Quotations
from improv.models.card import ModelError
from improv.models.promised_file import promised_arrays
from improv.outside import Tensor, number, printable, whole

FILE = "quotations.safetensors"
LARGEST = 2 * 2**20  # bytes
KINDS = ("line", "rhythm")
LONGEST = 4096  # notes that soloists may quote of one another, as a card says it


def blob_of(quotations: Quotations) -> tuple[bytes, dict[str, Any]]:
    """The file's bytes, and what the card is to say of it. Raises ModelError where there are too many figures for it."""
    blob = save({kind: np.ascontiguousarray(getattr(quotations, kind), np.uint32) for kind in KINDS})
    if len(blob) > LARGEST:
        raise ModelError(f"{FILE}: {len(blob):,} bytes of hashes; there may be {LARGEST:,}")
    said: dict[str, Any] = {"sha256": hashlib.sha256(blob).hexdigest(), "figure": [FIGURE, IN_RHYTHM]}
    said |= {kind: len(getattr(quotations, kind)) for kind in KINDS}
    return blob, said | {"usual": quotations.usual, "share": round(quotations.share, 4)}


def quotations_of(card: Mapping[str, Any], folder: Path) -> Quotations | None:
    """What a card promises, read from its folder; None where it promises nothing. Raises ModelError."""
    said = card.get("quotations")
    if said is None:
        return None
    path = folder / FILE
    counts: dict[str, Any] = {kind: said.get(kind) for kind in KINDS} if isinstance(said, Mapping) else {}
    good = bool(counts) and all(whole(n, 0, LARGEST // 4) for n in counts.values()) and said.get("figure") == [FIGURE, IN_RHYTHM]
    if not good or not whole(said.get("usual"), 0, LONGEST) or not number(said.get("share"), 0, 1):
        raise ModelError(f"{folder}: card: quotations lacks its numbers or has others; write {FILE} again")
    wanted = {kind: Tensor("U32", (count,)) for kind, count in counts.items()}
    arrays = promised_arrays(path, wanted, said.get("sha256"), LARGEST, "hashes")
    for kind in KINDS:
        if (arrays[kind][1:] <= arrays[kind][:-1]).any():
            raise ModelError(f"{path}: the hashes {printable(kind)} do not ascend; write it again")
    return Quotations(arrays["line"], arrays["rhythm"], said["usual"], float(said["share"]))
