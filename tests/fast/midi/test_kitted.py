"""A drum kit with other keys, behind the ports."""

from __future__ import annotations

from pathlib import Path

import pytest

from improv.core.band.kit import KitError
from improv.core.events import Event, NoteOff, NoteOn
from improv.midi.kitted import KittedPorts, read_kit
from improv.perform.ends import NoEnds


class Sent(NoEnds):
    def __init__(self) -> None:
        self.events: list[Event] = []

    def send(self, event: Event) -> None:
        self.events.append(event)


def test_the_drummers_keys_are_mapped_and_nobody_elses(tmp_path: Path) -> None:
    (tmp_path / "kit.toml").write_text("ride = 59\nstick = false\n")
    sent = Sent()
    ports = KittedPorts(sent, {2: read_kit(tmp_path / "kit.toml")})
    for event in (
        NoteOn(0.0, 51, 90, 9, 2),
        NoteOff(0.1, 51, 9, 2),
        NoteOn(0.2, 37, 90, 9, 2),
        NoteOn(0.3, 51, 90, 0, 0),
        NoteOn(0.4, 36, 90, 9, 2),
    ):
        ports.send(event)
    assert sent.events == [NoteOn(0.0, 59, 90, 9, 2), NoteOff(0.1, 59, 9, 2), NoteOn(0.3, 51, 90, 0, 0), NoteOn(0.4, 36, 90, 9, 2)]


def test_a_bad_map_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "kit.toml").write_text("gong = 59")
    with pytest.raises(KitError, match=r"kit\.toml: 'gong' is no piece"):
        read_kit(tmp_path / "kit.toml")
