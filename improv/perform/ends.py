"""Where a performance's music goes out: ports, or nowhere."""

from __future__ import annotations

from typing import Any, Protocol

from improv.core.events import Event


class Ends(Protocol):
    """Opened by whoever gives them to a performance, and closed by him. `midi.fixed_ports` and `midi.patchbay` are such."""

    @property
    def period(self) -> float | None: ...  # seconds between two looks of the MIDI system at its ports, where it tells
    def start(self) -> None:
        """The performance begins: from now on they may look after themselves."""

    def send(self, event: Event) -> None: ...
    def panic(self) -> None:
        """Silence at once, on every output."""

    def missing(self) -> str | None:
        """What has gone that the performance can't be without, by name; it ends then. Is asked twice a second."""

    def status(self) -> dict[str, Any]:
        """`inputs` by name, `outputs` by the performer's number, and `reconnects`, as `Patchbay.status` has them."""

    def close(self) -> None: ...


class NoEnds:
    """No ports: what is played is for the observers alone."""

    period: float | None = None

    def start(self) -> None: ...
    def send(self, event: Event) -> None: ...
    def panic(self) -> None: ...
    def missing(self) -> str | None:
        return None

    def status(self) -> dict[str, Any]:
        return {"inputs": {}, "outputs": {}, "reconnects": 0}

    def close(self) -> None: ...
