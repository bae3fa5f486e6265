"""The performance's side of the page: what is planned is what is played, what watches changes nothing, keys that are stamped and let go."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from improv.cli.screen import symbols_of
from improv.control.page.hub import Hub
from improv.control.page.keyboard import OLDEST, PageKeyboard
from improv.control.page.tap import MOST, PageTap
from improv.control.server.server_end import ServerEnd
from improv.core.beats.timekeeper import Timekeeper
from improv.core.events import ControlChange, Event, NoteOff, NoteOn, Pulse, Setting, Stop, Transport
from improv.core.harmony import parse_changes
from improv.core.settings import Settings
from improv.learning.setup import learned_again
from improv.models.loader import load_model
from improv.perform.clock import OfflineClock
from improv.perform.observers import KeptTake
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.session import Recorder, Session
from improv.session.again import replayed
from improv.session.header import header_of

SONG = Song(parse_changes("Dm7 | G7 | Cmaj7 | A7"), "Dm7 | G7 | Cmaj7 | A7")
CALL = [
    event
    for i, pitch in enumerate((62, 65, 69, 72, 71, 67, 64, 62))
    for event in (NoteOn(0.25 * i, pitch, 60 + 5 * i, part=1), NoteOff(0.25 * i + 0.2, pitch, part=1))
]


def performed(script: list[Event], watched: bool, recorder: Recorder | None = None, **settings: Any) -> tuple[list[Event], list[list[Any]]]:
    """What is played to a script, and the rows of a tap that watches."""
    setup = PerformerSetup("sax", load_model("pocket"), Settings(**settings), 5)
    performance, take = Performance(PerformanceConfig([setup], SONG), OfflineClock(script)), KeptTake()
    tap = PageTap(performance.performers, performance.timekeeper, performance.clock.now)
    for observer in (take, tap, *([recorder] if recorder else [])):
        performance.observe(observer)
    if watched:
        tap.watch(True)
        performance.rounded = tap.rounded
    performance.run()
    return take.played_events, tap.take()


@pytest.mark.parametrize("mode", ["trade", "solo", "duet", "comp"])
def test_what_is_planned_is_what_is_played_and_watching_changes_nothing(mode: str) -> None:
    script = [*CALL, Stop(12.0)]
    played, rows = performed(script, True, mode=mode, tempo=140.0)
    assert played == performed(script, False, mode=mode, tempo=140.0)[0]
    assert sum(isinstance(e, NoteOn) for e in played) >= 4
    plan: set[tuple[float, int, int]] = set()
    bar = 4 * 60 / 140
    for kind, *row in rows:
        if kind == "plan":
            plan = {(start, pitch, velocity) for start, _, pitch, velocity in row[2]}
        elif kind == "on" and not row[0]:
            _, _, _, pitch, velocity, time, _, _ = row
            if any(e.time == time for e in CALL):  # it was planned by what was heard at this very moment
                continue
            settled_now = mode == "comp" and abs(time / bar - round(time / bar)) < 1e-9  # a bar is settled on its bar line
            assert settled_now or (time, pitch, velocity) in plan


def test_a_turn_is_told_with_its_reason() -> None:
    _, rows = performed([*CALL, Stop(12.0)], True, mode="trade")
    turns = [row[2] for row in rows if row[0] == "plan"]
    waits = [row for row in rows if row[0] == "plan" and row[2] == "player" and row[4] is not None]
    assert waits[-1][4] == waits[-1][3][0][0]  # it enters with its first note
    assert 0.74 <= waits[-1][6] <= 1.0
    assert turns[-1] == "player"  # its answer is over
    assert "improv" in turns


def test_a_heard_chord_is_told_as_a_transposing_player_reads_it() -> None:
    setup = PerformerSetup("sax", load_model("pocket"), Settings(mode="trade"), 5)
    chord = [NoteOn(0.01 * i, pitch, 70, part=1) for i, pitch in enumerate((50, 53, 57, 60))]
    performance = Performance(PerformanceConfig([setup], Song()), OfflineClock([*chord, Stop(4.0)]))
    tap = PageTap(performance.performers, performance.timekeeper, performance.clock.now, symbols_of("Eb"))
    performance.observe(tap)
    performance.rounded = tap.rounded
    tap.watch(True)
    performance.run()
    told = [row[1:3] for row in tap.take() if row[0] == "chord"]
    assert told[-1] == ["Bm7", 2]  # Dm7, as it sounds


def test_while_no_page_is_open_nothing_is_noted() -> None:
    setup = PerformerSetup("sax", load_model("pocket"), Settings(mode="solo"), 5)
    performance = Performance(PerformanceConfig([setup], SONG), OfflineClock([Transport(0.0, "start"), Stop(4.0)]))
    tap = PageTap(performance.performers, performance.timekeeper, performance.clock.now)
    rung: list[bool] = []
    tap.ring = lambda: rung.append(True)
    performance.observe(tap)
    performance.rounded = tap.rounded
    performance.run()
    tap.changed("a port is gone", {}, True)
    assert (tap.take(), rung) == ([], [])


def test_rows_that_nobody_takes_are_dropped_and_that_is_told() -> None:
    tap = PageTap([], Timekeeper(Settings()), lambda: 0.0)
    tap.watch(True)
    tap.take()
    for n in range(MOST + 5):
        tap.played(NoteOn(float(n), 60, 80), 0.0, False)
    rows = tap.take()
    assert rows[0] == ["lost"]
    assert len([row for row in rows if row[0] == "on"]) == MOST
    tap.played(NoteOn(1.0, 60, 80), 0.0, False)
    assert [row[0] for row in tap.take()] == ["on"]


def test_a_note_that_ended_while_no_page_was_open_is_not_told_to_the_next_page_as_sounding() -> None:
    tap = PageTap([], Timekeeper(Settings()), lambda: 0.0)
    told: list[dict[str, Any]] = []
    end = SimpleNamespace(performers=("sax",), listeners=[], tell=told.append, status=None)

    async def pages_come_and_go() -> list[tuple[int, ...]]:
        hub = Hub(cast(ServerEnd, end), ("keys",), (0,), lambda: 0.0)
        sounding = []
        for event in (NoteOn(1.0, 60, 80), NoteOff(2.0, 60), NoteOn(3.0, 64, 80)):
            tap.watch(not tap.on)  # a page, none, a page
            tap.played(event, 0.0, False)
            if tap.on:
                end.listeners[0]({"page": tap.take()})
            sounding.append(tuple(note.pitch for note in hub.account.sounding()))
        return sounding

    assert asyncio.run(pages_come_and_go()) == [(60,), (60,), (64,)]


def test_the_beat_is_told_where_it_is_not_where_it_was_told_to_be() -> None:
    keeper, now = Timekeeper(Settings(tempo=120.0)), [0.0]
    tap = PageTap([], keeper, lambda: now[0])
    tap.watch(True)
    assert tap.take() == [["lost"], ["beat", 0.0, 0.0, 120.0, False, 1, 1.0]]
    keeper.hear(Transport(1.0, "start"), 1.0)
    now[0] = 3.5
    assert tap.take() == [["beat", 3.5, 5.0, 120.0, True, 2, 2.0]]
    now[0] = 9.0
    assert tap.take() == []  # as was to be expected
    keeper.hear(Setting(9.0, "tempo", 60.0), 9.0)
    assert tap.take() == [["beat", 9.0, 16.0, 60.0, True, 5, 1.0]]
    tap.watch(False)
    keeper.hear(Setting(9.0, "tempo", 90.0), 9.0)
    assert tap.take() == []


def test_an_outside_clock_is_looked_at_now_and_then() -> None:
    rung: list[int] = []
    tap = PageTap([], Timekeeper(Settings(clock="midi")), lambda: 0.0)
    tap.watch(True)
    tap.ring = lambda: rung.append(1)
    for n in range(49):
        tap.heard(Pulse(n / 48))
    assert len(rung) == 10


# Keys


def keyboard(now: float) -> tuple[PageKeyboard, list[Event]]:
    heard: list[Event] = []
    return PageKeyboard(1, lambda: now, heard.append), heard


def test_a_stamp_is_believed_as_far_as_it_is_of_this_moment() -> None:
    keys, heard = keyboard(10.0)
    keys.play([["on", 9.99, 60, 80], ["on", 11.0, 61, 81], ["off", 3.0, 60], ["cc", 9.98, 64, 127]])
    assert heard == [
        NoteOn(9.99, 60, 80, 0, 1),
        NoteOn(10.0, 61, 81, 0, 1),
        NoteOff(10.0 - OLDEST, 60, 0, 1),
        ControlChange(9.98, 64, 127, 0, 1),
    ]


def test_keys_and_pedal_come_up_when_nobody_is_there_any_more() -> None:
    keys, heard = keyboard(10.0)
    keys.play([["on", 9.9, 60, 80], ["on", 9.9, 64, 80], ["off", 9.95, 60], ["cc", 9.9, 64, 127]])
    heard.clear()
    keys.release()
    keys.release()
    assert heard == [NoteOff(10.0, 64, 0, 1), ControlChange(10.0, 64, 0, 0, 1)]


def test_what_was_played_on_a_page_replays_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    setup = PerformerSetup("sax", load_model("pocket"), Settings(mode="trade", tempo=140.0), 5)
    played, _ = performed([*CALL, Stop(8.0)], True, Recorder(path, header_of(SONG, [setup]) | {"sources": ["in", "page"]}), tempo=140.0)
    again = replayed(Session(path), None, learned_again)
    assert again.same is True
    assert again.sounded() == played
    assert {line.event.part for line in again.session.lines() if line.side == "heard" and isinstance(line.event, NoteOn)} == {1}
