"""A note drawn from what the model foretells: its pitch within the range and the tones allowed, its length, its lag; and when one comes."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from improv.core.harmony import READING
from improv.core.line.microtiming import drawn_lag
from improv.core.line.perhaps import foretold_pitch
from improv.core.line.sampler import mask, sample
from improv.core.line.surprise import bits
from improv.core.line.written import length_bias, pitch_bias
from improv.core.note_model import NoteModel, Said
from improv.core.settings import Settings
from improv.core.vocabulary import GRID, Context, Value

FIFTH, LEAP = 7, 0.6  # a note that is to land gets rarer with each semitone beyond a fifth
MIDDLE = GRID / 2  # an inter-onset interval that density leaves as likely as it was: an eighth
BESIDE = 0.1  # of the beat's: an onset beside the beat that is less likely than that is a slip; see models/README.md
SHY = 4  # semitones from the edge of the range within which notes get rarer


class Drawn(NamedTuple):
    """A note whose fields are drawn. lag: in beats. surprise: bits of its pitch."""

    value: Value
    lag: float
    surprise: float


def draw_note(
    model: NoteModel,
    said: Said,
    last: int,
    ioi: int,
    at: Context,
    settings: Settings,
    rng: np.random.Generator,
    tones: frozenset[int] = frozenset(),
    lean: np.ndarray | None = None,
    sway: float | None = None,
    reading: int = READING,
) -> Drawn:
    """Draw the fields of a note whose time is settled.

    said: what the state says; last: the pitch before; ioi: class of its inter-onset interval; at: its context.
    tones: the pitch classes that it may have, one near by rather than a leap; none given, any. lean (128,): a further bias.
    sway: where its lag lies in what is foretold, a normal deviate; None: it has the expected lag. The value has the expected one
    in any case.
    reading: see `sheet.READING`.
    """
    foretold, bias = foretold_pitch(model, said, last, ioi, at, settings.recall), _range(settings.low, settings.high, tones)
    if tones:
        bias = bias - LEAP * np.maximum(0, np.abs(np.arange(128) - last) - FIFTH)
    if (written := pitch_bias(at, reading)) is not None:
        bias = bias + written
    if lean is not None:
        # where the tones that it is to land on are none that fit, one that fits will do; where none fits, any
        for leaning in (bias + lean, _range(settings.low, settings.high) + lean):
            if np.isfinite(leaning).any():
                bias = leaning
                break
    pitch = sample(foretold, rng, settings.temperature, settings.top_p, bias)
    lengths, lags = model.articulation(said, pitch, last, ioi, at)
    limit = length_bias(pitch, at, model.vocabulary.durations, reading)
    length = sample(lengths, rng, settings.temperature, settings.top_p, limit)
    expected = model.expected_microtiming(lags)
    lag = expected if sway is None else drawn_lag(lags, sway, model.vocabulary.lags)
    return Drawn(Value(ioi, pitch, length, model.vocabulary.nearest_lag(expected)), lag, bits(foretold, pitch))


def slips(logits: np.ndarray, position: int) -> np.ndarray:
    """A bias (classes,) against onsets a 1/12 beat off the beat where the beat itself is much likelier. position: of the last onset.

    Real music has next to none of these. Where all rare times were left out, rests went as well: each is rare, but not together.
    """
    bias = np.zeros(len(logits))
    for slip, beat in ((1, -1), (GRID - 1, 1)):
        at = np.arange((slip - position) % GRID, len(logits) - 1, GRID)
        at = at[at + beat >= 0]
        bias[at[logits[at] < logits[at + beat] + math.log(BESIDE)]] = -np.inf
    return bias


@lru_cache(maxsize=64)
def gaps(size: int, low: int, high: int, density: float) -> np.ndarray:
    """A bias (size,) for the classes of inter-onset intervals: low to high alone, the shorter ones likelier by density.

    density: at 1, half as long is twice as likely as it was; at -1, half as likely; at 0, as the model says.
    """
    bias = mask(size, low, high)
    if density:
        bias -= density * np.log(np.maximum(np.arange(size), 1) / MIDDLE)
    bias.flags.writeable = False
    return bias


@lru_cache(maxsize=64)
def _range(low: int, high: int, tones: frozenset[int] = frozenset()) -> np.ndarray:
    """A bias (128,) for a range of pitches: none outside, and shy of its edges, so that lines turn before them.

    tones: the pitch classes allowed; none given, all.
    """
    pitches = np.arange(128)
    room = np.minimum(pitches - low, high - pitches)
    bias: np.ndarray = mask(128, low, high) - 0.4 * np.maximum(0, SHY - room)
    if tones:
        bias[[p % 12 not in tones for p in range(128)]] = -np.inf
    bias.flags.writeable = False
    return bias
