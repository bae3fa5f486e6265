"""Settings, models and bookmarks while it plays: what changes when."""

from __future__ import annotations

import queue

import numpy as np
import pytest
from made_up import random_weights, small_card

from improv.core.events import Bookmark, ControlChange, Event, NoteOff, NoteOn, Setting, Transport
from improv.core.improviser import Improviser
from improv.core.line.generator import BOOKMARKS
from improv.core.settings import Settings
from improv.models.loader import load_model
from improv.models.model import Model
from improv.perform.band import alone
from improv.perform.clock import OfflineClock
from improv.perform.engine import perform


def play(improviser: Improviser, heard: list[Event], limit: float = 20.0) -> list[Event]:
    played: list[Event] = []
    perform(alone(improviser), OfflineClock(heard, limit), queue.SimpleQueue(), played.append)
    return played


def onsets(played: list[Event]) -> list[float]:
    return [e.time for e in played if isinstance(e, NoteOn)]


def test_a_mode_changes_with_the_bar_and_at_once_where_no_beat_runs(model: Model) -> None:
    improviser = Improviser(model, Settings(tempo=120.0), seed=1)
    heard: list[Event] = [Transport(0.0, "start"), Setting(2.3, "mode", "solo")]
    assert 4.0 <= onsets(play(improviser, heard))[0] < 6.0  # in the first bar after the line
    improviser = Improviser(model, Settings(tempo=120.0), seed=1)
    played = play(improviser, [Setting(2.3, "mode", "solo"), Setting(2.9, "mode", "trade")])
    assert 2.3 <= onsets(played)[0] < 4.3  # a solo wants the beat, so it begins
    assert max(onsets(played)) < 4.3  # and from then on it's bars: the next line is at 2.3 + 2.0
    assert isinstance(played[-1], NoteOff)


def test_a_wish_that_waits_for_a_bar_is_granted_when_the_song_stops(model: Model) -> None:
    improviser = Improviser(model, Settings(tempo=120.0), seed=1)
    heard: list[Event] = [Transport(0.0, "start"), Setting(0.3, "mode", "solo"), Transport(0.5, "stop"), Transport(5.0, "start")]
    assert 5.0 <= onsets(play(improviser, heard))[0] < 7.0
    assert improviser.settings.mode == "solo"


def test_another_model_takes_over_at_the_bar_with_what_it_is_told_of_the_music() -> None:
    jazz, pocket = load_model("jazz"), load_model("pocket")
    improviser = Improviser(jazz, Settings(mode="solo", tempo=120.0), seed=1, models={"pocket": pocket})
    alone = play(Improviser(jazz, Settings(mode="solo", tempo=120.0), seed=1), [])
    played = play(improviser, [Setting(5.0, "model", "pocket")], limit=40.0)
    assert improviser.generator.model is pocket
    before = [e for e in alone if e.time < 5.99]
    assert played[: len(before)] == before
    assert onsets(played)[-1] > 17.0
    state = pocket.start()
    for value, last, at, trust in improviser.generator.memory.told:
        state = pocket.step(state, value, last, at, trust)
    assert improviser.generator.memory.state.past.notes > 64  # all since the change, and what was retold
    assert np.isfinite(state.a).all()


def test_a_bookmark_brings_back_the_state_and_an_unknown_one_changes_nothing(model: Model) -> None:
    improviser = Improviser(model, Settings(mode="solo", tempo=120.0), seed=1)
    told: list[np.ndarray] = []
    clock, played = OfflineClock([Bookmark(4.0, "a", keep=True), Bookmark(8.0, "b", keep=False), Bookmark(12.0, "a", keep=False)], 20.0), []

    def heard(event: Event) -> None:
        told.append(improviser.generator.memory.state.a)

    perform(alone(improviser), clock, queue.SimpleQueue(), played.append, heard)
    assert improviser.generator._kept["a"][1].a is told[0]
    assert onsets(played)[-1] > 17.0
    once = play(
        Improviser(model, Settings(mode="solo", tempo=120.0), seed=1), [Bookmark(4.0, "a", keep=True), Bookmark(8.0, "b", keep=False)]
    )
    assert [e for e in played if e.time < 11.9] == [e for e in once if e.time < 11.9]
    assert [e for e in played if e.time > 12.0] != [e for e in once if e.time > 12.0]


def test_a_model_of_other_sizes_can_take_over_and_a_bookmark_brings_its_own_model(model: Model) -> None:
    other = Model(small_card(), random_weights(seed=5))
    improviser = Improviser(model, Settings(mode="solo", tempo=120.0), seed=1, models={"other": other})
    heard: list[Event] = [Bookmark(1.0, "a", keep=True), Setting(3.0, "model", "other"), Bookmark(9.0, "a", keep=False)]
    assert onsets(play(improviser, heard))[-1] > 17.0
    assert improviser.generator.model is model


