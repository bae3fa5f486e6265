"""What the page's server is made of, part by part: who may come in, what is served, the notes' account, the scene, charts."""

from __future__ import annotations

import os
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from improv.control.commands import FILE, PAGE, by_way
from improv.control.config.errors import ConfigError
from improv.control.config.reading import load_config
from improv.control.kept import page_tokens
from improv.control.page.charts import NO_CHART, bars_of, chart_of, checked, chord_at, chords_of, tone_of
from improv.control.page.doors import read_doors
from improv.control.page.files import POLICY, answer, static_files
from improv.control.page.messages import NO_MESSAGE, Ask, Join, Notes, On, Scene, read_message, written
from improv.control.page.notes import NoteAccount
from improv.control.page.page_end import told_changes
from improv.control.page.parts import NoteOffNews, NoteOnNews, Planned, Sounding, TurnNow
from improv.control.page.scene import SceneNow, turn_now
from improv.control.page.table import command_infos, setting_infos
from improv.control.requests import RequestError, read_request
from improv.control.status import InputStatus, PerformerStatus, Status
from improv.core.harmony import HarmonyError, parse_changes
from improv.core.metres import FOUR, Metres
from improv.core.settings import SETTINGS

STEER, WATCH = "s" * 22, "w" * 22
TOKENS = {"steer": STEER, "watch": WATCH}

# Doors


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8420", True),
        ("[::1]:8420", True),
        ("localhost", True),
        ("LOCALHOST:8420", True),
        ("192.168.1.7:8420", True),
        ("stage.local", True),
        ("evil.example", False),  # a name that somebody has made point here
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("", False),
        (None, False),
        ("[::1", False),
        ("a" * 300, False),
    ],
)
def test_a_host_is_an_address_or_a_name_that_was_said(host: str | None, known: bool) -> None:
    assert read_doors(TOKENS | {"hosts": ["Stage.local"]}).knows(host) is known


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("http://127.0.0.1:8420", True),
        ("https://127.0.0.1:8420", True),  # behind somebody's TLS
        ("http://127.0.0.1:3000", False),  # another program's page on this machine
        ("http://localhost:8420", False),  # another name than was asked for
        ("https://evil.example", False),
        ("null", False),  # a file, a sandbox
        ("file://127.0.0.1:8420", False),
        ("http://[", False),
        (None, False),
    ],
)
def test_an_origin_is_the_page_that_was_served_under_this_host(origin: str | None, ours: bool) -> None:
    assert read_doors(TOKENS).is_ours(origin, "127.0.0.1:8420") is ours


def test_a_token_says_what_one_may() -> None:
    doors = read_doors(TOKENS | {"allow": ["10.0.0.0/8"]})
    assert [doors.may(t) for t in (STEER, WATCH, "", STEER[:-1], STEER + "s", "ß" * 22)] == ["steer", "watch", None, None, None, None]
    assert [doors.let_in(a) for a in ("10.1.2.3", "127.0.0.1", "")] == [True, False, False]


@pytest.mark.parametrize("tokens", [{}, {"steer": STEER}, {"steer": "short", "watch": WATCH}, {"steer": STEER, "watch": STEER}])
def test_without_two_good_tokens_there_is_no_page(tokens: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="two tokens of 16 characters"):
        read_doors(tokens)


@pytest.mark.parametrize(
    ("panel", "wrong"),
    [
        ('listen = "stage"', "'stage': expected an address"),
        ('allow = ["home"]', "'home': expected an address or a network"),
        ('token = "short"', "improv.toml:3: control, panel, token"),
        ('token = "0123456789abcdef"\nwatch_token = "0123456789abcdef"', "the same as `token`: whoever watched could steer"),
    ],
)
def test_a_panel_that_would_stand_open_or_shut_is_told(tmp_path: Path, panel: str, wrong: str) -> None:
    path = tmp_path / "improv.toml"
    path.write_text(f"\n[control.panel]\n{panel}\n")
    with pytest.raises(ConfigError) as e:
        load_config(path)
    assert wrong in str(e.value)
    assert "short" not in str(e.value)  # tokens are in no log


def test_tokens_are_made_up_once_and_are_the_users_alone(tmp_path: Path) -> None:
    said: list[str] = []
    tokens = page_tokens(tmp_path, said.append)
    assert page_tokens(tmp_path, said.append) == tokens
    assert len(set(tokens)) == 2
    assert (tmp_path / "page.json").stat().st_mode & 0o077 == 0 or os.name == "nt"
    assert said == []
    (tmp_path / "page.json").write_text('{"steer": "x", "watch": "x"}')
    assert page_tokens(tmp_path, said.append) != tokens
    assert "no tokens as improv writes them" in said[0]


