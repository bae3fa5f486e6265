"""The tables of improv.toml that say how a daemon is controlled from outside: see `tree`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1, max_length=256)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Token = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16,128}$")]


class OscConfig(Struct, frozen=True):
    """OSC over UDP. Beyond this machine (listen = "0.0.0.0") only with a secret or a list of who may send."""

    listen: Annotated[Text, Meta(description="the address that it listens on; 127.0.0.1: this machine alone")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="UDP port")] = 9000
    secret: Annotated[
        Annotated[str, Meta(min_length=8, max_length=128)] | None,
        Meta(
            description="a word that each message must begin with; it is sent as it is, so anybody on the way can read it",
            examples=["change-me"],
        ),
    ] = None
    allow: Annotated[
        tuple[Text, ...],
        Meta(description="addresses and networks that may send; without any, whoever knows the secret", examples=[["192.168.1.0/24"]]),
    ] = ()
    surprise: Annotated[
        Text | None,
        Meta(
            description="address and UDP port of a program that is told how surprising each note is, as it sounds: lights, a filter. "
            "Without it, nobody is told",
            examples=["127.0.0.1:7000"],
        ),
    ] = None

    def __repr__(self) -> str:
        """Without the secret, so that no log has it."""
        return f"OscConfig({self.listen}, {self.port}, {'a secret' if self.secret else 'no secret'}, {self.allow})"


class MetricsConfig(Struct, frozen=True):
    """Figures for Prometheus, over HTTP at /metrics. They can be read there, not changed."""

    listen: Annotated[Text, Meta(description="the address that it listens on; 127.0.0.1: this machine alone")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="TCP port")] = 9464
    allow: Annotated[
        tuple[Text, ...],
        Meta(description="addresses and networks that may read; without any, whoever can reach the port", examples=[["192.168.1.0/24"]]),
    ] = ()


class PanelConfig(Struct, frozen=True):
    """The page in a browser, which shows and steers, and can be played. `improv ctl page` tells its links, which hold its tokens.

    Beyond this machine (listen = "0.0.0.0") it is not encrypted: whoever reads the network can steer. See docs/security.md."""

    listen: Annotated[Text, Meta(description="the address that it listens on; 127.0.0.1: this machine alone")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="TCP port")] = 8420
    allow: Annotated[
        tuple[Text, ...],
        Meta(description="addresses and networks that may open it; without any, whoever has a link", examples=[["192.168.1.0/24"]]),
    ] = ()
    hosts: Annotated[
        tuple[Text, ...],
        Meta(description="names under which browsers reach it, beside localhost and addresses", examples=[["stage.local"]]),
    ] = ()
    token: Annotated[
        Token | None,
        Meta(
            description="what the link to steer ends with; without it, one is made up and kept beside the sessions",
            examples=["choose-a-word-of-your-own"],
        ),
    ] = None
    watch_token: Annotated[
        Token | None,
        Meta(description="what the link that only watches ends with, for an audience; likewise", examples=["and-another-one-to-watch"]),
    ] = None

    def __repr__(self) -> str:
        """Without the tokens, so that no log has them."""
        return f"PanelConfig({self.listen}, {self.port}, {self.allow}, {self.hosts})"


class ControlConfig(Struct, frozen=True):
    """How it is controlled from outside. `improv ctl` works without any of this."""

    socket: Annotated[
        Path | None,
        Meta(description="path of the local socket that `improv ctl` uses; without it, at its usual place", examples=["control.sock"]),
    ] = None
    osc: OscConfig | None = None
    metrics: MetricsConfig | None = None
    panel: PanelConfig | None = None
