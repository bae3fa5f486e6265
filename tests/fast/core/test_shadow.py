"""A shadow plays just what the performer will, and leaves it as it is."""

from __future__ import annotations

import pytest

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, NoteOff, NoteOn, Transport
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.modes.classes import MODES
from improv.core.settings import Settings
from improv.core.shadow import Shadow
from improv.models.loader import load_model

CALL: list[Event] = [Transport(0.0, "start")] + [
    event
    for i, pitch in enumerate((62, 65, 69, 72, 71, 67))
    for event in (NoteOn(0.25 * i, pitch, 60 + 5 * i), NoteOff(0.25 * i + 0.2, pitch))
]


def played_on(improviser: Improviser, until: float) -> list[Event]:
    found: list[Event] = []
    while (due := improviser.due) is not None and due <= until:
        found += improviser.advance(due)
    return found


def after_a_call(mode: str) -> Improviser:
    settings = Settings(mode=mode, tempo=140.0)
    keeper = Timekeeper(settings)
    improviser = Improviser(load_model("pocket"), settings, parse_changes("Dm7 | G7 | Cmaj7 | A7"), keeper.meter, seed=5)
    for event in CALL:
        moment = keeper.hear(event, event.time)
        played_on(improviser, event.time)
        improviser.advance(event.time, [moment])
    return improviser


@pytest.mark.parametrize("mode", MODES)
def test_it_plays_what_the_performer_will_and_leaves_it_as_it_is(mode: str) -> None:
    alone, followed = after_a_call(mode), after_a_call(mode)
    shadow = Shadow(followed, 6.0)
    while shadow.go_on():
        played_on(followed, 1.5 + 0.1 * len(shadow.notes))  # both go on, in turn
    played_on(followed, 6.0)
    again, expected = after_a_call(mode), played_on(alone, 6.0)
    ahead = Shadow(again, 6.0)
    while ahead.go_on():
        pass
    assert played_on(again, 6.0) == expected
    ons = [e for e in expected if isinstance(e, NoteOn)]
    assert [(n.start, n.pitch, n.velocity) for n in ahead.notes] == [(e.time, e.pitch, e.velocity) for e in ons]
    assert ahead.notes == shadow.notes
    if MODES[mode].begins or mode == "trade":
        assert len(ons) >= 4
    assert all(n.end > n.start for n in ahead.notes)


def test_it_foresees_no_further_than_it_is_to() -> None:
    shadow = Shadow(after_a_call("solo"), 3.0)
    while shadow.go_on():
        pass
    assert shadow.notes
    assert all(n.start <= 3.0 for n in shadow.notes)
