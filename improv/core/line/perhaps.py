"""What a model foretells where a chord is heard and not sure: over each chord that it may be, as likely as that chord is.

A chord that is wrong costs more than none brings, so one chord alone, the likeliest, is the worse bet: over the soloists of the valid
split the mixture brings back half of what written changes are worth where the likeliest chord brings back a third (models/README.md).
"""

from __future__ import annotations

import math

import numpy as np

from improv.core.harmony import NO_CHORD, Chord, HarmonicContext
from improv.core.line.sampler import probabilities
from improv.core.note_model import NoteModel, Said
from improv.core.vocabulary import Context

FEWEST = 1e-9  # of a probability


def foretold_pitch(model: NoteModel, said: Said, last: int, ioi: int, at: Context, recall: float = 1.0) -> np.ndarray:
    """Logits (128,) of the next pitch, as `NoteModel.pitch` says them; a mixture where several chords may sound."""
    if not at.harmony.perhaps:
        return model.pitch(said, last, ioi, at, recall)
    mixture = np.zeros(128)
    for chord, chance in at.harmony.perhaps:
        mixture += chance * probabilities(model.pitch(said, last, ioi, _over(chord, at), recall))
    return np.log(mixture + FEWEST).astype(np.float32)


def over_the_likeliest(at: Context) -> Context:
    """The context in which a note is remembered: where several chords may sound, over the likeliest."""
    return _over(at.harmony.perhaps[0][0], at) if at.harmony.perhaps else at


def _over(chord: Chord, at: Context) -> Context:
    return at._replace(harmony=HarmonicContext(chord, NO_CHORD, math.inf))
