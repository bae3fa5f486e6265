"""The kinds of models, by the `kind` in their cards. A new kind is one file and one row here.

A kind that plays has what builds it behind the protocol `core.note_model.NoteModel`. The others have a use of their own, in the
room that builds them; here stands what they do, so that nobody asks one of them for a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from improv.core.note_model import NoteModel
from improv.models import accented, bass, drums, ear, grammar_model, voicings
from improv.models.card import promised
from improv.models.cells import NETWORKS, kind_of
from improv.models.grammar_model import GrammarModel
from improv.models.model import Model

Card = Mapping[str, Any]
Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Kind:
    """build: makes a model that plays from its card and weights; raises ModelError. does: what one does that plays no lines.

    shapes: the names and shapes of the weights that a card promises, so that a file is checked before it is read; raises ModelError.
    """

    build: Callable[[Card, Weights], NoteModel] | None = None
    does: str = ""
    shapes: Callable[[Card], Mapping[str, tuple[int, ...]]] | None = None


NETWORK = Kind(Model, shapes=promised)  # networks between the notes and the heads: the kinds of `cells.NETWORKS`
KINDS: dict[str, Kind] = {
    **dict.fromkeys(NETWORKS, NETWORK),
    grammar_model.KIND: Kind(GrammarModel, shapes=grammar_model.grammar_shapes),
    voicings.KIND: Kind(does="voices chords (--mode comp --voicing learned)"),
    bass.KIND: Kind(does="walks as a bass of the band", shapes=bass.bass_shapes),
    drums.KIND: Kind(does="plays the drums of the band", shapes=drums.drums_shapes),
    ear.KIND: Kind(does="hears chords and keys", shapes=ear.ear_shapes),
    accented.KIND: Kind(does="foretells how loud notes are", shapes=accented.accents_shapes),
    "characters": Kind(does="writes texts, such as titles"),
}


def kind_in(card: Card) -> Kind:
    """The kind that a card says; one that is not known is for `Model` to refuse, which says so."""
    network = card.get("network")
    said = card.get("kind") or (kind_of(network) if isinstance(network, Mapping) else None)
    return KINDS.get(said, NETWORK) if isinstance(said, str) else NETWORK
