"""The engine in a host, both without threads and clocks: what it plays depends on the project alone, and lands on its samples."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from fake_host import RATE, FakeHost, Place

from improv.bridge.beginning import Beginning
from improv.bridge.foresight import Announced
from improv.bridge.host_clock import Feed
from improv.bridge.library import EngineState, Record, RecordKind
from improv.bridge.parameters import NUMBERS
from improv.bridge.project import Project
from improv.bridge.takes import Engine
from improv.core.events import HostTime, NoteOn
from improv.core.observer import Observer
from improv.perform.observers import KeptTake
from improv.perform.performers import PerformerSetup, Song
from improv.session import Recorder
from improv.session.again import replayed
from improv.session.header import header_of
from improv.session.reader import Session

MODES = {"trade": 0.0, "solo": 1.0, "echo": 2.0, "comp": 3.0, "duet": 4.0, "bass": 5.0, "drums": 6.0}
BLOCKS = [(32,), (64,), (512,), (2048,), (64, 128, 2048, 100, 32)]
CHANGES = Project("Dm7 | G7 | Cmaj7 | A7").text()
Heard = Sequence[tuple[int, tuple[int, int, int]]]
LINE = (60, 62, 63, 65, 67, 68, 70, 72)


def call(seconds: float, notes: int = 8) -> list[tuple[int, tuple[int, int, int]]]:
    """A line of the player's, four notes a second."""
    found = []
    for i in range(notes):
        on = int((seconds + i * 0.25) * RATE)
        found += [(on, (0x90, LINE[i % 8], 80)), (on + int(0.2 * RATE), (0x80, LINE[i % 8], 0))]
    return found


CALLS = call(0.5) + call(8.1) + call(15.03)


class Perf:
    """A host after an engine has played in it, and its takes."""

    def __init__(self, host: FakeHost):
        self.host, self.takes, self.told = host, list[KeptTake](), list[str]()
        self.setups: list[PerformerSetup] = []

        def begun(song: Song, setup: PerformerSetup) -> Sequence[Observer]:
            self.takes.append(KeptTake())
            self.setups.append(setup)
            return [self.takes[-1]]

        self.engine = Engine(host, Feed(host, host, host.now), begun, self.told.append)
        self.engine.run()

    def notes(self) -> list[tuple[int, int, int]]:
        """Note-ons before the last quarter of a second, which hosts with other blocks may not come to; those of one frame, whose order
        nobody hears, by pitch."""
        return sorted(note for note in self.host.notes if note[0] < self.host.end - RATE / 4)


def play(
    mode: str = "trade",
    seconds: float = 18.0,
    course: Sequence[Place] = (Place(),),
    blocks: Sequence[int] = (64,),
    offline: bool = False,
    heard: Heard = CALLS,
    project: str = "",
    moves: Sequence[tuple[int, str, float]] = (),
    **values: float,
) -> Perf:
    host = FakeHost(heard, list(course), int(seconds * RATE), blocks, offline, {"mode": MODES[mode]} | values, moves, project)
    return Perf(host)


@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize(("mode", "project", "heard"), [("trade", "", CALLS), ("comp", CHANGES, CALLS), ("solo", CHANGES, [])])
def test_what_is_heard_live_is_what_a_bounce_renders_to_the_sample(mode: str, project: str, heard: Heard, blocks: tuple[int, ...]) -> None:
    bounce = play(mode, project=project, heard=heard, blocks=(1000,), offline=True)
    live = play(mode, project=project, heard=heard, blocks=blocks)
    assert len(bounce.notes()) > 10
    assert live.notes() == bounce.notes()
    assert live.takes[0].played_events[:20] == bounce.takes[0].played_events[:20]
    assert live.host.dropped == 0


