"""The setting `outside`: how far from chord and scale the pitches go."""

from __future__ import annotations

import queue

import numpy as np
import pytest

from improv.core.events import Event, NoteOn
from improv.core.harmony import NO_CHORD, parse_changes, parse_chord
from improv.core.harmony.spelling import parse_key
from improv.core.improviser import Improviser
from improv.core.line.outside import outside_bias
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

B = parse_chord("B")


def inside(model: Model, outside: float) -> float:
    """The share of a solo's notes that are in the scale."""
    changes, played = parse_changes("F7 | Bb7 | Cm7 | F7"), list[Event]()
    who = Improviser(model, Settings(mode="solo", outside=outside), changes, seed=1, bars=24)
    perform(alone(who), OfflineClock(), queue.SimpleQueue(), played.append)
    notes = [(2 * e.time + 0.05, e.pitch % 12) for e in played if isinstance(e, NoteOn)]
    return sum(pitch in changes.harmony(beat).chord.scale for beat, pitch in notes) / len(notes)


def test_nine_notes_in_ten_are_in_the_scale_at_its_lowest_and_few_at_its_highest() -> None:
    shares = [inside(load_model("pocket"), outside) for outside in (-1.0, 0.0, 1.0)]
    assert shares[0] > 0.9
    assert shares == sorted(shares, reverse=True)
    assert shares[2] < shares[1] - 0.05


def test_at_0_the_model_says_all() -> None:
    assert outside_bias(B, None, True, 0.0) is None
    assert outside_bias(NO_CHORD, None, True, -1.0) is None


@pytest.mark.parametrize(("key", "a_natural"), [("E", True), ("B", False)])
def test_in_a_key_that_has_the_chord_its_scale_is_inside(key: str, a_natural: bool) -> None:
    bias = outside_bias(B, parse_key(key), False, -1.0)
    assert bias is not None
    assert np.array_equal(bias[:12], bias[12:24])
    assert bool(bias[69] == 0.0) is a_natural  # A over B in E, and A# in B
