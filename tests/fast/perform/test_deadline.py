"""The deadline, with a model that sleeps: on a clock that jumps, where thinking takes what the model says."""

from __future__ import annotations

import itertools
import queue
import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from slow_thinking import BEAT, Sleeping, Thinking, call

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Setting
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.settings import SECOND_TAKE, Settings
from improv.models.model import Model
from improv.perform.band import Band, Slot, alone
from improv.perform.clock import OfflineClock
from improv.perform.deadline import LOOK, DeadlinePlayer, Worker
from improv.perform.engine import LATE, perform

CHANGES = parse_changes("Dm7 | G7 | Cmaj7 | A7")


def played(
    model: Model, mode: str, script: list[Event], asleep: Callable[[float], float], limit: float = 20.0
) -> tuple[list[Event], list[Event], set[Event], list[Event]]:
    """What is sent and dropped and filled, and what the improviser alone plays to the same events."""
    sent: list[Event] = []
    dropped: list[Event] = []
    heard: list[Event] = []
    clock = OfflineClock(script, limit)
    sleeping: Any = Sleeping(model, lambda: asleep(clock.now()))
    deadline = DeadlinePlayer(Improviser(sleeping, Settings(mode=mode), CHANGES, seed=3), Thinking(clock, sleeping))
    band = Band([Slot(deadline)], Timekeeper(Settings(mode=mode)))
    perform(band, clock, queue.SimpleQueue(), sent.append, heard.append, lambda e, _: dropped.append(e))
    own: list[Event] = []
    improviser = Improviser(model, Settings(mode=mode), CHANGES, seed=3)
    perform(alone(improviser), OfflineClock(heard[:-1], limit), queue.SimpleQueue(), own.append)
    return sent, dropped, deadline.filled, own


def ons(events: list[Event]) -> list[NoteOn]:
    return [e for e in events if isinstance(e, NoteOn)]


def check_closed(sent: list[Event]) -> None:
    sounding: set[int] = set()
    for event in sent:
        if isinstance(event, NoteOn):
            assert event.pitch not in sounding
            sounding.add(event.pitch)
        elif isinstance(event, NoteOff):
            sounding.discard(event.pitch)
    assert not sounding


@pytest.mark.parametrize("mode", ["trade", "solo"])
def test_with_a_model_in_time_the_ladder_changes_nothing(model: Model, mode: str) -> None:
    sent, dropped, filled, alone = played(model, mode, call(), lambda now: 0.0001)
    assert ons(sent)
    assert (sent, dropped, filled) == (alone, [], set())


def test_while_the_model_sleeps_a_riff_on_the_chords_plays(model: Model) -> None:
    """It sleeps for three seconds in mid-solo. Nothing is silent for more than a beat, and then the model is back."""
    stalls = iter([3.0])
    sent, dropped, filled, alone = played(model, "solo", [], lambda now: next(stalls, 0.0) if now > 4.0 else 0.0, limit=12.0)
    relief = [e for e in ons(sent) if e in filled]
    began, ended = relief[0].time, relief[-1].time
    assert 4.0 < began < 6.0
    assert 4 <= len(relief) <= 14
    for event in relief:
        beat = event.time / BEAT
        assert beat * 2 == pytest.approx(round(beat * 2))
        assert event.pitch % 12 in CHANGES.harmony(beat).chord.tones
    times = [e.time for e in ons(sent) if began - 1 <= e.time <= ended + 1]
    assert [b - a for a, b in itertools.pairwise(times) if b <= ended and b - a > BEAT] == []
    assert any(e.time > ended and e not in filled for e in ons(sent))
    assert ons(dropped)
    check_closed(sent)
    model_notes = [*[e for e in ons(sent) if e not in filled], *ons(dropped)]
    assert sorted(model_notes, key=lambda e: e.time) == ons(alone)


def test_a_model_that_is_always_too_slow_is_replaced_and_never_stalls(model: Model) -> None:
    """Every step takes more than a beat. A silence longer than a beat is a rest that the model chose."""
    sent, _, filled, _ = played(model, "solo", [], lambda now: 0.7, limit=12.0)
    assert max(b.time - a.time for a, b in itertools.pairwise(ons(sent)) if b in filled) <= BEAT
    assert len([e for e in ons(sent) if e in filled]) > 10
    check_closed(sent)


def test_where_the_model_rests_a_short_thought_is_not_filled(model: Model) -> None:
    """It thinks for a moment, a moment after each eighth; whether it wanted something on the eighth is known by then."""
    script: list[Event] = [Setting(BEAT / 2 * n + 0.03, SECOND_TAKE, 1) for n in range(1, 150)]
    sent, dropped, filled, alone = played(model, "solo", script, lambda now: 0.0005, limit=40.0)
    assert ons(sent)
    assert (ons(sent), dropped, filled) == (ons(alone), [], set())


