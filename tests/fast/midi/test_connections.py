"""Ports that come and go on a system without JACK: each return gets a port object of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from improv.core.events import Event, NoteOff, NoteOn
from improv.midi.binding import rtmidi
from improv.midi.connections import InputConnection, OutputConnection
from improv.midi.patchbay import Input, Output, Patchbay


class Alsa:
    """ALSA as RtMidi shows it: a port object that was closed and is opened again reaches nothing. there: the ports of others."""

    def __init__(self) -> None:
        self.there: list[str] = []
        self.objects: list[PortObject] = []

    def kind(self) -> Callable[..., PortObject]:
        def made(api: int, name: str, **options: int) -> PortObject:
            self.objects.append(PortObject(self))
            return self.objects[-1]

        return made

    def play(self, *message: int) -> None:
        """The keyboard plays: whoever is connected hears it."""
        for each in self.objects:
            if each.opened and each.called:
                each.called((list(message), 0.0), None)

    def sent(self) -> list[list[int]]:
        return [message for each in self.objects for message in each.sent]


class PortObject:
    def __init__(self, system: Alsa):
        self._system, self._used = system, False
        self.opened, self.sent, self.called = False, list[list[int]](), None

    def get_current_api(self) -> int:
        return int(rtmidi.API_LINUX_ALSA)

    def get_ports(self) -> list[str]:
        return list(self._system.there)

    def get_port_count(self) -> int:
        return len(self._system.there)

    def ignore_types(self, **kinds: bool) -> None: ...

    def set_callback(self, called: Any) -> None:
        self.called = called

    def cancel_callback(self) -> None:
        self.called = None

    def open_port(self, number: int, name: str) -> None:
        assert 0 <= number < len(self._system.there)
        self.opened, self._used = not self._used, True

    def close_port(self) -> None:
        self.opened = False

    def delete(self) -> None: ...

    def send_message(self, message: list[int]) -> None:
        if self.opened:
            self.sent.append(message)


@pytest.fixture
def alsa(monkeypatch: pytest.MonkeyPatch) -> Alsa:
    system = Alsa()
    for connection in (InputConnection, OutputConnection):
        monkeypatch.setattr(connection, "kind", staticmethod(system.kind()))
    return system


def test_a_keyboard_that_comes_back_with_another_number_is_heard_and_played_to_and_nothing_hangs(alsa: Alsa) -> None:
    heard: list[Event] = []
    said: list[str] = []
    clock = iter(i / 2 for i in range(100))
    bay = Patchbay(
        rtmidi.API_LINUX_ALSA,
        lambda: next(clock),
        heard.append,
        [Input(0, "keys", "Keystation")],
        [Output(0, "Keystation")],
        say=said.append,
    )
    for number in (24, 28, 20):
        alsa.there = [f"Midi Through {i}:0" for i in range(number // 4)] + [f"Keystation 61:Keystation 61 MIDI 1 {number}:0"]
        bay.look()
        bay.send(NoteOn(0.0, 60 + number, 80))
        alsa.play(0x90, 40 + number, 80)
        alsa.there.pop()
        bay.look()
        bay.look()
    alsa.there = ["Keystation 61:Keystation 61 MIDI 1 16:0"]
    bay.look()
    strikes = [(type(e), e.pitch) for e in heard if isinstance(e, NoteOn | NoteOff)]
    assert strikes == [(kind, 40 + number) for number in (24, 28, 20) for kind in (NoteOn, NoteOff)]  # a lost key is let go
    for number in (24, 28, 20):
        assert alsa.sent().count([0x90, 60 + number, 80]) == 1
        assert [0x80, 60 + number, 0] in alsa.sent()  # at the return
    name = "Keystation 61:Keystation 61 MIDI 1"
    assert said[:4] == [f"{side} {name} {text}" for text in ("24:0 is gone; waiting for it",) for side in ("input", "output")] + [
        f"input {name} 28:0 is back",
        f"output {name} 28:0 is back; 1 notes closed there",
    ]
    assert bay.reconnects == 6
    bay.close()
    assert not any(each.opened for each in alsa.objects)
