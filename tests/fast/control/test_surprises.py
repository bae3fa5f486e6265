"""How surprising notes are, as an observer takes them down for whoever asked to be told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from made_up import random_weights, small_card

from improv.control.surprises import MOST, SurpriseTap
from improv.core.events import NoteOff, NoteOn
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.models.model import Model


def performer(number: int, name: str, mode: str) -> Any:
    settings = Settings(mode=mode)
    return SimpleNamespace(
        number=number, name=name, settings=settings, improviser=Improviser(Model(small_card(), random_weights()), settings)
    )


def test_notes_are_told_with_their_bits_and_whose_they_are() -> None:
    horn, other, bass = performer(0, "horn", "trade"), performer(1, "sax", "duet"), performer(2, "bass", "bass")
    tap = SurpriseTap([horn, other, bass])
    rings = []
    tap.ring = lambda: rings.append(1)
    tap.played(NoteOn(1.0, 64, 80, part=0, surprise=3.25), 0.0, False)
    tap.played(NoteOff(1.1, 64, part=0), 0.0, False)
    tap.played(NoteOn(1.2, 65, 80, part=0, surprise=3.0), 0.0, True)  # filled in
    tap.played(NoteOn(1.3, 66, 80, part=0), 0.0, False)  # of a chord
    assert bass.improviser.voice.told_surprise is None
    other.improviser.voice.told_surprise(NoteOn(2.0, 60, 80), 11.12345)
    assert tap.take() == [["horn", False, 3.25, 64], ["sax", True, 11.123, 60]]
    assert tap.take() == []
    assert len(rings) == 2


def test_where_nobody_takes_the_oldest_are_dropped() -> None:
    tap = SurpriseTap([performer(0, "horn", "trade")])
    for k in range(MOST + 10):
        tap.played(NoteOn(float(k), 64, 80, surprise=float(k)), 0.0, False)
    rows = tap.take()
    assert (len(rows), rows[0][2]) == (MOST, 10.0)
