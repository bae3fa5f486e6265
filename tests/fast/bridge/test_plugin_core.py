"""The plugin's C core, without a host: what the engine planned is played at its sample, and nothing sounds on when the music breaks."""

from __future__ import annotations

import ctypes
import random
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from plugin_core import (
    ACTIVATED,
    BEAT,
    BYPASSED,
    JUMPED,
    LOOPED,
    LOOPING,
    LOST,
    MIDI,
    OFFLINE,
    PARAMETER,
    PLAYING,
    PREPARED,
    RATE,
    RESTORED,
    STARTED,
    STOPPED,
    SWITCHED,
    TRANSPORT,
    WENT_ON,
    Event,
    Host,
    hosting,
)

from improv.bridge.parameters import NUMBERS, PARAMETERS


def on(pitch: int, velocity: int = 80) -> bytes:
    return bytes((0x90, pitch, velocity))


def off(pitch: int) -> bytes:
    return bytes((0x80, pitch, 0))


def event(kind: int, size: int, number: int, message: bytes) -> Event:
    made = Event(kind=kind, size=size)
    made.bytes[:] = [*message, number]
    return made


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plugin")


@pytest.fixture
def idle(folder: Path) -> Iterator[Host]:
    with hosting(folder) as host:
        yield host


@pytest.fixture
def host(idle: Host) -> Host:
    """A host that plays, and an engine that has heard all of its beginning."""
    idle.activate()
    idle.run(64)
    idle.told()
    return idle


# Notes land on their sample


@pytest.mark.parametrize("block", [1, 32, 64, 512, 2048, "changing"])
def test_each_note_leaves_at_the_frame_it_was_planned_for(host: Host, block: int | str) -> None:
    rng = random.Random(5)
    size = (lambda: rng.choice((1, 17, 32, 64, 100, 512, 2048))) if block == "changing" else int(block)
    planned = []
    for number in range(60):
        start = 4096 + number * 331
        planned += [(start, on(40 + number % 40)), (start + 300, off(40 + number % 40))]
    host.plan(*planned)
    assert host.play(30000, size) == sorted(planned, key=lambda e: e[0])


def test_events_of_one_frame_keep_the_order_in_which_they_were_planned(host: Host) -> None:
    planned = [(500, on(60)), (700, off(60)), (700, on(60)), (700, on(64)), (900, off(64)), (900, off(60))]
    host.plan(*planned)
    assert host.play(1024) == planned


