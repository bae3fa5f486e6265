"""What is foreseen beside a performer's thoughts: what it then plays, forgotten when something is heard, and never in a thought's way."""

from __future__ import annotations

import threading
from collections.abc import Callable

from improv.core.beats.moment import Moment
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, NoteOn, Transport
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.perform.deadline import DeadlinePlayer, Worker
from improv.perform.foresight import AGAIN, Foresight


class Desk:
    """Works aside when it is told to."""

    def __init__(self) -> None:
        self.works: list[Callable[[], bool]] = []

    def aside(self, work: Callable[[], bool]) -> None:
        self.works.append(work)

    def go_on(self) -> int:
        """Do all; how often something was done."""
        count = 0
        while self.works:
            count += 1
            if self.works[0]():
                self.works.append(self.works[0])
            del self.works[0]
        return count


def soloist() -> Improviser:
    settings = Settings(mode="solo", tempo=140.0)
    keeper = Timekeeper(settings)
    improviser = Improviser(load_model("pocket"), settings, parse_changes("Dm7 | G7"), keeper.meter, seed=5)
    improviser.advance(0.0, [keeper.hear(Transport(0.0, "start"), 0.0)])
    return improviser


def test_what_is_foreseen_is_what_is_played_and_it_looks_no_farther_than_asked() -> None:
    improviser, desk = soloist(), Desk()
    foresight = Foresight(desk, lambda: 0.0)
    while (due := improviser.due) is not None and due < 1.0:
        improviser.advance(due)
    now = improviser.time
    assert foresight.look(improviser, now - 0.1, now + 3.0) == ()  # it is worked out meanwhile
    assert desk.go_on() > 4
    foreseen = foresight.look(improviser, now - 0.1, now + 3.0)
    assert desk.works == []  # nothing is done twice
    assert foreseen
    assert all(now <= note.start <= now + 3.0 for note in foreseen)
    played: list[Event] = []
    while (due := improviser.due) is not None and due <= now + 3.0:
        played += improviser.advance(due)
    assert [(n.start, n.pitch, n.velocity) for n in foreseen] == [(e.time, e.pitch, e.velocity) for e in played if isinstance(e, NoteOn)]


def test_what_is_heard_makes_it_forget_and_it_begins_again_now_and_then() -> None:
    improviser, desk = soloist(), Desk()
    foresight = Foresight(desk, lambda: 0.0)
    while (due := improviser.due) is not None and due < 1.0:
        improviser.advance(due)
    now = improviser.time - 0.1
    foresight.look(improviser, now, now + 3.0)
    desk.go_on()
    assert foresight.look(improviser, now, now + 3.0)
    foresight.forget()
    assert foresight.look(improviser, now + AGAIN / 2, now + 3.0) == ()
    assert desk.works == []  # too soon
    due = improviser.due
    assert due is not None
    assert foresight.look(improviser, due - 0.001, due + 3.0) == ()
    assert desk.works == []  # a note is about to be due


def test_shortly_before_something_is_due_it_rests_and_goes_on_later() -> None:
    improviser, desk, timer = soloist(), Desk(), [100.0]
    foresight = Foresight(desk, lambda: timer[0])
    while (due := improviser.due) is not None and due < 1.0:
        improviser.advance(due)
    now = improviser.time - 0.1
    foresight.look(improviser, now, now + 3.0)
    assert desk.works[0]()
    timer[0] += 10.0
    assert desk.go_on() == 1  # it stops
    some = foresight.look(improviser, now, now + 3.0)
    assert len(some) == 1
    desk.go_on()
    assert foresight.look(improviser, now, now + 3.0)[0] == some[0]
    assert len(foresight.look(improviser, now, now + 3.0)) > 1


def test_a_thought_goes_before_what_is_done_aside() -> None:
    order: list[str] = []
    woken, begin = threading.Event(), threading.Event()
    worker = Worker(woken.set)
    left = iter([True, True, False])

    def work() -> bool:
        begin.wait(30)
        order.append("aside")
        return next(left)

    def thought() -> list[Event]:
        order.append("thought")
        return []

    worker.aside(work)
    worker.give(thought)
    begin.set()
    assert worker.take(30.0) == []
    assert woken.wait(30)  # when it is done
    assert order == ["aside", "thought", "aside", "aside"]
    worker.close()


def test_a_deadline_player_foresees_and_plays_the_same_as_without() -> None:
    def played(watched: bool) -> list[Event]:
        keeper = Timekeeper(Settings(mode="solo", tempo=140.0))
        improviser = Improviser(load_model("pocket"), keeper.settings, parse_changes("Dm7 | G7"), keeper.meter, seed=5)
        woken = threading.Event()
        player = DeadlinePlayer(improviser, Worker(woken.set), patience=30.0)
        heard: list[Moment] = [keeper.hear(Transport(0.0, "start"), 0.0)]
        found: list[Event] = []
        now = 0.0
        while now < 4.0:
            found += player.advance(now, heard)
            heard = []
            if watched:
                player.foreseen(now, now + 2.0)
            due = player.due
            assert due is not None
            now = max(now, due)
        return found

    assert played(True) == played(False)
