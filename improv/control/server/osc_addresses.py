"""The OSC address space, from the rows of `commands`: what each address asks for, who may ask, and what is replied. Pure.

    /improv/set/<setting> VALUE      for all performers; /improv/<performer>/set/<setting> VALUE for one
    /improv/mode S  /improv/model S  also with a performer; a model by its name, never by a path
    /improv/keep S  /improv/recall S  a bookmark; also with a performer (/improv/back is the older name of recall)
    /improv/preset S                 also with a performer
    /improv/mark [S]
    /improv/panic  /improv/play  /improv/second   the last two also with a performer
    /improv/get/<what> [PORT]        replies /improv/is/<what> VALUE... to the sender, or to another of its ports
                                     what: a setting, or a word of the status; also with a performer

How surprising each note is goes to the address `surprise` of the configuration unasked, see `net.SurpriseSender`.

A first argument of 0 or false to panic and mark is a button let go, and ignored. Where there is a secret, it is the first argument,
or stands before the address: /SECRET/improv/panic. What is not understood is answered by /improv/error S, to senders who may ask.
Stop, reload, learn, save and capture can't be asked for over OSC: they are for the local socket.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Sequence

from improv.control.commands import CHANGES, FIGURE, MODEL, OSC, PERFORMER, PORT, SETTING, TEXT, VALUE, Field, Request, by_way, expanded
from improv.control.requests import RequestError, plain, shown
from improv.control.server.osc import Argument, Message
from improv.control.status import FIGURES, PerformerStatus, Status
from improv.core.settings import SETTINGS

WORDS = {word: row for row in by_way(OSC) for word in (row.name, *row.older)}  # the first word of an address, after a performer's name
IN_ADDRESS = (SETTING, FIGURE)  # kinds of fields that stand in the address, not in the argument

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(allow: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks as values. Raises RequestError."""
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in allow)
    except ValueError as e:
        raise RequestError(f"allow: {e}") from None


def allowed(sender: str, allow: Sequence[Network]) -> bool:
    """Whether a sender's address is on the list; an empty list lets all in."""
    try:
        address = ipaddress.ip_address(sender.split("%")[0])
    except ValueError:
        return not allow
    address = getattr(address, "ipv4_mapped", None) or address
    return not allow or any(address in network for network in allow)


def loopback(listen: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ipaddress.ip_address(listen).is_loopback
    except ValueError:
        return listen == "localhost"


def target_of(text: str) -> tuple[str, int] | None:
    """An address and a UDP port, as "127.0.0.1:7000" or "[::1]:7000" has them; None where a text has neither."""
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return (host, int(port)) if port.isascii() and port.isdigit() and 1 <= int(port) <= 65535 and len(port) < 6 else None


def opened(message: Message, secret: str | None) -> Message | None:
    """The message without its secret; None: it does not know it."""
    if secret is None:
        return message
    first = message.arguments[0] if message.arguments else None
    if isinstance(first, str) and hmac.compare_digest(first.encode(), secret.encode()):
        return Message(message.address, message.arguments[1:])
    before, slash, rest = message.address[1:].partition("/")
    if slash and hmac.compare_digest(before.encode(), secret.encode()):
        return Message("/" + rest, message.arguments)
    return None


def asked(message: Message, performers: Collection[str]) -> Request | None:
    """The request of a message, for `read_request`, or {"do": "get", "name", "performer", "port"}; None: a button let go.

    Raises RequestError.
    """
    words = message.address.split("/")[1:]
    if len(words) < 2 or words[0] != "improv":
        raise RequestError(f"{shown(message.address)}: addresses here begin with /improv/")
    words = words[1:]
    performer = words.pop(0) if words[0] not in WORDS and words[0] in performers else None
    row = WORDS.get(words[0]) if words else None
    inside = [f for f in row.fields if f.kind in IN_ADDRESS] if row else []
    if row is None or (performer and not row.field("performer")) or len(words) != 1 + len(inside):
        raise RequestError(f"{shown(message.address)}: no such address")
    if len(message.arguments) > 1:
        raise RequestError(f"{shown(message.address)}: one argument is expected, {len(message.arguments)} came")
    given = message.arguments[0] if message.arguments else None
    if not any(f.needed for f in row.fields) and isinstance(given, int | float) and not given:
        return None
    request: Request = {"do": row.name} | dict(zip((f.name for f in inside), words[1:], strict=True))
    argument = next((f for f in row.fields if f not in inside and f.kind != PERFORMER), None)
    if argument and (value := _value(row.name, argument, given)) is not None:
        request[argument.name] = value
    return expanded(request | ({"performer": performer} if performer else {}))


def _value(word: str, field: Field, given: Argument) -> Argument:
    """A field's value for an argument; None: it is left out. Raises RequestError."""
    if field.kind == VALUE and isinstance(given, float):
        return float(f"{given:.7g}")  # 0.9 travels as a float of 32 bits and would arrive as 0.8999999761581421
    if field.kind == PORT and given is not None and (isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= 65535):
        raise RequestError(f"{word}: {shown(given)} is no port")
    if field.kind in (TEXT, CHANGES) and not isinstance(given, str):
        return None
    if field.kind == MODEL and isinstance(given, str) and not plain(given):
        raise RequestError(f"model {shown(given)}: over OSC a model is chosen by its name, not by a path")
    return given


def told(query: Request, status: Status) -> Message:
    """The reply to a query, from the latest status. Raises RequestError."""
    name, performer = query["name"], query.get("performer")
    there = f"/improv/{performer}/is/{name}" if performer else f"/improv/is/{name}"
    if performer:
        return Message(there, (_argument(_of(status.performers.get(performer), name)),))
    if name == "performers":
        return Message(there, tuple(str(p) for p in status.performers)[:32])
    if name in FIGURES:
        return Message(there, (_argument(getattr(status, name)),))
    return Message(there, tuple(_argument(_of(p, name)) for p in list(status.performers.values())[:32]))  # one argument each


def _of(performer: PerformerStatus | None, name: str) -> object:
    """A setting or a word of a performer's status; None where there is no such performer. Raises RequestError."""
    if name in SETTINGS:
        return None if performer is None else performer.settings.get(name, SETTINGS[name].default)
    field = {"output": "port"}.get(name, name)
    if field not in PerformerStatus._fields:
        raise RequestError(f"get {shown(name)}: nothing of that name is known")
    return getattr(performer, field, None)


def _argument(found: object) -> Argument:
    return found if isinstance(found, int | float | bool | None) else str(found)[:256]
