"""Who accompanies, as models: a bassist, a drummer, a comper. They play no line of their own, so as a `NoteModel` they hear and say
nothing; what they do play, a `core.band.bar.Member` says, bar by bar, which the mode finds as `member`.

They come with improv under the names of SIDEMEN; where the learned ones are, as folders of models, these play.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from improv.core.band.bar import Member
from improv.core.band.bass import Bassist
from improv.core.band.groove import drums_by_rule
from improv.core.heads import Heads
from improv.core.line.critic import Critic
from improv.core.line.loudness import AccentModel
from improv.core.line.quotations import Quotations
from improv.core.note_model import ModelState, NoteModel, Said
from improv.core.vocabulary import Context, Value, Vocabulary

IOIS = 49  # classes


class Sideman:
    """A `NoteModel` without a line. member: who plays the bass or the drums; None: chords, by their mode."""

    entry_classes: tuple[int, ...] = ()
    bytes_a_note = 0
    heads: Heads | None = None
    quotations: Quotations | None = None
    critic: Critic | None = None
    accents: AccentModel | None = None

    def __init__(self, name: str, member: Member | None = None):
        self.member = member
        self.vocabulary = Vocabulary()
        about = {"kind": "comp", "version": 1} if member is None else dict(member.about)
        said = hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()
        self.card: Mapping[str, Any] = {"name": name, "weights_sha256": said, "about": about}
        silence = np.zeros(IOIS, dtype=np.float32)
        self._said = Said(silence, 0.0, None)

    def with_heads(self, heads: Heads) -> NoteModel:
        return self

    def start(self) -> ModelState:
        return None

    def step(self, state: ModelState, value: Value, last: int | None, at: Context, trust: float = 1.0) -> ModelState:
        return None

    def read(self, state: ModelState, recall: float = 1.0) -> Said:
        return self._said

    def pitch(self, said: Said, last: int, ioi: int, at: Context, recall: float = 1.0) -> np.ndarray:
        return np.zeros(128, dtype=np.float32)

    def articulation(self, said: Said, pitch: int, last: int, ioi: int, at: Context) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(21, dtype=np.float32), np.zeros(13, dtype=np.float32)

    def expected_microtiming(self, logits: np.ndarray) -> float:
        return 0.0


# By name, who plays by rule where nobody learned.
SIDEMEN: dict[str, Callable[[], Member | None]] = {"bass": Bassist, "drums": drums_by_rule, "comp": lambda: None}
