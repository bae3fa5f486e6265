"""No model ends or floods a performance: a riff plays for one that fails, and one limit stands before every port."""

from __future__ import annotations

import math
import queue
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import Event, NoteOff, NoteOn, Setting
from improv.core.flood import BURST, RATE, NoteLimit
from improv.core.harmony import parse_changes
from improv.core.improviser import Improviser
from improv.core.settings import Settings
from improv.models.model import Model
from improv.perform.band import Band, Slot
from improv.perform.clock import OfflineClock
from improv.perform.deadline import DeadlinePlayer
from improv.perform.engine import perform

CHANGES = parse_changes("Dm7 | G7 | Cmaj7 | A7")
FAILS = 4.0  # seconds


class Faulty:
    """A model that goes wrong from a time on."""

    def __init__(self, model: Model, clock: OfflineClock, wrong: Callable[[Any], Any]):
        self._model, self._clock, self._wrong = model, clock, wrong

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def pitch(self, *args: Any) -> Any:
        said = self._model.pitch(*args)
        return self._wrong(said) if self._clock.now() >= FAILS else said


class AtOnce:
    """A thinker without a thread."""

    ready = True

    def give(self, thought: Callable[[], list[Event]]) -> None:
        self._thought = thought

    def take(self, patience: float) -> list[Event] | None:
        return self._thought()


def raises(said: Any) -> Any:
    raise OverflowError("math range error")


def none(said: Any) -> Any:
    return np.full_like(said, np.nan)


@pytest.mark.parametrize(("wrong", "why"), [(raises, "math range error"), (none, "no number"), (lambda said: None, "TypeError")])
@pytest.mark.parametrize("mode", ["solo", "trade"])
def test_a_riff_plays_for_a_model_that_fails_until_another_is_chosen(
    wrong: Callable[[Any], Any], why: str, mode: str, model: Model
) -> None:
    sent: list[Event] = []
    phrases = [e for at in (0.0, 8.0, 16.0) for i in range(8) for e in (NoteOn(at + i / 4, 60 + i, 80), NoteOff(at + i / 4 + 0.2, 60 + i))]
    script: list[Event] = [*(phrases if mode == "trade" else []), Setting(9.6, "temperature", 0.7), Setting(12.1, "model", "sound")]
    clock = OfflineClock(sorted(script, key=lambda e: e.time), 24.0)
    faulty: Any = Faulty(model, clock, wrong)
    player = DeadlinePlayer(Improviser(faulty, Settings(mode=mode), CHANGES, seed=3, models={"sound": model}), AtOnce())
    faults = []

    def heard(event: Event) -> None:
        faults.append(player.failed)

    perform(Band([Slot(player)], Timekeeper(Settings(mode=mode))), clock, queue.SimpleQueue(), sent.append, heard)
    assert any(fault and why in fault for fault in faults)
    assert player.failed is None
    own = [e for e in sent if isinstance(e, NoteOn) and e not in player.filled]
    assert any(e.time > 12.1 for e in own)
    assert not any(FAILS + 0.5 < e.time < 12.1 for e in own)
    if mode == "solo":
        assert sum(FAILS < e.time < 12.1 for e in player.filled if isinstance(e, NoteOn)) > 8
    assert player._improviser.settings.temperature == 0.7
    sounding: set[int] = set()
    for event in sent:
        if isinstance(event, NoteOn):
            sounding.add(event.pitch)
        elif isinstance(event, NoteOff):
            sounding.discard(event.pitch)
    assert not sounding


class Crowd:
    """A performer that asks for a thousand notes a second."""

    done, due = -math.inf, 0.0

    def advance(self, now: float, heard: Any = ()) -> list[Event]:
        time, self.due = self.due, self.due + 0.001
        self.done = time
        return [NoteOn(time, round(1000 * time) % 128, 80)]

    def silence(self, now: float) -> list[Event]:
        return []


def test_no_more_notes_leave_than_anybody_plays() -> None:
    sent: list[Event] = []
    dropped: list[Event] = []
    limit = NoteLimit()
    perform(Crowd(), OfflineClock((), 10.0), queue.SimpleQueue(), sent.append, dropped=lambda e, late: dropped.append(e), limit=limit)
    on = [e for e in sent if isinstance(e, NoteOn)]
    assert len(on) == pytest.approx(BURST + 10 * RATE, abs=2)
    assert limit.held == sum(isinstance(e, NoteOn) for e in dropped)
    assert limit.held + len(on) == pytest.approx(10_000, abs=2)
    assert {e.pitch for e in sent if isinstance(e, NoteOff)} >= {e.pitch for e in on[-20:]}


def test_music_never_meets_the_limit() -> None:
    """Ten fingers in two-hundred-and-fifty-sixths, or every key of three keyboards at once."""
    limit = NoteLimit()
    assert all(limit.passes(i / 40) for i in range(4000))
    limit = NoteLimit()
    assert all(limit.passes(0.0) for _ in range(3 * 128))
