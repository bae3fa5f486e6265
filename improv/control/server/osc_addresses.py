"""The OSC address space: what each address asks for, who may, and what is replied. Pure.

    /improv/set/<setting> VALUE      for all performers; /improv/<performer>/set/<setting> VALUE for one
    /improv/mode S  /improv/model S  likewise with a performer; a model by its name, never by a path
    /improv/keep S  /improv/back S   a bookmark of the state; likewise with a performer
    /improv/preset S
    /improv/mark [S]
    /improv/panic
    /improv/get/<what> [PORT]        replies /improv/is/<what> VALUE... to the sender, or to another of its ports
                                     what: a setting (also with a performer), or a word of the status

A first argument of 0 or false to panic and mark is a button let go, and ignored. Where there is a secret, it is the first argument,
or stands before the address: /SECRET/improv/panic. What was not understood replies /improv/error S to senders who may ask.
Stop, reload, learn, save and capture are not to be had over OSC: they are for the local socket.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Sequence

from improv.control.requests import Request, WishError, _shown, plain
from improv.control.server.osc import Argument, Message
from improv.control.status import FIGURES, PerformerStatus, Status
from improv.core.settings import SETTINGS

OWN = ("set", "get", "mode", "model", "keep", "back")  # with a performer's name too
VERBS = (*OWN, "preset", "mark", "panic")
BUTTONS = ("mark", "panic")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(allow: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks as values. Raises WishError."""
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in allow)
    except ValueError as e:
        raise WishError(f"allow: {e}") from None


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
    """The request of a message, for `read_wish`, or {"do": "get", "name", "performer", "port"}; None: a button let go.

    Raises WishError.
    """
    words = message.address.split("/")[1:]
    if len(words) < 2 or words[0] != "improv":
        raise WishError(f"{_shown(message.address)}: addresses here begin with /improv/")
    words = words[1:]
    performer = words.pop(0) if words[0] not in VERBS and words[0] in performers else None
    verb = words[0] if words else ""
    if verb not in (OWN if performer else VERBS) or len(words) != (2 if verb in ("set", "get") else 1):
        raise WishError(f"{_shown(message.address)}: no such address")
    given = message.arguments[0] if message.arguments else None
    if len(message.arguments) > 1:
        raise WishError(f"{_shown(message.address)}: one argument is expected, {len(message.arguments)} came")
    if verb in BUTTONS and isinstance(given, int | float) and not given:
        return None
    wish = _wish(verb, words, given)
    return wish | ({"performer": performer} if performer else {})


def _wish(verb: str, words: Sequence[str], given: Argument) -> Request:
    if verb == "set":
        # 0.9 travels as a float of 32 bits and would arrive as 0.8999999761581421
        return {"do": "set", "name": words[1], "value": float(f"{given:.7g}") if isinstance(given, float) else given}
    if verb == "get":
        if given is not None and (isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= 65535):
            raise WishError(f"get: {_shown(given)} is no port")
        return {"do": "get", "name": words[1]} | ({"port": given} if given is not None else {})
    if verb == "mode":
        return {"do": "set", "name": "mode", "value": given}
    if verb == "panic":
        return {"do": "panic"}
    if verb == "mark":
        return {"do": "mark"} | ({"text": given} if isinstance(given, str) else {})
    if verb == "model" and isinstance(given, str) and not plain(given):
        raise WishError(f"model {_shown(given)}: over OSC a model is chosen by its name, not by a path")
    return {"do": verb, "name": given}


def told(query: Request, status: Status) -> Message:
    """The reply to a query, from the latest status. Raises WishError."""
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
    """A setting or a word of a performer's status; None where there is no such performer. Raises WishError."""
    if name in SETTINGS:
        return None if performer is None else performer.settings.get(name, SETTINGS[name].default)
    field = {"output": "port"}.get(name, name)
    if field not in PerformerStatus._fields:
        raise WishError(f"get {_shown(name)}: nothing of that name is known")
    return getattr(performer, field, None)


def _argument(found: object) -> Argument:
    return found if isinstance(found, int | float | bool | None) else str(found)[:256]
