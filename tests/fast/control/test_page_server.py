"""Pages and the server that they talk with, over real sockets; the performance only replies. Nothing of it is slept through."""

from __future__ import annotations

import asyncio
import base64
import socket as sockets
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from fake_performance import STATUS, FakePerformance, performing
from page_client import STEER, WATCH, PageClient, fetch, page
from websockets.exceptions import ConnectionClosed, InvalidStatus

from improv.control.page import connection, page_server
from improv.control.page.page_end import told_changes
from improv.control.status import PerformerStatus, as_json
from improv.core.events import NoteOff, NoteOn
from improv.core.harmony import parse_changes
from improv.core.settings import SETTINGS, Settings
from improv.models.loader import load_model
from improv.perform.clock import OfflineClock
from improv.perform.performance import Performance, PerformanceConfig
from improv.perform.performers import PerformerSetup, Song
from improv.session import Recorder
from improv.session.header import header_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake performance listens on a Unix socket")
SECTION = {
    "listen": "127.0.0.1",
    "port": 0,
    "steer": STEER,
    "watch": WATCH,
    "inputs": ["keys", "page"],
    "channels": [0, 1],
    "sounds": False,
}


def run(talk: Coroutine[Any, Any, None]) -> None:
    """Whole, or not at all after a minute."""
    asyncio.run(asyncio.wait_for(talk, 60))


def section(folder: Path, **more: Any) -> dict[str, Any]:
    return SECTION | {"folder": str(folder), "zero": perf_counter()} | more


def told(fake: FakePerformance, what: str) -> list[Any]:
    return [line[what] for line in fake.said if what in line]


async def until(what: Any) -> None:
    while not what():
        await asyncio.sleep(0)


@asynccontextmanager
async def two_pages(fake: FakePerformance) -> AsyncIterator[tuple[PageClient, PageClient]]:
    async with page(fake.ready["page"]) as one, page(fake.ready["page"]) as other:
        yield one, other


async def closed_with(client: PageClient) -> str:
    """The reason with which the server closes; what it sent before is read."""
    try:
        while True:
            await client.next("refused")
    except ConnectionClosed as e:
        return e.rcvd.reason if e.rcvd else "without a word"


