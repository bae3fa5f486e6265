"""Whole conversations with the server, a performance that only replies at the other end of its pipe. Nothing of it is slept through."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from fake_performance import STATUS, asks, performing, phone, says
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from pythonosc.osc_message import OscMessage

from improv.control import local_socket
from improv.control.server import local, server_end
from improv.control.server.osc import BUNDLE, write_message
from improv.control.server.osc_addresses import target_of
from improv.control.server.process import open_socket
from improv.control.status import as_json

LOOPBACK = {"listen": "127.0.0.1", "port": 0}


def run(talk: Coroutine[Any, Any, None]) -> None:
    """Whole, or not at all after a minute."""
    asyncio.run(asyncio.wait_for(talk, 60))


def test_a_conversation_over_the_local_socket(tmp_path: Path) -> None:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        known = request.get("name") != "wild"
        return {"ok": True, "text": "done"} if known else {"ok": False, "error": "no preset 'wild'; there are calm"}

    async def talk() -> None:
        async with performing(tmp_path, answer) as fake:
            assert stat.S_IMODE(fake.path.stat().st_mode) == 0o600
            lines = [
                b'{"do": "set", "name": "temperature", "value": "0.9"}\n',
                b'\n{"do": "preset", "name": "wild"}\n',
                b'{"do": "set", "name": "temperature", "value": 9}\n',
                b"what?\n",
                b'{"do": "panic"',
            ]
            assert await says(fake.path, *lines) == [
                {"ok": True, "text": "done"},
                {"ok": False, "error": "no preset 'wild'; there are calm"},
                {"ok": False, "error": "temperature 9.0: expected from 0.05 to 3"},
                {"ok": False, "error": "not a line of JSON in UTF-8"},
            ]
            assert fake.asked == [{"do": "set", "name": "temperature", "value": 0.9}, {"do": "preset", "name": "wild"}]

    run(talk())


def test_the_status_is_the_latest_and_the_performance_is_not_asked(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path) as fake:
            fake.tell({"status": as_json(STATUS._replace(bar=4))})
            while (reply := await asks(fake.path, do="status"))["status"]["bar"] != 4:
                pass
            assert (reply["ok"], reply["status"], fake.asked) == (True, as_json(STATUS._replace(bar=4)), [])
            assert 0 <= reply["age"] < 10
            assert reply["control"]["connections"] >= 1

    run(talk())


def test_a_status_after_a_request_knows_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_end, "TAKEN_UP", 0.0)
    monkeypatch.setattr(server_end, "FRESH", 60.0)

    async def talk() -> None:
        async with performing(tmp_path) as fake:
            await asks(fake.path, do="mark")
            asked = asyncio.create_task(asks(fake.path, do="status"))
            await asks(fake.path, do="mark")
            fake.tell({"status": as_json(STATUS._replace(bar=9))})
            assert (await asked)["status"]["bar"] == 9

    run(talk())


def test_the_server_ends_with_the_pipe_and_whoever_waits_is_told(tmp_path: Path) -> None:
    async def talk() -> None:
        asked = asyncio.Event()

        def silent(request: dict[str, Any]) -> None:
            asked.set()

        async with performing(tmp_path, silent) as fake:
            waiting = asyncio.create_task(asks(fake.path, do="panic"))
            await asked.wait()
        assert await waiting == {"ok": False, "error": "the performance has ended"}

    run(talk())


def test_a_performance_that_does_not_reply_holds_nobody_up_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_end, "PATIENCE", 0.1)

    async def talk() -> None:
        async with performing(tmp_path, lambda request: None) as fake:
            assert await asks(fake.path, do="reload") == server_end.SILENT
            assert (await asks(fake.path, do="status"))["ok"] is True

    run(talk())


def test_replies_and_lines_that_mean_nothing_are_passed_over(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path) as fake:
            for odd in ([], {"id": 99, "reply": {"ok": True}}, {"id": [1], "reply": {}}, {"status": 7}, "x"):
                fake.tell(odd)
            fake.writer.write(b"\xff{\n[" + b"[" * 5000 + b"\n")
            assert await asks(fake.path, do="panic") == {"ok": True, "text": "panic it is"}

    run(talk())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=200) | st.text(max_size=80).map(str.encode) | st.just(b"[" * 30000) | st.just(b"9" * 9000), max_size=8))
def test_garbage_on_the_local_socket_is_refused_line_by_line(tmp_path: Path, lines: list[bytes]) -> None:
    async def talk() -> None:
        async with performing(tmp_path) as fake:
            replies = await says(fake.path, *(line + b"\n" for line in lines))
            said = [line for whole in lines for line in whole.split(b"\n") if line.strip()]
            assert [r["ok"] for r in replies] == [False] * len(said)
            assert fake.asked == []
            assert (await asks(fake.path, do="panic"))["ok"] is True

    run(talk())


def test_nothing_that_comes_in_is_executed_or_formatted(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    texts = [
        f"__import__('os').mkdir('{trap}')",
        f"$(touch {trap})",
        f"`touch {trap}`; touch {trap}",
        "{0.__class__}%s%n",
        "!!python/object:x",
    ]

    async def talk() -> None:
        async with performing(tmp_path, osc=LOOPBACK) as fake, phone(fake.ready["osc"]) as (heard, wire):
            for text in texts:
                for request in ({"do": "mark", "text": text}, {"do": "set", "name": "mode", "value": text}, {"do": text}):
                    await asks(fake.path, **request)
                wire.sendto(write_message("/improv/mode", text))
                assert OscMessage(await heard.heard.get()).address == "/improv/error"
            assert fake.asked == [{"do": "mark", "text": text} for text in texts]

    run(talk())
    assert not trap.exists()


def test_a_line_that_is_too_long_ends_the_connection_and_nothing_else(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path) as fake:
            assert await says(fake.path, b"x" * (local_socket.LINE + 1)) == [{"ok": False, "error": "a line of more than 65536 bytes"}]
            assert (await asks(fake.path, do="panic"))["ok"] is True

    run(talk())


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


async def knock(path: Path) -> None:
    """Come, say nothing, go."""
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except BlockingIOError:  # no room to wait in
        return
    writer.close()


def test_two_thousand_connections_leave_nothing_behind(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path) as fake:
            await asks(fake.path, do="status")
            before = descriptors()
            for _ in range(10):
                await asyncio.gather(*(knock(fake.path) for _ in range(200)))
            while (reply := await asks(fake.path, do="status")).get("busy"):
                pass
            assert reply["control"]["connections"] > 1000
            while descriptors() > before:  # the last ones are on their way out
                await asyncio.sleep(0)
            assert (await asks(fake.path, do="panic"))["ok"] is True

    run(talk())


def test_those_who_say_nothing_keep_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "RESTED", 1e9)

    async def talk() -> None:
        async with performing(tmp_path) as fake:
            idle = [await asyncio.open_unix_connection(str(fake.path)) for _ in range(local.MOST)]
            while (await asks(fake.path, do="panic")) != local.CROWDED:  # until all of them are inside
                pass
            monkeypatch.setattr(local, "RESTED", 0.0)
            assert (await asks(fake.path, do="panic"))["ok"] is True
            assert await idle[0][0].read() == b""  # the one that idled longest has gone
            for _, writer in idle:
                writer.close()

    run(talk())


def test_a_storm_on_one_setting_reaches_the_performance_thinned_and_ends_at_the_last_value(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, osc=LOOPBACK) as fake, phone(fake.ready["osc"]) as (_, wire):
            for lot in range(20):
                for i in range(100):
                    wire.sendto(write_message("/improv/set/loudness", (lot * 100 + i) % 64))
                while (await asks(fake.path, do="status"))["control"].get("osc_messages", 0) < 100 * (lot + 1):
                    pass  # so that no buffer of the system overflows
            wire.sendto(write_message("/improv/set/loudness", -64))
            while not fake.asked or fake.asked[-1]["value"] != -64:
                await asyncio.sleep(0)
            control = (await asks(fake.path, do="status"))["control"]
            assert control["replaced"] + control["requests"] == control["osc_messages"] == 2001
            assert len(fake.asked) == control["requests"] < 2001

    run(talk())


def test_osc_tells_one_address_how_surprising_each_note_is(tmp_path: Path) -> None:
    async def talk() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lights:
            lights.bind(("127.0.0.1", 0))
            lights.setblocking(False)
            target = f"127.0.0.1:{lights.getsockname()[1]}"
            async with performing(tmp_path, osc=LOOPBACK | {"surprise": target}) as fake:
                fake.tell({"surprise": [["left", False, 3.25, 64], ["right", True, 11.5, 60]]})
                loop = asyncio.get_running_loop()
                told = [OscMessage(await loop.sock_recv(lights, 512)) for _ in range(2)]
        assert [(m.address, m.params) for m in told] == [
            ("/improv/surprise/played", [3.25, 64, "left"]),
            ("/improv/surprise/heard", [11.5, 60, "right"]),
        ]

    run(talk())


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("127.0.0.1:7000", ("127.0.0.1", 7000)),
        ("localhost:7000", ("127.0.0.1", 7000)),
        ("[::1]:65535", ("::1", 65535)),
        ("127.0.0.1", None),
        ("lights:7000", None),
        ("127.0.0.1:0", None),
        ("127.0.0.1:70000", None),
        (":7000", None),
    ],
)
def test_a_target_is_an_address_and_a_port(text: str, target: tuple[str, int] | None) -> None:
    assert target_of(text) == target


def test_osc_steers_and_replies(tmp_path: Path) -> None:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        taken = {"taken": "C7b5 for C7#11 (no 5)"} if request["do"] == "keep" else {}  # what changes would be told
        return {"ok": request["do"] != "preset", "error": "no preset 'calm'"} | taken

    async def talk() -> None:
        async with performing(tmp_path, answer, osc=LOOPBACK) as fake, phone(fake.ready["osc"]) as (heard, wire):
            while not (await asks(fake.path, do="status"))["ok"]:
                pass
            replies = []
            for packet in (
                write_message("/improv/get/tempo"),
                write_message("/improv/right/get/mode"),
                write_message("/improv/preset", "calm"),
                write_message("/improv/keep", "here"),
                write_message("/improv/dance"),
            ):
                wire.sendto(packet)
                reply = OscMessage(await heard.heard.get())
                replies.append((reply.address, reply.params))
            assert replies == [
                ("/improv/is/tempo", [132.0]),
                ("/improv/right/is/mode", ["comp"]),
                ("/improv/error", ["no preset 'calm'"]),
                ("/improv/taken", ["C7b5 for C7#11 (no 5)"]),
                ("/improv/error", ["'/improv/dance': no such address"]),
            ]
            wire.sendto(write_message("/improv/left/set/low", 48.0))
            wire.sendto(write_message("/improv/panic", 0.0))
            wire.sendto(write_message("/improv/mark", "good bit"))
            while {"do": "mark", "text": "good bit"} not in fake.asked:
                await asyncio.sleep(0)
            assert fake.asked[2:] == [
                {"do": "set", "name": "low", "value": 48, "performer": "left"},
                {"do": "mark", "text": "good bit"},
            ]

    run(talk())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.binary(max_size=200) | st.binary(max_size=80).map(lambda b: BUNDLE + b) | st.binary(max_size=80).map(lambda b: b"/improv/" + b)
    )
)
def test_garbage_over_osc_is_counted_and_the_next_message_is_heard(tmp_path: Path, packets: list[bytes]) -> None:
    async def talk() -> None:
        async with performing(tmp_path, osc=LOOPBACK) as fake, phone(fake.ready["osc"]) as (_, wire):
            for packet in packets:
                wire.sendto(packet)
            wire.sendto(write_message("/improv/panic"))
            while {"do": "panic"} not in fake.asked:
                await asyncio.sleep(0)

    run(talk())


def test_without_the_secret_or_off_the_list_nothing_happens_and_nothing_is_said(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, osc=LOOPBACK | {"secret": "open sesame"}) as fake, phone(fake.ready["osc"]) as (heard, wire):
            for address, *arguments in (["/improv/mark", "1"], ["/improv/panic"], ["/improv/mark", "open sesam", "2"], ["/improv/nothing"]):
                wire.sendto(write_message(address, *arguments))
            wire.sendto(write_message("/improv/mark", "open sesame", "3"))
            while not fake.asked:
                await asyncio.sleep(0)
            assert (fake.asked, heard.heard.qsize()) == ([{"do": "mark", "text": "3"}], 0)
            assert (await asks(fake.path, do="status"))["control"]["refused"] == 4
        async with performing(tmp_path, osc=LOOPBACK | {"allow": ["192.0.2.0/24"]}) as fake, phone(fake.ready["osc"]) as (heard, wire):
            wire.sendto(write_message("/improv/panic"))
            while (await asks(fake.path, do="status"))["control"].get("refused") != 1:
                pass
            assert (fake.asked, heard.heard.qsize()) == ([], 0)

    run(talk())


def test_beyond_this_machine_a_secret_or_a_list_is_demanded(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, osc={"listen": "0.0.0.0", "port": 0}) as fake:
            assert "0.0.0.0 can be reached from other machines; give it a `secret`" in fake.said[0]["refused"]
        async with performing(tmp_path, osc={"listen": "::", "port": 0, "allow": ["half a network"]}) as fake:
            assert "allow: 'half a network'" in fake.said[0]["refused"]
        async with performing(tmp_path, osc={"listen": "0.0.0.0", "port": 0, "allow": ["127.0.0.0/8"]}) as fake:
            assert fake.ready["osc"] > 0

    run(talk())


def test_a_port_that_is_taken_is_told_and_the_rest_works(tmp_path: Path) -> None:
    async def talk() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            taken = other.getsockname()[1]
            async with performing(tmp_path, osc=LOOPBACK | {"port": taken}) as fake:
                assert fake.ready["osc"] is None
                assert f"osc can't listen on 127.0.0.1, port {taken}" in fake.said[0]["log"]
                assert (await asks(fake.path, do="panic"))["ok"] is True

    run(talk())


async def http(port: int, request: bytes) -> tuple[str, str]:
    """The first line and the body of what comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return head.partition("\r\n")[0], body


