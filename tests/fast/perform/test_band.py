"""Several who play together: who hears whom, in which order, and that it depends on nothing else."""

from __future__ import annotations

import queue
from collections.abc import Iterable

import numpy as np

from improv.core.beats.moment import Moment
from improv.core.beats.timekeeper import Timekeeper, one_beat
from improv.core.events import Bookmark, ControlChange, Event, NoteOff, NoteOn, Pulse, Setting
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.models.model import Model
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform


class Told:
    """Plays given notes, and keeps what it hears."""

    def __init__(self, *notes: NoteOn):
        self.heard: list[Event] = []
        self.beats: list[float] = []  # where the beat was, as it was told with each
        self.done = -1.0
        self._notes = list(notes)

    @property
    def due(self) -> float | None:
        return self._notes[0].time if self._notes else None

    def advance(self, now: float, heard: Iterable[Moment] = ()) -> list[Event]:
        for moment in heard:
            self.heard += [moment.event] if moment.event else []
            self.beats.append(moment.meter.beat(moment.time))
        if self._notes and self._notes[0].time <= now:
            self.done = self._notes[0].time
            return [self._notes.pop(0)]
        return []

    def silence(self, now: float) -> list[Event]:
        return []


def test_a_member_hears_whom_it_listens_to_before_it_plays_and_what_comes_from_outside() -> None:
    one, two, three = Told(NoteOn(1.0, 60, 80), NoteOn(3.0, 61, 80)), Told(NoteOn(2.0, 62, 80)), Told()
    overheard: list[tuple[int, Event]] = []
    slots = [Slot(one, 0), Slot(two, 1, frozenset({0})), Slot(three, 2, frozenset({0, 1}))]
    band = Band(slots, Timekeeper(Settings()), lambda p, e: overheard.append((p, e)))
    script = [NoteOn(0.5, 40, 80, part=3), Setting(1.5, "temperature", 0.5, part=1)]
    played: list[Event] = []
    perform(band, OfflineClock(script), queue.SimpleQueue(), played.append)
    assert [(e.time, e.part) for e in played if isinstance(e, NoteOn)] == [(1.0, 0), (2.0, 1), (3.0, 0)]
    assert one.heard == [script[0]]
    assert [(e.time, getattr(e, "part", None)) for e in two.heard] == [(0.5, 3), (1.0, -1), (1.5, 1), (3.0, -1)]
    assert [(e.time, e.part) for e in three.heard if isinstance(e, NoteOn)] == [(0.5, 3), (1.0, -1), (2.0, -2), (3.0, -1)]
    assert [p for p, _ in overheard] == [1, 2, 2, 1, 2]
    assert two.beats == [0.0, 1.0, 2.0, 5.0]  # the first note from outside is beat one, at 0.5 s; at 120


def test_who_hears_what_and_what_is_for_another_may_move_the_beat_of_all() -> None:
    """Inputs, settings and bookmarks are told to those whom they are for; the beat that they move is everybody's."""
    one, two = Told(), Told()
    timekeeper = Timekeeper(Settings())
    band = Band([Slot(one, 0, inputs=frozenset({1})), Slot(two, 1, inputs=frozenset({2}))], timekeeper)
    events: list[Event] = [
        NoteOn(0.5, 60, 80, part=1),
        Setting(1.5, "tempo", 60.0, 1),
        Bookmark(2.5, "a", True, 0),
        Setting(2.5, "density", 1.0),
        ControlChange(3.5, 64, 127, part=2),
        Pulse(4.5),
    ]
    assert band.advance(5.0, events) == []
    assert one.heard == [events[0], events[2], events[3], events[5]]
    assert two.heard == [events[1], events[3], events[4], events[5]]
    assert one.beats == two.beats == [0.0, 2.0, 3.0, 3.0, 4.0, 5.0]
    assert band.meter == timekeeper.meter


def trio(model: Model) -> Band:
    """A soloist, and two who answer it and one another."""
    modes = ("solo", "duet", "trade")
    settings = [Settings(mode=mode, clock="internal") for mode in modes]
    timekeeper = one_beat(settings)
    players = [Improviser(model, s, meter=timekeeper.meter, seed=i, channel=i) for i, s in enumerate(settings)]
    return Band([Slot(p, i, frozenset({0, 1, 2}) - {i}) for i, p in enumerate(players)], timekeeper)


def test_a_trio_plays_the_same_however_it_is_woken_and_closes_every_note(model: Model) -> None:
    exact: list[Event] = []
    perform(trio(model), OfflineClock([NoteOn(1.0, 60, 80), NoteOff(1.4, 60)], 20.0), queue.SimpleQueue(), exact.append)
    assert {e.part for e in exact if isinstance(e, NoteOn)} == {0, 1, 2}
    sounding: set[tuple[int, int]] = set()
    for event in exact:
        if isinstance(event, NoteOn | NoteOff):
            (sounding.add if isinstance(event, NoteOn) else sounding.discard)((event.part, event.pitch))
    assert not sounding
    rng = np.random.default_rng(1)
    band, now, late = trio(model), 0.0, []
    waiting: list[Event] = [NoteOn(1.0, 60, 80), NoteOff(1.4, 60)]
    while now < 20.0:
        now += float(rng.exponential(0.002))
        arrived = [e for e in waiting if e.time <= now]
        waiting = waiting[len(arrived) :]
        late += band.advance(now, arrived)
        while band.due is not None and band.due <= now:
            late += band.advance(now)
    ons = [e for e in exact if isinstance(e, NoteOn) and e.time < 19.9]
    assert [e for e in late if isinstance(e, NoteOn)][: len(ons)] == ons