def test_an_answer_that_is_not_there_is_begun_without_the_model_and_yields_at_once(model: Model) -> None:
    """The model falls asleep as the call ends and sleeps on; the player comes back in the middle of the relief."""
    back = 8.1 * BEAT
    script = [*call(), NoteOn(back, 60, 80), NoteOff(back + 0.2, 60)]
    sent, _, filled, _ = played(model, "trade", script, lambda now: 6.0 if 3.85 * BEAT < now < 4 * BEAT else 0.0, limit=30.0)
    relief = [e for e in ons(sent) if e in filled and e.time < back]
    assert relief
    assert relief[0].time == 5.0 * BEAT  # a beat of silence, then the next eighth
    assert [e for e in sent if back < e.time < back + 0.2] == []
    offs = [e.time for e in sent if isinstance(e, NoteOff) and e.pitch == relief[-1].pitch and e.time >= relief[-1].time]
    assert offs[0] <= back
    check_closed(sent)


def test_what_sounds_ends_in_time_while_the_model_sleeps(model: Model) -> None:
    sent, _, filled, alone = played(model, "solo", [], lambda now: 1.0 if now > 4.0 else 0.0, limit=10.0)
    last = max((e for e in ons(sent) if e not in filled and e.time <= 4.6), key=lambda e: e.time)
    off = next(e for e in sent if isinstance(e, NoteOff) and e.pitch == last.pitch and e.time >= last.time)
    meant = next(e for e in alone if isinstance(e, NoteOff) and e.pitch == last.pitch and e.time >= last.time)
    assert off.time <= meant.time + LATE or off.time in {e.time for e in ons(sent)}


def test_whatever_is_heard_and_however_the_model_sleeps_nothing_hangs_and_nothing_is_lost(model: Model) -> None:
    """What was sent and dropped of the model's notes is what it plays alone to the same stamped events: a replay."""
    for seed in range(20):
        check_nothing_hangs_and_nothing_is_lost(model, seed)


def check_nothing_hangs_and_nothing_is_lost(model: Model, seed: int) -> None:
    rng, sleep = random.Random(seed), random.Random(seed + 1)
    script: list[Event] = []
    time = 0.0
    for _ in range(20):
        time += rng.choice([0.0, 0.01, 0.1, 0.25, 0.5, 2.0])
        pitch = rng.randint(55, 75)
        kinds: list[Event] = [NoteOn(time, pitch, rng.randint(1, 127)), NoteOff(time, pitch), ControlChange(time, rng.choice([64, 120]), 0)]
        script += rng.choices([*kinds, Setting(time, "mode", rng.choice(["solo", "trade"]))], [45, 45, 5, 5])
    naps = rng.choice([[0.0, 0.0, 0.0, 1.0], [0.03], [0.2], [0.0, 0.0, 0.1, 3.0], [0.5]])
    sent, dropped, filled, alone = played(model, rng.choice(["trade", "solo"]), script, lambda now: sleep.choice(naps), limit=15.0)
    check_closed(sent)
    chosen = [*[e for e in ons(sent) if e not in filled], *ons(dropped)]
    end = max((e.time for e in chosen), default=0.0)
    assert Counter(chosen) == Counter(e for e in ons(alone) if e.time <= end), f"with seed {seed}"


class Waiting:
    """A thinker that is ready when one says so."""

    ready = False

    def give(self, thought: Callable[[], list[Event]]) -> None:
        self._said = thought()

    def take(self, patience: float) -> list[Event] | None:
        return self._said if self.ready else None


def test_in_a_band_a_thought_is_taken_as_soon_as_it_is_ready_and_not_at_the_next_look(model: Model) -> None:
    """An echo that took 8 ms is played after 8 ms: it would be dropped if it waited for the next look, after 50."""
    thinker = Waiting()
    settings = Settings(mode="echo")
    band = Band([Slot(DeadlinePlayer(Improviser(model, settings, CHANGES), thinker))], Timekeeper(settings))
    assert band.advance(1.0, [NoteOn(1.0, 72, 80)]) == []
    assert band.due == 1.0 + LOOK
    thinker.ready = True
    assert band.due == 1.0
    assert [type(e) for e in band.advance(1.008)] == [NoteOn]


# The thread that thinks


def test_a_worker_thinks_and_wakes_who_waits() -> None:
    woken, go = threading.Event(), threading.Event()
    worker = Worker(woken.set)
    note: list[Event] = [NoteOn(1.0, 60, 80)]
    worker.give(lambda: note)
    assert worker.take(10.0) == note

    def slow() -> list[Event]:
        go.wait(10.0)
        return note

    worker.give(slow)
    assert worker.take(0.0) is None
    go.set()
    assert woken.wait(10.0)
    assert worker.take(0.0) == note
    worker.close()


def test_what_breaks_in_the_worker_breaks_the_performance() -> None:
    worker = Worker(lambda: None)

    def broken() -> list[Event]:
        raise RuntimeError("broken")

    worker.give(broken)
    with pytest.raises(RuntimeError, match="broken"):
        worker.take(10.0)
    worker.close()
