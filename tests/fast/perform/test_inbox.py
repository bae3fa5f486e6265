"""The inbox: a queue, with bounds and a policy of what goes first."""

from __future__ import annotations

import queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Setting, Stop, Transport
from improv.perform.inbox import Inbox, Tally

EVENTS = st.one_of(
    st.builds(NoteOn, st.just(0.0), st.integers(0, 127), st.just(80)),
    st.builds(NoteOff, st.just(0.0), st.integers(0, 127)),
    st.builds(ControlChange, st.just(0.0), st.integers(0, 127), st.integers(0, 127)),
    st.builds(Pulse, st.just(0.0)),
    st.builds(Transport, st.just(0.0), st.sampled_from(["start", "stop"])),
    st.builds(Setting, st.just(0.0), st.sampled_from(["mode", "low"]), st.integers(0, 9)),
    st.just(Stop(0.0)),
)


def drained(inbox: Inbox) -> list[Event]:
    out = []
    while not inbox.empty():
        out.append(inbox.get_nowait())
    return out


def test_what_is_not_crowded_is_a_queue() -> None:
    inbox = Inbox()
    events: list[Event] = [NoteOn(float(i), i, 80) for i in range(100)]
    for event in events:
        inbox.put(event)
    assert inbox.qsize() == 100
    assert drained(inbox) == events
    with pytest.raises(queue.Empty):
        inbox.get_nowait()
    with pytest.raises(queue.Empty):
        inbox.get(timeout=0)


def test_where_it_is_crowded_each_kind_has_its_rule() -> None:
    inbox = Inbox(most=2, far=4)
    for event in (NoteOn(0.0, 60, 80), NoteOn(0.1, 61, 80)):
        inbox.put(event)
    for event in (NoteOn(0.2, 62, 80), NoteOff(0.3, 60), NoteOff(0.35, 60), Pulse(0.4), Pulse(0.5), Pulse(0.6)):
        inbox.put(event)
    for event in (ControlChange(0.7, 1, 10), ControlChange(0.8, 1, 20), ControlChange(0.9, 2, 30)):
        inbox.put(event)
    for event in (Setting(1.0, "mode", "solo"), Setting(1.1, "mode", "duet"), Transport(1.2, "stop"), Stop(1.3)):
        inbox.put(event)
    inbox.put(NoteOn(1.4, 63, 80))
    assert sorted(drained(inbox), key=lambda e: e.time) == [
        NoteOn(0.0, 60, 80),
        NoteOn(0.1, 61, 80),
        NoteOff(0.35, 60),
        Pulse(0.4),
        Pulse(0.5),
        ControlChange(0.8, 1, 20),
        ControlChange(0.9, 2, 30),
        Setting(1.1, "mode", "duet"),
        Transport(1.2, "stop"),
        Stop(1.3),
    ]
    assert inbox.dropped == {"notes": 2, "controllers": 1, "clock": 1}
    inbox.put(NoteOn(2.0, 64, 80))  # all is taken: as ever
    assert drained(inbox) == [NoteOn(2.0, 64, 80)]


def test_what_is_thought_about_counts_and_keeps_the_rest_waiting() -> None:
    behind = [5]
    inbox = Inbox(most=5, far=20, behind=lambda: behind[0])
    inbox.put(NoteOff(1.0, 60))
    assert inbox.get().time == 1.0  # one wakes who waits
    assert inbox.empty()
    behind[0] = 0
    assert drained(inbox) == [NoteOff(1.0, 60)]


@given(st.lists(EVENTS, max_size=400))
def test_it_never_holds_more_than_its_bound_and_never_loses_what_matters(events: list[Event]) -> None:
    inbox = Inbox(most=10, far=30)
    for event in events:
        inbox.put(event)
    stops = events.count(Stop(0.0))
    assert inbox.qsize() <= 31 + stops + 2 * 128 + 4
    out = drained(inbox)
    assert out.count(Stop(0.0)) == stops
    for kind, name in ((Setting, "name"), (ControlChange, "control"), (NoteOff, "pitch"), (Transport, "kind")):
        last = {getattr(e, name): e for e in events if isinstance(e, kind)}
        for key, event in last.items():
            assert event in [e for e in out if isinstance(e, kind) and getattr(e, name) == key]
    assert sum(isinstance(e, NoteOn) for e in events) == sum(isinstance(e, NoteOn) for e in out) + inbox.dropped["notes"]


def test_what_was_dropped_is_told_not_too_often() -> None:
    inbox = Inbox(most=0)
    tally = Tally(inbox, again=5.0)
    assert tally.news(0.0) is None
    inbox.put(NoteOn(0.0, 60, 80))
    assert tally.news(0.0) == "more arrives than can be worked off: dropped 1 notes"
    inbox.put(NoteOn(0.0, 60, 80))
    assert tally.news(3.0) is None
    assert tally.news(5.0) == "more arrives than can be worked off: dropped 1 notes"