def test_whom_the_metrics_are_not_for_is_shown_out(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, metrics=LOOPBACK | {"allow": ["10.0.0.0/8"]}) as fake:
            try:
                line, _ = await http(fake.ready["metrics"], b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            except ConnectionResetError:
                line = ""
            assert line == ""

    asyncio.run(talk())


def test_prometheus_reads_the_metrics(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, metrics=LOOPBACK) as fake:
            while not (await asks(fake.path, do="status"))["ok"]:
                pass
            port = fake.ready["metrics"]
            line, page = await http(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert line == "HTTP/1.1 200 OK"
            found = {(s.name, tuple(s.labels.values())): s.value for f in text_string_to_metric_families(page) for s in f.samples}
            expected = {
                ("improv_up", ()): 1,
                ("improv_heard_total", ()): 40,
                ("improv_model_step_seconds", ()): 0.000117,
                ("improv_lateness_seconds_bucket", ("0.0005",)): 20,
                ("improv_lateness_seconds_bucket", ("0.001",)): 28,
                ("improv_lateness_seconds_bucket", ("+Inf",)): 30,
                ("improv_lateness_seconds_count", ()): 30,
                ("improv_lateness_seconds_sum", ()): 0.0215,
                ("improv_port_up", ("input", "keys")): 0,
                ("improv_port_up", ("output", "left")): 1,
                ("improv_performer_info", ("right", "comp", "pocket")): 1,
                ("improv_quoted_ratio", ("left",)): 0.27,
                ("improv_longest_quote_notes", ("left",)): 13,
                ("improv_surprise_bits", ("left",)): 4.25,
                ("improv_control_wishes_total", ()): 0,
            }
            assert {key: found[key] for key in expected} == expected
            for request, answer in (
                (b"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"),
                (b"POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"),
                (b"\x16\x03\x01 nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"),
                (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n", ""),
            ):
                assert (await http(port, request))[0] == answer

    run(talk())


def test_metrics_with_a_secret_are_a_bearer_s(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, metrics=LOOPBACK | {"secret": "open sesame"}) as fake:
            ask = b"GET /metrics HTTP/1.1\r\nAuthorization: Bearer %s\r\n\r\n"
            assert [(await http(fake.ready["metrics"], ask % word))[0] for word in (b"sesame", b"open sesame")] == [
                "HTTP/1.1 401 Unauthorized",
                "HTTP/1.1 200 OK",
            ]

    run(talk())


def test_a_stale_socket_is_replaced_a_live_one_and_a_file_are_not(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    live = local_socket.listen(path)
    with pytest.raises(local_socket.LiveSocketError, match="another improv daemon listens at"):
        local_socket.listen(path)
    live.close()
    assert not path.exists()
    path.write_text("mine")
    with pytest.raises(local_socket.LocalSocketError, match="there is something else than a socket"):
        asyncio.run(open_socket(path))
    assert path.read_text() == "mine"
    with pytest.raises(local_socket.LocalSocketError, match="too long for a socket"):
        local_socket.listen(tmp_path / ("x" * 110))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there are no modes of files")
def test_a_folder_that_all_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(local_socket.LocalSocketError, match="other users may write there"):
        local_socket.listen(folder / "control.sock")


def test_where_there_are_no_unix_sockets_a_token_opens_a_port_of_the_loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listen = local_socket.listen
    monkeypatch.setattr("improv.control.server.process.listen", lambda path: listen(path, unix=False))

    async def talk() -> None:
        async with performing(tmp_path) as fake:
            card = json.loads(fake.path.read_text())
            assert stat.S_IMODE(fake.path.stat().st_mode) == 0o600

            def ask() -> dict[str, Any]:
                with local_socket.connect(fake.path, 5) as sock:
                    return local_socket.converse(sock, {"do": "panic"})

            assert (await asyncio.to_thread(ask))["ok"] is True
            reader, writer = await asyncio.open_connection("127.0.0.1", card["port"])
            writer.write(b'{"do": "panic"}\n{"do": "panic"}\n')
            assert json.loads(await reader.read())["ok"] is False
            writer.close()
            assert fake.asked == [{"do": "panic"}]

    run(talk())


def test_half_a_request_keeps_nobody_out(tmp_path: Path) -> None:
    async def talk() -> None:
        async with performing(tmp_path, metrics=LOOPBACK) as fake:
            halves = []
            for _ in range(300):
                _, writer = await asyncio.open_connection("127.0.0.1", fake.ready["metrics"])
                writer.write(b"GET /metrics HTTP/1.1\r\n")
                halves.append(writer)
            line, page = await http(fake.ready["metrics"], b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert line == "HTTP/1.1 200 OK"
            assert "improv_up" in page
            for writer in halves:
                writer.transport.abort()

    asyncio.run(talk())