# Files


def test_files_are_served_as_they_are_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    pages = {"index.html": b"<p>", "inner/app.js": b"1", ".hidden.js": b"2", "notes.py": b"3"}
    for name, body in pages.items():
        (tmp_path / name).write_bytes(body)
    (tmp_path.parent / "outside.txt").write_text("secret")
    files = static_files(tmp_path)
    assert sorted(files) == ["/index.html", "/inner/app.js"]
    for target in ("/", "/index.html", "/?x=1"):
        found = answer(files, target, None)
        assert (found.status, found.body, found.headers["Content-Type"]) == (HTTPStatus.OK, b"<p>", "text/html; charset=utf-8")
        assert found.headers["Content-Security-Policy"] == POLICY
        again = answer(files, target, found.headers["ETag"])
        assert (again.status, again.body) == (HTTPStatus.NOT_MODIFIED, b"")
    assert answer(files, "/inner/app.js", None).headers["Content-Type"] == "text/javascript; charset=utf-8"
    for target in (
        "/../outside.txt",
        "/inner/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/.hidden.js",
        "/notes.py",
        "//index.html",
        "x",
        "",
    ):
        assert answer(files, target, None).status == HTTPStatus.NOT_FOUND
    assert "unsafe" not in POLICY


# Messages


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"type": "shutdown"}',
        '{"type": "on", "time": 1.0, "pitch": 128, "velocity": 80}',
        '{"type": "on", "time": 1.0, "pitch": 60, "velocity": 0}',
        '{"type": "on", "time": 1e400, "pitch": 60, "velocity": 80}',
        '{"type": "on", "time": NaN, "pitch": 60, "velocity": 80}',
        '{"type": "on", "time": "1", "pitch": 60, "velocity": 80}',
        '{"type": "control", "time": 1.0, "control": 120, "value": 0}',
        '{"type": "ask", "id": -1, "request": {}}',
        '{"type": "ask", "id": 1, "request": []}',
        '{"type": "join", "token": 7}',
        "[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(NO_MESSAGE):
        read_message(text)


def test_messages_are_read_and_written_as_the_page_does() -> None:
    assert read_message('{"type": "on", "time": 1.5, "pitch": 60, "velocity": 80}') == On(1.5, 60, 80)
    assert read_message('{"type": "join", "token": "abc"}') == Join("abc")
    assert read_message('{"type": "ask", "id": 7, "request": {"do": "panic"}}') == Ask(7, {"do": "panic"})
    on = NoteOnNews(1, "improv", 2.0, 62, 70, tone="chord")
    assert written(Notes((on,), {"improv": ()})) == (
        '{"type":"notes","events":[{"is":"on","id":1,"source":"improv","time":2.0,"pitch":62,"velocity":70,"tone":"chord"}],'
        '"plans":{"improv":[]}}'
    )


def test_every_setting_and_every_command_of_the_page_is_told_with_what_it_takes() -> None:
    infos = {info.name: info for info in setting_infos()}
    assert list(infos) == list(SETTINGS)
    for name, row in SETTINGS.items():
        info = infos[name]
        assert (info.default, info.help, info.group, info.when, info.whose) == (row.default, row.help, row.group, row.when, row.whose)
        assert (info.choices or (info.low, info.high)) == row.limits
    assert infos["mode"].meanings["duet"] == "a line beside yours that leaves room"
    assert [c.name for c in command_infos()] == [row.name for row in by_way(PAGE)]
    assert {"stop", "reload", "page", "status"}.isdisjoint(c.name for c in command_infos())
    assert all(field.kind != FILE for c in command_infos() for field in c.fields)


