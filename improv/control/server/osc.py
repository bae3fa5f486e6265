"""Open Sound Control 1.0: packets to messages and back. Pure.

Written here because python-osc 1.10 can be stopped for good by one packet of 20 bytes (a bundle whose element has a negative
size is read for ever), and it nests bundles without a bound. The tests compare the two on all that python-osc writes.
Address patterns (`*`, `?`, `{}`) and time tags are not obeyed: a bundle is carried out at once.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from improv.core.errors import ImprovError

LARGEST = 8192  # bytes of a packet that is looked at
MOST = 64  # messages in a packet, arguments in a message
DEEPEST = 4  # bundles within bundles
BUNDLE = b"#bundle\0"
_SIZES = {"i": ">i", "f": ">f", "h": ">q", "d": ">d", "t": ">Q"}
_PLAIN = {"T": True, "F": False, "N": None, "I": True}  # I, an impulse, says: now

Argument = int | float | str | bytes | bool | None


class OscError(ImprovError):
    """A packet that is not OSC as it is understood here."""


class Message(NamedTuple):
    address: str
    arguments: tuple[Argument, ...] = ()


def read_packet(packet: bytes) -> list[Message]:
    """All messages of a packet, those of nested bundles in their order. Raises OscError."""
    if len(packet) > LARGEST:
        raise OscError(f"larger than {LARGEST} bytes")
    messages: list[Message] = []
    _unfold(packet, 0, messages)
    return messages


def _unfold(packet: bytes, depth: int, messages: list[Message]) -> None:
    if not packet.startswith(BUNDLE):
        if len(messages) >= MOST:
            raise OscError(f"more than {MOST} messages")
        messages.append(_message(packet))
        return
    if depth >= DEEPEST:
        raise OscError(f"bundles nest deeper than {DEEPEST}")
    at = len(BUNDLE) + 8
    if len(packet) < at:
        raise OscError("a bundle without its time")
    while at < len(packet):
        (size,) = _unpack(">i", packet, at)
        at += 4
        if size <= 0 or size % 4 or at + size > len(packet):
            raise OscError(f"a bundle's element has size {size}")
        _unfold(packet[at : at + size], depth + 1, messages)
        at += size


def _message(packet: bytes) -> Message:
    address, at = _text(packet, 0)
    if not address.startswith("/") or not address.isascii() or not address.isprintable():
        raise OscError("no address")
    if at >= len(packet):
        return Message(address)  # old senders leave the types out where there are no arguments
    types, at = _text(packet, at)
    if not types.startswith(",") or len(types) > MOST + 1:
        raise OscError("no types, or too many")
    arguments: list[Argument] = []
    for kind in types[1:]:
        if kind in _PLAIN:
            arguments.append(_PLAIN[kind])
        elif kind in _SIZES:
            arguments.append(_unpack(_SIZES[kind], packet, at)[0])
            at += struct.calcsize(_SIZES[kind])
        elif kind in "sS":
            text, at = _text(packet, at)
            arguments.append(text)
        elif kind == "b":
            (size,) = _unpack(">i", packet, at)
            if size < 0 or at + 4 + size > len(packet):
                raise OscError(f"a blob of size {size}")
            arguments.append(packet[at + 4 : at + 4 + size])
            at += 4 + (size + 3) // 4 * 4
        else:
            raise OscError(f"type {kind!a} is not known here")
    return Message(address, tuple(arguments))


def _unpack(form: str, packet: bytes, at: int) -> tuple[Any]:
    try:
        found: tuple[Any] = struct.unpack_from(form, packet, at)
    except struct.error:
        raise OscError("it ends too early") from None
    return found


def _text(packet: bytes, at: int) -> tuple[str, int]:
    """The text at a place, and where what follows begins: after its nulls, at a multiple of four."""
    end = packet.find(b"\0", at)
    if end < 0:
        raise OscError("a text without an end")
    try:
        return packet[at:end].decode("utf-8"), end + 4 - (end - at) % 4
    except UnicodeDecodeError:
        raise OscError("a text that is not UTF-8") from None


def write_message(address: str, *arguments: Argument) -> bytes:
    """One message: whole numbers as i (or d where they are too large), others as f, texts as s."""
    types, body = ",", b""
    for argument in arguments:
        if isinstance(argument, bool) or argument is None:
            types += {True: "T", False: "F", None: "N"}[argument]
        elif isinstance(argument, bytes):
            types += "b"
            body += struct.pack(">i", len(argument)) + argument + bytes(-len(argument) % 4)
        elif isinstance(argument, str):
            types += "s"
            body += _padded(argument)
        elif isinstance(argument, int) and -(2**31) <= argument < 2**31:
            types += "i"
            body += struct.pack(">i", argument)
        elif isinstance(argument, int) or abs(argument) > 3e38:
            types += "d"
            body += struct.pack(">d", argument)
        else:
            types += "f"
            body += struct.pack(">f", argument)
    return _padded(address) + _padded(types) + body


def _padded(text: str) -> bytes:
    blob = text.replace("\0", "").encode("utf-8", "replace")
    return blob + bytes(4 - len(blob) % 4)