@pytest.mark.parametrize(("mode", "lowest", "highest"), [("bass", 28, 60), ("drums", 35, 59)])
def test_a_band_is_an_instance_a_member(mode: str, lowest: int, highest: int) -> None:
    bounce = play(mode, project=CHANGES, heard=[], blocks=(1000,), offline=True)
    live = play(mode, project=CHANGES, heard=[], blocks=(512,))
    assert len(bounce.notes()) > 20
    later = [[note for note in one.notes() if note[0] > RATE // 4] for one in (live, bounce)]  # the first beat is known as it comes
    assert later[0] == later[1]
    assert {pitch for _, pitch, _ in bounce.notes()} <= set(range(lowest, highest + 1))
    assert live.setups[0].model_name == mode


def test_notes_land_where_the_music_has_them() -> None:
    host = play("comp", project=CHANGES, blocks=(512,), course=[Place(tempo=137.0)])
    quarter = 60.0 * RATE / 137.0
    places = {round(frame / quarter * 12) / 12 for frame, _, _ in host.host.notes}
    assert len(places) > 10
    expected = {round(event.time * RATE) for event in host.takes[0].played_events if isinstance(event, NoteOn)}
    assert {frame for frame, _, _ in host.host.notes} == expected
    on_the_beat = [frame for frame in expected if abs(frame / quarter - round(frame / quarter)) < 1e-3]
    assert on_the_beat
    assert all(frame == int(round(frame / quarter) * quarter + 0.5) for frame in on_the_beat)


@pytest.mark.parametrize("blocks", BLOCKS[1:])
def test_a_loop_is_foreseen_so_that_its_first_notes_are_in_time(blocks: tuple[int, ...]) -> None:
    course = [Place(tempo=130.0, loop=(0.0, 16.0))]
    bounce = play("comp", 90.0, course, (1000,), True, heard=[], project=CHANGES)
    live = play("comp", 90.0, course, blocks, heard=[], project=CHANGES)
    assert live.host.epoch_now == 14  # twelve jumps
    assert live.notes() == bounce.notes()
    assert [p.late for p in live.host.played if p.bytes[0] == 0x90 and p.late] == []


def test_a_solo_over_a_loop_makes_up_for_nothing_after_a_jump() -> None:
    times = [frame for frame, _, _ in play("solo", 60.0, [Place(tempo=130.0, loop=(0.0, 16.0))], offline=True).host.notes]
    assert len(times) > 100
    assert len(set(times)) == len(times)  # a line: one note at a time


def ramp() -> list[Place]:
    course, position = [], 0.0
    for step in range(500):
        course.append(Place(step * 1024, position, 60.0 + step * 0.36))
        position += 1024 * course[-1].tempo / 60.0 / RATE
    return course


def test_a_ramp_is_followed_to_the_sample() -> None:
    bounce, live = (play("solo", 10.6, ramp(), heard=[], offline=offline).notes() for offline in (True, False))
    assert len(bounce) > 40
    assert [note[1:] for note in live] == [note[1:] for note in bounce]
    assert max(abs(a[0] - b[0]) for a, b in zip(live, bounce, strict=True)) <= 1


def test_a_note_that_was_played_before_it_could_be_moved_is_not_played_twice() -> None:
    """The host goes on for some blocks while the engine, on a busy machine, stands still in the midst of a thought."""
    host = FakeHost([], ramp(), int(10.6 * RATE), (64,), False, {"mode": MODES["solo"]})
    take_back = host.take_back

    def late() -> int:
        for _ in range(6):
            host._hear()
            host._play()
        return take_back()

    host.take_back = late  # type: ignore[method-assign]
    live, bounce = Perf(host).notes(), play("solo", 10.6, ramp(), heard=[], offline=True).notes()
    assert [note[1:] for note in live] == [note[1:] for note in bounce]
    assert max(abs(a[0] - b[0]) for a, b in zip(live, bounce, strict=True)) < 0.01 * RATE


def test_a_jump_takes_back_what_was_planned_and_nothing_hangs() -> None:
    course = [Place(tempo=130.0), Place(int(5.4 * RATE), 41.5, 130.0)]
    bounce, live = (play("solo", 12.0, course, offline=offline, project=CHANGES) for offline in (True, False))
    assert live.notes()[1:] == bounce.notes()[1:]
    assert live.host.epoch_now == 4
    assert len(live.takes) == 1  # one take: the memory goes on


def test_each_start_is_a_take_of_its_own_and_the_same_again() -> None:
    again = int(20 * RATE) + 17
    course = [Place(), Place(int(10 * RATE), 20.0, playing=False), Place(again, 0.0)]
    calls = [(frame + start, message) for start in (0, again) for frame, message in call(0.5)]
    takes = play("trade", 30.0, course, heard=calls)
    first = [(frame, pitch) for frame, pitch, _ in takes.host.notes if frame < again]
    second = [(frame - again, pitch) for frame, pitch, _ in takes.host.notes if frame >= again]
    assert len(first) > 4
    assert second == first
    assert len(takes.takes) == 2
    assert not takes.host.sounding


def test_another_seed_plays_another_answer_and_seed_0_draws_one() -> None:
    pitches = [[pitch for _, pitch, _ in play(seconds=7.0, offline=True, seed=seed).host.notes] for seed in (1, 1, 2)]
    assert pitches[0] == pitches[1] != pitches[2]
    drawn = {play(seconds=1.0, offline=True, seed=0).setups[0].seed for _ in range(3)}
    assert len(drawn) == 3


@pytest.mark.parametrize("blocks", [(64,), (2048,)])
def test_who_comes_back_is_given_way_at_once(blocks: tuple[int, ...]) -> None:
    """What was planned is taken back: from the block after the key on, no note begins until the phrase is over."""
    key = int(3.37 * RATE)  # in the midst of the answer
    host = play("trade", 5.0, heard=[*call(0.5), (key, (0x90, 64, 90))], blocks=blocks).host
    assert any(2.5 * RATE < frame < key for frame, _, _ in host.notes)
    assert [frame for frame, _, _ in host.notes if frame >= key + 2 * blocks[0]] == []
    assert not host.sounding
    last = max(p.frame for p in host.played)
    assert last <= key + 0.5 * RATE + 2 * blocks[0]  # what sounded may end as it was meant to, within a beat


def test_an_echo_comes_within_a_block() -> None:
    host = play("echo", 4.0, heard=call(0.5), project=CHANGES).host
    keys = [frame for frame, message in call(0.5) if message[0] == 0x90]
    echoes = [frame for frame, _, _ in host.notes]
    assert len(echoes) == 8
    assert all(0 < echo - key <= 64 for key, echo in zip(keys, echoes, strict=True))
    assert not host.sounding


def test_parameters_that_move_are_settings_that_are_set() -> None:
    move = int(6 * RATE)
    host = play(
        "solo", 12.0, heard=[], moves=[(move, "low", 60.0), (move, "high", 72.0), (move, "feel", -9.0)], project=CHANGES, offline=True
    )
    later = [pitch for frame, pitch, _ in host.host.notes if frame > move + RATE]
    assert later
    assert all(60 <= pitch <= 72 for pitch in later)
    assert all(setup.settings.clock == "host" for setup in host.setups)


def test_a_wish_for_changes_is_kept_with_the_project_and_heard_at_the_bar_line() -> None:
    keys = [(int(i * RATE), (status, 96, 40)) for i in range(16) for status in (0x90, 0x80)]
    host = FakeHost(keys, [Place()], int(16 * RATE), (64,), True, {"mode": MODES["comp"]}, project=Project("C7", name="Mia").text())
    perf: list[KeptTake] = []
    engine = Engine(host, Feed(host, host, host.now), lambda song, setup: perf.append(KeptTake()) or perf[-1:])
    wait, said = host.wait, []

    def wish(seconds: float) -> None:
        if host.frame >= 8 * RATE and not said:
            said.append(engine.wish({"changes": "Fm7"}))
            said.append(engine.wish({"changes": "nonsense|"}))
            said.append(engine.wish({"bend": 3}))
        wait(seconds)

    host.wait = wish  # type: ignore[method-assign]
    engine.run()
    before, after = ({p % 12 for f, p, _ in host.notes if a <= f < b} for a, b in ((0, 8 * RATE), (10 * RATE, 16 * RATE)))
    assert 4 in before  # the third of C7
    assert 4 not in after
    assert {0, 3, 8} <= after
    assert said[0] == "Mia: changes taken over; save the project to keep it"
    assert "nonsense" in said[1]
    assert "bend" in said[2]
    assert host.kept == [Project("Fm7", name="Mia").text()]


def test_a_project_that_makes_no_sense_is_told_and_music_begins() -> None:
    for text in ("{", "[1]", '{"changes": 7}', '{"changes": "nonsense |"}', '{"model": "../../etc"}', "\0" * 100):
        perf = play("solo", 3.0, heard=[], project=text, offline=True)
        assert perf.told, text
        assert perf.host.notes, text


def test_a_project_whose_model_is_not_on_this_machine_plays_with_another_and_keeps_its_name() -> None:
    perf, usual = (play("solo", 4.0, heard=[], project=text, offline=True) for text in (Project(model="mia").text(), ""))
    assert perf.notes() == usual.notes()
    assert perf.setups[0].model_name == "jazz"
    assert perf.told[0].startswith("the project's model: no model 'mia'")
    assert perf.host.said[-1] == (EngineState.PLAYS, "improv plays solo with jazz; the project's model 'mia' is not on this machine")
    assert perf.host.kept == []  # the project goes back to where its model is
    assert perf.engine.project.model == "mia"


def started(seconds: float = 1.0, at: float = 2.0, **values: float) -> Perf:
    """A host that stands there for a while, and then starts."""
    course = [Place(position=at, playing=False), Place(int(seconds * RATE) + 17, at)]
    return play("solo", seconds + 3.0, course, heard=[], project=CHANGES, **values)


@pytest.mark.parametrize("seed", [3, 11])  # these play at once
@pytest.mark.parametrize("seconds", [0.02, 1.0])
def test_a_note_on_the_very_first_sample_is_in_time_if_there_was_a_moment_to_think(seconds: float, seed: int) -> None:
    host = started(seconds, seed=seed).host
    bounce = play("solo", 3.0, [Place(position=2.0)], heard=[], project=CHANGES, offline=True, seed=seed)
    start = int(seconds * RATE) + 17
    live = [(frame - start, *note) for frame, *note in host.notes if frame - start < 2.5 * RATE]
    expected = [note for note in bounce.host.notes if note[0] < 2.5 * RATE]
    late = 0 if seconds > 0.1 else 64  # the block in which it started
    assert live == [(expected[0][0] + late, *expected[0][1:]), *expected[1:]]
    assert host.taken_back == 0


def test_a_beginning_that_does_not_come_about_is_not_believed_to_have() -> None:
    """The host starts elsewhere, or a parameter moves in the very block of the start."""
    start = int(RATE) + 17
    course = [Place(position=2.0, playing=False), Place(start, 6.0)]
    for moves in ([], [(start, "high", 70.0)]):
        live, bounce = (
            play("solo", 4.0, [replace(p, frame=p.frame) for p in course], heard=[], project=CHANGES, offline=offline, seed=3, moves=moves)
            for offline in (False, True)
        )
        assert live.notes()[1:] == bounce.notes()[1:]
        assert len(live.notes()) == len(bounce.notes())


def test_the_seed_that_is_drawn_for_a_beginning_is_that_of_the_take() -> None:
    for _ in range(5):
        perf = started(seed=0)
        assert all(p.late == 0 for p in perf.host.played if p.bytes[0] == 0x90)
        assert perf.host.taken_back == 0


def test_of_a_beginning_that_was_taken_back_only_what_was_played_already_is_known() -> None:
    notes = tuple(Announced(NoteOn(frame / RATE, 60 + frame, 80), frame, 0) for frame in (0, 64, 640))
    record = Record(frame=1000, generation=3, epoch=7)
    for generation, reached, known in ((3, 1000, [1000, 1064, 1640]), (4, 1128, [1000, 1064]), (4, 1000, [])):
        told = Beginning(1, 1, notes).announced(record, generation, reached)
        assert [(note.frame, note.epoch) for note in told] == [(frame, 7) for frame in known]


def test_parameters_that_somebody_sets_are_told_to_the_host_and_hold_for_the_next_take() -> None:
    host = FakeHost([], [Place(), Place(int(8 * RATE), 16.0, playing=False), Place(int(9 * RATE), 0.0)], int(14 * RATE), (64,), True)
    perf: list[PerformerSetup] = []
    engine = Engine(host, Feed(host, host, host.now), lambda song, setup: perf.append(setup) or ())
    wait, said = host.wait, []

    def wish(seconds: float) -> None:
        if host.frame >= 3 * RATE and not said:
            said.append(engine.wish({"set": {"mode": "solo", "low": 72, "high": "84"}, "changes": "Cmaj7"}))
            said.append(engine.wish({"set": {"low": 80}}))
            said.append(engine.wish({"set": {"mode": "yodel"}}))
            said.append(engine.wish({"set": 3}))
        wait(seconds)

    host.wait = wish  # type: ignore[method-assign]
    engine.run()
    assert host.changed == [(NUMBERS["high"], 84.0), (NUMBERS["mode"], 1.0), (NUMBERS["low"], 72.0)]
    assert [setup.settings.mode for setup in perf[-2:]] == ["trade", "solo"]
    assert host.notes
    assert all(72 <= pitch <= 84 for _, pitch, _ in host.notes)
    assert said[0] == "improv: high, mode, low, changes taken over; save the project to keep it"
    assert said[1] == "low 80 and high 84: the range must span an octave"
    assert "yodel" in said[2]
    assert said[3] == "set: expected names and values"


def test_an_engine_that_is_started_anew_goes_on_where_the_host_is() -> None:
    host = FakeHost([], [Place(tempo=100.0)], int(12 * RATE), (64,), False, {"mode": MODES["comp"]}, project=CHANGES)
    for _ in range(2000):  # without an engine
        host.wait(0.0)
        host.ring.clear()
    quarter = 60.0 * RATE / 100.0
    perf = Perf(host)
    beat = [frame / quarter for frame, _, _ in perf.host.notes]
    assert all(abs(12 * b - round(12 * b)) * quarter < 12 for b in beat)
    first = perf.takes[0].heard_events[0]
    assert isinstance(first, HostTime)
    assert first.position == pytest.approx(2000 * 64 / quarter)


def test_a_take_is_recorded_and_replays_bit_for_bit(tmp_path: Path) -> None:
    kept: list[Recorder] = []

    def begun(song: Song, setup: PerformerSetup) -> Sequence[Observer]:
        kept.append(Recorder(tmp_path / f"{len(kept)}.jsonl", header_of(song, [setup])))
        return kept[-1:]

    course = [Place(tempo=130.0, loop=(0.0, 8.0)), Place(int(9 * RATE), 40.0, 90.0, metre=(3, 4), bar_start=40.0)]
    host = FakeHost(CALLS, course, int(18 * RATE), (64,), False, {"mode": MODES["trade"]}, [(int(2 * RATE), "temperature", 0.5)], CHANGES)
    Engine(host, Feed(host, host, host.now), begun).run()
    found = replayed(Session(kept[-1].path or ""), None, lambda path, learns, model: None)
    assert found.same
    assert len(found.now[0]) > 10


def test_garbage_in_the_ring_ends_no_performance() -> None:
    rng = random.Random(3)
    host = FakeHost(CALLS, [Place()], int(9 * RATE), (64,), False)
    wait = host.wait

    def torn(seconds: float) -> None:
        wait(seconds)
        if host.frame < 8 * RATE:
            record = Record(
                frame=host.heard_frame - rng.choice((0, 1, 10**12)),
                kind=rng.choice((0, 1, 3, 9, int(RecordKind.LOST))),
                size=rng.randrange(70),
            )
            record.bytes[:] = [rng.randrange(256) for _ in range(4)]
            record.value[:] = [rng.choice((float("nan"), float("inf"), -1e300, 0.5)) for _ in range(5)]
            host.ring.append(record)

    host.wait = torn  # type: ignore[method-assign]
    perf = Perf(host)
    assert not perf.told
    assert EngineState.FAILS not in [state for state, _ in host.said]