@pytest.mark.parametrize(
    "request_",
    [
        {"do": "stop"},
        {"do": "reload"},
        {"do": "page"},
        {"do": "status"},
        {"do": "capture", "file": "/etc/passwd"},
        {"do": "model", "name": "../../elsewhere"},
        {"do": "model", "name": "/tmp/model"},
        {"do": "set", "name": "model", "value": "jazz"},
        {"do": "save", "name": "../x"},
        {"do": "changes", "text": "x" * 20_001},
        {"do": "changes", "text": "Dm7\x1b[2J"},
    ],
)
def test_a_page_can_do_no_more_than_its_rows_say(request_: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        read_request(request_, ["improv"], PAGE)


def test_changes_may_have_lines() -> None:
    assert read_request({"do": "changes", "text": "Dm7 | G7\r\n\tCmaj7 "}, [], PAGE) == {"do": "changes", "text": "Dm7 | G7\n Cmaj7"}


# Charts


def test_a_chart_has_its_chords_and_its_bars() -> None:
    chart = checked("Dm7 G7 | Cmaj7 | % | Cmaj7 A7", FOUR)
    assert [(c.position, c.symbol) for c in chart.chords] == [(0.0, "Dm7"), (2.0, "G7"), (4.0, "Cmaj7"), (14.0, "A7")]
    assert chart.bars == (("Dm7", "G7"), ("Cmaj7",), ("%",), ("%", "A7"))
    assert (chart.length, chart.bar, chart.loops) == (16.0, 4.0, True)
    assert chart.chords[1].tones == (2, 5, 7, 11)
    assert chart == chart_of(told_changes(parse_changes(chart.text)), 4.0)
    assert [chord_at(chart, p).symbol for p in (0.0, 1.99, 2.0, 13.9, 15.9, 16.0, -0.5)] == ["Dm7", "Dm7", "G7", "Cmaj7", "A7", "Dm7", "A7"]
    assert [tone_of(p, chart.chords[0]) for p in (62, 64, 61)] == ["chord", "scale", "outside"]
    assert (chart_of(None, 4.0), checked("  ", FOUR), chord_at(NO_CHART, 0.0), tone_of(60, None)) == (NO_CHART, NO_CHART, None, None)
    waltz = parse_changes("C | F", Metres.of(3, 4))
    assert bars_of(chords_of(waltz), waltz.length, 3.0) == (("C",), ("F",))


def test_a_chart_whose_metre_changes_has_bars_of_their_own_lengths() -> None:
    changes = parse_changes("3/4 C | F | 4/4 G Am | % | 7/8 C")
    assert changes.metres
    chart = chart_of(told_changes(changes, changes.metres), 3.0)
    assert chart.lines == ((0.0, 3), (3.0, 3), (6.0, 4), (10.0, 4), (14.0, 7))
    assert chart.bars == (("C",), ("F",), ("G", "Am"), ("G", "Am"), ("C",))
    assert chart.length == 17.5


def test_changes_that_are_no_changes_say_where() -> None:
    with pytest.raises(HarmonyError) as e:
        checked("Dm7 | Qx", 4.0)
    assert e.value.position == 6


# Notes


def account() -> NoteAccount:
    return NoteAccount(["in", "page"], ["improv"], lambda pitch, time: "chord" if pitch % 2 else None, {60: 3}.get)


def test_a_note_has_one_number_from_its_plan_to_its_end() -> None:
    notes = account()
    first = notes.take([["plan", 0, "player", [[1.0, 1.5, 61, 80]], 1.0, 2.0, 0.9]])
    assert first == Notes(plans={"improv": (Planned(1, 1.0, 1.5, 61, 80, "chord"),)})
    moved = notes.take([["plan", 0, "player", [[1.02, 1.52, 61, 80]], 1.02, 2.0, 0.9]])
    assert moved == Notes(plans={"improv": (Planned(1, 1.02, 1.52, 61, 80, "chord"),)})
    struck = notes.take(
        [
            ["on", False, 0, 0, 61, 80, 1.02, 0.0003, False],
            ["plan", 0, "improv", [[2.0, 2.5, 62, 70]], None, None, None],
        ]
    )
    on = NoteOnNews(1, "improv", 1.02, 61, 80, end=1.52, tone="chord", late=0.0003)
    assert struck == Notes((on,), {"improv": (Planned(2, 2.0, 2.5, 62, 70),)})
    assert notes.sounding() == (Sounding(1, "improv", 61, 80, 1.02, tone="chord"),)
    ended = notes.take([["off", False, 0, 0, 61, 1.5], ["plan", 0, "player", [], None, None, None]])
    assert ended == Notes((NoteOffNews(1, 1.5, 61, "improv"),), {"improv": ()})  # the second was withdrawn
    assert notes.sounding() == ()
    assert notes.take([["plan", 0, "player", [], None, None, None], ["beat", 1.0, 2.0, 120.0, True, 1, 1.0]]) is None


def test_a_heard_note_says_whose_key_it_was_and_one_that_is_struck_again_ends_first() -> None:
    notes = account()
    rows = [
        ["on", True, 1, 0, 60, 80, 1.0, 0.0, False],
        ["on", True, 1, 0, 60, 90, 2.0, 0.0, False],
        ["on", True, 0, 0, 60, 90, 2.0, 0.0, False],
        ["off", True, 1, 0, 61, 2.5],
    ]
    told = notes.take(rows)
    assert told is not None
    assert told.events == (
        NoteOnNews(1, "page", 1.0, 60, 80, heard=True, page=3),
        NoteOffNews(1, 2.0, 60, "page", heard=True),
        NoteOnNews(2, "page", 2.0, 60, 90, heard=True, page=3),
        NoteOnNews(3, "in", 2.0, 60, 90, heard=True),
    )


# The scene


def test_a_scene_tells_what_is_new_and_only_once() -> None:
    scene = SceneNow(["improv"], [2])
    status = Status(
        clock="midi",
        sure=0.5,
        heard=3,
        waits="waiting for your first note",
        performers={"improv": PerformerStatus("comp", "jazz", 0.7, "FLUID", False, settings={"mode": "comp", "temperature": 0.7})},
        inputs={"in": InputStatus("Keystation", False), "page": InputStatus("1 page open")},
    )
    scene.status(status)
    scene.rows([["beat", 10.0, 4.0, 120.0, True, 2, 1.0], ["plan", 0, "player", [], 11.0, 3.0, 0.871]])
    told = scene.changed()
    assert told.waits == "waiting for your first note"
    assert told.missing == ("input in (Keystation)", "output of improv (FLUID)")
    assert told.performers is not None
    improv = told.performers["improv"]
    assert (improv.mode, improv.channel, improv.there) == ("comp", 3, False)
    assert improv.settings == {name: row.default for name, row in SETTINGS.items()} | {"mode": "comp", "temperature": 0.7}
    assert told.beat is not None
    assert (told.beat.clock, told.beat.lock, told.beat.position) == ("midi", "sure to 50%", 4.0)
    assert told.turns == {"improv": TurnNow("player", "phrase over at 0.87, enters on beat 3", 0.871, 11.0, 3.0)}
    assert scene.changed() == Scene()
    scene.status(status)
    assert not scene.news
    scene.status(status._replace(waits=None, sure=1.0))
    told = scene.changed()
    assert (told.waits, told.beat.lock if told.beat else None, told.performers) == ("", "locked", None)
    whole = scene.whole(True)
    assert (whole.whole, whole.lost, whole.waits, whole.chart) == (True, True, "", NO_CHART)


def test_tones_go_by_the_chart_at_the_notes_time_or_by_the_chord_that_is_held() -> None:
    scene = SceneNow(["improv"], [0])
    assert scene.tone(60, 1.0) is None
    scene.rows([["chord", "C", 0, [0, 4, 7], [0, 2, 4, 5, 7, 9, 11]], ["beat", 10.0, 0.0, 60.0, True, 1, 1.0]])
    assert [scene.tone(p, 10.0) for p in (60, 62, 61)] == ["chord", "scale", "outside"]
    scene.house({"changes": told_changes(parse_changes("C | Db")), "bar": 4.0})
    assert [scene.tone(60, t) for t in (10.0, 14.5, 18.5)] == ["chord", "scale", "chord"]
    scene.house({"changes": None})
    scene.rows([["chord", "NC", None, [], []]])
    assert scene.tone(60, 10.0) is None


def test_a_transposing_player_reads_and_writes_the_changes_in_a_key_of_his_own() -> None:
    scene = SceneNow(["improv"], [0])
    scene.house({"instrument": "Eb", "changes": told_changes(parse_changes("[A] Dm7 G7/B | Cmaj7"), instrument="Eb"), "bar": 4.0})
    chart = scene.whole(True).chart
    assert chart
    assert (chart.text, chart.bars) == ("[A] Bm7 E7/G# | Amaj7", (("Bm7", "E7/G#"), ("Amaj7",)))
    assert scene.sounding(chart.text) == "[A] Dm7 G7/B | Cmaj7"
    assert scene.sounding("Bm7 | H7") == "Dm7 | H7"  # what can't be read is told as it was typed
    scene.house({"instrument": "C"})
    assert scene.sounding("Bm7") == "Bm7"


@pytest.mark.parametrize(
    ("turn", "why"),
    [
        (("player", 3.0, 3.0, 0.87), "phrase over at 0.87, enters on beat 3"),
        (("player", 3.0, 1.5, None), "enters on beat 1.5"),
        (("improv", None, None, None), "improv plays"),
        (("player", None, None, None), "your turn"),
        (("nobody", None, None, None), ""),
    ],
)
def test_a_turn_says_why(turn: tuple[Any, ...], why: str) -> None:
    assert turn_now(*turn).why == why
