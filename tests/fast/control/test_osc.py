"""OSC packets and addresses, beside python-osc where it can be trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from improv.control.requests import RequestError
from improv.control.server.osc import BUNDLE, LARGEST, Message, OscError, read_packet, write_message
from improv.control.server.osc_addresses import allowed, asked, networks, opened, told
from improv.control.status import PerformerStatus, Status

PERFORMERS = ["left", "right"]
ADDRESSES = st.from_regex(r"/[a-z_/]{0,40}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40)
ARGUMENTS = st.lists(
    st.integers(-(2**31), 2**31 - 1)
    | st.floats(width=32, allow_nan=False)
    | TEXTS
    | st.binary(min_size=1, max_size=40)
    | st.booleans()
    | st.none(),
    max_size=8,
)


def built(address: str, arguments: list[object]) -> OscMessageBuilder:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument, "N" if argument is None else None)
    return builder


@given(ADDRESSES, ARGUMENTS)
def test_what_python_osc_writes_is_read_and_what_is_written_python_osc_reads(address: str, arguments: list[object]) -> None:
    assert read_packet(built(address, arguments).build().dgram) == [Message(address, tuple(arguments))]
    back = OscMessage(write_message(address, *arguments))
    assert (back.address, back.params) == (address, arguments)


@given(st.lists(st.tuples(ADDRESSES, ARGUMENTS), max_size=6), st.lists(st.tuples(ADDRESSES, ARGUMENTS), max_size=3))
def test_bundles_within_bundles_are_read_in_their_order(first: list, inner: list) -> None:
    outer, within = OscBundleBuilder(IMMEDIATELY), OscBundleBuilder(IMMEDIATELY)
    for address, arguments in inner:
        within.add_content(built(address, arguments).build())
    for address, arguments in first:
        outer.add_content(built(address, arguments).build())
    outer.add_content(within.build())
    assert read_packet(outer.build().dgram) == [Message(a, tuple(b)) for a, b in first + inner]


def element(size: int, body: bytes = b"") -> bytes:
    return size.to_bytes(4, "big", signed=True) + body


PANIC = write_message("/improv/panic")


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        (b"", "no end|without an end"),
        (b"/improv/panic", "a text without an end"),
        (b"improv\0\0", "no address"),
        (b"/\xff\xff\0", "not UTF-8"),
        (b"/a\0\0i\0\0\0", "no types"),
        (b"/a\0\0,i\0\0\0\0", "it ends too early"),
        (b"/a\0\0,b\0\0" + element(-4), "a blob of size -4"),
        (b"/a\0\0,b\0\0" + element(2**31 - 1), "a blob of size"),
        (b"/a\0\0,x\0\0", "type 'x' is not known here"),
        (b"/a\0\0," + b"T" * 70 + b"\0", "no types, or too many"),
        (BUNDLE, "a bundle without its time"),
        (BUNDLE + bytes(8) + element(-4), "size -4"),  # which python-osc 1.10 reads for ever
        (BUNDLE + bytes(8) + element(0) * 9, "size 0"),
        (BUNDLE + bytes(8) + element(64, PANIC), "size 64"),
        (BUNDLE + bytes(8) + element(len(PANIC), PANIC) * 65, "more than 64 messages"),
        (bytes(LARGEST + 4), "larger than"),
    ],
)
def test_bad_packets_are_refused(packet: bytes, text: str) -> None:
    with pytest.raises(OscError, match=text):
        read_packet(packet)


def test_bundles_nest_to_a_bound() -> None:
    packet = PANIC
    for _ in range(4):
        packet = BUNDLE + bytes(8) + element(len(packet), packet)
    assert read_packet(packet) == [Message("/improv/panic")]
    with pytest.raises(OscError, match="deeper than 4"):
        read_packet(BUNDLE + bytes(8) + element(len(packet), packet))


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda b: BUNDLE + b) | st.binary(max_size=100).map(lambda b: b"/a\0\0," + b))
def test_garbage_is_read_or_refused(packet: bytes) -> None:
    try:
        read_packet(packet)
    except OscError:
        return


@given(ARGUMENTS, st.data())
def test_half_a_message_is_refused_or_shorter(arguments: list[object], data: st.DataObject) -> None:
    packet = write_message("/improv/mark", *arguments)
    half = packet[: data.draw(st.integers(0, len(packet) - 1))]
    try:
        found = read_packet(half)
    except OscError:
        return
    assert found in ([Message("/improv/mark")], [Message("/improv/mark", tuple(arguments))])


@pytest.mark.parametrize(
    ("address", "arguments", "request_"),
    [
        ("/improv/set/temperature", (0.8999999761581421,), {"do": "set", "name": "temperature", "value": 0.9}),
        ("/improv/left/set/low", (48,), {"do": "set", "name": "low", "value": 48, "performer": "left"}),
        ("/improv/mode", ("comp",), {"do": "set", "name": "mode", "value": "comp"}),
        ("/improv/right/mode", ("duet",), {"do": "set", "name": "mode", "value": "duet", "performer": "right"}),
        ("/improv/model", ("pocket",), {"do": "model", "name": "pocket"}),
        ("/improv/preset", ("calm",), {"do": "preset", "name": "calm"}),
        ("/improv/left/keep", ("first chorus",), {"do": "keep", "name": "first chorus", "performer": "left"}),
        ("/improv/recall", ("first chorus",), {"do": "recall", "name": "first chorus"}),
        ("/improv/back", ("first chorus",), {"do": "recall", "name": "first chorus"}),
        ("/improv/right/preset", ("calm",), {"do": "preset", "name": "calm", "performer": "right"}),
        ("/improv/mark", (), {"do": "mark"}),
        ("/improv/mark", ("good bit",), {"do": "mark", "text": "good bit"}),
        ("/improv/panic", (), {"do": "panic"}),
        ("/improv/panic", (1.0,), {"do": "panic"}),
        ("/improv/panic", (0.0,), None),
        ("/improv/mark", (False,), None),
        ("/improv/get/tempo", (), {"do": "get", "name": "tempo"}),
        ("/improv/left/get/mode", (9001,), {"do": "get", "name": "mode", "port": 9001, "performer": "left"}),
    ],
)
def test_addresses(address: str, arguments: tuple, request_: dict | None) -> None:
    assert asked(Message(address, arguments), PERFORMERS) == request_


@pytest.mark.parametrize(
    "message",
    [
        Message("/"),
        Message("/improv"),
        Message("/improv/"),
        Message("/other/panic"),
        Message("/improv/stop"),
        Message("/improv/capture"),
        Message("/improv/reload"),
        Message("/improv/left"),
        Message("/improv/left/panic"),
        Message("/improv/drums/set/low", (40,)),
        Message("/improv/set", (40,)),
        Message("/improv/set/low/now", (40,)),
        Message("/improv/set/low", (40, 50)),
        Message("/improv/model", ("/srv/models/strange",)),
        Message("/improv/get/tempo", (0,)),
        Message("/improv/*/panic"),
    ],
)
def test_unknown_addresses_are_refused(message: Message) -> None:
    with pytest.raises(RequestError):
        asked(message, PERFORMERS)


def test_queries_are_answered_from_the_status() -> None:
    left, right = (
        PerformerStatus("trade", "jazz", 1.1, "FLUID", surprise_bits=3.5),
        PerformerStatus("comp", settings={"mode": "comp", "density": 0.5}),
    )
    status = Status(tempo=132.0, running=True, performers={"left": left, "right": right})
    assert told({"name": "tempo"}, status) == Message("/improv/is/tempo", (132.0,))
    assert told({"name": "running"}, status) == Message("/improv/is/running", (True,))
    assert told({"name": "performers"}, status) == Message("/improv/is/performers", ("left", "right"))
    assert told({"name": "temperature"}, status) == Message("/improv/is/temperature", (1.1, 1.1))
    assert told({"name": "density"}, status) == Message("/improv/is/density", (0.0, 0.5))
    assert told({"name": "surprise_bits"}, status) == Message("/improv/is/surprise_bits", (3.5, None))
    for name in ("port", "output"):
        assert told({"name": name, "performer": "left"}, status) == Message(f"/improv/left/is/{name}", ("FLUID",))
    assert told({"name": "mode", "performer": "right"}, status) == Message("/improv/right/is/mode", ("comp",))
    assert told({"name": "bar"}, Status()) == Message("/improv/is/bar", (None,))
    with pytest.raises(RequestError, match="nothing of that name"):
        told({"name": "secret"}, status)


def test_a_secret_is_the_first_argument_or_stands_before_the_address() -> None:
    panic = Message("/improv/panic")
    assert opened(panic, None) == panic
    assert opened(Message("/improv/panic", ("open sesame",)), "open sesame") == panic
    assert opened(Message("/sesame42/improv/set/low", (40,)), "sesame42") == Message("/improv/set/low", (40,))
    for closed in (panic, Message("/improv/panic", ("sesame",)), Message("/sesame4/improv/panic"), Message("/sesame42")):
        assert opened(closed, "sesame42") is None


@pytest.mark.parametrize(
    ("sender", "allow", "may"),
    [
        ("10.0.0.5", [], True),
        ("192.168.1.7", ["192.168.1.0/24"], True),
        ("::ffff:192.168.1.7", ["192.168.1.0/24"], True),
        ("192.168.2.7", ["192.168.1.0/24", "10.0.0.1"], False),
        ("10.0.0.1", ["192.168.1.0/24", "10.0.0.1"], True),
        ("fe80::1%eth0", ["fe80::/10"], True),
        ("nonsense", ["10.0.0.1"], False),
    ],
)
def test_the_list_of_who_may_send(sender: str, allow: list[str], may: bool) -> None:
    assert allowed(sender, networks(allow)) is may
