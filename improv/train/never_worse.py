"""Whole models compared: what is fine-tuned is never written worse than the model that it began from.

Networks and what is fitted on top of them (recall, phrase ends, pitch-class bias) are each chosen by themselves; only
together do they play. So the whole is scored on the pieces that validate, by nats a note of time and pitch together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from improv.core.note_model import NoteModel
from improv.models.card import card_head
from improv.models.model import Model
from improv.train.evaluation.next_note import foretell, score
from improv.train.finish import Begun, Finished
from improv.train.network.keras_network import NetworkConfig
from improv.train.piece import Piece


@dataclass(frozen=True)
class Outcome:
    """finished: what goes on top of the networks; None where the model is to be the one that it began from. told: why, or ""."""

    finished: Finished | None
    told: str = ""


def choose(
    members: Mapping[str, np.ndarray], finished: Finished, network: NetworkConfig, begun: Begun, origin: NoteModel, valid: Sequence[Piece]
) -> Outcome:
    """All that is new; or the new networks with what the origin has on top; or the origin: the first that is not worse than it.

    members, network: as in `finish`. begun: what the origin has on top. valid: the pieces that validate.
    """
    before = _nats(origin, valid)
    new = _nats(_model(members, finished), valid)
    if new <= before:
        return Outcome(finished)
    old = on_top_of(begun, network, finished.sizes["members"])
    half = _nats(_model(members, old), valid) if old else np.inf
    if half <= before:
        costs = f"fitted anew, a valid note costs {new:.3f} nats, not {half:.3f}"
        return Outcome(old, f"recall, phrase ends and pitch-class bias stay as they were: {costs}")
    costs = f"{new:.3f} nats a note, {before:.3f} before"
    return Outcome(None, f"the new model as a whole foretells the valid takes worse ({costs}): the model stays as it was")


def on_top_of(begun: Begun, network: NetworkConfig, members: int) -> Finished | None:
    """What the model that training began from has on top of its networks; None where it had another number of them."""
    weights = {name: w for name, w in begun.weights.items() if not name[0].isdigit()}
    if f"{members - 1}.register" not in begun.weights or f"{members}.register" in begun.weights or "end.kernel" not in weights:
        return None
    sizes = asdict(network) | {"members": members, "end_hidden": len(weights["end.kernel"])}
    sizes |= {key: weights[f"{key}.kernel"].shape[1] if f"{key}.kernel" in weights else 0 for key in ("rhythm_key", "line_key")}
    return Finished(sizes, {name: dict(numbers) for name, numbers in begun.recall.items()}, weights)


def _model(members: Mapping[str, np.ndarray], finished: Finished) -> Model:
    return Model(card_head("compared", finished.sizes) | {"recall": finished.recall}, {**members, **finished.weights})


def _nats(model: NoteModel, pieces: Sequence[Piece]) -> float:
    return score(pieces, foretell(model, pieces))["joint_nats"]