def test_what_comes_a_little_late_is_played_at_once_and_what_comes_too_late_not_at_all(host: Host) -> None:
    host.play(9600)
    host.plan((host.frame - 100, on(60)), (host.frame - RATE // 10, on(62)), (host.frame - 90, off(60)))
    now = host.frame
    assert host.run(64) == [(now, on(60)), (now, off(60))]
    assert (host.word(164, "<I"), host.word(184, "<I")) == (1, 2)


def test_a_full_buffer_of_the_host_delays_notes_and_loses_none(host: Host) -> None:
    planned = [(200, on(pitch)) for pitch in range(40, 60)] + [(210, off(pitch)) for pitch in range(40, 60)]
    host.plan(*planned)
    host.most = 6
    played = host.play(2000)
    assert sorted(m for _, m in played) == sorted(m for _, m in planned)
    assert host.word(180, "<I") == 0


# What was planned is taken back


def test_a_player_who_comes_back_takes_back_what_was_planned_but_no_note_off(host: Host) -> None:
    host.plan((300, on(60)), (900, off(60)), (1000, on(62)), (1400, off(62)))
    assert host.play(448) == [(300, on(60))]
    host.lib.improv_engine_take_back(host.engine)
    assert host.play(2000) == [(900, off(60))]
    assert host.word(172, "<I") == 1


def test_the_note_off_of_a_note_that_was_ended_early_does_not_cut_the_next_one(host: Host) -> None:
    host.plan((300, on(60)), (900, off(60)))
    host.play(448)
    host.lib.improv_engine_take_back(host.engine)
    host.plan((600, off(60)), (700, on(60)), (1200, off(60)))
    assert host.play(2000) == [(600, off(60)), (700, on(60)), (1200, off(60))]


# All notes off where the music breaks


def sounding(host: Host) -> None:
    host.plan((host.frame + 10, on(60)), (host.frame + 20, bytes((0x91, 64, 90))), (host.frame + 30, bytes((0xB0, 64, 127))))
    assert len(host.run(64)) == 3
    host.plan((host.frame + 5000, off(60)), (host.frame + 5000, on(72)), (host.frame + 5600, off(72)))


CLOSED = [off(60), bytes((0xB0, 64, 0)), bytes((0x81, 64, 0))]


@pytest.mark.parametrize("why", ["stop", "jump", "jump back", "bypass", "offline"])
def test_all_that_sounds_is_closed_where_the_music_breaks_and_what_was_planned_is_forgotten(host: Host, why: str) -> None:
    sounding(host)
    before, now = host.epoch, host.frame
    if why == "stop":
        host.flags = 0
    elif why == "offline":
        host.flags |= OFFLINE
    elif why == "bypass":
        host.lib.improv_plugin_set(host.plugin, 0, NUMBERS["bypass"], 1)
    else:
        host.position += 1 if why == "jump" else -0.03
    assert host.run(64) == [(now, message) for message in CLOSED]
    assert host.epoch == before + 2
    assert host.play(10000) == []


def test_a_deactivated_plugin_closes_what_sounded_when_it_goes_on(host: Host) -> None:
    sounding(host)
    host.lib.improv_plugin_deactivate(host.plugin)
    host.activate()
    assert [message for _, message in host.run(64)] == CLOSED
    assert host.play(10000) == []


def test_an_engine_without_a_heartbeat_for_100_ms_is_silenced(host: Host) -> None:
    sounding(host)
    now = host.frame
    host.word(192, "<q", host.lib.improv_now_ns() - 100_000_000)
    assert host.run(64) == [(now, message) for message in CLOSED]
    assert host.play(10000) == []
    host.forever()
    host.plan((host.frame + 100, on(60)))
    assert len(host.play(200)) == 1, "it goes on when the engine does"


def test_panic_from_the_host_silences_at_its_sample(host: Host) -> None:
    sounding(host)
    assert host.run(64, [(17, bytes((0xB0, 120, 0)))]) == [(host.frame - 64 + 17, message) for message in CLOSED]


def test_one_hundred_rounds_of_a_loop_hang_no_note_and_lose_no_downbeat(host: Host) -> None:
    host.loop, host.flags = (0.0, 1.0), PLAYING | LOOPING
    host.play(BEAT - host.frame % BEAT, 512)  # to the loop's end
    played = []
    for _ in range(100):
        start, now = host.frame, host.epoch + 1  # the new round's is counted as its first block comes
        host.plan((start + 100, on(60)), (start + BEAT + 500, off(60)), epoch=now)
        host.plan((start + BEAT, on(64)), (start + BEAT + 50, off(64)), epoch=now + 1)
        played.append([(frame - start, message) for frame, message in host.play(BEAT, 480)])
    assert host.word(180, "<I") == 1
    assert played[0] == [(100, on(60))]
    assert played[1:] == [[(0, off(60)), (0, on(64)), (50, off(64)), (100, on(60))]] * 99


@pytest.mark.parametrize("block", [64, 500, 2048])
def test_a_loop_that_ends_within_a_block_breaks_at_its_sample(host: Host, block: int) -> None:
    host.plan((1000, on(60)), (90000, off(60)))
    host.loop, host.flags = (0.0, 1.0), PLAYING | LOOPING
    played = host.play(BEAT + 4096, block)
    assert played == [(1000, on(60)), (BEAT, off(60))]
    why = [(e.frame, e.bytes[2]) for e in host.told() if e.kind == TRANSPORT]
    assert why == [(64, WENT_ON), (BEAT, LOOPED)]


def test_notes_planned_for_after_a_loop_are_not_played_if_it_does_not_come(host: Host) -> None:
    host.plan((1000, on(60)), epoch=host.epoch)
    host.plan((2000, on(62)), (3000, off(60)), epoch=host.epoch + 1)
    assert host.play(5000) == [(1000, on(60)), (3000, off(60))]


def test_where_a_loop_ends_and_the_host_stops_nothing_of_the_next_round_is_played(host: Host) -> None:
    host.flags, host.loop = PLAYING | LOOPING, (0.0, 4.0)
    host.position = 4.0 - 64 / BEAT
    host.run(64)
    host.plan((host.frame, on(60)), (host.frame + 10, on(62)), epoch=host.epoch + 1)
    host.flags, host.position = LOOPING, 0.0
    assert host.play(640) == []


# What the engine is told


def told(host: Host) -> list[tuple[object, ...]]:
    """Frame, kind, and what it says."""
    lines: list[tuple[object, ...]] = []
    for e in host.told():
        if e.kind == TRANSPORT:
            lines.append((e.frame, "transport", e.bytes[2], round(e.value[0], 6), e.value[1], e.bytes[0], e.size))
        elif e.kind == MIDI:
            lines.append((e.frame, bytes(e.bytes[: e.size])))
        elif e.kind == PARAMETER:
            lines.append((e.frame, PARAMETERS[e.size].symbol, e.value[0]))
        else:
            lines.append((e.frame, {ACTIVATED: "activated", RESTORED: "restored", LOST: "lost"}[e.kind], *e.value[:2]))
    return lines


def test_the_engine_is_told_each_change_of_the_transport_once_and_in_order_with_what_is_heard(idle: Host) -> None:
    idle.activate(longest=64)
    idle.flags = 0
    idle.run(64)
    idle.flags = PLAYING
    idle.run(64, [(5, on(60)), (40, off(60))])
    idle.play(640)
    idle.tempo = 90.0
    idle.run(64)
    idle.numerator = 3
    idle.run(64)
    idle.position = 40.0
    idle.run(64)
    idle.flags = 0
    idle.run(64)
    beats = 704 / BEAT
    later = beats + 64 / RATE * 1.5
    assert told(idle) == [
        (0, "activated", RATE, 64),
        (0, "transport", SWITCHED, 0.0, 120.0, 4, 0),
        (64, "transport", STARTED, 0.0, 120.0, 4, PLAYING),
        (69, on(60)),
        (104, off(60)),
        (768, "transport", WENT_ON, round(beats, 6), 90.0, 4, PLAYING),
        (832, "transport", WENT_ON, round(later, 6), 90.0, 3, PLAYING),
        (896, "transport", JUMPED, 40.0, 90.0, 3, PLAYING),
        (960, "transport", STOPPED, round(40 + 64 / RATE * 1.5, 6), 90.0, 3, 0),
    ]


def test_a_host_that_starts_and_goes_offline_at_once_has_started(host: Host) -> None:
    for flags, why in ((0, STOPPED), (PLAYING | OFFLINE, STARTED), (0, STOPPED)):
        host.flags = flags
        host.run(64)
        assert [e.bytes[2] for e in host.told() if e.kind == TRANSPORT] == [why]


def test_a_tempo_that_rises_over_the_blocks_is_no_jump(host: Host) -> None:
    host.plan((100, on(60)))
    for step in range(200):
        host.tempo = 60.0 + 0.9 * step
        assert off(60) not in [message for _, message in host.run(2048)]
        assert all(e.bytes[2] == WENT_ON for e in host.told() if e.kind == TRANSPORT)


def test_a_position_that_creeps_away_is_told_before_it_is_off_by_two_samples(host: Host) -> None:
    for _ in range(40):
        host.position += 0.1 * host.tempo / 60 / RATE
        host.run(64)
    frames = [e.frame for e in host.told() if e.kind == TRANSPORT]
    assert {later - earlier for earlier, later in pairwise(frames)} == {704}, "eleven blocks"
    assert len(frames) >= 3


def test_parameters_come_with_their_frame_and_those_that_others_set_with_the_next_block(host: Host) -> None:
    host.lib.improv_plugin_want(host.plugin, NUMBERS["temperature"], 0.7)
    host.lib.improv_plugin_set(host.plugin, 20, NUMBERS["density"], 0.1 + 0.2)
    host.run(64, [(10, on(50))])
    assert told(host) == [(64, "temperature", 0.7), (74, on(50)), (84, "density", 0.3)]
    host.lib.improv_plugin_set(host.plugin, 20, NUMBERS["density"], 0.3)
    host.run(64)
    assert told(host) == []


def test_a_flood_loses_notes_but_tells_so_and_keeps_places_for_note_offs(host: Host) -> None:
    for _ in range(3):
        host.run(64, [(i % 64, on(i % 128)) for i in range(400)])
    host.run(64, [(1, off(60))])
    lines = told(host)
    assert len(lines) < 1024
    assert lines[-1] == (256 + 1, off(60))
    host.run(64)
    assert [line[1] for line in told(host)] in ([], ["lost"])
    assert "lost" in [line[1] for line in lines] or host.word(160, "<I") > 0


def test_an_engine_that_slept_through_a_flood_still_learns_where_the_host_is(host: Host) -> None:
    for turn in range(600):
        host.lib.improv_plugin_activate(host.plugin, RATE, 64)
        host.position, host.flags = float(turn), PLAYING * (turn % 2)
        host.run(64, [(i, on(60)) for i in range(3)])
    host.flags, host.position = PLAYING, 7.0
    host.lib.improv_plugin_activate(host.plugin, RATE, 512)
    host.run(64)
    host.told()
    host.run(64)
    assert [line[1:4] for line in told(host) if line[1] != "lost"] == [
        ("activated", RATE, 512),
        ("transport", SWITCHED, round(7 + 64 / BEAT, 6)),
    ]
    host.run(64)
    assert told(host) == []


def test_messages_that_are_of_no_channel_or_too_short_are_not_heard(host: Host) -> None:
    host.run(64, [(0, b"\xf8"), (0, b"\xf0\x01\xf7"), (0, b"\x40\x40\x40"), (0, b"\x90\x40"), (0, b""), (3, b"\xc0\x05")])
    assert told(host) == [(67, b"\xc0\x05")]


def test_what_is_heard_is_passed_on_if_asked(host: Host) -> None:
    host.lib.improv_plugin_set(host.plugin, 0, NUMBERS["thru"], 1)
    host.plan((host.frame + 20, on(72)))
    start = host.frame
    assert host.run(64, [(10, on(60)), (30, off(60))]) == [(start + 10, on(60)), (start + 20, on(72)), (start + 30, off(60))]


# State, and a life


def test_a_state_goes_round_with_words_and_the_engines_own_text(folder: Path, idle: Host) -> None:
    idle.activate()
    for name, value in {"mode": 3, "temperature": 0.35, "density": -1.5, "seed": 77, "loudness": -12}.items():
        idle.lib.improv_plugin_want(idle.plugin, NUMBERS[name], value)
    idle.lib.improv_engine_put_text(idle.engine, b'{"a": 1,\n"b": 2}', 16)
    text = idle.state()
    assert text.splitlines()[:4] == ["improv state 1", f"instance={idle.path.stem}", "mode=comp", "trade=0"]
    assert {"temperature=0.35", "density=-1.5", "seed=77", "loudness=-12"} <= set(text.splitlines())
    assert text.endswith('engine={"a": 1,\n"b": 2}')
    with hosting(folder) as other:
        assert other.put_state(text)
        other.activate()
        assert other.path != idle.path, "a copy of a track is an instance of its own"
        assert other.state().splitlines()[2:] == text.splitlines()[2:]
        other.run(64)
        assert [line[1] for line in told(other)][:2] == ["activated", "restored"]


@pytest.mark.parametrize("text", ["", "improv state", "improv state 2\nmode=comp\n", "<xml/>", "\0" * 30])
def test_what_is_no_state_changes_nothing(idle: Host, text: str) -> None:
    before = idle.state()
    assert not idle.put_state(text)
    assert idle.state() == before


def test_of_a_state_unknown_lines_words_and_numbers_are_skipped(idle: Host) -> None:
    assert idle.put_state("improv state 1\nmode=yodel\nfuture=1\ntemperature=99\nlow=x\nhigh=70\nseed")
    lines = idle.state().splitlines()
    assert {"mode=trade", "temperature=3", "low=50", "high=70", "seed=1"} <= set(lines)


def test_a_host_that_scans_finds_nothing_made_and_one_that_closes_nothing_left(folder: Path) -> None:
    with hosting(folder) as host:
        host.state()
        host.run(64)
        assert host.path == Path()
        host.activate()
        assert host.path.stat().st_mode & 0o777 == 0o600
        assert host.lib.improv_engine_life(host.engine) == 1
        host.lib.improv_plugin_deactivate(host.plugin)
        assert host.lib.improv_engine_life(host.engine) == 2
        path = host.path
    assert not list(path.parent.glob(f"{path.stem}.*"))


def test_an_engine_that_outlives_its_plugin_leaves_nothing(folder: Path) -> None:
    with hosting(folder) as host:
        host.activate()
        host.lib.improv_plugin_free(host.plugin)
        assert host.lib.improv_engine_life(host.engine) == 3
        host.lib.improv_engine_close(host.engine)
        assert not list(host.path.parent.glob(f"{host.path.stem}.*"))
        host.plugin, host.engine = host.lib.improv_plugin_new(), None


def test_a_second_engine_is_refused_and_so_are_files_that_are_none(folder: Path, host: Host, tmp_path: Path) -> None:
    why = ctypes.create_string_buffer(200)

    def refused(path: Path) -> bytes:
        assert not host.lib.improv_engine_open(str(path).encode(), b"", why, 200)
        return why.value

    assert refused(host.path) == b"another engine serves it"
    assert refused(tmp_path / "none.ring") == b"No such file or directory"
    (tmp_path / "short.ring").write_bytes(b"improv\r\n" * 100)
    assert refused(tmp_path / "short.ring").endswith(b"of another version, or torn")
    size = len(host.words)
    (tmp_path / "empty.ring").write_bytes(bytes(size))
    assert refused(tmp_path / "empty.ring") == b"no file of the plugin"
    (tmp_path / "later.ring").write_bytes(b"improv\r\n" + struct.pack("<II", 9, size) + bytes(size - 16))
    assert refused(tmp_path / "later.ring") == b"the plugin has layout 9, this improv layout 1: run improv plugin install"
    assert struct.unpack_from("<I", (tmp_path / "later.ring").read_bytes(), 16) == (1,), "the plugin learns why"


def test_sample_rate_and_block_size_may_change_from_one_activation_to_the_next(host: Host) -> None:
    host.rate = 96000
    host.activate(1024)
    host.run(1024)
    assert told(host)[0] == (64, "activated", 96000, 1024)
    host.plan((host.frame + 3000, on(60)))
    assert host.play(4096, 1024) == [(64 + 1024 + 3000, on(60))]


def test_a_file_that_was_tidied_away_is_made_anew_at_the_next_activation(folder: Path, host: Host) -> None:
    host.lib.improv_engine_put_text(host.engine, b"words", 5)
    gone = host.path
    gone.unlink()
    host.run(64)  # goes on with what it has
    before = set(gone.parent.glob("*.ring"))
    assert host.lib.improv_plugin_activate(host.plugin, RATE, 512)
    assert host.lib.improv_engine_life(host.engine) == 3, "the engine that served it may go"
    assert len(set(gone.parent.glob("*.ring")) - before) == 1
    assert host.state().endswith("engine=words")


# A beginning that was prepared


@pytest.fixture
def standing(host: Host) -> Host:
    """A host whose transport stands at quarter 8."""
    host.flags, host.position = 0, 8.0
    host.run(64)
    host.told()
    return host


def begun(host: Host) -> tuple[list[tuple[int, bytes]], int]:
    """What is played in the first blocks after the host started, from there on, and the number that the engine is told."""
    start, host.flags = host.frame, PLAYING
    played = host.play(640)
    (number,) = [e.bytes[3] for e in host.told() if e.kind == TRANSPORT and e.bytes[2] == STARTED]
    return [(frame - start, message) for frame, message in played], number


def test_a_prepared_beginning_is_played_from_the_first_sample_on(standing: Host) -> None:
    standing.prepare(7, 8.0, (0, on(60)), (0, on(64)), (300, off(60)))
    standing.run(64)
    assert begun(standing) == ([(0, on(60)), (0, on(64)), (300, off(60))], 7)
    standing.flags = 0
    assert standing.run(64) == [(standing.frame - 64, off(64))]
    assert begun(standing) == ([], 0), "it was for one start"


def test_a_beginning_may_be_taken_back_like_all_that_is_planned(standing: Host) -> None:
    standing.prepare(1, 8.0, (0, on(60)), (400, on(64)))
    standing.run(64)
    standing.flags = PLAYING
    start = standing.frame
    assert standing.run(64) == [(start, on(60))]
    standing.lib.improv_engine_take_back(standing.engine)
    assert standing.play(640) == []


@pytest.mark.parametrize("why", ["elsewhere", "tempo", "metre", "parameter", "mixed", "older", "offline", "bypass", "anew", "rubbish"])
def test_a_beginning_for_anything_else_is_not_played(standing: Host, why: str) -> None:
    standing.prepare(7, 8.0, (0, on(60)))
    standing.run(64)
    if why == "elsewhere":
        standing.position = 8.01
    elif why == "tempo":
        standing.tempo = 121.0
    elif why == "metre":
        standing.numerator = 3
    elif why == "parameter":
        standing.lib.improv_plugin_set(standing.plugin, 0, NUMBERS["mode"], 3.0)
    elif why == "mixed":
        standing.prepare(8, 8.0, (0, on(60)), (10, on(61)))
        standing.lib.improv_engine_put(standing.engine, event(PREPARED, 3, 9, on(61)), 1)
    elif why == "older":
        standing.lib.improv_plugin_want(standing.plugin, NUMBERS["mode"], 3.0)
        standing.run(64)
        standing.prepare(8, 8.0, (0, on(60)), taken=standing.word(1664, "<I"))
    elif why == "offline":
        standing.flags |= OFFLINE
    elif why == "bypass":
        standing.lib.improv_plugin_want(standing.plugin, NUMBERS["bypass"], 1.0)
    elif why == "anew":
        standing.prepare(8, 8.0)
        standing.run(64)
        assert begun(standing) == ([], 8), "nothing begins there, and the engine is told that this was known"
        return
    else:
        standing.prepare(8, 8.0, (0, b"\xf0\x00\x00"))
    standing.run(64)
    assert begun(standing) == ([], 0)


# Parameters that the engine changes


def moved(host: Host) -> list[int]:
    numbers = (ctypes.c_int * 64)()
    return list(numbers[: host.lib.improv_plugin_moved(host.plugin, numbers, 64)])


def test_a_parameter_that_the_engine_changes_is_the_hosts_and_the_engine_is_not_told_again(host: Host) -> None:
    mode, seed, density = NUMBERS["mode"], NUMBERS["seed"], NUMBERS["density"]
    host.lib.improv_plugin_want(host.plugin, seed, 9.0)
    host.run(64)
    host.told()
    for number, value in ((mode, 3.0), (seed, 1.0), (density, -0.5), (density, -0.75)):
        host.lib.improv_engine_set_parameter(host.engine, number, value)
    host.run(64)
    assert moved(host) == [mode, density, seed]
    assert moved(host) == []
    assert [host.lib.improv_plugin_get(host.plugin, n) for n in (mode, seed, density)] == [3.0, 1.0, -0.75]
    assert {"mode=comp", "seed=1", "density=-0.75"} <= set(host.state().splitlines())
    host.lib.improv_plugin_set(host.plugin, 0, mode, 3.0)  # what the host's knob says once it has moved
    host.run(64)
    assert host.told() == []


def test_what_the_host_says_later_counts_and_the_engine_may_set_the_same_again(host: Host) -> None:
    mode = NUMBERS["mode"]
    for _ in range(2):
        host.lib.improv_engine_set_parameter(host.engine, mode, 0.0)
        host.run(64)
        assert host.lib.improv_plugin_get(host.plugin, mode) == 0.0
        host.lib.improv_plugin_want(host.plugin, mode, 2.0)
        host.run(64)
        assert [(e.size, e.value[0]) for e in host.told() if e.kind == PARAMETER] == [(mode, 2.0)]
    assert moved(host) == [mode]


@pytest.mark.parametrize("value", [float("nan"), 1e300, -1e300])
def test_a_value_that_makes_no_sense_is_brought_within_its_limits(host: Host, value: float) -> None:
    host.lib.improv_engine_set_parameter(host.engine, NUMBERS["density"], value)
    host.run(64)
    assert -2.0 <= host.lib.improv_plugin_get(host.plugin, NUMBERS["density"]) <= 2.0


# A torn file, a hostile engine


def test_whatever_stands_in_the_file_only_messages_of_channels_leave_at_offsets_of_the_block(host: Host) -> None:
    rng = random.Random(7)
    for _ in range(300):
        for _ in range(rng.randrange(1, 40)):
            place = rng.choice((rng.randrange(192, 256), rng.randrange(1600, 1860), rng.randrange(69632, 135168)))
            host.words[place] = rng.randrange(256)
        frames = rng.choice((1, 64, 512))
        start = host.frame
        for frame, message in host.run(frames):
            assert start <= frame < start + frames
            assert 0x80 <= message[0] < 0xF0
            assert all(byte < 128 for byte in message[1:])


def test_bypassed_flags_reach_the_engine_and_nothing_is_passed_on(host: Host) -> None:
    host.lib.improv_plugin_set(host.plugin, 0, NUMBERS["bypass"], 1)
    host.lib.improv_plugin_set(host.plugin, 0, NUMBERS["thru"], 1)
    assert host.run(64, [(3, on(60))]) == []
    assert [line for line in told(host) if line[1] == "transport"] == [
        (64, "transport", SWITCHED, round(64 / BEAT, 6), 120.0, 4, PLAYING | BYPASSED)
    ]
