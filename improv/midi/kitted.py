"""Ports behind which drum kits have their pieces on other keys than General MIDI: the music and its record stay General MIDI's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from improv.core.band.kit import Kit, KitError, kit_of
from improv.core.events import Event, NoteOff, NoteOn
from improv.outside import read_file

LARGEST = 2**16  # bytes of a map file


class Ports(Protocol):
    """See `perform.ends.Ends`."""

    @property
    def period(self) -> float | None: ...
    def start(self) -> None: ...
    def send(self, event: Event) -> None: ...
    def panic(self) -> None: ...
    def missing(self) -> str | None: ...
    def status(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


def read_kit(path: Path) -> Kit:
    """The kit of a map file. Raises KitError, OutsideError."""
    try:
        return kit_of(read_file(path, LARGEST).decode("utf-8-sig", errors="replace"))
    except KitError as e:
        raise KitError(f"{path}: {e}") from None


class KittedPorts:
    """ports: what sends. kits: by the number of the performer that plays on each."""

    def __init__(self, ports: Ports, kits: Mapping[int, Kit]):
        self._ports, self._kits = ports, kits

    @property
    def period(self) -> float | None:
        return self._ports.period

    def start(self) -> None:
        self._ports.start()

    def send(self, event: Event) -> None:
        if isinstance(event, NoteOn | NoteOff) and (kit := self._kits.get(event.part)) is not None:
            key = kit.key(event.pitch)
            if key is None:
                return
            event = replace(event, pitch=key)
        self._ports.send(event)

    def panic(self) -> None:
        self._ports.panic()

    def missing(self) -> str | None:
        return self._ports.missing()

    def status(self) -> dict[str, Any]:
        return self._ports.status()

    def close(self) -> None:
        self._ports.close()