def test_the_changes_change_with_the_bar(model: Model) -> None:
    improviser = Improviser(model, Settings(mode="solo", tempo=120.0), seed=1)
    chords: list[tuple[float, str]] = []

    def send(event: Event) -> None:
        if isinstance(event, NoteOn):
            chords.append((event.time, str(improviser.generator.chord(improviser.meter.beat(event.time)))))

    heard: list[Event] = [Setting(2.5, "changes", "Gb7 | %"), Setting(6.5, "changes", "")]
    perform(alone(improviser), OfflineClock(heard, 12.0), queue.SimpleQueue(), send)
    assert {chord for time, chord in chords if time < 3.9} == {"NC"}
    assert {chord for time, chord in chords if 4.0 <= time < 7.9} == {"Gb7"}
    assert {chord for time, chord in chords if time >= 8.0} == {"NC"}


def test_a_range_that_is_wished_from_two_sides_at_once_changes_nothing_and_breaks_nothing(model: Model) -> None:
    improviser = Improviser(model, Settings(mode="solo", tempo=120.0), seed=1)
    heard: list[Event] = [Setting(1.0, "low", 70), Setting(1.0, "high", 75), Setting(2.0, "model", "nobody's")]
    assert onsets(play(improviser, heard))[-1] > 17.0
    assert (improviser.settings.low, improviser.settings.high) == (70, 84)


def test_a_solo_that_is_still_to_begin_begins_over_other_changes_and_with_another_model(model: Model) -> None:
    improviser = Improviser(model, Settings(tempo=120.0), seed=1, models={"other": Model(small_card(), random_weights(seed=5))})
    heard: list[Event] = [Transport(0.0, "start"), Setting(0.3, "mode", "solo"), Setting(0.4, "model", "other")]
    assert 2.0 <= onsets(play(improviser, heard))[0] < 4.0
    counted = Improviser(model, Settings(mode="solo", tempo=120.0, count_in=1), seed=1)
    assert 2.0 <= onsets(play(counted, [Setting(0.5, "changes", "F7 | %")]))[0] < 4.0


def test_a_restored_state_is_what_a_solo_goes_on_from(model: Model) -> None:
    before = Improviser(model, Settings(), seed=1)
    before.prime([(6 * i, 60 + i * 7 % 12, 0.5, 0.0) for i in range(38)])
    improviser = Improviser(model, Settings(mode="solo"), seed=1)
    improviser.restore(before.generator.memory.state)
    played = onsets(play(improviser, [], limit=3.0))
    assert improviser.generator.memory.state.past.notes >= 38 + len(played) - 2  # the first of each stretch follows nothing


def test_of_too_many_bookmarks_the_first_is_forgotten(model: Model) -> None:
    generator = Improviser(model, Settings(), seed=1).generator
    for name in range(BOOKMARKS):
        generator.keep(str(name))
    generator.keep("0")  # kept anew, it is the latest
    generator.keep("one more")
    assert [name for name in ("0", "1", "2", "one more") if not generator.go_back(name)] == ["1"]


@pytest.mark.parametrize("goes_on", [[Setting(8.0, "play", 1)], [NoteOn(8.0, 60, 80), NoteOff(8.2, 60)]])
def test_a_soloist_that_was_silenced_waits_for_a_word_or_a_key(goes_on: list[Event], model: Model) -> None:
    panic = ControlChange(4.0, 120, 0, 0)
    looks: list[Event] = [Setting(at, "temperature", 1.0) for at in (3.0, 6.0, 12.0)]  # moments at which it is asked
    improviser = Improviser(model, Settings(mode="solo", tempo=120.0), seed=1)
    waits: dict[float, bool] = {}
    played: list[Event] = []
    heard = sorted([panic, *looks, *goes_on], key=lambda e: e.time)
    perform(
        alone(improviser), OfflineClock(heard, 20.0), queue.SimpleQueue(), played.append, lambda e: waits.update({e.time: improviser.waits})
    )
    assert [waits[at] for at in (3.0, 6.0, 12.0)] == [False, True, False]
    assert not any(4.0 <= onset < 8.0 for onset in onsets(played))
    assert max(onsets(played)) > 15.0


def test_the_word_to_play_changes_nothing_for_who_plays_already(model: Model) -> None:
    def solo(heard: list[Event]) -> list[Event]:
        return play(Improviser(model, Settings(mode="solo", tempo=120.0), seed=1), heard)

    assert solo([Setting(8.0, "play", 1)]) == solo([])