def test_a_page_is_greeted_and_told_how_it_stands(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"]) as client:
            hello = await client.next("hello")
            assert (hello["may"], hello["version"], hello["page"], hello["sounds"]) == ("steer", 1, 1, False)
            assert [row["name"] for row in hello["settings"]] == list(SETTINGS)
            assert "panic" in [row["name"] for row in hello["commands"]]
            await until(lambda: told(fake, "pages") == [1])
            fake.tell({"house": {"title": "Blue", "metre": [4, 4], "bar": 4.0, "changes": told_changes(parse_changes("Dm7 | G7"))}})
            fake.tell({"page": [["beat", 1.0, 0.0, 120.0, True, 1, 1.0], ["said", "a port is back", False]]})
            assert (await client.next("said"))["text"] == "a port is back"
            whole = next(m for m in client.got if m.get("whole"))
            assert (whole["performers"]["right"]["mode"], whole["counts"]["heard"], "lost" in whole) == ("comp", 40, False)
            async with page(fake.ready["page"]) as late:  # who comes later is told the same
                scene = await late.next("scene", lambda m: m.get("whole", False))
                assert (scene["title"], scene["chart"]["bars"], scene["beat"]["tempo"]) == ("Blue", [["Dm7"], ["G7"]], 120.0)
                assert "jazz" in scene["models"]
            await until(lambda: told(fake, "pages") == [1, 2, 1])

    run(talk())


def test_keys_of_a_page_reach_the_performance_and_are_let_go_when_it_goes(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake:
            async with page(fake.ready["page"]) as client:
                await client.say("on", time=1.0, pitch=60, velocity=80)
                await client.say("off", time=1.5, pitch=60)
                await client.say("off", time=1.6, pitch=61)  # which was never down
                await client.say("on", time=2.0, pitch=64, velocity=90)
                await client.say("control", time=2.0, control=64, value=127)
                await until(lambda: len(told(fake, "play")) == 4)
                async with page(fake.ready["page"]) as other:  # holds one of them as well
                    await other.say("on", time=2.5, pitch=64, velocity=70)
                    await until(lambda: len(told(fake, "play")) == 5)
                    await client.socket.close()
                    await until(lambda: len(told(fake, "play")) == 6)
                await until(lambda: len(told(fake, "play")) == 7)
            rows = [row for play in told(fake, "play") for row in play]
            assert rows[:5] == [["on", 1.0, 60, 80], ["off", 1.5, 60], ["on", 2.0, 64, 90], ["cc", 2.0, 64, 127], ["on", 2.5, 64, 70]]
            assert [row[0:1] + row[2:] for row in rows[5:]] == [["cc", 64, 0], ["off", 64]]

    run(talk())


def test_notes_and_plans_come_as_they_are_told(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"]) as client:
            await client.next("hello")
            await client.say("on", time=1.0, pitch=60, velocity=80)
            await until(lambda: told(fake, "play"))
            fake.tell({"page": [["on", True, 1, 0, 60, 80, 1.0, 0.0, False], ["plan", 0, "player", [[2.0, 2.5, 62, 70]], 2.0, 1.0, 0.9]]})
            first = await client.next("notes", lambda m: bool(m.get("events")))
            (on,) = first["events"]
            assert (on["is"], on["source"], on["heard"], on["page"]) == ("on", "page", True, 1)
            (plan,) = first["plans"]["left"]
            async with page(fake.ready["page"]) as late:  # is told what sounds, and the plan after it
                scene = await late.next("scene", lambda m: m.get("whole", False))
                assert [(n["id"], n["pitch"]) for n in scene["sounding"]] == [(on["id"], 60)]
                assert (await late.next("notes"))["plans"]["left"] == [plan]
            fake.tell({"page": [["on", False, 0, 0, 62, 70, 2.0, 0.0001, False]]})
            (note,) = (await client.next("notes", lambda m: bool(m.get("events"))))["events"]
            assert (note["id"], note["end"]) == (plan["id"], 2.5)

    run(talk())


def test_every_setting_that_a_page_changes_arrives_and_comes_back(tmp_path: Path) -> None:
    def other(name: str) -> Any:
        row = SETTINGS[name]
        return row.limits[-1] if name != "low" else 40

    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"]) as client:
            await client.next("hello")
            for number, name in enumerate(SETTINGS):
                assert (await client.ask(number, do="set", name=name, value=other(name)))["ok"] is True
            assert fake.asked == [{"do": "set", "name": name, "value": other(name)} for name in SETTINGS]
            now = {name: other(name) for name in SETTINGS}
            left = PerformerStatus(now["mode"], "jazz", now["temperature"], settings=now)
            fake.tell({"status": as_json(STATUS._replace(performers={"left": left, "right": left}))})
            scene = await client.next("scene", lambda m: m.get("performers", {}).get("left", {}).get("mode") == now["mode"])
            assert scene["performers"]["left"]["settings"] == now

    run(talk())


def test_what_can_not_be_is_refused_with_words(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"]) as client:
            wrong = await client.ask(1, do="set", name="temperature", value=9)
            assert (wrong["ok"], wrong["error"]) == (False, "temperature 9.0: expected from 0.05 to 3")
            assert (await client.ask(2, do="stop"))["error"].startswith("do 'stop': expected one of set, mode")
            assert (await client.ask(3, do="capture", file="/tmp/x"))["error"].startswith("capture: unknown field 'file'")
            assert (await client.ask(4, do="model", name="/tmp/x"))["error"].endswith("a model is chosen by its name, not by a path")
            await client.say("check", id=5, text="Dm7 | Qx")
            checked = await client.next("reply")
            assert (checked["ok"], checked["at"]) == (False, 6)
            assert checked["error"].startswith("changes, column 7: chord 'Qx'")
            await client.say("check", id=6, text="Dm7 | C7")
            assert (await client.next("reply"))["chart"]["bars"] == [["Dm7"], ["C7"]]
            assert fake.asked == []

    run(talk())


def test_who_watches_sees_all_and_changes_nothing(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"], WATCH) as client:
            hello = await client.next("hello")
            assert (hello["may"], hello["settings"], hello["commands"]) == ("watch", [], [])
            await client.say("on", time=1.0, pitch=60, velocity=80)
            await client.say("control", time=1.0, control=64, value=127)
            for number, asked in enumerate(({"do": "panic"}, {"do": "set", "name": "tempo", "value": 90})):
                assert "only watches" in (await client.ask(number, **asked))["error"]
            await client.say("sessions", id=7)
            assert (await client.next("reply"))["ok"] is False
            await client.say("ping", page=123.5)
            assert (await client.next("pong"))["page"] == 123.5
            fake.tell({"page": [["on", False, 0, 0, 62, 70, 2.0, 0.0, False]]})
            assert (await client.next("notes"))["events"][0]["pitch"] == 62
            assert (told(fake, "play"), fake.asked) == ([], [])

    run(talk())


@pytest.mark.parametrize("token", ["", "wrong", STEER[:-1], STEER + "x"])
def test_without_the_token_nothing_is_told(tmp_path: Path, token: str) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"], token) as client:
            assert "no token that is known here" in await closed_with(client)
            assert [m["type"] for m in client.got] == ["refused"]
            assert told(fake, "pages") == []

    run(talk())


@pytest.mark.parametrize("first", ['{"type":"ping","page":1}', "rubbish", '{"type":"join"}', "[" * 50_000])
def test_the_first_message_is_the_token(tmp_path: Path, first: str) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"], None) as client:
            await client.socket.send(first)
            assert "no token" in await closed_with(client)

    run(talk())


def test_who_says_nothing_is_shown_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server, "JOINING", 0.05)

    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake:
            async with page(fake.ready["page"], None) as client:
                assert "no token" in await closed_with(client)
            assert await fetch(fake.ready["page"], "GET / HTTP/1.1", end="") == b""  # a head that never ends

    run(talk())


def test_a_page_of_another_version_is_told_to_reload(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"], None) as client:
            await client.say("join", token=STEER, version=99)
            assert await closed_with(client) == "this page is of version 99, improv of 1: reload the page"

    run(talk())


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:3000", "null", None])
def test_a_page_of_another_origin_gets_no_socket(tmp_path: Path, origin: str | None) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake:
            with pytest.raises(InvalidStatus) as e:
                async with page(fake.ready["page"], origin=origin):
                    pass
            assert e.value.response.status_code == 403

    run(talk())


def test_a_name_that_was_made_to_point_here_gets_nothing(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake:
            port = fake.ready["page"]
            for path in ("/", "/socket"):
                head = f"GET {path} HTTP/1.1\nHost: evil.example:{port}\nOrigin: http://evil.example:{port}"
                assert (await fetch(port, head)).startswith(b"HTTP/1.1 421 ")
            assert (await fetch(port, "GET / HTTP/1.1")).startswith(b"HTTP/1.1 4")  # none at all
            assert (await fetch(port, f"GET / HTTP/1.1\nHost: 127.0.0.1:{port}\nHost: localhost")).startswith(b"HTTP/1.1 421 ")
            found = await fetch(port, f"GET /nothing HTTP/1.1\nHost: 127.0.0.1:{port}")
            assert found.startswith(b"HTTP/1.1 404 ")
            assert b"Content-Security-Policy: default-src 'none'" in found
            assert (await fetch(port, f"POST / HTTP/1.1\nHost: 127.0.0.1:{port}")).startswith(b"HTTP/1.1 405 ")

    run(talk())


def test_from_an_address_that_is_not_allowed_nobody_comes_in(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path, allow=["10.0.0.0/8"])) as fake:
            with pytest.raises((OSError, EOFError, ConnectionClosed, InvalidStatus, Exception)):
                async with page(fake.ready["page"]):
                    pass

    run(talk())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("x" * (page_server.SIZE + 1), "frame with"),
        ("rubbish", "not a message of version 1"),
        ('{"type":"on","time":1.0,"pitch":200,"velocity":1}', "not a message of version 1"),
    ],
)
def test_a_message_that_is_none_ends_this_page_and_no_other(tmp_path: Path, said: str, why: str) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, two_pages(fake) as (good, bad):
            await bad.next("hello")
            await bad.socket.send(said)
            assert (await closed_with(bad)).startswith(why)
            assert (await good.ask(1, do="panic"))["ok"] is True

    run(talk())


def test_a_flood_ends_this_page_and_no_other(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, two_pages(fake) as (good, bad):
            await bad.next("hello")
            await asyncio.gather(*(bad.say("ping", page=1.0) for _ in range(3 * int(connection.BURST))), return_exceptions=True)
            assert await closed_with(bad) == "too many messages"
            assert (await good.ask(1, do="panic"))["ok"] is True

    run(talk())


def test_ten_pages_are_told_the_same_and_the_thirty_third_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server, "MOST_PAGES", 10)

    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake:
            doors = [page(fake.ready["page"]) for _ in range(10)]
            clients = [await door.__aenter__() for door in doors]
            for client in clients:
                await client.next("scene", lambda m: m.get("pages") == 10 or m.get("whole", False))
            fake.tell({"page": [["on", False, 1, 0, 62, 70, 2.0, 0.0, False]]})
            heard = [await client.next("notes", lambda m: bool(m.get("events"))) for client in clients]
            assert all(notes == heard[0] for notes in heard)
            assert heard[0]["events"][0]["source"] == "right"
            async with page(fake.ready["page"]) as one_more:
                refused = await one_more.next("refused")
                assert (refused["why"], refused["again"]) == ("10 pages are open already; close one", True)
            for door in doors:
                await door.__aexit__(None, None, None)

    run(talk())


def test_a_page_that_does_not_read_loses_news_and_never_holds_anybody_up(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake:
            port = fake.ready["page"]
            narrow = sockets.socket()
            narrow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
            narrow.connect(("127.0.0.1", port))
            narrow.setblocking(False)
            async with page(port) as good, page(port, sock=narrow, max_queue=1) as slow:
                await slow.next("scene", lambda m: m.get("whole", False))
                await good.next("hello")
                text = "x" * 900
                for number in range(2000):
                    fake.tell({"page": [["said", f"{number} {text}", False]]})
                    await good.next("said")
                fake.tell({"page": [["on", False, 0, 0, 62, 70, 2.0, 0.0, False]]})
                await good.next("notes", lambda m: bool(m.get("events")))
                scene = await slow.next("scene", lambda m: m.get("lost", False))
                assert (scene["whole"], [n["pitch"] for n in scene["sounding"]]) == (True, [62])
                said = sum(m["type"] == "said" for m in slow.got)
                assert said < 2000  # the rest is lost, and nothing waits for it
                assert (await slow.ask(1, do="panic"))["ok"] is True

    run(talk())


def test_the_best_of_many_pings_finds_the_performances_clock(tmp_path: Path) -> None:
    async def talk() -> None:
        zero = perf_counter() - 1000.0
        async with performing(tmp_path, page=section(tmp_path, zero=zero)) as fake, page(fake.ready["page"]) as client:
            found = []
            for _ in range(40):
                await client.say("ping", page=perf_counter())
                pong = await client.next("pong")
                now = perf_counter()
                found.append((now - pong["page"], pong["time"] - (now + pong["page"]) / 2 + zero))
            trip, error = min(found)
            assert abs(error) <= trip / 2

    run(talk())


def test_lost_rows_are_told_as_lost(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"]) as client:
            await client.next("hello")
            fake.tell({"page": [["on", False, 0, 0, 62, 70, 2.0, 0.0, False]]})
            await client.next("notes", lambda m: bool(m.get("events")))
            fake.tell({"page": [["lost"], ["on", False, 0, 0, 64, 70, 3.0, 0.0, False]]})
            scene = await client.next("scene", lambda m: m.get("lost", False))
            assert [n["pitch"] for n in scene["sounding"]] == [64]

    run(talk())


# Sessions


def recorded(folder: Path) -> str:
    """A session that was played; its name."""
    model = load_model("pocket")
    setup = PerformerSetup("sax", model, Settings(mode="trade"), 5)
    song = Song(parse_changes("Dm7 | G7"), "Dm7 | G7")
    script = [e for i, p in enumerate((62, 65, 69, 67)) for e in (NoteOn(0.5 * i, p, 80, part=1), NoteOff(0.5 * i + 0.4, p, part=1))]
    path = folder / "2026-11-28T10-00-00-1.jsonl"
    recorder = Recorder(path, header_of(song, [setup]) | {"title": "Blue", "sources": ["in", "page"]})
    Performance(PerformanceConfig([setup], song), OfflineClock(script), observers=[recorder]).run()
    return path.name


def test_sessions_are_listed_looked_at_and_had_as_midi(tmp_path: Path) -> None:
    name = recorded(tmp_path)
    (tmp_path / "presets.json").write_text("{}")

    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"]) as client:
            await client.say("sessions", id=1)
            (row,) = (await client.next("reply"))["sessions"]
            assert (row["name"], row["title"], row["heard"], row["state"]) == (name, "Blue", 4, "whole")
            await client.say("session", id=2, name=name)
            session = (await client.next("reply"))["session"]
            assert [n[2] for n in session["notes"] if n[4] == -1] == [62, 65, 69, 67]
            assert len([n for n in session["notes"] if n[4] == 0]) == row["played"] > 0
            assert session["chart"]["bars"] == [["Dm7"], ["G7"]]
            assert all(n[5] in ("chord", "scale", "outside") for n in session["notes"] if n[4] == 0)
            await client.say("session_midi", id=3, name=name)
            reply = await client.next("reply")
            assert reply["file"] == "2026-11-28T10-00-00-1.mid"
            assert base64.b64decode(reply["midi"]).startswith(b"MThd")
            for number, other in enumerate(("../presets.json", "presets.json", "/etc/passwd", "none.jsonl", "\0.jsonl"), 10):
                await client.say("session", id=number, name=other)
                reply = await client.next("reply")
                assert (reply["ok"], "is kept here" in reply["error"]) == (False, True)

    run(talk())


def test_another_model_answers_what_was_played(tmp_path: Path) -> None:
    name = recorded(tmp_path)

    async def talk() -> None:
        async with performing(tmp_path, page=section(tmp_path)) as fake, page(fake.ready["page"]) as client:
            await client.say("session_midi", id=1, name=name, model="jazz")
            reply = await client.next("reply")
            assert (reply["ok"], reply["file"]) == (True, "2026-11-28T10-00-00-1-jazz.mid")
            await client.say("session_midi", id=2, name=name, model="nobody")
            assert "no model 'nobody'" in (await client.next("reply"))["error"]
            await client.say("session_midi", id=3, name=name, model="/tmp/x")
            assert "by its name" in (await client.next("reply"))["error"]

    run(talk())


def test_a_capture_comes_with_its_file(tmp_path: Path) -> None:
    cut = tmp_path / "last.mid"
    cut.write_bytes(b"MThd and so on")

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "file": str(cut)}

    async def talk() -> None:
        async with performing(tmp_path, answer, page=section(tmp_path)) as fake, page(fake.ready["page"]) as client:
            reply = await client.ask(1, do="capture", bars=4)
            assert (reply["file"], base64.b64decode(reply["midi"])) == ("last.mid", b"MThd and so on")
            assert fake.asked == [{"do": "capture", "bars": 4}]

    run(talk())


def test_a_port_that_is_taken_is_said_and_the_rest_works(tmp_path: Path) -> None:
    async def talk() -> None:
        with sockets.create_server(("127.0.0.1", 0)) as taken:
            async with performing(tmp_path, page=section(tmp_path, port=taken.getsockname()[1])) as fake:
                assert fake.ready["page"] is None
                assert any("page can't listen on 127.0.0.1" in line for line in told(fake, "log"))

    run(talk())
