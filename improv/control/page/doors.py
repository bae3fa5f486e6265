"""Who may come in to the page: by its address, by the Host that it asks for, by the Origin of its page, by its token. Pure.

A page of another site that makes this machine's browser ask (DNS rebinding) gives itself away by its Host, which is a name of its
own, or by its Origin. An address as Host is nobody's name, so it is let in.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from improv.control.requests import RequestError
from improv.control.server.osc_addresses import Network, allowed, networks

May = Literal["steer", "watch"]
SHORTEST = 16  # characters of a token


@dataclass(frozen=True, slots=True)
class Doors:
    """steer, watch: the tokens. allow: who may come at all; nothing: whoever can reach it. hosts: names that lead here."""

    steer: str
    watch: str
    allow: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    def let_in(self, address: str) -> bool:
        return allowed(address, self.allow)

    def knows(self, host: str | None) -> bool:
        """Whether a Host is this machine's: an address, localhost, or a name of the configuration."""
        name = _name(host)
        if name is None:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name == "localhost" or name in self.hosts
        return True

    def is_ours(self, origin: str | None, host: str | None) -> bool:
        """Whether an Origin is the page that this server serves, under the Host that is asked."""
        if not origin or not host:
            return False
        try:
            split = urlsplit(origin)
        except ValueError:
            return False
        return split.scheme in ("http", "https") and split.netloc.lower() == host.lower()

    def may(self, token: str) -> May | None:
        """What a token allows; None: nothing."""
        given = token.encode()
        if hmac.compare_digest(given, self.steer.encode()):
            return "steer"
        return "watch" if hmac.compare_digest(given, self.watch.encode()) else None


def read_doors(section: Mapping[str, Any]) -> Doors:
    """From the performance's introduction. Raises RequestError."""
    steer, watch = section.get("steer"), section.get("watch")
    if not isinstance(steer, str) or not isinstance(watch, str) or min(len(steer), len(watch)) < SHORTEST or steer == watch:
        raise RequestError(f"page: expected two tokens of {SHORTEST} characters or more, for steering and for watching")
    hosts: Sequence[str] = section.get("hosts") or ()
    allow = [str(a) for a in section.get("allow") or ()]
    return Doors(steer, watch, networks(allow), frozenset(str(h).lower() for h in hosts))


def _name(host: str | None) -> str | None:
    """The name or address in a Host, without its port."""
    if not host or len(host) > 256:
        return None
    try:
        return (urlsplit(f"//{host}").hostname or "").lower() or None
    except ValueError:
        return None
