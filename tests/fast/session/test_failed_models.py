"""A session in which a model failed is the same played again: up to the failure, and from the model that took over."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from slow_thinking import FailsAfter, Sleeping, Thinking

from improv.core.beats.timekeeper import one_beat
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Renewed, Setting, Stop
from improv.core.harmony import parse_changes
from improv.core.settings import Settings
from improv.models.model import Model
from improv.perform.band import Slot
from improv.perform.clock import OfflineClock
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.session import Recorder, Session
from improv.session.again import play_again
from improv.session.compare import Difference, difference, known_until, parts_of
from improv.session.failures import WithFailures
from improv.session.lines import Line

TEXT = "Dm7 | G7 | Cmaj7 | A7"
SONG = Song(parse_changes(TEXT), TEXT)


class Thoughts(Thinking):
    """A slow thinker whose thoughts may fail."""

    def give(self, thought: Callable[[], list[Event]]) -> None:
        self.fault: Exception | None = None

        def tried() -> list[Event]:
            try:
                return thought()
            except Exception as e:
                self.fault = e
                return []

        super().give(tried)

    def take(self, patience: float) -> list[Event] | None:
        said = super().take(patience)
        if said is not None and self.fault:
            raise self.fault
        return said


def phrases(seconds: float) -> list[Event]:
    rng, time = random.Random(7), 0.0
    events: list[Event] = []
    while time < seconds:
        length = rng.choice([0.12, 0.25, 0.5])
        pitch = rng.randrange(55, 80)
        events += [NoteOn(time, pitch, 80), NoteOff(time + 0.8 * length, pitch)]
        time += length + (rng.random() < 0.2) * 2.0
    return events


WISHES: list[Event] = [
    Setting(3.3, "temperature", 0.8),
    ControlChange(6.0, 64, 127),
    Setting(10.4, "density", 1.0),
    Setting(10.5, "changes", "Cm7 | F7"),
    Setting(11.0, "model", "sound", 0),
    Setting(11.0, "temperature", 0.6),
    ControlChange(12.5, 64, 0),
    Setting(14.0, "mode", "duet", 0),
]


def setups(models: list[Any], modes: list[str], sound: Any) -> list[PerformerSetup]:
    numbers = frozenset(range(len(modes)))
    return [
        PerformerSetup(str(n), model, Settings(mode=mode), n, channel=n, hears=numbers - {n}, models={"sound": sound})
        for n, (model, mode) in enumerate(zip(models, modes, strict=True))
    ]


def recorded(path: Path, model: Model, modes: list[str], notes: int, naps: list[float]) -> tuple[list[Line], dict[str, Any]]:
    """A performance in which the first one's model fails after so many notes."""
    rng = random.Random(2)
    sleeping: Any = Sleeping(model, lambda: rng.choice(naps))
    clock = OfflineClock(sorted([*phrases(20.0), *WISHES, Stop(24.0, "over")], key=lambda e: e.time))
    recorder = Recorder(path, {})
    models = [FailsAfter(sleeping, notes), *[sleeping for _ in modes[1:]]]
    config = PerformanceConfig(setups(models, modes, sleeping), SONG)
    end = Performance(config, clock, observers=[recorder], thinker=lambda wake: Thoughts(clock, sleeping)).run()
    session = Session(path)
    return list(session.lines()), end


def played_again(lines: list[Line], end: dict[str, Any], models: list[Any], modes: list[str], sound: Model) -> list[Difference | None]:
    parts, latest, stopped = parts_of(lines, len(modes), shared=True)
    found = []
    for n, setup in enumerate(setups(models, modes, sound)):
        beat = one_beat([Settings(mode=mode) for mode in modes])
        player = WithFailures(setup.improviser(SONG, beat.meter), [renewed for renewed, *_ in parts[n].renewals])
        now = play_again(Slot(player, n, setup.hears, setup.inputs), beat, parts[n].heard, latest, True)
        found.append(difference(parts[n], now, n, known_until(n, stopped, end), player.begun))
    return found


@pytest.mark.parametrize("modes", [["solo"], ["trade"], ["comp"], ["solo", "duet", "trade"]])
@pytest.mark.parametrize("notes", [1, 5, 12])
@pytest.mark.parametrize("naps", [[0.0], [0.0] * 20 + [0.004, 0.03, 0.1, 0.6]])
def test_what_was_played_before_and_after(tmp_path: Path, model: Model, modes: list[str], notes: int, naps: list[float]) -> None:
    lines, end = recorded(tmp_path / "s.jsonl", model, modes, notes, naps)
    failed = modes[0] != "comp"  # chords by rule ask no model
    renewed = [line.event for line in lines if isinstance(line.event, Renewed)]
    assert [(e.time, e.name, e.part) for e in renewed] == [(11.0, "sound", 0)] * failed
    own = [line.event for line in lines if line.side == "played" and isinstance(line.event, NoteOn) and line.event.part == 0]
    assert any(e.time > 11.0 for e in own)
    if failed:
        assert not any(renewed[0].since < e.time < 11.0 for e in own)
    healthy = [model for _ in modes[1:]]
    assert played_again(lines, end, [FailsAfter(model, notes), *healthy], modes, model) == [None] * len(modes)
    # a fault of the machine's does not come again
    assert played_again(lines, end, [model, *healthy], modes, model) == [None] * len(modes)


def test_what_is_not_the_same_is_found_after_the_failure_too(tmp_path: Path, model: Model) -> None:
    lines, end = recorded(tmp_path / "s.jsonl", model, ["solo"], 5, [0.0])
    at = next(i for i, line in enumerate(lines) if line.side == "played" and isinstance(line.event, NoteOn) and line.event.time > 11.5)
    gone = played_again([*lines[:at], *lines[at + 1 :]], end, [FailsAfter(model, 5)], ["solo"], model)
    assert gone[0] is not None
    assert gone[0].time == lines[at].event.time


def test_a_model_that_fails_and_is_followed_by_none(tmp_path: Path, model: Model) -> None:
    clock = OfflineClock([*phrases(6.0), Stop(9.0, "over")])
    recorder = Recorder(tmp_path / "s.jsonl", {})
    failing: Any = FailsAfter(model, 4)
    config = PerformanceConfig(setups([failing], ["solo"], model), SONG)
    end = Performance(config, clock, observers=[recorder], thinker=lambda wake: Thoughts(clock, Sleeping(model, lambda: 0.0))).run()
    lines = list(Session(tmp_path / "s.jsonl").lines())
    assert end["behind"].keys() == {"0"}
    assert played_again(lines, end, [FailsAfter(model, 4)], ["solo"], model) == [None]
    assert played_again(lines, end, [model], ["solo"], model) == [None]
