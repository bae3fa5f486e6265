"""Settings that bend a line: each moves its figure down and up, and 0 bends nothing."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Callable

import numpy as np
import pytest
from made_up import random_weights, small_card

from improv.core.events import Event, NoteOn, notes_of
from improv.core.harmony import OPEN
from improv.core.improviser import Improviser
from improv.core.line.bent import beats_behind, pitch_lean, rest_lean, sounds
from improv.core.settings import Settings
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform

Notes = list[tuple[float, float, int, int]]


def solo(**settings: float) -> list[Event]:
    """Fifty bars by a model with random weights."""
    played: list[Event] = []
    improviser = Improviser(Model(small_card(), random_weights()), Settings(mode="solo", **settings), seed=3, bars=50)  # type: ignore[arg-type]
    perform(alone(improviser), OfflineClock(()), queue.SimpleQueue(), played.append)
    return played


def interval(notes: Notes) -> float:
    return float(np.mean([abs(b[2] - a[2]) for a, b in itertools.pairwise(notes)]))


def length(notes: Notes) -> float:
    return float(np.mean([off - on for on, off, _, _ in notes]))


def rests(notes: Notes) -> float:
    return float(np.mean([b[0] - a[0] > 0.55 for a, b in itertools.pairwise(notes)]))  # a beat takes half a second


def height(notes: Notes) -> float:
    return float(np.mean([pitch for _, _, pitch, _ in notes]))


@pytest.mark.parametrize(("name", "figure"), [("leaps", interval), ("legato", length), ("rests", rests), ("register", height)])
def test_a_setting_moves_its_figure_down_and_up(name: str, figure: Callable[[Notes], float]) -> None:
    down, usual, up = (figure(notes_of(solo(**{name: amount}))) for amount in (-1.0, 0.0, 1.0))
    assert down < usual < up


def test_behind_the_beat_is_later_by_so_many_ms_and_the_same_notes() -> None:
    usual, behind = ([e for e in solo(behind=ms) if isinstance(e, NoteOn)] for ms in (0.0, 30.0))
    assert [e.pitch for e in usual] == [e.pitch for e in behind]
    assert behind[0].time == usual[0].time  # it begins where it is to begin
    moved = [b.time - a.time for a, b in zip(usual[1:], behind[1:], strict=True)]
    assert moved == pytest.approx([0.03] * len(moved), abs=1e-6)
    assert beats_behind(Settings(behind=-60.0), 120.0) == pytest.approx(-0.12)


def test_nothing_is_bent_unless_somebody_asks() -> None:
    assert pitch_lean(Settings(), 60) is None
    assert not rest_lean(0.0, 49).any()
    assert sounds(Settings(), 60, OPEN) == 1.0
    lean = pitch_lean(Settings(leaps=1.0), 60)
    assert lean is not None
    assert lean[60] == 0
    assert lean[67] == lean[53] > lean[62] > 0
    assert lean[80] == lean[72]  # wider than an octave is no more
